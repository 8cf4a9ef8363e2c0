# SPDX-License-Identifier: MIT OR Apache-2.0
# The five ways a source is compiled: kernel, user, guest, test (host, sanitised) and tool (host).
# CPU flags come from arch/$(ARCH)/arch.mk. A change of any flag rebuilds what it concerns.

-include arch/$(ARCH)/arch.mk
arch_found := $(wildcard arch/$(ARCH)/arch.mk)

HOST_CC := clang
LD      := ld.lld
NM      := llvm-nm
OBJCOPY := llvm-objcopy

# STYLE rule 2.
warnings := -Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
    -Wold-style-definition -Wundef -Wvla -Wimplicit-fallthrough -Wpointer-arith -Wwrite-strings \
    -Wcast-qual -Wdouble-promotion -Wformat=2
# static_assert is a word of the language here, as in C23: no header is needed for it.
common := -std=gnu17 -Dstatic_assert=_Static_assert $(warnings) -fno-common -fno-strict-aliasing -fno-delete-null-pointer-checks \
    -ffile-prefix-map=$(CURDIR)=.
bare   := -ffreestanding -O2 -g -fstack-protector-strong -fvisibility=hidden

# No header of the build machine: only the compiler's own, and tools/make/freestanding.
ifeq ($(compiler),gcc)
bare_headers := -nostdinc -isystem $(shell $(CC) -print-file-name=include)
else
bare_headers := -nostdlibinc
endif
bare_headers += -I tools/make/freestanding

flavours := kernel user guest test tool

flags.kernel := $(common) $(bare) $(bare_headers) -fpie -Wframe-larger-than=1024 -DTES_KERNEL=1 \
    $(arch_cflags_$(compiler)) $(arch_kernel_cflags)
flags.user   := $(common) $(bare) $(bare_headers) -fpie -ffunction-sections -fdata-sections \
    $(arch_cflags_$(compiler)) $(arch_user_cflags)
flags.guest  := $(common) $(bare_headers) -ffreestanding -O2 -g -fno-pic -fno-stack-protector \
    $(arch_cflags_$(compiler)) $(arch_guest_cflags)
flags.test   := $(common) -O1 -g -fno-omit-frame-pointer -DTES_HOST_TEST=1 \
    -fsanitize=address,undefined -fno-sanitize-recover=all
flags.tool   := $(common) -O2 -g

cc.kernel := $(CC)
cc.user   := $(CC)
cc.guest  := $(CC)
cc.test   := $(HOST_CC)
cc.tool   := $(HOST_CC)

dir.kernel := $(OUT)/kernel
dir.user   := $(OUT)/user
dir.guest  := $(OUT)/guest
dir.test   := $(HOST)/test
dir.tool   := $(HOST)/tool

# Which arch/<A> the contract `arch` takes its implementation headers from (include/ and kernel/include/).
archdir.kernel := arch/$(ARCH)
archdir.user   := arch/$(ARCH)
archdir.guest  := arch/$(ARCH)
archdir.test   := arch/host
archdir.tool   := arch/host

# flags.stamp of a flavour changes its time only when the command line changes.
define stamp_rule
$(dir.$(1))/flags.stamp: FORCE
	@mkdir -p $$(@D); echo '$(cc.$(1)) $(flags.$(1))' | cmp -s - $$@ || \
	    echo '$(cc.$(1)) $(flags.$(1))' > $$@
endef
.PHONY: FORCE
$(foreach f,$(flavours),$(eval $(call stamp_rule,$(f))))
