// SPDX-License-Identifier: MIT OR Apache-2.0
// The kernel modules beside kernel/object, as small as these tests need them: they count what they
// are told, and ends take as many steps as the test says.
#include "fake.h"

#include <arch/machine.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/type_operations.h>
#include <string.h>

static struct timer *timers[64];

struct thread *current_thread(void)
{
    return &fake.thread;
}

struct process *current_process(void)
{
    return fake.thread.process;
}

bool sched_should_preempt(void)
{
    return fake.preempts;
}

void timer_arm(struct timer *timer, uint64_t deadline_ns)
{
    for (uint32_t index = 0; index < 64; index++) {
        if (timers[index] == NULL) {
            timers[index] = timer;
            timer->deadline_ns = deadline_ns;
            return;
        }
    }
}

void timer_disarm(struct timer *timer)
{
    for (uint32_t index = 0; index < 64; index++) {
        timers[index] = timers[index] == timer ? NULL : timers[index];
    }
}

void fake_timers_run(void)
{
    for (uint32_t index = 0; index < 64; index++) {
        struct timer *timer = timers[index];
        if (timer != NULL && timer->deadline_ns <= fake.now_ns) {
            timers[index] = NULL;
            timer->expire(timer);
        }
    }
}

void ipc_session_revoked(struct session *session)
{
    (void)session;
    fake.sessions_revoked++;
}

void memory_handle_revoked(struct memory *memory, struct session *session)
{
    (void)memory;
    (void)session;
    fake.memories_revoked++;
}

void notification_signal(struct notification *notification, uint64_t bits)
{
    notification->bits |= bits;
    fake.signals++;
}

void endpoint_queue_notice_locked(struct endpoint *endpoint, struct session *session)
{
    if (endpoint->notices == NULL) {
        endpoint->notices = session;
    } else {
        endpoint->notices_last->notice_next = session;
    }
    endpoint->notices_last = session;
}

struct session *fake_notice_take(struct endpoint *endpoint)
{
    struct session *session = endpoint->notices;
    if (session == NULL) {
        return NULL;
    }
    spinlock_acquire(&endpoint->object.lock);
    endpoint->notices = session->notice_next;
    session->notice_next = NULL;
    session_notice_taken_locked(session);
    spinlock_release(&endpoint->object.lock);
    return session;
}

#define DESTROYS(name)                                                                             \
    tes_status_t name##_destroy(struct object *object)                                             \
    {                                                                                              \
        return object->is_dead != 0 ? TES_OK : TES_ERROR_INVALID;                                  \
    }
#define RELEASES(name)                                                                             \
    bool name##_release(struct object *object)                                                     \
    {                                                                                              \
        return object->is_dead != 0;                                                               \
    }
DESTROYS(endpoint)
DESTROYS(reply)
DESTROYS(notification)
DESTROYS(context)
DESTROYS(memory)
DESTROYS(irq)
DESTROYS(iospace)
RELEASES(notification)
RELEASES(thread)
RELEASES(memory)
RELEASES(space)
RELEASES(iospace)

tes_status_t thread_destroy(struct object *object)
{
    if (fake.thread_steps != 0) {
        fake.thread_steps--;
        return TES_ERROR_RESTART;
    }
    struct thread *thread = container_of(object, struct thread, object);
    spinlock_acquire(&thread->process->object.lock);
    list_remove(&thread->process_link);
    spinlock_release(&thread->process->object.lock);
    return TES_OK;
}

tes_status_t space_destroy(struct object *object)
{
    struct space *space = (struct space *)object;
    spinlock_acquire(&space->process->object.lock);
    list_remove(&space->guest_link);
    spinlock_release(&space->process->object.lock);
    return TES_OK;
}

tes_status_t space_create_root(struct process *process, struct quota *quota, bool is_guest,
                               struct space **out_space)
{
    struct object *object = NULL;
    tes_status_t status = object_create(quota, TES_TYPE_SPACE, &object);
    if (status != TES_OK) {
        return status;
    }
    *out_space = (struct space *)object;
    (*out_space)->process = process;
    (*out_space)->is_guest = is_guest;
    list_init(&(*out_space)->guest_link);
    return TES_OK;
}

struct space *thread_space(const struct thread *thread, uint64_t address)
{
    (void)address;
    return thread->process->space;
}

tes_status_t copy_in(struct space *space, void *to, uaddr_t from, uint64_t size)
{
    (void)space;
    memcpy(to, (const void *)(uintptr_t)from.value, size);
    return TES_OK;
}

tes_status_t copy_out(struct space *space, uaddr_t to, const void *from, uint64_t size)
{
    (void)space;
    memcpy((void *)(uintptr_t)to.value, from, size);
    return TES_OK;
}

bool space_region_at(struct space *space, uint64_t n, struct tes_info_region *out_region)
{
    (void)space;
    *out_region = (struct tes_info_region){ 0 };
    return n == 0;
}

bool irq_info_at(uint64_t n, struct tes_info_irq *out_info)
{
    *out_info = (struct tes_info_irq){ .number = n };
    return n == 0;
}

void log_write(enum log_level level, const char *format, ...)
{
    (void)level;
    (void)format;
}

void log_write_user(const char *line, size_t size)
{
    (void)line;
    (void)size;
}

size_t log_read(uint64_t position, char *to, size_t size)
{
    memset(to, 'x', size);
    return position == 0 ? size : 0;
}

tes_status_t trace_control(bool is_on)
{
    (void)is_on;
    return TES_OK;
}

uint64_t trace_read(uint32_t core, uint64_t position, struct tes_trace_record *out_records,
                    uint64_t count)
{
    (void)core;
    (void)position;
    (void)out_records;
    return count < 1 ? count : 0;
}

tes_status_t machine_port_read(uint16_t port, uint32_t size, uint32_t *out_value)
{
    (void)size;
    *out_value = port;
    return TES_OK;
}

tes_status_t machine_port_write(uint16_t port, uint32_t size, uint32_t value)
{
    (void)port;
    (void)size;
    (void)value;
    return TES_OK;
}

tes_status_t machine_power_off(uint32_t code)
{
    (void)code;
    return TES_ERROR_NOT_SUPPORTED;
}

tes_status_t machine_reboot(void)
{
    return TES_ERROR_NOT_SUPPORTED;
}
