# SPDX-License-Identifier: MIT OR Apache-2.0
# Measures the booted system and compares with the committed baseline.
