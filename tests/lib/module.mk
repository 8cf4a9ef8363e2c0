# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/lib
kind    := library
sources := tap.c
