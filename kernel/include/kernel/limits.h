// SPDX-License-Identifier: MIT OR Apache-2.0
// Every bound of the kernel: tables, queues, loops and chains.
#pragma once

#define CORES_MAX                      8u
#define HANDLES_PER_PAGE               64u  // slots of 64 bytes
#define HANDLE_PAGES_INLINE            8u   // pages of a table before it gets a directory page
#define HANDLE_PAGES_MAX               512u // one directory page of pointers: 32,768 handles
#define SESSION_DEPTH_MAX              64u
#define SESSION_TABLE_MAX              (1u << 22) // nodes
#define LENDING_DEPTH_MAX              16u
#define IRQ_SOURCES_MAX                256u
#define PREEMPT_BATCH                  32u // steps of a long operation between two looks for interrupts
#define EXPIRIES_PER_TICK              16u // Sessions a timer interrupt ends
#define RECLAIMS_PER_EXIT              32u // objects returned on one way out of the kernel
#define SWEEPS_PER_EXIT                32u // pages of handles swept on one way out
#define SWEEPS_PER_LOOK                4u  // pages between two looks for interrupts
#define DEFERRALS_MAX                  16u // things put off before a way out does them at once
#define KERNEL_STACK_PAGES             4u
#define LOG_RING_SIZE                  (64u * 1024u)
#define TRACE_RING_RECORDS             1024u // per core
#define MEMORY_SIZE_MAX                (1ull << 47)
#define SPACE_ROOT_PERSONALITY_ENTRIES 4u
#define SHOOTDOWN_PAGES_MAX            32u // more than that flushes the whole Space
#define TIMERS_PER_INTERRUPT           32u
#define INBOX_PER_EXIT                 64u
#define MEMORY_INLINE_PAGES            6u
#define LOG_LINE_MAX                   240u
