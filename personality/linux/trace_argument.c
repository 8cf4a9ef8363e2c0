// SPDX-License-Identifier: MIT OR Apache-2.0
// One printer for each type of argument, chosen by table. What lies in guest memory is read with
// care and printed as an address when it cannot be read.
#include "trace_argument.h"

#include <personality/signals.h>
#include <rt/bits.h>
#include <rt/string.h>

#include "guest.h"

#define STRING_SHOWN    32U
#define ARRAY_SHOWN     8U
#define PRINTABLE_LOW   0x20
#define PRINTABLE_END   0x7f
#define OCTAL_DIGITS    3U
#define REAL_TIME_FIRST 32

struct printing {
    struct linux_task *task;
    struct linux_text *text;
    const struct linux_argument *argument;
    uint64_t value;
    int64_t result;
};

static void print_address(const struct printing *printing)
{
    if (printing->value == 0) {
        linux_text_string(printing->text, "NULL");
    } else {
        linux_text_string(printing->text, "0x");
        linux_text_hex(printing->text, printing->value, 1);
    }
}

static void print_signed_32(const struct printing *printing)
{
    linux_text_signed(printing->text, (int32_t)printing->value);
}

static void print_dirfd(const struct printing *printing)
{
    if ((int32_t)printing->value == LINUX_AT_FDCWD) {
        linux_text_string(printing->text, "AT_FDCWD");
    } else {
        print_signed_32(printing);
    }
}

static void print_unsigned_32(const struct printing *printing)
{
    linux_text_unsigned(printing->text, (uint32_t)printing->value);
}

static void print_signed_64(const struct printing *printing)
{
    linux_text_signed(printing->text, (int64_t)printing->value);
}

static void print_unsigned_64(const struct printing *printing)
{
    linux_text_unsigned(printing->text, printing->value);
}

static void print_hex(const struct printing *printing)
{
    linux_text_string(printing->text, printing->value == 0 ? "0" : "0x");
    if (printing->value != 0) {
        linux_text_hex(printing->text, printing->value, 1);
    }
}

static void print_octal(const struct printing *printing)
{
    linux_text_char(printing->text, '0');
    if ((uint32_t)printing->value != 0) {
        linux_text_octal(printing->text, (uint32_t)printing->value);
    }
}

static void print_signal(const struct printing *printing)
{
    linux_text_string(printing->text, linux_signal_name((int32_t)printing->value));
}

static void print_separator(struct linux_text *text, bool *is_first)
{
    if (!*is_first) {
        linux_text_char(text, '|');
    }
    *is_first = false;
}

static void print_set(const struct printing *printing)
{
    const struct linux_value_set *set = printing->argument->set;
    struct linux_text *text = printing->text;
    uint32_t rest = (uint32_t)printing->value;
    uint32_t exact = rest & set->mask;
    bool is_first = true;
    for (const struct linux_value_name *value = set->values; value->name != NULL; value++) {
        if (value->value == exact && (exact != 0 || rest == 0 || set->bits->name != NULL)) {
            // A zero that only says "nothing set" is not shown beside bits (F_OK, PROT_NONE).
            bool is_shown = exact != 0 || (rest & ~set->mask) == 0 || set->mask == 3;
            if (is_shown) {
                print_separator(text, &is_first);
                linux_text_string(text, value->name);
            }
            rest &= ~exact;
            break;
        }
    }
    for (const struct linux_value_name *bit = set->bits; bit->name != NULL; bit++) {
        if ((rest & bit->value) == bit->value) {
            print_separator(text, &is_first);
            linux_text_string(text, bit->name);
            rest &= ~bit->value;
        }
    }
    if (rest != 0 || is_first) {
        print_separator(text, &is_first);
        linux_text_string(text, rest == 0 ? "0" : "0x");
        if (rest != 0) {
            linux_text_hex(text, rest, 1);
        }
    }
}

static void print_escaped(struct linux_text *text, const char *bytes, size_t size)
{
    static const char letters[] = "\a\b\t\n\v\f\r";
    static const char names[] = "abtnvfr";
    for (size_t index = 0; index < size; index++) {
        char character = bytes[index];
        const char *letter = character == '\0' ? NULL : strchr(letters, character);
        if (character == '"' || character == '\\') {
            linux_text_char(text, '\\');
            linux_text_char(text, character);
        } else if (letter != NULL && character != '\a' && character != '\b') {
            linux_text_char(text, '\\');
            linux_text_char(text, names[letter - letters]);
        } else if (character >= PRINTABLE_LOW && character < PRINTABLE_END) {
            linux_text_char(text, character);
        } else {
            bool is_digit_next =
                index + 1 < size && bytes[index + 1] >= '0' && bytes[index + 1] <= '9';
            uint8_t value = (uint8_t)character;
            linux_text_char(text, '\\');
            if (is_digit_next) {
                linux_text_char(text, (char)('0' + (value >> (2 * OCTAL_DIGITS))));
                linux_text_char(text, (char)('0' + ((value >> OCTAL_DIGITS) & 7)));
                linux_text_char(text, (char)('0' + (value & 7)));
            } else {
                linux_text_octal(text, value);
            }
        }
    }
}

