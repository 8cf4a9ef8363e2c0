// SPDX-License-Identifier: MIT OR Apache-2.0
// Tests of the ELF checks.
#pragma once

void test_elf_good(void);
void test_elf_truncated(void);
void test_elf_damaged(void);
// How many checks of the three failed.
unsigned test_elf_failures(void);
