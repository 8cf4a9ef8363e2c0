# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/lib/ring
kind    := hosttest
sources := main.c
depends := lib/ring lib/rt tests/lib
uses    := lib/ring lib/rt tests/lib
