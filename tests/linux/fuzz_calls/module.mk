# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/linux/fuzz_calls
kind    := hosttest
sources := main.c
depends := personality/linux tests/linux/fake lib/rt
uses    := personality/linux tests/linux/fake lib/rt
