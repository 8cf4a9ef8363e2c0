// SPDX-License-Identifier: MIT OR Apache-2.0
// Calls about the process itself: identity, exit, exec, thread setup, futex. Processes to wait for
// come with fork (until then wait finds no child). Limits and priorities are in calls_limit.c.

#include <personality/errors.h>
#include <personality/signals.h>
#include <rt/string.h>

#include "exec.h"
#include "files.h"
#include "guest.h"
#include "linux_calls.h"
#include "path.h"

#define EXIT_SHIFT    8
#define EXIT_MASK     0xff
#define GROUPS_MAX    65536
#define WAIT_OPTIONS  0xe000000b // WNOHANG WUNTRACED WCONTINUED and the three __W*
#define ARGUMENTS_MAX 65536U
#define CPUS_BYTES    8U

int64_t linux_call_getpid(struct linux_task *task)
{
    return task->pid;
}

int64_t linux_call_gettid(struct linux_task *task)
{
    return task->pid;
}

int64_t linux_call_getppid(struct linux_task *task)
{
    return task->parent_pid;
}

int64_t linux_call_getpgrp(struct linux_task *task)
{
    return task->group;
}

static bool is_self(const struct linux_task *task, int32_t pid)
{
    return pid == 0 || (uint32_t)pid == task->pid;
}

int64_t linux_call_getpgid(struct linux_task *task, int32_t pid)
{
    return is_self(task, pid) ? (int64_t)task->group : -LINUX_ESRCH;
}

int64_t linux_call_getsid(struct linux_task *task, int32_t pid)
{
    return is_self(task, pid) ? (int64_t)task->session : -LINUX_ESRCH;
}

int64_t linux_call_setpgid(struct linux_task *task, int32_t pid, int32_t group)
{
    if (group < 0) {
        return -LINUX_EINVAL;
    }
    if (!is_self(task, pid)) {
        return -LINUX_ESRCH;
    }
    if (task->session == task->pid || (group != 0 && (uint32_t)group != task->pid)) {
        return -LINUX_EPERM;
    }
    task->group = task->pid;
    return 0;
}

int64_t linux_call_setsid(struct linux_task *task)
{
    if (task->group == task->pid) {
        return -LINUX_EPERM;
    }
    task->group = task->pid;
    task->session = task->pid;
    return task->pid;
}

int64_t linux_call_getuid(struct linux_task *task)
{
    return task->credentials.uid;
}

int64_t linux_call_geteuid(struct linux_task *task)
{
    return task->credentials.euid;
}

int64_t linux_call_getgid(struct linux_task *task)
{
    return task->credentials.gid;
}

int64_t linux_call_getegid(struct linux_task *task)
{
    return task->credentials.egid;
}

// One of the three ids a task may set without privilege: any of its own three.
static bool id_allowed(uint32_t wanted, const uint32_t own[3], bool is_root)
{
    return wanted == UINT32_MAX || is_root || wanted == own[0] || wanted == own[1] ||
           wanted == own[2];
}

static int64_t ids_set(const struct linux_task *task, const uint32_t wanted[3],
                       uint32_t *const ids[3])
{
    const uint32_t own[3] = { *ids[0], *ids[1], *ids[2] };
    bool is_root = task->credentials.euid == 0;
    for (uint32_t index = 0; index < 3; index++) {
        if (!id_allowed(wanted[index], own, is_root)) {
            return -LINUX_EPERM;
        }
    }
    for (uint32_t index = 0; index < 3; index++) {
        *ids[index] = wanted[index] == UINT32_MAX ? own[index] : wanted[index];
    }
    return 0;
}

int64_t linux_call_setresuid(struct linux_task *task, uint32_t ruid, uint32_t euid, uint32_t suid)
{
    struct linux_credentials *who = &task->credentials;
    uint32_t *const ids[3] = { &who->uid, &who->euid, &who->suid };
    const uint32_t wanted[3] = { ruid, euid, suid };
    return ids_set(task, wanted, ids);
}

int64_t linux_call_setresgid(struct linux_task *task, uint32_t rgid, uint32_t egid, uint32_t sgid)
{
    struct linux_credentials *who = &task->credentials;
    uint32_t *const ids[3] = { &who->gid, &who->egid, &who->sgid };
    const uint32_t wanted[3] = { rgid, egid, sgid };
    return ids_set(task, wanted, ids);
}

int64_t linux_call_setuid(struct linux_task *task, uint32_t uid)
{
    bool is_root = task->credentials.euid == 0;
    return uid == UINT32_MAX ? -LINUX_EINVAL
                             : linux_call_setresuid(task, is_root ? uid : UINT32_MAX, uid,
                                                    is_root ? uid : UINT32_MAX);
}