static void print_path(const struct printing *printing)
{
    char path[LINUX_PATH_MAX];
    int64_t size = linux_guest_read_string(printing->task, path, printing->value, sizeof(path));
    if (size < 0) {
        print_address(printing);
        return;
    }
    linux_text_char(printing->text, '"');
    print_escaped(printing->text, path, (size_t)size);
    linux_text_char(printing->text, '"');
}

static void print_bytes(const struct printing *printing, uint64_t size)
{
    char bytes[STRING_SHOWN];
    size_t shown = size < STRING_SHOWN ? (size_t)size : STRING_SHOWN;
    if (linux_guest_read(printing->task, bytes, printing->value, shown) != 0) {
        print_address(printing);
        return;
    }
    linux_text_char(printing->text, '"');
    print_escaped(printing->text, bytes, shown);
    linux_text_string(printing->text, shown < size ? "\"..." : "\"");
}

static uint64_t other_argument(const struct printing *printing)
{
    return printing->task->traced_arguments[printing->argument->size_index];
}

static void print_in(const struct printing *printing)
{
    print_bytes(printing, other_argument(printing));
}

static void print_out(const struct printing *printing)
{
    if (printing->result < 0) {
        print_address(printing);
    } else {
        print_bytes(printing, (uint64_t)printing->result);
    }
}

static void print_iovec(const struct printing *printing)
{
    uint64_t count = other_argument(printing);
    linux_text_char(printing->text, '[');
    for (uint64_t index = 0; index < count && index < ARRAY_SHOWN; index++) {
        struct linux_iovec vector;
        if (linux_guest_read(printing->task, &vector, printing->value + index * sizeof(vector),
                             sizeof(vector)) != 0) {
            break;
        }
        struct printing part = *printing;
        part.value = vector.base;
        linux_text_string(printing->text, index == 0 ? "{iov_base=" : ", {iov_base=");
        print_bytes(&part, vector.size);
        linux_text_string(printing->text, ", iov_len=");
        linux_text_unsigned(printing->text, vector.size);
        linux_text_char(printing->text, '}');
    }
    linux_text_string(printing->text, count > ARRAY_SHOWN ? ", ...]" : "]");
}

static void print_file_mode(struct linux_text *text, uint32_t mode)
{
    static const char *const types[] = { "0",       "S_IFIFO", "S_IFCHR", "0x3",     "S_IFDIR",
                                         "0x5",     "S_IFBLK", "0x7",     "S_IFREG", "0x9",
                                         "S_IFLNK", "0xb",     "S_IFSOCK" };
    uint32_t type = (mode & LINUX_S_IFMT) >> LINUX_DT_SHIFT;
    linux_text_string(text, type < sizeof(types) / sizeof(types[0]) ? types[type] : "?");
    linux_text_string(text, "|0");
    linux_text_octal(text, mode & LINUX_S_PERM);
}

static void print_stat(const struct printing *printing)
{
    struct linux_stat stat;
    if (printing->result != 0 ||
        linux_guest_read(printing->task, &stat, printing->value, sizeof(stat)) != 0) {
        print_address(printing);
        return;
    }
    linux_text_string(printing->text, "{st_mode=");
    print_file_mode(printing->text, stat.st_mode);
    uint32_t type = stat.st_mode & LINUX_S_IFMT;
    if (type == LINUX_S_IFCHR || type == LINUX_S_IFBLK) {
        linux_text_string(printing->text, ", st_rdev=0x");
        linux_text_hex(printing->text, stat.st_rdev, 1);
    } else {
        linux_text_string(printing->text, ", st_size=");
        linux_text_signed(printing->text, stat.st_size);
    }
    linux_text_string(printing->text, ", ...}");
}

static void print_time(const struct printing *printing, uint64_t address)
{
    struct linux_timespec time;
    if (linux_guest_read(printing->task, &time, address, sizeof(time)) != 0) {
        print_address(printing);
        return;
    }
    linux_text_string(printing->text, "{tv_sec=");
    linux_text_signed(printing->text, time.seconds);
    linux_text_string(printing->text, ", tv_nsec=");
    linux_text_signed(printing->text, time.nanoseconds);
    linux_text_char(printing->text, '}');
}

