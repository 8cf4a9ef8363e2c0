# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/lib/rt
kind    := hosttest
sources := main.c under_test.c
depends := lib/rt tests/lib
uses    := lib/rt tests/lib
cflags  := -Ilib/rt -Wno-format-nonliteral
