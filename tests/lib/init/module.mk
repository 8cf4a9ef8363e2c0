# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/lib/init
kind    := hosttest
sources := main.c
depends := abi lib/rt lib/tes tests/lib
uses    := services/init lib/tes lib/rt tests/lib/tes_host tests/lib
cflags  := -Iservices/init
