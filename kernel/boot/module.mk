# SPDX-License-Identifier: MIT OR Apache-2.0
module  := kernel/boot
kind    := kernel
sources := main.c first.c options.c
depends := kernel abi lib/rt arch
