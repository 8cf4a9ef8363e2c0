# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/arch/acpi
kind    := hosttest
sources := main.c
uses    := arch/$(ARCH)/firmware
depends := arch/$(ARCH)/firmware kernel abi