int64_t linux_call_setgid(struct linux_task *task, uint32_t gid)
{
    bool is_root = task->credentials.euid == 0;
    return gid == UINT32_MAX ? -LINUX_EINVAL
                             : linux_call_setresgid(task, is_root ? gid : UINT32_MAX, gid,
                                                    is_root ? gid : UINT32_MAX);
}

int64_t linux_call_setreuid(struct linux_task *task, uint32_t ruid, uint32_t euid)
{
    return linux_call_setresuid(task, ruid, euid, euid);
}

int64_t linux_call_setregid(struct linux_task *task, uint32_t rgid, uint32_t egid)
{
    return linux_call_setresgid(task, rgid, egid, egid);
}

static int64_t ids_put(const struct linux_task *task, const uint32_t ids[3],
                       const uint64_t addresses[3])
{
    for (uint32_t index = 0; index < 3; index++) {
        if (linux_guest_write(task, addresses[index], &ids[index], sizeof(ids[index])) != 0) {
            return -LINUX_EFAULT;
        }
    }
    return 0;
}

int64_t linux_call_getresuid(struct linux_task *task, uint64_t ruid, uint64_t euid, uint64_t suid)
{
    const struct linux_credentials *who = &task->credentials;
    const uint32_t ids[3] = { who->uid, who->euid, who->suid };
    const uint64_t addresses[3] = { ruid, euid, suid };
    return ids_put(task, ids, addresses);
}

int64_t linux_call_getresgid(struct linux_task *task, uint64_t rgid, uint64_t egid, uint64_t sgid)
{
    const struct linux_credentials *who = &task->credentials;
    const uint32_t ids[3] = { who->gid, who->egid, who->sgid };
    const uint64_t addresses[3] = { rgid, egid, sgid };
    return ids_put(task, ids, addresses);
}

// A container has no supplementary groups.
int64_t linux_call_getgroups(struct linux_task *task, int32_t size, uint64_t list)
{
    (void)task;
    (void)list;
    return size < 0 ? -LINUX_EINVAL : 0;
}

int64_t linux_call_setgroups(struct linux_task *task, int32_t size, uint64_t list)
{
    (void)list;
    if (size < 0 || size > GROUPS_MAX) {
        return -LINUX_EINVAL;
    }
    if (size == 0 && task->credentials.euid == 0) {
        return 0;
    }
    task->container->refused_flags++;
    return -LINUX_EPERM;
}

int64_t linux_call_exit(struct linux_task *task, int32_t status)
{
    linux_task_exit(task, (status & EXIT_MASK) << EXIT_SHIFT);
    return 0;
}

int64_t linux_call_exit_group(struct linux_task *task, int32_t status)
{
    return linux_call_exit(task, status);
}

// Copies a vector of strings from the guest behind those already taken.
static int strings_take(const struct linux_task *task, struct linux_exec_strings *strings,
                        uint64_t vector, uint32_t *out_count)
{
    uint32_t count = 0;
    while (vector != 0) {
        uint64_t pointer = 0;
        if (linux_guest_read(task, &pointer, vector + (uint64_t)count * sizeof(pointer),
                             sizeof(pointer)) != 0) {
            return -LINUX_EFAULT;
        }
        if (pointer == 0) {
            break;
        }
        size_t space = strings->capacity - strings->used;
        if (count++ == ARGUMENTS_MAX || space == 0) {
            return -LINUX_E2BIG;
        }
        int64_t size =
            linux_guest_read_string(task, strings->bytes + strings->used, pointer, space);
        if (size < 0) {
            return size == -LINUX_ENAMETOOLONG ? -LINUX_E2BIG : (int)size;
        }
        strings->used += (size_t)size + 1;
    }
    *out_count = count;
    return 0;
}

static int64_t exec_path(struct linux_task *task, uint64_t path,
                         const struct linux_exec_strings *strings)
{
    struct linux_path found;
    char text[LINUX_PATH_MAX];
    int64_t size = linux_guest_read_string(task, text, path, sizeof(text));
    if (size < 0) {
        return size;
    }
    memcpy(found.text, text, (size_t)size + 1);
    int error = linux_path_walk(task, LINUX_AT_FDCWD, LINUX_WALK_FOLLOW, &found);
    if (error != 0) {
        return error;
    }
    error = linux_exec(task, found.entry, text, strings);
    linux_entry_put(linux_task_tree(task), found.entry);
    return error;
}

