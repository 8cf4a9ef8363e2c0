// SPDX-License-Identifier: MIT OR Apache-2.0
// I/O spaces: which pages a device may reach. MAP pins pages of a Memory and tells their bus
// addresses (the physical ones: there is no IOMMU behind it, hence the trusted-DMA right); the
// frames then outlive their Memory. A piece whose Memory handle's Session has died is in
// quarantine: its device may still write there, so the frames return only by RELEASE, when somebody
// says that the device was reset. If the IoSpace itself is destroyed with pieces left, nobody can
// say so any more and the frames are withheld for good. Each piece costs its Quota one object and
// its pages.
#include <kernel/frame.h>
#include <kernel/irq.h>
#include <kernel/limits.h>
#include <kernel/log.h>
#include <kernel/memory.h>
#include <kernel/process.h>
#include <kernel/quota.h>
#include <kernel/sched.h>
#include <kernel/session.h>
#include <kernel/type_operations.h>
#include <kernel_calls.h>
#include <rt/bits.h>
#include <rt/checked.h>

#define PIECE_SIZE  1024u // slab
#define PIECE_PAGES 112u

struct iospace_piece {
    struct list_node link;
    const struct memory *memory; // named only while its Session lives
    struct session *session;
    uint64_t epoch;
    uint64_t first; // page of the Memory
    uint32_t count;
    uint32_t is_pending; // of a MAP that is not finished
    paddr_t frames[PIECE_PAGES];
};
static_assert(sizeof(struct iospace_piece) <= PIECE_SIZE, "a piece fits its slab");

struct request {
    struct iospace *iospace;
    struct memory *memory;
    const struct handle_view *view;
    uint64_t first, end; // pages
    uint64_t address;    // where the bus addresses go
};

static bool is_open(const struct iospace_piece *piece)
{
    return session_is_live(piece->session, piece->epoch);
}

static void piece_free(struct iospace *iospace, struct iospace_piece *piece, bool is_returned)
{
    list_remove(&piece->link);
    for (uint32_t index = 0; index < piece->count && is_returned; index++) {
        frame_unpin(piece->frames[index]);
    }
    quota_return_pages(iospace->object.quota, piece->count);
    quota_return_objects(iospace->object.quota, 1);
    slab_free(piece, PIECE_SIZE);
}

// The piece that shows the page; else null and, in *out_next, where the next one begins.
static struct iospace_piece *piece_find(const struct request *request, uint64_t page,
                                        uint64_t *out_next)
{
    *out_next = request->end;
    list_for_each (node, &request->iospace->windows) {
        struct iospace_piece *piece = container_of(node, struct iospace_piece, link);
        if (piece->memory != request->memory || !is_open(piece)) {
            continue;
        }
        if (page >= piece->first && page - piece->first < piece->count) {
            return piece;
        }
        if (piece->first > page) {
            *out_next = min_u64(*out_next, piece->first);
        }
    }
    return NULL;
}

static tes_status_t piece_fill(const struct request *request, struct iospace_piece *piece,
                               uint64_t count)
{
    for (; piece->count < count; piece->count++) {
        tes_status_t status = memory_pin_page(request->memory, piece->first + piece->count, true,
                                              &piece->frames[piece->count]);
        if (status != TES_OK) {
            return status == TES_ERROR_NO_MEMORY
                       ? status
                       : TES_ERROR_INVALID; // a device's or a pager's Memory
        }
    }
    return TES_OK;
}

static tes_status_t piece_create(const struct request *request, uint64_t first, uint64_t count,
                                 struct iospace_piece **out_piece)
{
    struct quota *quota = request->iospace->object.quota;
    void *memory = NULL;
    tes_status_t status = quota_charge_objects(quota, 1);
    if (status != TES_OK) {
        return status;
    }
    status = quota_charge_pages(quota, count);
    if (status != TES_OK) {
        goto fail_object;
    }
    status = slab_allocate(PIECE_SIZE, &memory);
    if (status != TES_OK) {
        goto fail_pages;
    }
    struct iospace_piece *piece = memory;
    *piece = (struct iospace_piece){ .memory = request->memory,
                                     .session = request->view->session,
                                     .epoch = request->view->epoch,
                                     .first = first,
                                     .is_pending = 1 };
    list_append(&request->iospace->windows, &piece->link);
    status = piece_fill(request, piece, count);
    if (status != TES_OK) {
        quota_return_pages(quota, count - piece->count);
        piece_free(request->iospace, piece, true);
        return status;
    }
    *out_piece = piece;
    return TES_OK;
fail_pages:
    quota_return_pages(quota, count);
fail_object:
    quota_return_objects(quota, 1);
    return status;
}

static tes_status_t tell_addresses(const struct request *request, const struct iospace_piece *piece,
                                   uint64_t page, uint64_t end)
{
    uint64_t to = request->address + (page - request->first) * sizeof(uint64_t);
    static_assert(sizeof(paddr_t) == sizeof(uint64_t), "the array is what the user gets");
    return copy_out(current_process()->space, uaddr_make(to), &piece->frames[page - piece->first],
                    (end - page) * sizeof(uint64_t));
}

// From page on, one piece: *out_next is where it ends.
static tes_status_t map_step(const struct request *request, uint64_t page, uint64_t *out_next)
{
    uint64_t next = 0;
    struct iospace_piece *piece = piece_find(request, page, &next);
    if (piece == NULL) {
        tes_status_t status =
            piece_create(request, page, min_u64(next - page, PIECE_PAGES), &piece);
        if (status != TES_OK) {
            return status;
        }
    }
    *out_next = min_u64(piece->first + piece->count, request->end);
    return tell_addresses(request, piece, page, *out_next);
}

