// SPDX-License-Identifier: MIT OR Apache-2.0
// Copying from, to and between Spaces: page by page through the direct map. A page is looked up
// (and made, like in a fault), its frame held, copied, and let go: the kernel never touches a user
// address, so it cannot fault.
#include "mm.h"

#include <rt/string.h>

#define COPY_PAGES_MAX 16u

static uint64_t piece_size(uint64_t address, uint64_t left)
{
    uint64_t room = PAGE_SIZE - (address & PAGE_MASK);
    return left < room ? left : room;
}

static char *held_byte(const struct page_hold *hold, uint64_t address)
{
    return (char *)frame_address(hold->frame) + (address & PAGE_MASK);
}

static bool is_user_range(uint64_t address, uint64_t size)
{
    return size <= TES_USER_TOP && address <= TES_USER_TOP - size;
}

static tes_status_t own_status(tes_status_t status)
{
    return status == TES_OK || status == TES_ERROR_NO_MEMORY ? status : TES_ERROR_BAD_ADDRESS;
}

static tes_status_t copy_kernel(struct space *space, char *bytes, uint64_t user, uint64_t size,
                                uint32_t access)
{
    tes_status_t status = is_user_range(user, size) ? TES_OK : TES_ERROR_BAD_ADDRESS;
    for (uint64_t done = 0; done < size && status == TES_OK;) {
        struct page_hold hold;
        uint64_t piece = piece_size(user + done, size - done);
        status = own_status(space_hold_page(space, user + done, access, &hold));
        if (status == TES_OK) {
            char *byte = held_byte(&hold, user + done);
            bool is_out = access == REGION_WRITE;
            bytes_copy(is_out ? byte : bytes + done, is_out ? bytes + done : byte, piece);
            page_hold_end(&hold);
        }
        done += piece;
    }
    return status;
}

tes_status_t copy_in(struct space *space, void *to, uaddr_t from, uint64_t size)
{
    return copy_kernel(space, to, from.value, size, REGION_READ);
}

tes_status_t copy_out(struct space *space, uaddr_t to, const void *from, uint64_t size)
{
    return copy_kernel(space, (char *)(uintptr_t)from, to.value, size, REGION_WRITE);
}

// Both pages are held while one piece is copied. FAULT: the peer's page cannot be had.
static tes_status_t copy_piece(const struct copy_request *request, uint64_t done, uint64_t size)
{
    struct page_hold own;
    struct page_hold peer;
    uint64_t own_address = request->own_address + done;
    uint64_t peer_address = request->peer_address + done;
    tes_status_t status = own_status(space_hold_page(
        request->own_space, own_address, request->is_to_peer ? REGION_READ : REGION_WRITE, &own));
    if (status != TES_OK) {
        return status;
    }
    status = space_hold_page(request->peer_space, peer_address,
                             request->is_to_peer ? REGION_WRITE : REGION_READ, &peer);
    if (status == TES_OK) {
        char *own_byte = held_byte(&own, own_address);
        char *peer_byte = held_byte(&peer, peer_address);
        char *to = request->is_to_peer ? peer_byte : own_byte;
        const char *from = request->is_to_peer ? own_byte : peer_byte;
        if (own.frame.value == peer.frame.value) {
            memmove(to, from, size);
        } else {
            bytes_copy(to, from, size);
        }
        page_hold_end(&peer);
    }
    page_hold_end(&own);
    return status == TES_OK ? TES_OK : TES_ERROR_FAULT;
}

tes_status_t copy_between(const struct copy_request *request, uint64_t *out_copied,
                          uint64_t *out_fault_address)
{
    *out_copied = 0;
    if (!is_user_range(request->own_address, request->size)) {
        return TES_ERROR_BAD_ADDRESS;
    }
    if (!is_user_range(request->peer_address, request->size)) {
        *out_fault_address = request->peer_address;
        return TES_ERROR_FAULT;
    }
    uint64_t done = 0;
    for (uint32_t pieces = 0; done < request->size; pieces++) {
        if (pieces ==
            2 * COPY_PAGES_MAX) { // ranges that lie differently in their pages are cut twice a page
            return TES_ERROR_RESTART;
        }
        uint64_t size = piece_size(request->own_address + done, request->size - done);
        size = piece_size(request->peer_address + done, size);
        tes_status_t status = copy_piece(request, done, size);
        if (status != TES_OK) {
            *out_fault_address = status == TES_ERROR_FAULT ? request->peer_address + done : 0;
            return status;
        }
        done += size;
        *out_copied = done;
    }
    return TES_OK;
}
