# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds and boots Tessera in QEMU and talks to it over the serial line.
