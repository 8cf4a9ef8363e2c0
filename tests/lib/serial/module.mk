# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/lib/serial
kind    := hosttest
sources := main.c
depends := lib/rt tests/lib
uses    := drivers/serial tests/lib
cflags  := -Idrivers/serial
