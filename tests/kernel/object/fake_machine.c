// SPDX-License-Identifier: MIT OR Apache-2.0
// Cores, time, frames (a file in memory, so that a frame can be mapped twice), slabs (malloc: the
// sanitizer sees every use after free), the Session window, locks that cannot wait.
#define _GNU_SOURCE // NOLINT(readability-identifier-naming): the C library's name
#include "fake.h"

#include <abi/time_page.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/boot.h>
#include <kernel/frame.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAMES 4096u

struct fake fake;
static struct cpu cores[CORES_MAX];
struct cpu *cpus[CORES_MAX];
uint32_t cpu_count = 1;
struct boot_info boot_info;
char *fake_session_window;

static int frame_file = -1;
static char *frames;
static uint32_t free_frames[FRAMES];
static uint32_t free_count;

void fake_init(void)
{
    frame_file = memfd_create("frames", 0);
    if (frame_file < 0 || ftruncate(frame_file, FRAMES * PAGE_SIZE) != 0) {
        abort();
    }
    frames = mmap(NULL, FRAMES * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, frame_file, 0);
    fake_session_window = mmap(NULL, SESSION_TABLE_MAX * 128ull, PROT_NONE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (uint32_t index = FRAMES - 1; index > 0; index--) {
        free_frames[free_count++] = index;
    }
    for (uint32_t core = 0; core < CORES_MAX; core++) {
        cores[core].id = core;
        cpus[core] = &cores[core];
    }
}

struct cpu *cpu_local(void)
{
    return &cores[fake.core];
}

uint64_t cpu_ticks(void)
{
    return fake.now_ns;
}

uint64_t cpu_time_ns(void)
{
    return fake.now_ns;
}

uint64_t time_now_ns(void)
{
    return fake.now_ns;
}

void cpu_send_ipi(uint32_t core)
{
    (void)core;
    fake.ipis++;
}

void cpu_time_page_fill(struct tes_time_page *page)
{
    page->ticks_per_second = 1000000000u;
}

void spinlock_acquire_slow(struct spinlock *lock)
{
    (void)fprintf(stderr, "a lock is taken twice: %p\n", (void *)lock);
    abort();
}

void assert_fail(const char *condition, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

void panic(const char *format, ...)
{
    (void)fprintf(stderr, "panic: %s\n", format);
    abort();
}

static bool fails(uint64_t *countdown)
{
    return *countdown != 0 && --*countdown == 0;
}

tes_status_t frame_allocate_zeroed(paddr_t *out_frame)
{
    if (free_count == 0 || fails(&fake.fail_frames)) {
        return TES_ERROR_NO_MEMORY;
    }
    *out_frame = paddr_make(free_frames[--free_count] * PAGE_SIZE);
    memset(frame_address(*out_frame), 0, PAGE_SIZE);
    fake.frames++;
    return TES_OK;
}

void frame_free(paddr_t frame)
{
    memset(frame_address(frame), 0x5a, PAGE_SIZE);
    free_frames[free_count++] = (uint32_t)(frame.value / PAGE_SIZE);
    fake.frames--;
}

uint64_t frame_total(void)
{
    return FRAMES;
}

uint64_t frame_free_count(void)
{
    return free_count;
}

void *frame_address(paddr_t frame)
{
    return frames + frame.value;
}

paddr_t frame_of_address(const void *address)
{
    return paddr_make((uint64_t)((const char *)address - frames));
}

tes_status_t slab_allocate(uint32_t size, void **out_memory)
{
    if (fails(&fake.fail_slabs)) {
        return TES_ERROR_NO_MEMORY;
    }
    size_t rounded = (size + 63u) & ~(size_t)63u;
    *out_memory = aligned_alloc(64, rounded);
    memset(*out_memory, 0, rounded);
    fake.slabs++;
    return TES_OK;
}

void slab_free(void *memory, uint32_t size)
{
    (void)size;
    free(memory);
    fake.slabs--;
}

uint64_t slab_pages(void)
{
    return 0;
}

tes_status_t mmu_kernel_map(uint64_t address, paddr_t frame, uint32_t flags)
{
    int access = (flags & MMU_WRITE) != 0 ? PROT_READ | PROT_WRITE : PROT_READ;
    void *at = mmap((void *)(uintptr_t)address, PAGE_SIZE, access, MAP_SHARED | MAP_FIXED,
                    frame_file, (off_t)frame.value);
    return at == MAP_FAILED ? TES_ERROR_NO_MEMORY : TES_OK;
}

void mmu_flush_page(uint64_t address)
{
    (void)address;
}

void mmu_flush_all(void)
{
    fake.flushes++;
}
