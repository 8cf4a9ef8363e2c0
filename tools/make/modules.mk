# SPDX-License-Identifier: MIT OR Apache-2.0
# Reads every module.mk into variables M.<path>.<key> and checks the keys.
# A wrong key or value is kept in M.<path>.error: it stops this module's objects, not other people's builds.

module_keys  := module kind sources depends exports generated generator uses target_only name cflags fpu
module_kinds := kernel headers library component intest guest tool hosttest

module_files := $(shell find . \( -path ./.git -o -path './$(BUILD)' -o -name 'build*' \) -prune -o \
    -name module.mk -print 2>/dev/null | sed 's,^\./,,' | sort)
foreign_arch := $(filter-out arch/include arch/host arch/$(ARCH),$(patsubst %/,%,$(wildcard arch/*/)))
module_files := $(filter-out $(addsuffix /%,$(foreign_arch)),$(module_files))

MODULES :=

# $(1): file. Runs after the file was read; $(2): its folder.
define module_store
M.$(2).error := $$(strip \
    $$(if $$(filter $$(module),$(2)),,module is "$$(module)" but the folder is "$(2)";) \
    $$(if $$(filter $$(kind),$$(module_kinds)),,kind "$$(kind)" is not one of: $$(module_kinds);) \
    $$(if $$(filter-out $$(depends),$$(exports)),exports what it does not depend on: $$(filter-out $$(depends),$$(exports));) \
    $$(if $$(findstring ..,$$(sources)),sources must be inside the folder;) \
    $$(if $$(filter-out %.c %.S,$$(sources) $$(generated)),sources must be .c or .S: $$(filter-out %.c %.S,$$(sources) $$(generated));) \
    $$(if $$(module_unknown),unknown keys: $$(module_unknown);))
M.$(2).missing := $$(foreach s,$$(sources),$$(if $$(wildcard $(2)/$$(s)),,$$(s)))
$$(foreach k,$$(module_keys),$$(eval M.$(2).$$(k) := $$($$(k))))
M.$(2).name := $$(or $$(name),$$(if $$(filter hosttest,$$(kind)),$$(subst /,-,$(2)),$$(notdir $(2))))
MODULES += $(2)
MODULES.$$(kind) += $(2)
endef

define module_read
$$(foreach k,$$(module_keys),$$(eval $$(k) :=))
include $(1)
module_unknown := $$(filter-out $$(module_keys),$$(KEYS.$(1)))
$$(eval $$(call module_store,$(1),$(patsubst %/,%,$(dir $(1)))))
endef

# All keys of all files with one process: "KEYS.<file> += key".
$(foreach w,$(if $(module_files),$(shell sed -n \
    's/^[[:space:]]*\([A-Za-z_][A-Za-z0-9_.-]*\)[[:space:]]*[:+?]*=.*/\1/;T;F;p' $(module_files) | paste -d= - -)),\
    $(eval KEYS.$(subst =, += ,$(w))))
$(foreach f,$(module_files),$(eval $(call module_read,$(f))))

# Effective dependencies: depends and, through them, what they export. $(1): to look at, $(2): seen already.
exports_step = $(if $(1),$(call exports_step,$(filter-out $(2) $(1),$(sort \
    $(foreach d,$(1),$(M.$(d).exports)))),$(2) $(1)),$(2))
$(foreach m,$(MODULES),$(eval M.$(m).sees := $(sort $(call exports_step,$(M.$(m).depends),))))

# Unknown dependencies and missing sources stop only what needs them; `make list-errors` and check report them.
unknown_of = $(filter-out $(MODULES),$(M.$(1).depends) $(M.$(1).uses))
mistakes_of = $(strip $(M.$(1).error) $(foreach s,$(M.$(1).missing),source $(s) does not exist;) \
    $(if $(call unknown_of,$(1)),there is no module (no module.mk) for: $(call unknown_of,$(1));))

# Libraries that linking a module needs, transitively; visited ones are not walked again.
closure_step = $(if $(1),$(call closure_step,$(filter-out $(2) $(1),$(sort \
    $(foreach m,$(1),$(M.$(m).depends)))),$(2) $(1)),$(2))
libraries_of = $(filter $(MODULES.library),$(call closure_step,$(1),))
