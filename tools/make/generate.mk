# SPDX-License-Identifier: MIT OR Apache-2.0
# Modules with a generator of their own: `generator := SCRIPT INPUT...` runs SCRIPT with its inputs and a folder,
# whose files end up in $(GEN)/MODULE. Relies on abi.mk for the kernel's tables.

generators := $(foreach m,$(MODULES),$(if $(M.$(m).generator),$(m)))
gen_stamps := $(abi_stamp) $(generators:%=$(GEN)/%/.stamp)

gen: $(generators:%=$(GEN)/%/.stamp)

# $(1): module, $(2): its script and inputs, as paths
define generator_rule
$(GEN)/$(1)/.stamp: $(2) $(1)/module.mk tools/make/sync.py
	$$(call say,GEN,$(1))
	$(Q)rm -rf '$(GEN)/$(1).new' && mkdir -p '$(GEN)/$(1).new' '$(GEN)/$(1)'
	$(Q)PYTHONDONTWRITEBYTECODE=1 $(PYTHON) $(2) '$(GEN)/$(1).new'
	$(Q)$(PYTHON) tools/make/sync.py '$(GEN)/$(1).new' '$(GEN)/$(1)'
	$(Q)rm -rf '$(GEN)/$(1).new'; touch $$@
$(GEN)/$(1)/%.h: $(GEN)/$(1)/.stamp ;
endef
$(foreach m,$(generators),$(eval $(call generator_rule,$(m),$(addprefix $(m)/,$(M.$(m).generator)))))

generated_sources := $(sort $(foreach m,$(MODULES),$(M.$(m).generated:%=$(GEN)/%)))
ifneq ($(generated_sources),)
$(generated_sources): $(gen_stamps) ;
endif
