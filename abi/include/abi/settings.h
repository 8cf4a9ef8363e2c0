// SPDX-License-Identifier: MIT OR Apache-2.0
// Settings of thread_control and the areas they name.
#pragma once

#include <stdint.h>

enum tes_thread_setting {
    TES_THREAD_MESSAGE_PAGE = 0,
    TES_THREAD_FAULT_VECTOR = 1,
    TES_THREAD_FAULT_ENDPOINT = 2,
    TES_THREAD_THREAD_POINTER = 3,
    TES_THREAD_VECTOR_STATE = 4,
    TES_THREAD_CONTEXT = 5,
    TES_THREAD_NAME = 6,
    TES_THREAD_EXIT_SIGNAL = 7,
    TES_THREAD_GUEST = 8,
    TES_THREAD_STOP = 9,
};

// Scheduling limits that are part of the interface.
#define TES_PRIORITY_COUNT      64u
#define TES_TIMER_SLOTS         4u
#define TES_TIMER_PERIOD_MIN_NS 10000u
