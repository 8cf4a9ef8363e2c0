# SPDX-License-Identifier: MIT OR Apache-2.0
module  := drivers/serial
kind    := component
sources := serial.c uart.c queue.c
depends := lib/tes
target_only := serial.c uart.c
