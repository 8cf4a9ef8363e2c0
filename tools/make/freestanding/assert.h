// SPDX-License-Identifier: MIT OR Apache-2.0
// The freestanding <assert.h>: C17's static_assert, which compilers do not bring along. Run-time
// assertions are ASSERT of <kernel/assert.h> and of user space's runtime.
#pragma once

#define static_assert _Static_assert
