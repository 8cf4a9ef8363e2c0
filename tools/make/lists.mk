# SPDX-License-Identifier: MIT OR Apache-2.0
# Lists for the Python tools: what exists and how each source is compiled.

.PHONY: list-hosttests list-images list-modules list-kernel-deps
list-hosttests:
	@$(foreach t,$(HOSTPROGRAMS.test),echo '$(t)';) :
list-images:
	@$(foreach c,$(compositions),echo '$(c)';) :
# One line for each module: folder, kind, sources.
list-modules:
	@$(foreach m,$(MODULES),echo '$(m) $(M.$(m).kind) $(M.$(m).sources)';) :
# The dependency files of all that is linked into the kernel.
list-kernel-deps:
	@$(foreach m,$(kernel_modules),$(foreach o,$(O.$(m).kernel),echo '$(o:.o=.d)';)) :

# One line for each object: source, object and command, tab-separated; then JSON.
source_of = $(patsubst $(dir.$(2))/obj/%.o,%,$(1))
commands_of = $(foreach m,$(MODULES),$(foreach f,$(flavours),$(foreach o,$(O.$(m).$(f)),$(file \
    >>$(1),$(patsubst $(m)/gen/%,$(GEN)/%,$(call source_of,$(o),$(f)))	$(o)	$(cc.$(f)) $(call cflags_of,$(m),$(f))))))

compile_commands: $(OUT)/compile_commands.json
$(OUT)/compile_commands.json: $(module_files) $(wildcard tools/make/*) $(wildcard $(foreach f,$(flavours),$(dir.$(f))/flags.stamp))
	$(shell mkdir -p $(@D))$(file >$(OUT)/commands.txt)$(call commands_of,$(OUT)/commands.txt)
	$(call say,LIST,$@)
	$(Q)$(PYTHON) tools/make/compile_commands.py $(OUT)/commands.txt $@

# What is wrong with module.mk files, one line each.
.PHONY: list-errors list-flags
list-errors:
	@$(foreach m,$(MODULES),$(if $(call mistakes_of,$(m)),echo '$(m)/module.mk: $(subst ','"'"',$(call mistakes_of,$(m)))';)) :

# Each module's flags as a user of its own headers: module, target or host, flags; tab-separated.
host_kinds := hosttest tool
header_flavour = $(if $(filter $(host_kinds),$(M.$(1).kind)),test,$(if $(filter component intest,$(M.$(1).kind)),user,kernel))
list-flags:
	@$(foreach m,$(MODULES),printf '%s\t%s\t%s\n' '$(m)' target '$(call cflags_of,$(m),$(call header_flavour,$(m)))';) :
	@$(foreach m,arch arch/host,printf '%s\t%s\t%s\n' '$(m)' host '$(call cflags_of,$(m),test)';) :
