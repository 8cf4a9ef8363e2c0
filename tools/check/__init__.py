# SPDX-License-Identifier: MIT OR Apache-2.0
# The rules that every commit keeps: one small file each (rule_*.py), run by main.py.
