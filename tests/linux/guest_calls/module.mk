# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/linux/guest_calls
kind    := guest
name    := guest-calls
sources := main.c raw.c start.S
