# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/system
kind    := intest
name    := test
sources := main.c test.c makers.c handle.c notification.c thread.c ipc.c transfer.c wait.c session.c sched.c quota.c memory.c space.c pager.c fault.c $(ARCH)/fault.S guest.c $(ARCH)/guest.S device.c smp.c mass.c exhaust.c lacking.c error.c coverage.c


depends := abi lib/rt arch/$(ARCH)/user tests/support
cflags  := -I$(GEN)/abi/fuzz/include
