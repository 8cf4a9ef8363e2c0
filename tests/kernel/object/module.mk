module  := tests/kernel/object
kind    := hosttest
sources := main.c test_handles.c test_sessions.c test_quotas.c test_ends.c fake_machine.c fake_modules.c
depends := kernel abi arch lib/rt
uses    := kernel/object lib/rt
