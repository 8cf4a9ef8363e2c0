# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/linux/fake
kind    := library
sources := platform_fake.c
depends := personality/linux lib/rt
