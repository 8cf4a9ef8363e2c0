// SPDX-License-Identifier: MIT OR Apache-2.0
// The platform's guests over kernel calls. Each guest is a Space and one sparse Memory as large as
// the guest's half, in which offset and guest address are the same: mapping, protecting and
// discarding need no bookkeeping. Parts of blobs are mapped read-only; a writable part is copied.
// Guest memory is read and written in place, in the lower half of the bound Space.

#include <abi/fault.h>
#include <abi/settings.h>
#include <abi_arch/registers.h>
#include <personality/errors.h>
#include <personality/platform.h>
#include <personality/task.h>
#include <rt/string.h>
#include <tes/memory.h>

#include "guest_run.h"
#include "platform.h"

#define FAULT_STACK_SIZE 4096U
#define BLOB_RANGES_MAX  32U
#define VECTOR_SHIFT     32
#define ERROR_MASK       UINT64_C(0xffffffff)

static_assert(sizeof(struct linux_registers) == sizeof(struct tes_registers), "one layout");
static_assert(offsetof(struct linux_registers, rip) == offsetof(struct tes_registers, rip),
              "one layout");
static_assert(offsetof(struct linux_registers, gs_base) == offsetof(struct tes_registers, gs_base),
              "one layout");
static_assert(LINUX_ADDRESS_TOP == TES_PERSONALITY_BASE, "the guest's half");
static_assert(PLATFORM_READ == TES_SPACE_MAP_READ && PLATFORM_WRITE == TES_SPACE_MAP_WRITE &&
                  PLATFORM_EXECUTE == TES_SPACE_MAP_EXECUTE,
              "one encoding of access");

// Where a blob's own pages are mapped, so that a later write access finds copies.
struct blob_range {
    uint64_t start;
    uint64_t end;
};

struct platform_guest {
    tes_space_t space;
    tes_memory_t memory;
    struct tes_guest_state *state;
    struct tes_pages state_pages;
    struct blob_range blobs[BLOB_RANGES_MAX];
    uint32_t blob_count;
};

static struct {
    tes_quota_t quota;
    const struct platform_guest *bound;
    struct tes_fault_area fault_area;
    uint8_t fault_stack[FAULT_STACK_SIZE] __attribute__((aligned(16)));
} platform;

static int error_of(tes_status_t status)
{
    return status == TES_OK ? 0 : -LINUX_ENOMEM;
}

tes_status_t guest_init(tes_quota_t guest_quota)
{
    const tes_thread_t self = { 0 };
    platform.quota = guest_quota;
    platform.fault_area.vector_stack = (uint64_t)(platform.fault_stack + FAULT_STACK_SIZE);
    tes_status_t status = tes_thread_control(self, TES_THREAD_VECTOR_STATE, 1, 0);
    if (status == TES_OK) {
        status =
            tes_thread_control(self, TES_THREAD_FAULT_VECTOR, (uint64_t)linux_guest_fault_vector,
                               (uint64_t)&platform.fault_area);
    }
    return status;
}

static int guest_bind(const struct platform_guest *guest)
{
    const tes_thread_t self = { 0 };
    if (platform.bound == guest) {
        return 0;
    }
    uint64_t space = guest == NULL ? 0 : guest->space.value;
    uint64_t state = guest == NULL ? 0 : (uint64_t)guest->state;
    tes_status_t status = tes_thread_control(self, TES_THREAD_GUEST, space, state);
    if (status == TES_OK) {
        platform.bound = guest;
    }
    return error_of(status);
}

struct platform_guest *platform_guest_create(void)
{
    struct tes_pages pages = { .address = NULL };
    struct platform_guest *guest = platform_page_alloc(1);
    static_assert(sizeof(*guest) <= LINUX_PAGE_SIZE, "one page");
    if (guest == NULL) {
        return NULL;
    }
    tes_status_t status = tes_pages_create(TES_PAGE_SIZE, &pages);
    guest->state_pages = pages;
    guest->state = pages.address;
    if (status == TES_OK) {
        status = tes_space_create(platform.quota, TES_SPACE_CREATE_ALLOW_WX, &guest->space);
        if (status == TES_ERROR_NO_RIGHT) {
            status = tes_space_create(platform.quota, 0, &guest->space);
        }
    }
    if (status == TES_OK) {
        status = tes_memory_create(platform.quota, LINUX_ADDRESS_TOP, 0, (tes_endpoint_t){ 0 }, 0,
                                   &guest->memory);
    }
    if (status != TES_OK) {
        platform_guest_destroy(guest);
        return NULL;
    }
    return guest;
}

