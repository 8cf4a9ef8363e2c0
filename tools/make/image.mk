# SPDX-License-Identifier: MIT OR Apache-2.0
# Boot images: $(OUT)/NAME.img from system/NAME.sys with every component built, by tools/image/image.py.
# Debian's busybox is fetched only for a composition that names it.

image_tool   := tools/image/image.py
compositions := $(patsubst system/%.sys,%,$(wildcard system/*.sys))
busybox      := $(BUILD)/third_party/busybox/busybox
busybox_users := $(if $(compositions),$(shell grep -lw busybox $(compositions:%=system/%.sys)))

ifeq ($(compositions),)
images:
	@echo 'images: there is no system/*.sys yet' >&2; false
else
images: $(compositions:%=$(OUT)/%.img)
endif

$(image_tool):
	@echo 'images: $@ does not exist yet' >&2; false

# A composition needs init and the programs that its text names; if it includes another file, all of them.
words_of    = $(shell tr -cs 'A-Za-z0-9_.-' '\n' < system/$(1).sys | sort -u)
programs_in = $(if $(filter include,$(1)),$(COMPONENTS) $(GUESTS),$(foreach p,$(COMPONENTS) $(GUESTS),\
    $(if $(filter $(notdir $(p)) $(basename $(notdir $(p))),$(1)),$(p))))
$(foreach c,$(compositions),$(eval $(OUT)/$(c).img: $(call programs_in,$(call words_of,$(c)) init)))

$(OUT)/%.img: system/%.sys $(image_tool) $(wildcard tools/image/*.py)
	$(call say,IMAGE,$@)
	$(Q)mkdir -p $(@D) $(OUT)/components
	$(Q)$(PYTHON) $(image_tool) --arch $(ARCH) --composition $< --components $(OUT)/components --out $@

$(patsubst system/%.sys,$(OUT)/%.img,$(busybox_users)): $(OUT)/components/busybox

$(OUT)/components/busybox: $(busybox)
	$(Q)mkdir -p $(@D) && cp $< $@

$(busybox): third_party/busybox/source.txt third_party/busybox/fetch.py
	$(call say,FETCH,busybox-static (Debian package))
	$(Q)$(PYTHON) third_party/busybox/fetch.py --out $@
