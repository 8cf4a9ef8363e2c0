// SPDX-License-Identifier: MIT OR Apache-2.0
// The order in which the kernel comes up. Every stage says in the log what it found and how long it
// took.
#include "boot_internal.h"

#include <arch/cpu.h>
#include <arch/machine.h>
#include <kernel/boot.h>
#include <kernel/frame.h>
#include <kernel/log.h>
#include <kernel/memory.h>
#include <kernel/quota.h>
#include <kernel/sched.h>
#include <kernel/session.h>

struct boot_info boot_info;

static uint64_t stage_start;

static void stage_begin(void)
{
    stage_start = cpu_ticks();
}

static uint64_t stage_ticks(void)
{
    return cpu_ticks() - stage_start;
}

static void memory_stage(void)
{
    stage_begin();
    frame_init(&boot_info);
    session_table_init();
    quota_root_init(frame_free_count());
    mm_time_page_init();
    log_info("memory: %lu KiB free of %lu KiB, boot image %lu KiB (%lu ticks)",
             frame_free_count() * PAGE_SIZE / 1024, frame_total() * PAGE_SIZE / 1024,
             boot_info.image_size / 1024, stage_ticks());
}

static void core_stage(void)
{
    stage_begin();
    sched_init_core();
    uint32_t running = machine_start_cores();
    time_init(); // tells how many
    char word[2];
    if (boot_option("trace", word, sizeof(word)) != NULL && trace_control(true) != TES_OK) {
        log_warn("no memory for the trace");
    }
    log_info("cores: %u of %u run (%lu ticks)", running, boot_info.core_count, stage_ticks());
}

static void component_stage(void)
{
    stage_begin();
    first_component_start();
    log_info("first component: ready (%lu ticks); boot took %lu ticks", stage_ticks(),
             cpu_ticks() - boot_info.start_ticks);
}

_Noreturn void kernel_main(void)
{
    memory_stage();
    core_stage();
    component_stage();
    info_boot_done();
    sched_start_core();
}

_Noreturn void kernel_main_core(void)
{
    sched_init_core();
    sched_start_core();
}
