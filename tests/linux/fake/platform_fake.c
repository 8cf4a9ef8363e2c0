// SPDX-License-Identifier: MIT OR Apache-2.0
// The platform of unit tests: see platform_fake.h.

#include <fake/platform_fake.h>

#include <personality/errors.h>
#include <personality/platform.h>
#include <personality/signals.h>

#include <stdlib.h>
#include <string.h>

struct platform_guest {
    struct linux_registers registers;
};

static struct {
    uint8_t memory[FAKE_SIZE];
    struct linux_task *task;
    uint64_t page_count;
    uint64_t allocations_left;
    uint64_t clock;
    uint64_t random;
} fake = { .allocations_left = UINT64_MAX, .random = 1 };

uint8_t *fake_memory(void)
{
    return fake.memory;
}

void fake_set_task(struct linux_task *task)
{
    fake.task = task;
}

uint64_t fake_page_count(void)
{
    return fake.page_count;
}

void fake_fail_after(uint64_t allocations)
{
    fake.allocations_left = allocations;
}

static bool fake_may_allocate(void)
{
    if (fake.allocations_left == 0) {
        return false;
    }
    fake.allocations_left -= fake.allocations_left == UINT64_MAX ? 0 : 1;
    return true;
}

struct platform_guest *platform_guest_create(void)
{
    return fake_may_allocate() ? calloc(1, sizeof(struct platform_guest)) : NULL;
}

void platform_guest_destroy(struct platform_guest *guest)
{
    free(guest);
}

struct linux_registers *platform_guest_registers(struct platform_guest *guest)
{
    return &guest->registers;
}

void platform_guest_load_vector(struct platform_guest *guest, const void *state)
{
    (void)guest;
    (void)state;
}

void platform_guest_save_vector(struct platform_guest *guest, void *state)
{
    (void)guest;
    memset(state, 0, LINUX_VECTOR_STATE_SIZE);
}

void platform_guest_restore_all(struct platform_guest *guest)
{
    (void)guest;
}

enum linux_event_kind platform_guest_run(struct platform_guest *guest, struct linux_event *event)
{
    (void)guest;
    (void)event;
    return LINUX_EVENT_KILL;
}

static int range_check(uint64_t address, uint64_t size)
{
    bool is_valid = ((address | size) & (LINUX_PAGE_SIZE - 1)) == 0 && size != 0 &&
                    size <= LINUX_ADDRESS_TOP && address <= LINUX_ADDRESS_TOP - size;
    if (!is_valid) {
        abort(); // the personality must never ask for this
    }
    return fake_may_allocate() ? 0 : -LINUX_ENOMEM;
}

int platform_guest_map(struct platform_guest *guest, uint64_t address, uint64_t size,
                       uint32_t protection)
{
    (void)guest;
    (void)protection;
    return range_check(address, size);
}

int platform_guest_map_blob(struct platform_guest *guest, uint64_t address, uint64_t size,
                            uint32_t protection, const struct platform_blob *blob, uint64_t offset)
{
    (void)guest;
    (void)protection;
    (void)blob;
    (void)offset;
    return range_check(address, size);
}

int platform_guest_unmap(struct platform_guest *guest, uint64_t address, uint64_t size)
{
    (void)guest;
    (void)range_check(address, size);
    return 0;
}

int platform_guest_protect(struct platform_guest *guest, uint64_t address, uint64_t size,
                           uint32_t protection)
{
    (void)guest;
    (void)protection;
    return range_check(address, size);
}

int platform_guest_discard(struct platform_guest *guest, uint64_t address, uint64_t size)
{
    (void)guest;
    return range_check(address, size);
}

static uint8_t *guest_place(uint64_t address, size_t size)
{
    if (size > LINUX_ADDRESS_TOP || address > LINUX_ADDRESS_TOP - size) {
        abort(); // the border must have been checked
    }
    bool is_inside =
        address >= FAKE_BASE && size <= FAKE_SIZE && address - FAKE_BASE <= FAKE_SIZE - size;
    return is_inside ? fake.memory + (address - FAKE_BASE) : NULL;
}