static void map_settle(struct iospace *iospace, bool is_kept)
{
    list_for_each_safe (node, next, &iospace->windows) {
        struct iospace_piece *piece = container_of(node, struct iospace_piece, link);
        if (is_kept) {
            piece->is_pending = 0;
        } else if (piece->is_pending != 0) {
            piece_free(iospace, piece, true);
        }
    }
    iospace->map_thread = NULL;
}

static tes_status_t map_locked(const struct request *request)
{
    struct iospace *iospace = request->iospace;
    bool is_continued = iospace->map_thread == current_thread() &&
                        iospace->map_memory == request->memory &&
                        iospace->map_first == request->first && iospace->map_end == request->end;
    if (!is_continued) {
        map_settle(iospace, false); // of a thread that gave up or was overtaken: it begins anew
        iospace->map_thread = current_thread();
        iospace->map_memory = request->memory;
        iospace->map_first = request->first;
        iospace->map_end = request->end;
        iospace->map_next = request->first;
    }
    while (iospace->map_next < request->end) {
        tes_status_t status = map_step(request, iospace->map_next, &iospace->map_next);
        if (status != TES_OK) {
            map_settle(iospace, false);
            return status;
        }
        if (iospace->map_next < request->end && sched_should_preempt()) {
            return TES_ERROR_RESTART;
        }
    }
    map_settle(iospace, true);
    return TES_OK;
}

// Pieces that lie inside the range.
static tes_status_t unmap_locked(const struct request *request)
{
    tes_status_t status = TES_ERROR_NOT_FOUND;
    list_for_each_safe (node, next, &request->iospace->windows) {
        struct iospace_piece *piece = container_of(node, struct iospace_piece, link);
        if (piece->memory != request->memory || !is_open(piece) || piece->first < request->first ||
            piece->first + piece->count > request->end) {
            continue;
        }
        if (status == TES_OK && sched_should_preempt()) {
            return TES_ERROR_RESTART; // this piece is still there to be found
        }
        piece_free(request->iospace, piece, true);
        status = TES_OK;
    }
    return status;
}

static tes_status_t release_locked(const struct request *request)
{
    struct iospace *iospace = request->iospace;
    map_settle(iospace, false);
    list_for_each (node, &iospace->windows) {
        if (is_open(container_of(node, struct iospace_piece, link))) {
            return TES_ERROR_BUSY;
        }
    }
    list_splice(&iospace->quarantine, &iospace->windows);
    while (!list_is_empty(&iospace->quarantine)) {
        piece_free(iospace, container_of(iospace->quarantine.next, struct iospace_piece, link),
                   true);
        if (sched_should_preempt() && !list_is_empty(&iospace->quarantine)) {
            return TES_ERROR_RESTART;
        }
    }
    return TES_OK;
}

static tes_status_t check_range(const struct handle_view *view, uint64_t offset, uint64_t size,
                                struct request *request)
{
    if (view->object == NULL || !is_page_aligned(offset) || !is_page_aligned(size) || size == 0) {
        return TES_ERROR_INVALID;
    }
    request->memory = container_of(view->object, struct memory, object);
    request->first = offset >> PAGE_SHIFT;
    request->end = request->first + (size >> PAGE_SHIFT);
    return range_is_inside(request->first, size >> PAGE_SHIFT, request->memory->size_pages)
               ? TES_OK
               : TES_ERROR_OUT_OF_RANGE;
}

tes_status_t sys_iospace_map(const struct handle_view *iospace, uint64_t operation,
                             const struct handle_view *memory, uint64_t offset, uint64_t size,
                             uint64_t address)
{
    struct request request = { .iospace = container_of(iospace->object, struct iospace, object),
                               .view = memory,
                               .address = address };
    tes_status_t (*run)(const struct request *) = operation == TES_IOSPACE_MAP_MAP ? map_locked
                                                  : operation == TES_IOSPACE_MAP_UNMAP
                                                      ? unmap_locked
                                                      : release_locked;
    if (bits_count(operation) != 1) {
        return TES_ERROR_INVALID;
    }
    tes_status_t status =
        run == release_locked ? TES_OK : check_range(memory, offset, size, &request);
    if (status != TES_OK) {
        return status;
    }
    spinlock_acquire(&request.iospace->object.lock);
    status = object_is_live(&request.iospace->object) ? run(&request) : TES_ERROR_REVOKED;
    spinlock_release(&request.iospace->object.lock);
    return status;
}

tes_status_t iospace_destroy(struct object *object)
{
    struct iospace *iospace = container_of(object, struct iospace, object);
    uint64_t withheld = 0;
    spinlock_acquire(&object->lock);
    list_splice(&iospace->windows, &iospace->quarantine);
    for (uint32_t count = 0; count < PREEMPT_BATCH && !list_is_empty(&iospace->windows); count++) {
        struct iospace_piece *piece =
            container_of(iospace->windows.next, struct iospace_piece, link);
        withheld += piece->count;
        piece_free(iospace, piece, false);
    }
    bool is_done = list_is_empty(&iospace->windows);
    spinlock_release(&object->lock);
    if (withheld != 0) {
        log_warn("iospace %lu: destroyed before its device was reset: %lu frames are withheld",
                 object->id, withheld);
    }
    return is_done ? TES_OK : TES_ERROR_RESTART;
}

bool iospace_release(struct object *object)
{
    (void)object;
    return true;
}