static void print_timespec(const struct printing *printing)
{
    if (printing->value == 0) {
        print_address(printing);
    } else {
        print_time(printing, printing->value);
    }
}

static void print_timespecs(const struct printing *printing)
{
    if (printing->value == 0) {
        print_address(printing);
        return;
    }
    linux_text_char(printing->text, '[');
    print_time(printing, printing->value);
    linux_text_string(printing->text, ", ");
    print_time(printing, printing->value + sizeof(struct linux_timespec));
    linux_text_char(printing->text, ']');
}

static void print_signal_short(struct linux_text *text, int number)
{
    if (number < REAL_TIME_FIRST) {
        linux_text_string(text, linux_signal_name(number) + strlen("SIG"));
    } else if (number == REAL_TIME_FIRST) {
        linux_text_string(text, "RTMIN");
    } else {
        linux_text_string(text, "RT_");
        linux_text_unsigned(text, (uint64_t)(number - REAL_TIME_FIRST));
    }
}

// A set that holds most signals is printed as what it lacks.
static void print_signal_set(struct linux_text *text, uint64_t set)
{
    bool is_first = true;
    bool is_mostly_full = bits_count(set) > LINUX_SIGNAL_COUNT / 2;
    linux_text_string(text, is_mostly_full ? "~[" : "[");
    set = is_mostly_full ? ~set : set;
    // The two that can never be blocked are not worth showing as missing.
    set &= is_mostly_full ? ~(linux_signal_bit(LINUX_SIGKILL) | linux_signal_bit(LINUX_SIGSTOP))
                          : UINT64_MAX;
    for (int number = 1; number <= LINUX_SIGNAL_COUNT; number++) {
        if ((set & linux_signal_bit(number)) != 0) {
            linux_text_string(text, is_first ? "" : " ");
            print_signal_short(text, number);
            is_first = false;
        }
    }
    linux_text_char(text, ']');
}

static void print_sigset(const struct printing *printing)
{
    uint64_t set = 0;
    if (printing->value == 0 ||
        linux_guest_read(printing->task, &set, printing->value, sizeof(set)) != 0) {
        print_address(printing);
    } else {
        print_signal_set(printing->text, set);
    }
}

static const struct linux_value_name no_names[] = { { NULL, 0 } };
static const struct linux_value_name action_flags[] = {
    { "SA_RESTORER", LINUX_SA_RESTORER },
    { "SA_ONSTACK", LINUX_SA_ONSTACK },
    { "SA_RESTART", LINUX_SA_RESTART },
    { "SA_NODEFER", LINUX_SA_NODEFER },
    { "SA_RESETHAND", LINUX_SA_RESETHAND },
    { "SA_SIGINFO", LINUX_SA_SIGINFO },
    { "SA_NOCLDSTOP", 1 },
    { "SA_NOCLDWAIT", 2 },
    { NULL, 0 },
};
static const struct linux_value_set action_flags_set = { no_names, action_flags, 0 };
static const struct linux_argument action_flags_argument = { LINUX_ARGUMENT_FLAGS, 0,
                                                             &action_flags_set };

static void print_sigaction(const struct printing *printing)
{
    struct linux_sigaction action;
    if (printing->value == 0 ||
        linux_guest_read(printing->task, &action, printing->value, sizeof(action)) != 0) {
        print_address(printing);
        return;
    }
    linux_text_string(printing->text, "{sa_handler=");
    if (action.handler <= LINUX_SIG_IGN) {
        linux_text_string(printing->text, action.handler == 0 ? "SIG_DFL" : "SIG_IGN");
    } else {
        linux_text_string(printing->text, "0x");
        linux_text_hex(printing->text, action.handler, 1);
    }
    linux_text_string(printing->text, ", sa_mask=");
    print_signal_set(printing->text, action.mask);
    linux_text_string(printing->text, ", sa_flags=");
    const struct printing flags = { .text = printing->text,
                                    .argument = &action_flags_argument,
                                    .value = (uint32_t)action.flags };
    print_set(&flags);
    if ((action.flags & LINUX_SA_RESTORER) != 0) {
        linux_text_string(printing->text, ", sa_restorer=0x");
        linux_text_hex(printing->text, action.restorer, 1);
    }
    linux_text_char(printing->text, '}');
}

static void print_limit(struct linux_text *text, uint64_t value)
{
    if (value == LINUX_RLIM_INFINITY) {
        linux_text_string(text, "RLIM64_INFINITY");
    } else {
        linux_text_unsigned(text, value);
    }
}

