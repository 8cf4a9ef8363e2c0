// SPDX-License-Identifier: MIT OR Apache-2.0
// What supervisor and victim share in the child's block.
#pragma once

#include <support/child.h>
#include <support/program.h>

enum fuzz_word {
    FUZZ_SEED = 0,
    FUZZ_LIMIT = 1, // calls to make
    FUZZ_DONE = 2,  // calls made
    FUZZ_WORDS = 3,
};

void victim_main(struct child_block *block);
