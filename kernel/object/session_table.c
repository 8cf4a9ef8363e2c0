// SPDX-License-Identifier: MIT OR Apache-2.0
// The Session table: a fixed window of kernel addresses, 32 nodes of 128 bytes a page, mapped on
// demand. A slot may point to a node for ever: its memory is always readable, and epochs never
// repeat, so a stale slot never matches. Page states: fresh (never mapped) → mapped (node 0 is the
// page's header, free nodes are linked in it) → retired (the shared page of zeros is mapped
// instead; the frame is freed when no TLB holds it) → mapped again. A retired page that comes back
// is used only when every core has flushed its TLB; until then the next fresh one is.
#include "internal.h"

#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/frame.h>
#include <rt/bits.h>
#include <rt/string.h>

#define NODES_PER_PAGE (PAGE_SIZE / sizeof(struct session))
#define PAGES_MAX      (SESSION_TABLE_MAX / NODES_PER_PAGE)
#define PAGES_KEPT     4u // wholly free pages that stay mapped
#define MAGAZINE_MAX   (2 * NODES_PER_PAGE)

struct table_page {          // lies in node 0
    uint64_t zero;           // an epoch that is never live
    struct table_page *next; // quiescence list, or list of those coming back
    struct list_node link;   // table.partial while a node is free
    struct session *free;    // linked by notice_next
    uint32_t used;
    uint32_t number;
    paddr_t frame;
};
static_assert(sizeof(struct table_page) <= sizeof(struct session),
              "node 0 of a page is its header");

static struct {
    struct spinlock lock;     // guards all below
    struct list_node partial; // pages with a free node, wholly free ones last
    uint32_t free_pages;      // wholly free ones among them
    uint32_t fresh;           // first page never mapped
    uint32_t retired_count;
    uint64_t used;             // nodes
    struct table_page *coming; // mapped again, waits until every TLB knows
    uint64_t coming_since[CORES_MAX];
    paddr_t zeros;
    uint64_t retired[PAGES_MAX / 64]; // bitmap
} table;

static struct magazine {
    struct session *free; // linked by notice_next; in use as far as their pages know
    uint64_t count;
} magazines[CORES_MAX]; // each its core's

struct session session_none;

void session_table_init(void)
{
    list_init(&table.partial);
    tes_status_t status = frame_allocate_zeroed(&table.zeros);
    ASSERT(status == TES_OK);
}

static uint64_t page_address(uint32_t number)
{
    return (uint64_t)(uintptr_t)MMU_SESSION_WINDOW + (uint64_t)number * PAGE_SIZE;
}

static struct table_page *page_of(const struct session *session)
{
    return (struct table_page *)((uintptr_t)session & ~(uintptr_t)PAGE_MASK);
}

uint64_t session_index(const struct session *session)
{
    return ((uintptr_t)session - (uintptr_t)MMU_SESSION_WINDOW) / sizeof(struct session);
}

uint64_t session_count(void)
{
    uint64_t count = table.used;
    for (uint32_t core = 0; core < CORES_MAX; core++) {
        count -= magazines[core].count;
    }
    return count;
}

// A free node is zeroed but for its links.
static void node_init(struct session *session)
{
    *session = (struct session){ 0 };
    list_init(&session->children);
    list_init(&session->sibling);
    list_init(&session->quota_link);
}

static struct table_page *page_format(uint32_t number, paddr_t frame)
{
    struct table_page *page = (struct table_page *)(uintptr_t)page_address(number);
    struct session *nodes = (struct session *)(void *)page;
    page->number = number;
    page->frame = frame;
    for (uint32_t index = NODES_PER_PAGE - 1; index > 0; index--) {
        node_init(&nodes[index]);
        nodes[index].notice_next = page->free;
        page->free = &nodes[index];
    }
    return page;
}

static void page_offer(struct table_page *page)
{
    list_append(&table.partial, &page->link);
    table.free_pages++;
}

static tes_status_t page_map(uint32_t number, struct table_page **out_page)
{
    paddr_t frame;
    tes_status_t status = frame_allocate_zeroed(&frame);
    if (status != TES_OK) {
        return status;
    }
    status = mmu_kernel_map(page_address(number), frame, MMU_READ | MMU_WRITE);
    if (status != TES_OK) {
        frame_free(frame);
        return status;
    }
    mmu_flush_page(page_address(number));
    *out_page = page_format(number, frame);
    return TES_OK;
}