static void print_rlimit(const struct printing *printing)
{
    struct linux_rlimit limit;
    if (printing->value == 0 ||
        linux_guest_read(printing->task, &limit, printing->value, sizeof(limit)) != 0) {
        print_address(printing);
        return;
    }
    linux_text_string(printing->text, "{rlim_cur=");
    print_limit(printing->text, limit.current);
    linux_text_string(printing->text, ", rlim_max=");
    print_limit(printing->text, limit.maximum);
    linux_text_char(printing->text, '}');
}

static void print_pollfds(const struct printing *printing)
{
    uint64_t count = other_argument(printing);
    linux_text_char(printing->text, '[');
    for (uint64_t index = 0; index < count && index < ARRAY_SHOWN; index++) {
        struct linux_pollfd entry;
        if (linux_guest_read(printing->task, &entry, printing->value + index * sizeof(entry),
                             sizeof(entry)) != 0) {
            break;
        }
        linux_text_string(printing->text, index == 0 ? "{fd=" : ", {fd=");
        linux_text_signed(printing->text, entry.fd);
        linux_text_string(printing->text, ", events=0x");
        linux_text_hex(printing->text, (uint16_t)entry.events, 1);
        linux_text_string(printing->text, ", revents=0x");
        linux_text_hex(printing->text, (uint16_t)entry.revents, 1);
        linux_text_char(printing->text, '}');
    }
    linux_text_char(printing->text, ']');
}

static void print_fdpair(const struct printing *printing)
{
    int32_t ends[2];
    if (printing->result != 0 ||
        linux_guest_read(printing->task, ends, printing->value, sizeof(ends)) != 0) {
        print_address(printing);
        return;
    }
    linux_text_char(printing->text, '[');
    linux_text_signed(printing->text, ends[0]);
    linux_text_string(printing->text, ", ");
    linux_text_signed(printing->text, ends[1]);
    linux_text_char(printing->text, ']');
}

static void print_strings(const struct printing *printing)
{
    linux_text_char(printing->text, '[');
    for (uint64_t index = 0; index < ARRAY_SHOWN; index++) {
        struct printing part = *printing;
        if (linux_guest_read(printing->task, &part.value,
                             printing->value + index * sizeof(part.value),
                             sizeof(part.value)) != 0 ||
            part.value == 0) {
            break;
        }
        linux_text_string(printing->text, index == 0 ? "" : ", ");
        print_path(&part);
    }
    linux_text_char(printing->text, ']');
}

typedef void (*argument_printer)(const struct printing *printing);

static const argument_printer printers[LINUX_ARGUMENT_TYPE_COUNT] = {
    [LINUX_ARGUMENT_FD] = print_signed_32,
    [LINUX_ARGUMENT_DIRFD] = print_dirfd,
    [LINUX_ARGUMENT_INT] = print_signed_32,
    [LINUX_ARGUMENT_SIGNAL] = print_signal,
    [LINUX_ARGUMENT_UINT] = print_unsigned_32,
    [LINUX_ARGUMENT_ID] = print_signed_32,
    [LINUX_ARGUMENT_MODE] = print_octal,
    [LINUX_ARGUMENT_FLAGS] = print_set,
    [LINUX_ARGUMENT_ENUM] = print_set,
    [LINUX_ARGUMENT_OFFSET] = print_signed_64,
    [LINUX_ARGUMENT_SIZE] = print_unsigned_64,
    [LINUX_ARGUMENT_HEX] = print_hex,
    [LINUX_ARGUMENT_POINTER] = print_address,
    [LINUX_ARGUMENT_PATH] = print_path,
    [LINUX_ARGUMENT_IN] = print_in,
    [LINUX_ARGUMENT_OUT] = print_out,
    [LINUX_ARGUMENT_IOVEC] = print_iovec,
    [LINUX_ARGUMENT_STAT] = print_stat,
    [LINUX_ARGUMENT_TIMESPEC] = print_timespec,
    [LINUX_ARGUMENT_TIMESPECS] = print_timespecs,
    [LINUX_ARGUMENT_SIGACTION] = print_sigaction,
    [LINUX_ARGUMENT_SIGSET] = print_sigset,
    [LINUX_ARGUMENT_RLIMIT] = print_rlimit,
    [LINUX_ARGUMENT_POLLFDS] = print_pollfds,
    [LINUX_ARGUMENT_FDPAIR] = print_fdpair,
    [LINUX_ARGUMENT_STRINGS] = print_strings,
};

void linux_trace_argument(struct linux_task *task, struct linux_text *text,
                          const struct linux_argument *argument, uint32_t index, int64_t result)
{
    const struct printing printing = { .task = task,
                                       .text = text,
                                       .argument = argument,
                                       .value = task->traced_arguments[index],
                                       .result = result };
    printers[argument->type](&printing);
}
