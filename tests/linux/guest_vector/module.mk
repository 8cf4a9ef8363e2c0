# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/linux/guest_vector
kind    := guest
name    := guest-vector
sources := main.c start.S
