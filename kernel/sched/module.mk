# SPDX-License-Identifier: MIT OR Apache-2.0
module  := kernel/sched
kind    := kernel
sources := run_queue.c sched.c idle.c pull.c inbox.c timer.c deadline.c context.c priority.c thread.c thread_calls.c \
           thread_control.c notification.c time.c
depends := kernel abi arch lib/rt
