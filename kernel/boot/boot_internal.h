// SPDX-License-Identifier: MIT OR Apache-2.0
// Inside kernel/boot.
#pragma once

// Checks the boot image and starts its first component; panics with what is wrong where if it
// cannot.
void first_component_start(void);
