// SPDX-License-Identifier: MIT OR Apache-2.0
// The objects of a container, divided as Linux divides them so that processes and threads
// (CLONE_FS, CLONE_FILES, CLONE_VM, CLONE_SIGHAND) can share or copy each part: task, memory, file
// table, file system context, signal actions. Every part counts its users.
#pragma once

#include <personality/abi.h>
#include <personality/heap.h>
#include <personality/platform.h>
#include <personality/tree.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINUX_ADDRESS_TOP    UINT64_C(0x7e0000000000) // the personality begins here
#define LINUX_ADDRESS_BOTTOM UINT64_C(0x10000)        // vm.mmap_min_addr
#define LINUX_FILES_MAX      1024U
#define LINUX_CALL_COUNT     451U
#define LINUX_NAME_SIZE      16U // TASK_COMM_LEN
#define LINUX_ARGUMENTS_MAX  6U

struct linux_region {
    uint64_t start;
    uint64_t end;
    uint32_t protection; // PROT_*
    uint32_t flags;      // LINUX_REGION_*
    uint64_t offset;     // in the file
    struct linux_entry *file;
};
#define LINUX_REGION_SHARED 1U
#define LINUX_REGION_STACK  2U
#define LINUX_REGION_HEAP   4U

struct linux_memory {
    uint32_t users;
    struct platform_guest *guest;
    struct linux_region *regions; // sorted, not overlapping
    uint32_t region_count;
    uint32_t region_capacity;
    uint64_t mapped_size;
    uint64_t brk_start;
    uint64_t brk_end;
    uint64_t mmap_base; // mappings grow down from here
    uint64_t stack_top;
    uint64_t arguments_start;
    uint64_t arguments_end;
    struct linux_entry *executable;
};

// An open file description: what dup and fork share.
struct linux_file {
    uint32_t references;
    uint32_t flags; // O_*
    struct linux_entry *entry;
    uint64_t offset;
    char *generated; // contents of made-up files, from the time they were opened
    size_t generated_size;
};

struct linux_descriptor {
    struct linux_file *file;
    bool close_on_exec;
};

struct linux_files {
    uint32_t users;
    uint32_t capacity;
    uint32_t first_free; // no free descriptor below
    struct linux_descriptor *table;
};

struct linux_fs {
    uint32_t users;
    uint32_t umask;
    struct linux_entry *root;
    struct linux_entry *directory;
};

struct linux_actions {
    uint32_t users;
    struct linux_sigaction action[LINUX_SIGNAL_COUNT];
};

struct linux_credentials {
    uint32_t uid;
    uint32_t euid;
    uint32_t suid;
    uint32_t gid;
    uint32_t egid;
    uint32_t sgid;
};

// Bits of attention: reasons to leave the short way through the dispatcher.
#define LINUX_ATTENTION_TRACE    1U
#define LINUX_ATTENTION_SIGNAL   2U
#define LINUX_ATTENTION_EXIT     4U
#define LINUX_ATTENTION_REPLACED 8U // the call set all registers itself (execve, rt_sigreturn)

struct linux_container;

struct linux_task {
    struct linux_registers
        *registers; // shared with the kernel; first, as the dispatcher lives here
    uint32_t attention;
    bool has_saved_mask; // sigsuspend, pselect, ppoll: restore after delivery
    struct linux_container *container;
    struct linux_memory *memory;
    struct linux_files *files;
    struct linux_fs *fs;
    struct linux_actions *actions;
    struct linux_credentials credentials;
    uint32_t pid;
    uint32_t parent_pid;
    uint32_t group;
    uint32_t session;
    int32_t nice;
    int32_t exit_status; // as wait reports it: code << 8 or signal
    uint64_t blocked;
    uint64_t saved_mask;
    uint64_t pending;
    struct linux_siginfo pending_info[LINUX_SIGNAL_COUNT];
    struct linux_sigaltstack alternate_stack;
    uint64_t clear_child_tid;
    uint64_t alarm_at_ns; // UINT64_MAX: none
    uint64_t alarm_interval_ns;
    char name[LINUX_NAME_SIZE];
    uint64_t traced_arguments[LINUX_ARGUMENTS_MAX];
    bool is_traced_at_enter; // execve and exit were printed before they ran
    struct linux_rlimit limits[LINUX_RLIMIT_COUNT];
};

struct linux_options {
    bool is_traced;
    bool is_fixed_layout;   // no randomisation of addresses
    uint64_t page_limit;    // of the personality's own heap: tree, tables
    uint64_t address_limit; // bytes of address space of one process
    int64_t file_time_s;    // times of the files handed in; 0: now
};

struct linux_container {
    struct linux_heap heap;
    struct linux_tree tree;
    struct linux_options options;
    struct linux_entry *proc;
    struct linux_task *task; // the one process of now
    uint64_t start_ns;
    uint64_t call_counts[LINUX_CALL_COUNT];
    uint8_t is_logged[LINUX_CALL_COUNT]; // unknown calls already named in the log
    uint64_t refused_flags;              // calls that met a flag this personality does not do
    uint32_t next_pid;
};

static inline struct linux_heap *linux_task_heap(struct linux_task *task)
{
    return &task->container->heap;
}

static inline struct linux_tree *linux_task_tree(struct linux_task *task)
{
    return &task->container->tree;
}

static inline struct platform_guest *linux_task_guest(const struct linux_task *task)
{
    return task->memory->guest;
}
