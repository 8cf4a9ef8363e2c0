# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/lib/tes
kind    := hosttest
sources := main.c test_elf.c
depends := abi lib/rt lib/tes tests/lib
uses    := lib/tes lib/rt tests/lib/tes_host tests/lib