void platform_guest_destroy(struct platform_guest *guest)
{
    if (platform.bound == guest) {
        (void)guest_bind(NULL); // leaving a guest cannot fail
    }
    tes_destroy(tes_space_any(guest->space));
    tes_destroy(tes_memory_any(guest->memory));
    tes_pages_destroy(&guest->state_pages);
    platform_page_free(guest, 1);
}

struct linux_registers *platform_guest_registers(struct platform_guest *guest)
{
    return (struct linux_registers *)&guest->state->registers;
}

void platform_guest_restore_all(struct platform_guest *guest)
{
    guest->state->full_restore = 1;
}

// The guest's vector registers are those of this thread: the personality's own code uses none.
void platform_guest_load_vector(struct platform_guest *guest, const void *state)
{
    uint8_t area[LINUX_VECTOR_STATE_SIZE] __attribute__((aligned(16)));
    (void)guest;
    memcpy(area, state, sizeof(area));
    __asm__ volatile("fxrstor64 %0" : : "m"(area));
}

void platform_guest_save_vector(struct platform_guest *guest, void *state)
{
    uint8_t area[LINUX_VECTOR_STATE_SIZE] __attribute__((aligned(16)));
    (void)guest;
    memset(area, 0, sizeof(area)); // FXSAVE leaves the last bytes alone
    __asm__ volatile("fxsave64 %0" : "+m"(area));
    memcpy(state, area, sizeof(area));
}

enum linux_event_kind platform_guest_run(struct platform_guest *guest, struct linux_event *event)
{
    struct tes_guest_state *state = guest->state;
    if (guest_bind(guest) != 0) {
        return LINUX_EVENT_KILL;
    }
    tes_status_t status = linux_guest_enter();
    state->full_restore = 0;
    if (status == TES_OK && state->exit_reason == TES_GUEST_EXIT_SYSTEM_CALL) {
        return LINUX_EVENT_SYSCALL;
    }
    if (status == TES_ERROR_BAD_ADDRESS) {
        // The instruction or stack pointer cannot be the guest's: what the jump there would do.
        *event = (struct linux_event){ .vector = 13 };
        return LINUX_EVENT_FAULT;
    }
    if (status != TES_OK) {
        return LINUX_EVENT_KILL;
    }
    if (state->exit_reason == TES_GUEST_EXIT_KICK) {
        (void)wait_poll(WAIT_KICK); // this is that kick
        return LINUX_EVENT_KICK;
    }
    *event = (struct linux_event){
        .address = state->fault_address,
        .error = state->fault_detail & ERROR_MASK,
        .vector = (uint32_t)(state->fault_detail >> VECTOR_SHIFT),
        .is_out_of_memory = state->fault_cause == TES_FAULT_NO_MEMORY,
    };
    return LINUX_EVENT_FAULT;
}

static int map_own(const struct platform_guest *guest, uint64_t address, uint64_t size,
                   uint32_t protection)
{
    uint64_t mapped = 0;
    // A page without any access is simply not there; its contents stay in the Memory.
    if (protection == 0) {
        return error_of(tes_space_unmap(guest->space, address, size));
    }
    // x86_64 has no pages that can be written or executed but not read.
    return error_of(tes_space_map(guest->space, guest->memory, address, address, size,
                                  protection | TES_SPACE_MAP_READ | TES_SPACE_MAP_REPLACE,
                                  &mapped));
}

// Forgets blobs in the range; what lies beside it stays. False without room for a second part.
static bool blobs_cut(struct platform_guest *guest, uint64_t start, uint64_t end)
{
    for (uint32_t index = 0; index < guest->blob_count; index++) {
        struct blob_range *range = &guest->blobs[index];
        struct blob_range upper = { .start = end, .end = range->end };
        if (range->end <= start || range->start >= end) {
            continue;
        }
        if (range->start < start && upper.end > upper.start) {
            if (guest->blob_count == BLOB_RANGES_MAX) {
                return false;
            }
            guest->blobs[guest->blob_count++] = upper;
            range->end = start;
        } else if (range->start < start) {
            range->end = start;
        } else if (upper.end > upper.start) {
            *range = upper;
        } else {
            *range = guest->blobs[--guest->blob_count];
            index--;
        }
    }
    return true;
}