int platform_copy_from_guest(struct platform_guest *guest, void *destination, uint64_t address,
                             size_t size)
{
    (void)guest;
    const uint8_t *place = guest_place(address, size);
    if (place == NULL) {
        return -LINUX_EFAULT;
    }
    memcpy(destination, place, size);
    return 0;
}

int platform_copy_to_guest(struct platform_guest *guest, uint64_t address, const void *source,
                           size_t size)
{
    (void)guest;
    uint8_t *place = guest_place(address, size);
    if (place == NULL) {
        return -LINUX_EFAULT;
    }
    memcpy(place, source, size);
    return 0;
}

enum platform_stream_kind platform_stream_kind(uint32_t stream)
{
    return stream == 0 ? PLATFORM_STREAM_TERMINAL : PLATFORM_STREAM_PIPE;
}

int64_t platform_stream_read(uint32_t stream, void *buffer, size_t size, bool may_wait)
{
    (void)stream;
    (void)may_wait;
    memset(buffer, 'r', size);
    return (int64_t)(size / 2);
}

int64_t platform_stream_write(uint32_t stream, const void *buffer, size_t size, bool may_wait)
{
    (void)buffer;
    (void)may_wait;
    return stream == 2 ? -LINUX_EPIPE : (int64_t)size;
}

static void fake_end_wait(void)
{
    if (fake.task != NULL) {
        linux_signal_raise(fake.task, LINUX_SIGKILL, LINUX_SI_USER);
    }
}

int platform_stream_wait(uint32_t bits[3], uint64_t deadline_ns)
{
    bits[0] = 0;
    bits[1] = 0;
    bits[2] = 0;
    if (deadline_ns != UINT64_MAX) {
        fake.clock = deadline_ns > fake.clock ? deadline_ns : fake.clock;
        return 0;
    }
    fake_end_wait();
    return -LINUX_EINTR;
}

bool platform_stream_size(uint32_t stream, uint16_t *rows, uint16_t *columns)
{
    (void)stream;
    *rows = 25;
    *columns = 80;
    return true;
}

uint64_t platform_clock_monotonic_ns(void)
{
    return fake.clock += LINUX_NS_PER_US;
}

uint64_t platform_clock_realtime_ns(void)
{
    return fake.clock + LINUX_NS_PER_S;
}

uint64_t platform_clock_cpu_ns(void)
{
    return fake.clock / 2;
}

int platform_sleep_until(uint64_t deadline_ns)
{
    (void)deadline_ns;
    fake_end_wait();
    return -LINUX_EINTR;
}

void platform_alarm_at(uint64_t deadline_ns)
{
    (void)deadline_ns;
}

void platform_random(void *buffer, size_t size)
{
    uint8_t *bytes = buffer;
    for (size_t index = 0; index < size; index++) {
        fake.random = fake.random * UINT64_C(6364136223846793005) + 1;
        bytes[index] = (uint8_t)(fake.random >> 56);
    }
}

void platform_log(const char *line)
{
    if (strlen(line) == 0) {
        abort();
    }
}

void platform_trace(const char *line)
{
    platform_log(line);
}

void platform_memory_info(struct platform_memory_info *out_info)
{
    out_info->total = FAKE_SIZE;
    out_info->free = FAKE_SIZE / 2;
}

uint32_t platform_cpu_count(void)
{
    return 2;
}

void *platform_page_alloc(size_t count)
{
    void *pages = NULL;
    if (!fake_may_allocate() || posix_memalign(&pages, LINUX_PAGE_SIZE, count * LINUX_PAGE_SIZE)) {
        return NULL;
    }
    memset(pages, 0, count * LINUX_PAGE_SIZE);
    fake.page_count += count;
    return pages;
}

void platform_page_free(void *pages, size_t count)
{
    fake.page_count -= count;
    free(pages);
}
