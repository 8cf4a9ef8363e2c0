// SPDX-License-Identifier: MIT OR Apache-2.0
// What the Linux personality asks of the system below it. The personality itself is freestanding
// and calls nothing else. One implementation runs on the kernel (guest mode), one on a Linux host
// (tests/linux/host), where it is compared with Linux itself. Every guest address given to these
// functions has already been checked to lie below LINUX_ADDRESS_TOP; it may still be unmapped.
#pragma once

#include <personality/registers.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINUX_PAGE_SIZE  UINT64_C(4096)
#define LINUX_PAGE_SHIFT 12

// One guest address space with the thread that is bound to it.
struct platform_guest;

enum linux_event_kind {
    LINUX_EVENT_SYSCALL, // a system call; registers hold number and arguments
    LINUX_EVENT_FAULT,   // an exception the kernel did not resolve
    LINUX_EVENT_KICK,    // somebody asked this thread to look at its pending signals
    LINUX_EVENT_KILL,    // the container is being ended
};

// For LINUX_EVENT_FAULT: the architecture's vector, error code and address.
struct linux_event {
    uint64_t address;
    uint64_t error;
    uint32_t vector;
    bool is_out_of_memory; // the guest's quota could not pay for the page
};

// Bits of protection, the same as Linux's PROT_*.
#define PLATFORM_READ    1U
#define PLATFORM_WRITE   2U
#define PLATFORM_EXECUTE 4U

// A file's contents that the platform holds in memory, read-only and page-aligned (boot image).
struct platform_blob {
    const uint8_t *data;
    size_t size;
    uint64_t id; // platform's own name for it
};

enum platform_stream_kind { PLATFORM_STREAM_NONE, PLATFORM_STREAM_PIPE, PLATFORM_STREAM_TERMINAL };

// Readiness bits of platform_stream_wait.
#define PLATFORM_READABLE 1U
#define PLATFORM_WRITABLE 2U
#define PLATFORM_HANGUP   4U

struct platform_memory_info {
    uint64_t total;
    uint64_t free;
};

// Address spaces. All return 0 or a negative Linux error number; ranges are page-aligned.
struct platform_guest *platform_guest_create(void);
void platform_guest_destroy(struct platform_guest *guest);
// Stable for the life of the guest: the kernel loads and stores the guest's registers here.
struct linux_registers *platform_guest_registers(struct platform_guest *guest);
// Makes the given vector registers (512 bytes, FXSAVE layout on x86_64) those of the guest.
void platform_guest_load_vector(struct platform_guest *guest, const void *state);
void platform_guest_save_vector(struct platform_guest *guest, void *state);
// Every register must be loaded at the next run, also those that a system call destroys.
void platform_guest_restore_all(struct platform_guest *guest);
enum linux_event_kind platform_guest_run(struct platform_guest *guest, struct linux_event *event);

// Replaces whatever the range holds by zeroed pages of its own.
int platform_guest_map(struct platform_guest *guest, uint64_t address, uint64_t size,
                       uint32_t protection);
// The same with a private view of a blob from a page-aligned offset; pages are copied when written.
int platform_guest_map_blob(struct platform_guest *guest, uint64_t address, uint64_t size,
                            uint32_t protection, const struct platform_blob *blob, uint64_t offset);
int platform_guest_unmap(struct platform_guest *guest, uint64_t address, uint64_t size);
int platform_guest_protect(struct platform_guest *guest, uint64_t address, uint64_t size,
                           uint32_t protection);
// Contents become zeros, the mapping stays; only ever called on ranges made by platform_guest_map.
int platform_guest_discard(struct platform_guest *guest, uint64_t address, uint64_t size);

// Copies that survive any address: 0, or -EFAULT with an unspecified part copied. The second is
// for the loader: it reaches pages the guest itself may only read.
int platform_copy_from_guest(struct platform_guest *guest, void *destination, uint64_t address,
                             size_t size);
int platform_copy_to_guest(struct platform_guest *guest, uint64_t address, const void *source,
                           size_t size);

// The three streams. Reads return 0 at the end; both return -EINTR when kicked before any byte
// moved, -EAGAIN if they would wait and may not, writes -EPIPE when nobody reads any more.
enum platform_stream_kind platform_stream_kind(uint32_t stream);
int64_t platform_stream_read(uint32_t stream, void *buffer, size_t size, bool may_wait);
int64_t platform_stream_write(uint32_t stream, const void *buffer, size_t size, bool may_wait);
// Ready bits of streams 0..2. With wait: until one asked for is ready, the monotonic deadline
// (UINT64_MAX: none) or a kick; bits[] holds what is asked for and receives what is ready.
// 0 at the deadline, 1 if any is ready, -EINTR when kicked.
int platform_stream_wait(uint32_t bits[3], uint64_t deadline_ns);
bool platform_stream_size(uint32_t stream, uint16_t *rows, uint16_t *columns);

// Time. The wait ends at the deadline (0) or at a kick (-EINTR).
uint64_t platform_clock_monotonic_ns(void);
uint64_t platform_clock_realtime_ns(void);
uint64_t platform_clock_cpu_ns(void);
int platform_sleep_until(uint64_t deadline_ns);
// Arranges for a kick at that time; UINT64_MAX disarms.
void platform_alarm_at(uint64_t deadline_ns);

void platform_random(void *buffer, size_t size);
// One line without its end: what the operator should know; what -strace shows.
void platform_log(const char *line);
void platform_trace(const char *line);
void platform_memory_info(struct platform_memory_info *out_info);
uint32_t platform_cpu_count(void);

// The personality's own memory, charged to the container; contents zero, NULL at the quota.
void *platform_page_alloc(size_t count);
void platform_page_free(void *pages, size_t count);
