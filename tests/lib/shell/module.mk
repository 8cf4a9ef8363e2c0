# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/lib/shell
kind    := hosttest
sources := main.c test_line.c
depends := abi lib/rt lib/tes tests/lib
uses    := apps/shell lib/tes lib/rt tests/lib/tes_host tests/lib
cflags  := -Iapps/shell
