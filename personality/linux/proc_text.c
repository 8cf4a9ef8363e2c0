// SPDX-License-Identifier: MIT OR Apache-2.0
// Contents of the files in /proc, from what the container and the platform really have. Each writer
// fills a text; when it does not fit, it runs again with a larger buffer.

#include "proc_text.h"

#include <personality/errors.h>
#include <personality/memory.h>
#include <rt/string.h>

#include "guest.h"
#include "text.h"

#define TEXT_SIZE_AT_START   4096U
#define KIB_SHIFT            10
#define MAPS_NAME_COLUMN     73U
#define ADDRESS_DIGITS       8U
#define CENTISECONDS         (LINUX_NS_PER_S / 100)
#define STAT_ZEROS_AFTER_RSS 28U

typedef void (*proc_writer)(struct linux_task *task, struct linux_text *text);

static char *text_generate(struct linux_task *task, proc_writer write, size_t *out_size)
{
    struct linux_heap *heap = linux_task_heap(task);
    size_t size = TEXT_SIZE_AT_START;
    for (;;) {
        struct linux_text text = { .buffer = linux_heap_alloc(heap, size), .size = size };
        if (text.buffer == NULL) {
            return NULL;
        }
        write(task, &text);
        size_t used = text.used;
        if (used <= size) {
            // The file keeps exactly what it needs, so that its size is also the block's.
            char *exact = linux_heap_alloc(heap, used == 0 ? 1 : used);
            if (exact != NULL) {
                memcpy(exact, text.buffer, used);
            }
            linux_heap_free(heap, text.buffer, size);
            *out_size = used;
            return exact;
        }
        linux_heap_free(heap, text.buffer, size);
        size = used;
    }
}

static void seconds_text(struct linux_text *text, uint64_t time_ns)
{
    linux_text_unsigned(text, time_ns / LINUX_NS_PER_S);
    linux_text_char(text, '.');
    linux_text_decimal(text, time_ns % LINUX_NS_PER_S / CENTISECONDS, 2);
}

static void write_uptime(struct linux_task *task, struct linux_text *text)
{
    (void)task;
    uint64_t now = platform_clock_monotonic_ns();
    uint64_t busy = platform_clock_cpu_ns();
    seconds_text(text, now);
    linux_text_char(text, ' ');
    seconds_text(text, now > busy ? now - busy : 0);
    linux_text_char(text, '\n');
}

static void write_loadavg(struct linux_task *task, struct linux_text *text)
{
    linux_text_string(text, "0.00 0.00 0.00 1/1 ");
    linux_text_unsigned(text, task->pid);
    linux_text_char(text, '\n');
}

static void memory_line(struct linux_text *text, const char *name, uint64_t bytes)
{
    char digits[24];
    struct linux_text number = { .buffer = digits, .size = sizeof(digits) };
    linux_text_unsigned(&number, bytes >> KIB_SHIFT);
    size_t length = linux_text_end(&number);
    size_t start = text->used;
    linux_text_string(text, name);
    linux_text_char(text, ':');
    linux_text_column(text, start, 24 - length);
    linux_text_string(text, digits);
    linux_text_string(text, " kB\n");
}

static void write_meminfo(struct linux_task *task, struct linux_text *text)
{
    struct platform_memory_info info;
    uint64_t own = task->container->heap.pages_used << LINUX_PAGE_SHIFT;
    platform_memory_info(&info);
    memory_line(text, "MemTotal", info.total);
    memory_line(text, "MemFree", info.free);
    memory_line(text, "MemAvailable", info.free);
    memory_line(text, "Buffers", 0);
    memory_line(text, "Cached", own);
    memory_line(text, "SwapCached", 0);
    memory_line(text, "Shmem", own);
    memory_line(text, "SReclaimable", 0);
    memory_line(text, "SwapTotal", 0);
    memory_line(text, "SwapFree", 0);
}

static void write_cpuinfo(struct linux_task *task, struct linux_text *text)
{
    (void)task;
    for (uint32_t cpu = 0; cpu < platform_cpu_count(); cpu++) {
        linux_text_string(text, "processor\t: ");
        linux_text_unsigned(text, cpu);
        linux_text_string(text, "\nfpu\t\t: yes\nfpu_exception\t: yes\nwp\t\t: yes\n\n");
    }
}

