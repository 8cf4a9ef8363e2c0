# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs tools/abigen over abi/*.idl into $(GEN)/abi. A generated file changes its time only when its text changes.

abi_tables := $(wildcard abi/*.idl)
abigen     := tools/abigen/abigen.py
abi_stamp  := $(GEN)/abi/.stamp

ifeq ($(and $(abi_tables),$(wildcard $(abigen))),)
abi_stamp :=
else
gen: $(abi_stamp)

$(abi_stamp): $(abi_tables) $(wildcard tools/abigen/*.py) tools/make/sync.py
	$(call say,ABIGEN,abi/*.idl)
	$(Q)rm -rf '$(GEN)/abi.new' && mkdir -p '$(GEN)/abi.new' '$(GEN)/abi'
	$(Q)PYTHONDONTWRITEBYTECODE=1 $(PYTHON) $(abigen) --out '$(GEN)/abi.new' $(abi_tables)
	$(Q)$(PYTHON) tools/make/sync.py '$(GEN)/abi.new' '$(GEN)/abi'
	$(Q)rm -rf '$(GEN)/abi.new'; touch $@

$(GEN)/abi/%.h: $(abi_stamp) ;
endif
