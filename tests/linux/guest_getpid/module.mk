# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/linux/guest_getpid
kind    := guest
name    := guest-getpid
sources := main.c
