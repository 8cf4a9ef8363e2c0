# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/lib/tes_host
kind    := library
sources := host.c
depends := lib/tes
cflags  := -Ilib/tes