int platform_guest_map(struct platform_guest *guest, uint64_t address, uint64_t size,
                       uint32_t protection)
{
    if (!blobs_cut(guest, address, address + size)) {
        return -LINUX_ENOMEM;
    }
    int error = platform_guest_discard(guest, address, size);
    return error != 0 ? error : map_own(guest, address, size, protection);
}

static int blob_copy(struct platform_guest *guest, uint64_t address, uint64_t size,
                     const struct platform_blob *blob, uint64_t offset)
{
    uint64_t rest = offset < blob->size ? blob->size - offset : 0;
    return rest == 0 ? 0
                     : platform_copy_to_guest(guest, address, blob->data + offset,
                                              rest < size ? rest : size);
}

int platform_guest_map_blob(struct platform_guest *guest, uint64_t address, uint64_t size,
                            uint32_t protection, const struct platform_blob *blob, uint64_t offset)
{
    const struct blob_source *source = blob_source_of(blob);
    uint64_t mapped = 0;
    uint64_t whole = blob->size & ~(LINUX_PAGE_SIZE - 1);
    bool can_share = (protection & PLATFORM_WRITE) == 0 && protection != 0 && offset <= whole &&
                     size <= whole - offset && guest->blob_count < BLOB_RANGES_MAX;
    int error = platform_guest_map(guest, address, size, PLATFORM_READ | PLATFORM_WRITE);
    if (error != 0) {
        return error;
    }
    if (can_share) {
        tes_status_t status =
            tes_space_map(guest->space, source->memory, source->offset + offset, address, size,
                          protection | TES_SPACE_MAP_READ | TES_SPACE_MAP_REPLACE, &mapped);
        if (status == TES_OK) {
            guest->blobs[guest->blob_count++] = (struct blob_range){ address, address + size };
            return 0;
        }
    }
    error = blob_copy(guest, address, size, blob, offset);
    return error != 0 ? error : platform_guest_protect(guest, address, size, protection);
}

int platform_guest_unmap(struct platform_guest *guest, uint64_t address, uint64_t size)
{
    if (!blobs_cut(guest, address, address + size)) {
        return -LINUX_ENOMEM;
    }
    int error = error_of(tes_space_unmap(guest->space, address, size));
    return error != 0 ? error : platform_guest_discard(guest, address, size);
}

// Brings the blob's pages of one range into the guest's own Memory, through a page at a time.
static int blob_own(struct platform_guest *guest, uint64_t start, uint64_t end)
{
    uint8_t page[LINUX_PAGE_SIZE];
    for (uint64_t place = start; place < end; place += LINUX_PAGE_SIZE) {
        int error = platform_copy_from_guest(guest, page, place, sizeof(page));
        if (error == 0) {
            error = map_own(guest, place, LINUX_PAGE_SIZE, PLATFORM_READ | PLATFORM_WRITE);
        }
        if (error == 0) {
            error = platform_copy_to_guest(guest, place, page, sizeof(page));
        }
        if (error != 0) {
            return error;
        }
    }
    return blobs_cut(guest, start, end) ? 0 : -LINUX_ENOMEM;
}

int platform_guest_protect(struct platform_guest *guest, uint64_t address, uint64_t size,
                           uint32_t protection)
{
    uint64_t end = address + size;
    for (uint32_t index = 0; index < guest->blob_count; index++) {
        const struct blob_range range = guest->blobs[index];
        uint64_t from = range.start > address ? range.start : address;
        uint64_t to = range.end < end ? range.end : end;
        if (from < to) {
            int error = blob_own(guest, from, to);
            if (error != 0) {
                return error;
            }
            index = UINT32_MAX; // the list has changed: look at it again from its start
        }
    }
    return map_own(guest, address, size, protection);
}

int platform_guest_discard(struct platform_guest *guest, uint64_t address, uint64_t size)
{
    return error_of(tes_memory_control(guest->memory, TES_MEMORY_CONTROL_DISCARD, address, size));
}

int platform_copy_from_guest(struct platform_guest *guest, void *destination, uint64_t address,
                             size_t size)
{
    int error = guest_bind(guest);
    return error != 0 ? error : linux_guest_copy(destination, (const void *)address, size);
}

int platform_copy_to_guest(struct platform_guest *guest, uint64_t address, const void *source,
                           size_t size)
{
    int error = guest_bind(guest);
    return error != 0 ? error : linux_guest_copy((void *)address, source, size);
}
