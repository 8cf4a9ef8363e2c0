# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/linux/fuzz_elf
kind    := hosttest
sources := main.c
depends := personality/linux lib/rt
uses    := personality/linux tests/linux/fake lib/rt
