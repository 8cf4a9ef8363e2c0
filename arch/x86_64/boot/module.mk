# SPDX-License-Identifier: MIT OR Apache-2.0
module  := arch/$(ARCH)/boot
kind    := kernel
sources := start.S early.c
depends := arch kernel abi lib/rt arch/$(ARCH)/firmware
