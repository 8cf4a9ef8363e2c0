# SPDX-License-Identifier: MIT OR Apache-2.0
# From modules to objects and programs. A module gets rules for each flavour it is used in.

# --- What a module may include ---
# The kernel and its tests get the calls as the kernel sees them, all others as programs do.
gen_of.kernel = $(GEN)/abi/kernel
gen_of.other  = $(GEN)/abi/user
is_kernel   = $(filter kernel,$(foreach m,$(1) $(M.$(1).uses),$(M.$(m).kind)))
gen_include = -I$(GEN)/abi/include -I$(if $(call is_kernel,$(1)),$(gen_of.kernel),$(gen_of.other))
arch_include = $(addprefix -I,$(wildcard $(archdir.$(1))/include $(archdir.$(1))/kernel/include))
include_of_dep = $(if $(wildcard $(1)/include),-I$(1)/include) $(if $(M.$(1).generator),-I$(GEN)/$(1)) \
    $(if $(filter arch,$(1)),$(call arch_include,$(2)))
# $(1): module, $(2): flavour
includes_of = -iquote $(1) $(if $(wildcard $(1)/include),-I$(1)/include) $(if $(M.$(1).generator),-I$(GEN)/$(1)) \
    $(if $(filter arch,$(1)),$(call arch_include,$(2))) \
    $(if $(filter abi,$(1) $(M.$(1).sees)),$(call gen_include,$(1))) \
    $(foreach d,$(M.$(1).sees),$(call include_of_dep,$(d),$(2)))

general_regs = $(if $(filter user,$(2)),$(if $(filter yes,$(M.$(1).fpu)),,$(arch_general_regs)))
cflags_of = $(strip $(flags.$(2)) $(call general_regs,$(1),$(2)) $(call includes_of,$(1),$(2)) $(M.$(1).cflags))

# --- Objects ---
sources_in = $(if $(filter test tool,$(2)),$(if $(filter $(1),$(PROGRAMS_HOST)),$(M.$(1).sources),\
    $(filter-out $(M.$(1).target_only),$(M.$(1).sources))),$(M.$(1).sources))
objects_of = $(foreach s,$(call sources_in,$(1),$(2)),$(dir.$(2))/obj/$(1)/$(s).o) \
    $(foreach s,$(M.$(1).generated),$(dir.$(2))/obj/$(1)/gen/$(s).o)
PROGRAMS_HOST := $(MODULES.hosttest) $(MODULES.tool)

missing_arch = $(if $(filter kernel user guest,$(1)),$(if $(arch_found),,arch/$(ARCH)/arch.mk does not exist;))

define compile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(OBJ_CC) $(OBJ_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@
endef

# $(1): module, $(2): flavour
define module_rules
O.$(1).$(2) := $(call objects_of,$(1),$(2))
OBJECTS.$(2) += $$(O.$(1).$(2))
$$(O.$(1).$(2)): private OBJ_CC := $(cc.$(2))
$$(O.$(1).$(2)): private OBJ_CFLAGS := $(call cflags_of,$(1),$(2))
$(if $(M.$(1).error)$(call missing_arch,$(2)),
$$(O.$(1).$(2)): FORCE
	@echo '$(1)/module.mk: $(subst ',,$(M.$(1).error) $(call missing_arch,$(2)))' >&2; false
,
$(dir.$(2))/obj/$(1)/%.o: $(1)/% $(1)/module.mk $(dir.$(2))/flags.stamp | $(gen_stamps)
	$$(compile)
$(dir.$(2))/obj/$(1)/gen/%.o: $(GEN)/% $(1)/module.mk $(dir.$(2))/flags.stamp | $(gen_stamps)
	$$(compile)
)
$(foreach s,$(M.$(1).missing),$(call missing_rule,$(1),$(2),$(s)))
$(1): $$(O.$(1).$(2))
.PHONY: $(1)
endef

define missing_rule
$(dir.$(2))/obj/$(1)/$(3).o: $(1)/$(3)
$(1)/$(3):
	@echo '$(1)/module.mk: source $(3) does not exist' >&2; false

endef

rules_for = $(foreach m,$(1),$(if $(R.$(m).$(2)),,$(eval R.$(m).$(2) := 1)$(eval $(call module_rules,$(m),$(2)))))

