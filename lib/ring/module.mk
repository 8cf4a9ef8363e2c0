# SPDX-License-Identifier: MIT OR Apache-2.0
module  := lib/ring
kind    := library
sources := ring.c
depends := lib/rt
