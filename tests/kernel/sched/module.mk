# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/kernel/sched
kind    := hosttest
sources := main.c fake.c fake_modules.c test_queue.c test_budget.c test_threads.c test_priority.c \
           test_notification.c test_irq.c
depends := kernel abi arch lib/rt
uses    := kernel/sched kernel/irq lib/rt
