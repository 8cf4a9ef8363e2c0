# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/kernel/mm
kind    := hosttest
sources := main.c fake_machine.c fake_objects.c test_frames.c test_trees.c test_spaces.c test_failures.c
depends := kernel abi arch lib/rt
uses    := kernel/mm lib/rt
