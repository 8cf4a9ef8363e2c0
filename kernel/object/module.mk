module  := kernel/object
kind    := kernel
sources := object.c handle.c handle_sweep.c handle_calls.c session.c session_table.c session_revoke.c session_work.c \
           session_calls.c quota.c quota_destroy.c process.c quiesce.c work.c resource.c info.c info_system.c
depends := kernel abi arch lib/rt