static void write_stat_system(struct linux_task *task, struct linux_text *text)
{
    uint64_t busy = platform_clock_cpu_ns() / CENTISECONDS;
    uint64_t all = platform_clock_monotonic_ns() / CENTISECONDS;
    linux_text_string(text, "cpu  ");
    linux_text_unsigned(text, busy);
    linux_text_string(text, " 0 0 ");
    linux_text_unsigned(text, all > busy ? all - busy : 0);
    linux_text_string(text, " 0 0 0 0 0 0\nbtime ");
    linux_text_unsigned(text, task->container->start_ns / LINUX_NS_PER_S);
    linux_text_string(text, "\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n");
}

static void write_mounts(struct linux_task *task, struct linux_text *text)
{
    (void)task;
    linux_text_string(text, "tmpfs / tmpfs rw 0 0\nproc /proc proc rw 0 0\n");
}

static void write_version(struct linux_task *task, struct linux_text *text)
{
    (void)task;
    linux_text_string(text, "Linux version 6.1.0-tessera\n");
}

static void write_filesystems(struct linux_task *task, struct linux_text *text)
{
    (void)task;
    linux_text_string(text, "nodev\tproc\nnodev\ttmpfs\n");
}

static void write_cmdline(struct linux_task *task, struct linux_text *text)
{
    char chunk[256];
    uint64_t place = task->memory->arguments_start;
    while (place < task->memory->arguments_end) {
        uint64_t rest = task->memory->arguments_end - place;
        size_t size = rest < sizeof(chunk) ? (size_t)rest : sizeof(chunk);
        if (linux_guest_read(task, chunk, place, size) != 0) {
            return;
        }
        linux_text_bytes(text, chunk, size);
        place += size;
    }
}

static void write_comm(struct linux_task *task, struct linux_text *text)
{
    linux_text_string(text, task->name);
    linux_text_char(text, '\n');
}

static const char *region_name(const struct linux_task *task, const struct linux_region *region)
{
    if ((region->flags & LINUX_REGION_STACK) != 0) {
        return "[stack]";
    }
    bool is_heap = region->start >= task->memory->brk_start && region->end <= task->memory->brk_end;
    return is_heap && region->file == NULL ? "[heap]" : NULL;
}

static void maps_line(struct linux_task *task, struct linux_text *text,
                      const struct linux_region *region)
{
    char path[LINUX_PATH_MAX];
    const char *name = region_name(task, region);
    size_t start = text->used;
    linux_text_hex(text, region->start, ADDRESS_DIGITS);
    linux_text_char(text, '-');
    linux_text_hex(text, region->end, ADDRESS_DIGITS);
    linux_text_char(text, ' ');
    linux_text_char(text, (region->protection & LINUX_PROT_READ) != 0 ? 'r' : '-');
    linux_text_char(text, (region->protection & LINUX_PROT_WRITE) != 0 ? 'w' : '-');
    linux_text_char(text, (region->protection & LINUX_PROT_EXEC) != 0 ? 'x' : '-');
    linux_text_char(text, (region->flags & LINUX_REGION_SHARED) != 0 ? 's' : 'p');
    linux_text_char(text, ' ');
    linux_text_hex(text, region->offset, ADDRESS_DIGITS);
    linux_text_string(text, region->file == NULL ? " 00:00 " : " 00:19 ");
    linux_text_unsigned(text, region->file == NULL ? 0 : region->file->inode->number);
    linux_text_char(text, ' ');
    if (region->file != NULL && linux_entry_path(linux_task_tree(task), region->file,
                                                 task->fs->root, path, sizeof(path)) >= 0) {
        name = path;
    }
    if (name != NULL) {
        linux_text_column(text, start, MAPS_NAME_COLUMN);
        linux_text_string(text, name);
    }
    linux_text_char(text, '\n');
}

static void write_maps(struct linux_task *task, struct linux_text *text)
{
    for (uint32_t index = 0; index < task->memory->region_count; index++) {
        maps_line(task, text, &task->memory->regions[index]);
    }
}

static void number_and_space(struct linux_text *text, uint64_t value)
{
    linux_text_unsigned(text, value);
    linux_text_char(text, ' ');
}

