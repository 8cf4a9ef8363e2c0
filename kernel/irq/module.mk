# SPDX-License-Identifier: MIT OR Apache-2.0
module  := kernel/irq
kind    := kernel
sources := irq.c iospace.c
depends := kernel abi arch lib/rt
