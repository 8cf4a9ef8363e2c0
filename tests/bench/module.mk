# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/bench
kind    := intest
name    := bench
sources := main.c measure.c simple.c call64.c signal_wait.c memory.c page_zero.c lease.c guest.c revoke.c life.c cores.c \
           $(ARCH)/call64.S $(ARCH)/guest.S
depends := abi lib/rt arch/$(ARCH)/user tests/support
