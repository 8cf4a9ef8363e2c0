# SPDX-License-Identifier: MIT OR Apache-2.0
# CPU flags for x86_64. Read by tools/make/flavours.mk; general flags and warnings stand there.

arch_cflags_clang := --target=x86_64-unknown-none-elf
arch_cflags_gcc   := -fno-stack-clash-protection -fno-asynchronous-unwind-tables

# User code keeps to general registers unless its module says `fpu := yes`.
arch_general_regs := -mgeneral-regs-only

# The stack protector's canary stands in the per-core block that GS points to, at offset 40. clang 14 takes it from
# there for this target only.
arch_kernel_cflags := $(if $(filter clang,$(compiler)),--target=x86_64-unknown-linux-gnu -fdirect-access-external-data) -mno-red-zone $(arch_general_regs) -fcf-protection=branch \
    -mstack-protector-guard=tls -mstack-protector-guard-reg=gs -mstack-protector-guard-offset=40 \
    -I$(OUT)/kernel/gen

# User code finds its canary in the variable __stack_chk_guard, which lib/tes fills at start.
arch_user_cflags  := -fcf-protection=branch -mstack-protector-guard=global
arch_guest_cflags := -mno-red-zone

arch_kernel_ldflags := -m elf_x86_64 -pie --no-dynamic-linker -z max-page-size=4096 -z noexecstack \
    --build-id=none
arch_user_ldflags   := -m elf_x86_64 -pie --no-dynamic-linker -z max-page-size=4096 -z noexecstack \
    --build-id=none --gc-sections
arch_guest_ldflags  := -m elf_x86_64 -z max-page-size=4096 -z noexecstack --build-id=none

# Offsets of C structures for assembly: comments "#OFFSET name value" of offsets.c's compiled text.
arch_offsets := $(OUT)/kernel/gen/asm_offsets.h
$(arch_offsets): arch/$(ARCH)/kernel/offsets.c $(OUT)/kernel/flags.stamp | $(GEN)/abi/.stamp
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(call cflags_of,arch/$(ARCH)/kernel,kernel) -MMD -MP -MT $@ -MF $(@:.h=.d) -S $< -o $(@:.h=.s)
	$(Q)sed -n 's/^.*#OFFSET \([A-Z0-9_]*\) [$$]\{0,1\}\(-\{0,1\}[0-9]*\).*$$/#define \1 \2/p' $(@:.h=.s) > $@
-include $(arch_offsets:.h=.d)
$(patsubst %,$(OUT)/kernel/obj/arch/$(ARCH)/%.S.o,kernel/entry kernel/guest_entry kernel/trap kernel/trampoline boot/start): $(arch_offsets)