static void coming_back_start(void)
{
    for (uint32_t word = 0; word < PAGES_MAX / 64; word++) {
        if (table.retired[word] == 0) {
            continue;
        }
        uint32_t bit = (uint32_t)__builtin_ctzll(table.retired[word]);
        uint32_t number = word * 64 + bit;
        if (page_map(number, &table.coming) == TES_OK) {
            table.retired[word] &= ~(1ull << bit);
            table.retired_count--;
            quiesce_flush_begin(table.coming_since);
        }
        return;
    }
}

static void coming_back(void)
{
    if (table.coming == NULL && table.retired_count != 0) {
        coming_back_start();
    }
    if (table.coming != NULL && quiesce_flush_has_passed(table.coming_since)) {
        page_offer(table.coming);
        table.coming = NULL;
    }
}

static tes_status_t table_grow(void)
{
    coming_back();
    if (!list_is_empty(&table.partial)) {
        return TES_OK;
    }
    if (table.fresh == PAGES_MAX) {
        return TES_ERROR_NO_MEMORY;
    }
    struct table_page *page = NULL;
    tes_status_t status = page_map(table.fresh, &page);
    if (status == TES_OK) {
        page_offer(page);
        table.fresh++;
    }
    return status;
}

static void magazine_put(struct magazine *magazine, struct session *session)
{
    session->notice_next = magazine->free;
    magazine->free = session;
    magazine->count++;
}

static struct session *magazine_take(struct magazine *magazine)
{
    struct session *session = magazine->free;
    ASSERT(session != NULL);
    magazine->free = session->notice_next;
    magazine->count--;
    session->notice_next = NULL;
    return session;
}

static struct session *node_take_locked(void)
{
    struct table_page *page = container_of(table.partial.next, struct table_page, link);
    struct session *session = page->free;
    page->free = session->notice_next;
    if (page->used++ == 0) {
        table.free_pages--;
    }
    if (page->free == NULL) {
        list_remove(&page->link);
    }
    table.used++;
    return session;
}

static tes_status_t __attribute__((noinline)) magazine_refill(struct magazine *magazine)
{
    spinlock_acquire(&table.lock);
    tes_status_t status = list_is_empty(&table.partial) ? table_grow() : TES_OK;
    while (status == TES_OK && magazine->count < MAGAZINE_MAX / 2 &&
           !list_is_empty(&table.partial)) {
        magazine_put(magazine, node_take_locked());
    }
    spinlock_release(&table.lock);
    return status;
}

tes_status_t session_allocate(struct session **out_session)
{
    struct magazine *magazine = &magazines[cpu_local()->id];
    if (magazine->free == NULL) {
        tes_status_t status = magazine_refill(magazine);
        if (status != TES_OK) {
            return status;
        }
    }
    *out_session = magazine_take(magazine);
    return TES_OK;
}

// The page's nodes read as dead from now on, whichever of the two frames a core sees.
static void page_retire(struct table_page *page)
{
    uint64_t address = page_address(page->number);
    paddr_t frame = page->frame;
    list_remove(&page->link);
    table.retired[page->number / 64] |= 1ull << (page->number % 64);
    table.retired_count++;
    table.free_pages--;
    tes_status_t status = mmu_kernel_map(address, table.zeros, MMU_READ);
    ASSERT(status == TES_OK); // the tables are there
    mmu_flush_page(address);
    quiesce_session_page(frame_address(frame));
}

static void node_give_locked(struct session *session)
{
    struct table_page *page = page_of(session);
    session->notice_next = page->free;
    if (page->free == NULL) {
        list_prepend(&table.partial, &page->link);
    }
    page->free = session;
    table.used--;
    if (--page->used != 0) {
        return;
    }
    table.free_pages++;
    if (table.free_pages > PAGES_KEPT) {
        page_retire(page);
    } else {
        list_remove(&page->link);
        list_append(&table.partial, &page->link);
    }
}

static void __attribute__((noinline)) magazine_drain(struct magazine *magazine)
{
    spinlock_acquire(&table.lock);
    while (magazine->count > MAGAZINE_MAX / 2) {
        node_give_locked(magazine_take(magazine));
    }
    spinlock_release(&table.lock);
}

void session_free(struct session *session)
{
    struct magazine *magazine = &magazines[cpu_local()->id];
    ASSERT(session->epoch == 0);
    if (session->extra != NULL) {
        slab_free(session->extra, sizeof(struct session_extra));
    }
    node_init(session);
    magazine_put(magazine, session);
    if (magazine->count > MAGAZINE_MAX) {
        magazine_drain(magazine);
    }
}

void session_page_release(void *page)
{
    frame_free(frame_of_address(page));
}
