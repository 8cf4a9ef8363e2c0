# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/linux/guest_hostile
kind    := guest
name    := guest-hostile
sources := main.c