# --- kernel.elf ---
kernel_modules := $(filter-out arch/host/%,$(MODULES.kernel))
kernel_modules := $(filter-out arch/host,$(kernel_modules))
kernel_modules += $(call libraries_of,$(kernel_modules))
kernel_script  := arch/$(ARCH)/kernel/kernel.ld
$(call rules_for,$(kernel_modules),kernel)

kernel: $(OUT)/kernel.elf

ifeq ($(strip $(kernel_modules)),)
$(OUT)/kernel.elf:
	@echo 'kernel.elf: no module of kind kernel exists yet' >&2; false
else
$(kernel_script):
	@echo 'kernel.elf: $@ does not exist yet' >&2; false

$(OUT)/kernel.elf: $(foreach m,$(kernel_modules),$(O.$(m).kernel)) $(kernel_script) $(OUT)/kernel/flags.stamp \
    tools/ksyms/ksyms.py
	$(call say,LD,$@)
	$(Q)$(PYTHON) tools/ksyms/ksyms.py --cc '$(CC) $(arch_cflags_$(compiler))' --nm $(NM) --out $@ -- \
	    $(LD) $(arch_kernel_ldflags) -T $(kernel_script) -Map=$(OUT)/kernel.map $(filter %.o,$^)
endif

# --- Components ---
component_modules := $(MODULES.component) $(MODULES.intest)
user_script := arch/$(ARCH)/user/component.ld
$(call rules_for,$(component_modules) $(call libraries_of,$(component_modules)),user)

$(user_script):
	@echo 'components: $@ does not exist yet' >&2; false

# $(1): module
define component_rule
COMPONENTS += $(OUT)/components/$(M.$(1).name).elf
$(OUT)/components/$(M.$(1).name).elf: $(O.$(1).user) \
    $(foreach l,$(call libraries_of,$(1)),$(O.$(l).user)) $(user_script) $(OUT)/user/flags.stamp
	$$(call say,LD,$$@)
	$(Q)mkdir -p $$(@D)
	$(Q)$(LD) $(arch_user_ldflags) -T $(user_script) -o $$@ $$(filter %.o,$$^)
$(1): $(OUT)/components/$(M.$(1).name).elf
endef
$(foreach m,$(component_modules),$(eval $(call component_rule,$(m))))

# --- Guests: freestanding static Linux programs ---
$(call rules_for,$(MODULES.guest) $(call libraries_of,$(MODULES.guest)),guest)
define guest_rule
GUESTS += $(OUT)/components/$(M.$(1).name)
$(OUT)/components/$(M.$(1).name): $(O.$(1).guest) $(foreach l,$(call libraries_of,$(1)),$(O.$(l).guest))
	$$(call say,LD,$$@)
	$(Q)mkdir -p $$(@D)
	$(Q)$(LD) $(arch_guest_ldflags) -static -o $$@ $$(filter %.o,$$^)
$(1): $(OUT)/components/$(M.$(1).name)
endef
$(foreach m,$(MODULES.guest),$(eval $(call guest_rule,$(m))))

components: $(COMPONENTS) $(GUESTS)

# --- Host programs: $(1) module, $(2) flavour, $(3) folder of results ---
define host_rule
HOSTPROGRAMS.$(2) += $(3)/$(M.$(1).name)
$(3)/$(M.$(1).name): $(O.$(1).$(2)) $(foreach u,$(M.$(1).uses),$(O.$(u).$(2)))
	$$(call say,LINK,$$@)
	$(Q)mkdir -p $$(@D)
	$(Q)$(HOST_CC) $(flags.$(2)) -o $$@ $$(filter %.o,$$^) -lpthread
$(1): $(3)/$(M.$(1).name)
endef
$(call rules_for,$(MODULES.hosttest) $(foreach m,$(MODULES.hosttest),$(M.$(m).uses)),test)
$(call rules_for,$(MODULES.tool) $(foreach m,$(MODULES.tool),$(M.$(m).uses)),tool)
$(foreach m,$(MODULES.hosttest),$(eval $(call host_rule,$(m),test,$(HOST)/tests)))
$(foreach m,$(MODULES.tool),$(eval $(call host_rule,$(m),tool,$(HOST)/bin)))

hosttests: $(HOSTPROGRAMS.test)
tools: $(HOSTPROGRAMS.tool)

# A module nobody uses is still checked when it is asked for by name.
$(foreach m,$(MODULES.headers),$(eval .PHONY: $(m))$(eval $(m): ; @:))

-include $(foreach f,$(flavours),$(patsubst %.o,%.d,$(OBJECTS.$(f))))
