# SPDX-License-Identifier: MIT OR Apache-2.0
module  := arch/$(ARCH)/firmware
kind    := library
sources := acpi.c pvh.c ranges.c
depends := kernel abi lib/rt
