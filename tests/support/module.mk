# SPDX-License-Identifier: MIT OR Apache-2.0
module    := tests/support
kind      := library
sources   := start.c print.c worker.c child.c
depends   := abi lib/rt arch/$(ARCH)/user
exports   := abi lib/rt arch/$(ARCH)/user
generator := tables.py ../../abi/calls.idl ../../abi/counters.idl ../../abi/errors.idl ../../abi/objects.idl