static void write_stat(struct linux_task *task, struct linux_text *text)
{
    uint64_t ticks = platform_clock_cpu_ns() / CENTISECONDS;
    number_and_space(text, task->pid);
    linux_text_char(text, '(');
    linux_text_string(text, task->name);
    linux_text_string(text, ") R ");
    number_and_space(text, task->parent_pid);
    number_and_space(text, task->group);
    number_and_space(text, task->session);
    linux_text_string(text, "0 -1 4194304 0 0 0 0 ");
    number_and_space(text, ticks);
    linux_text_string(text, "0 0 0 20 0 1 0 ");
    number_and_space(text, task->container->start_ns % LINUX_NS_PER_S / CENTISECONDS);
    number_and_space(text, task->memory->mapped_size);
    number_and_space(text, 0); // resident pages are the kernel's to know
    linux_text_unsigned(text, UINT64_MAX);
    for (uint32_t index = 0; index < STAT_ZEROS_AFTER_RSS - 1; index++) {
        linux_text_string(text, " 0");
    }
    linux_text_char(text, '\n');
}

static void status_line(struct linux_text *text, const char *name, uint64_t value)
{
    linux_text_string(text, name);
    linux_text_string(text, ":\t");
    linux_text_unsigned(text, value);
    linux_text_char(text, '\n');
}

static void status_ids(struct linux_text *text, const char *name, const uint32_t ids[4])
{
    linux_text_string(text, name);
    linux_text_char(text, ':');
    for (uint32_t index = 0; index < 4; index++) {
        linux_text_char(text, '\t');
        linux_text_unsigned(text, ids[index]);
    }
    linux_text_char(text, '\n');
}

static void write_status(struct linux_task *task, struct linux_text *text)
{
    const struct linux_credentials *who = &task->credentials;
    const uint32_t uids[4] = { who->uid, who->euid, who->suid, who->euid };
    const uint32_t gids[4] = { who->gid, who->egid, who->sgid, who->egid };
    linux_text_string(text, "Name:\t");
    linux_text_string(text, task->name);
    linux_text_string(text, "\nUmask:\t0");
    linux_text_octal(text, task->fs->umask);
    linux_text_string(text, "\nState:\tR (running)\n");
    status_line(text, "Tgid", task->pid);
    status_line(text, "Pid", task->pid);
    status_line(text, "PPid", task->parent_pid);
    status_line(text, "TracerPid", 0);
    status_ids(text, "Uid", uids);
    status_ids(text, "Gid", gids);
    status_line(text, "FDSize", task->files->capacity);
    memory_line(text, "VmSize", task->memory->mapped_size);
    status_line(text, "Threads", 1);
}

// One generator for each writer, as the operations need a function without further arguments.
#define GENERATOR(name)                                                                            \
    static char *generate_##name(struct linux_task *task, struct linux_inode *inode,               \
                                 size_t *out_size)                                                 \
    {                                                                                              \
        (void)inode;                                                                               \
        return text_generate(task, write_##name, out_size);                                        \
    }

GENERATOR(uptime)
GENERATOR(loadavg)
GENERATOR(meminfo)
GENERATOR(cpuinfo)
GENERATOR(stat_system)
GENERATOR(mounts)
GENERATOR(version)
GENERATOR(filesystems)
GENERATOR(cmdline)
GENERATOR(comm)
GENERATOR(maps)
GENERATOR(stat)
GENERATOR(status)

const struct linux_proc_text linux_proc_texts[] = {
    { "uptime", false, { .generate = generate_uptime } },
    { "loadavg", false, { .generate = generate_loadavg } },
    { "meminfo", false, { .generate = generate_meminfo } },
    { "cpuinfo", false, { .generate = generate_cpuinfo } },
    { "stat", false, { .generate = generate_stat_system } },
    { "mounts", false, { .generate = generate_mounts } },
    { "version", false, { .generate = generate_version } },
    { "filesystems", false, { .generate = generate_filesystems } },
    { "cmdline", true, { .generate = generate_cmdline } },
    { "comm", true, { .generate = generate_comm } },
    { "maps", true, { .generate = generate_maps } },
    { "stat", true, { .generate = generate_stat } },
    { "status", true, { .generate = generate_status } },
    { "mounts", true, { .generate = generate_mounts } },
    { NULL, false, { .generate = NULL } },
};
