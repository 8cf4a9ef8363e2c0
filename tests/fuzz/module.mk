# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/fuzz
kind    := intest
name    := fuzz
sources := main.c victim.c
depends := abi lib/rt arch/$(ARCH)/user tests/support
cflags  := -I$(GEN)/abi/fuzz/include
