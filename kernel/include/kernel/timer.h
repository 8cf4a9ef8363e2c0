// SPDX-License-Identifier: MIT OR Apache-2.0
// Timers: something with an absolute deadline in the timer tree of a core.
#pragma once

#include <rt/tree.h>
#include <stdint.h>

struct timer {
    struct tree_node node;
    uint64_t deadline_ns;
    // Called with no lock held, on the core that armed it, after is_armed became 0. Whoever arms
    // and disarms from several cores checks under a lock of its own that the expiry is still meant.
    void (*expire)(struct timer *timer);
    uint32_t core;
    uint32_t is_armed;
};

// On the calling core; an armed timer is moved. Calls that arm and disarm one timer are made under
// one lock.
void timer_arm(struct timer *timer, uint64_t deadline_ns);
// From any core. When it returns the timer is in no tree, but its expiry may be under way on its
// core.
void timer_disarm(struct timer *timer);