int64_t linux_call_execve(struct linux_task *task, uint64_t path, uint64_t arguments,
                          uint64_t environment)
{
    struct linux_exec_strings strings;
    int64_t result = linux_exec_strings_init(task, &strings);
    if (result != 0) {
        return result;
    }
    result = strings_take(task, &strings, arguments, &strings.argument_count);
    if (result == 0 && strings.argument_count == 0) {
        // Linux gives such a program one empty argument.
        result = linux_exec_strings_add(&strings, "");
        strings.argument_count = 1;
    }
    if (result == 0) {
        result = strings_take(task, &strings, environment, &strings.environment_count);
    }
    if (result == 0) {
        result = exec_path(task, path, &strings);
    }
    linux_exec_strings_fini(task, &strings);
    return result;
}

int64_t linux_call_wait4(struct linux_task *task, int32_t pid, uint64_t status, int32_t options,
                         uint64_t usage)
{
    (void)task;
    (void)pid;
    (void)status;
    (void)usage;
    return ((uint32_t)options & ~WAIT_OPTIONS) != 0 ? -LINUX_EINVAL : -LINUX_ECHILD;
}

int64_t linux_call_waitid(struct linux_task *task, int32_t which, int32_t pid, uint64_t info,
                          int32_t options, uint64_t usage)
{
    (void)task;
    (void)which;
    (void)pid;
    (void)info;
    (void)options;
    (void)usage;
    return -LINUX_ECHILD;
}

int64_t linux_call_set_tid_address(struct linux_task *task, uint64_t address)
{
    task->clear_child_tid = address;
    return task->pid;
}

#define ROBUST_HEAD_SIZE 24U

int64_t linux_call_set_robust_list(struct linux_task *task, uint64_t head, uint64_t size)
{
    (void)task;
    (void)head;
    return size == ROBUST_HEAD_SIZE ? 0 : -LINUX_EINVAL;
}

int64_t linux_call_arch_prctl(struct linux_task *task, uint32_t operation, uint64_t address)
{
    struct linux_registers *registers = task->registers;
    switch (operation) {
    case LINUX_ARCH_SET_FS:
    case LINUX_ARCH_SET_GS:
        if (address >= LINUX_ADDRESS_TOP) {
            return -LINUX_EPERM;
        }
        if (operation == LINUX_ARCH_SET_FS) {
            registers->fs_base = address;
        } else {
            registers->gs_base = address;
        }
        return 0;
    case LINUX_ARCH_GET_FS:
        return linux_guest_write(task, address, &registers->fs_base, sizeof(uint64_t));
    case LINUX_ARCH_GET_GS:
        return linux_guest_write(task, address, &registers->gs_base, sizeof(uint64_t));
    default:
        return -LINUX_EINVAL;
    }
}

static int64_t name_set(struct linux_task *task, uint64_t address)
{
    char name[LINUX_NAME_SIZE];
    int64_t size = linux_guest_read_string(task, name, address, sizeof(name));
    if (size == -LINUX_EFAULT) {
        return size;
    }
    name[LINUX_NAME_SIZE - 1] = '\0';
    memset(task->name, 0, sizeof(task->name));
    memcpy(task->name, name, strlen(name));
    return 0;
}

int64_t linux_call_prctl(struct linux_task *task, uint32_t operation, uint64_t argument)
{
    switch (operation) {
    case LINUX_PR_SET_NAME:
        return name_set(task, argument);
    case LINUX_PR_GET_NAME:
        return linux_guest_write(task, argument, task->name, sizeof(task->name));
    case LINUX_PR_GET_DUMPABLE:
        return 1;
    case LINUX_PR_SET_DUMPABLE:
        return argument > 1 ? -LINUX_EINVAL : 0;
    case LINUX_PR_SET_PDEATHSIG:
        return argument > LINUX_SIGNAL_COUNT ? -LINUX_EINVAL : 0;
    case LINUX_PR_SET_NO_NEW_PRIVS:
        return argument == 1 ? 0 : -LINUX_EINVAL;
    case LINUX_PR_GET_NO_NEW_PRIVS:
        return 1; // nothing in a container gains privileges by exec
    default:
        task->container->refused_flags++;
        return -LINUX_EINVAL;
    }
}

int64_t linux_call_sched_yield(struct linux_task *task)
{
    (void)task;
    return 0;
}

int64_t linux_call_sched_getaffinity(struct linux_task *task, int32_t pid, uint64_t size,
                                     uint64_t mask)
{
    uint32_t count = platform_cpu_count();
    uint64_t cpus = count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
    if (!is_self(task, pid)) {
        return -LINUX_ESRCH;
    }
    if ((uint32_t)size < CPUS_BYTES || (size & (CPUS_BYTES - 1)) != 0) {
        return -LINUX_EINVAL;
    }
    int error = linux_guest_write(task, mask, &cpus, sizeof(cpus));
    return error != 0 ? error : (int64_t)CPUS_BYTES;
}
