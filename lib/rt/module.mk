# SPDX-License-Identifier: MIT OR Apache-2.0
module      := lib/rt
kind        := library
sources     := memory.c string.c text.c format.c crc32.c tree.c
target_only := memory.c string.c
