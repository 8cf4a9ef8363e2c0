// SPDX-License-Identifier: MIT OR Apache-2.0
// Client stubs of the `program` interface.
#include <rt/bits.h>
#include <rt/string.h>
#include <tes/heap.h>
#include <tes/program.h>

static struct tes_call program_call(tes_endpoint_t endpoint, enum tes_program_method method)
{
    return (struct tes_call){ .endpoint = endpoint,
                              .method = TES_METHOD(TES_PROGRAM_INTERFACE, method) };
}

static tes_status_t simple_call(tes_endpoint_t endpoint, enum tes_program_method method,
                                uint64_t word0, uint64_t *out_word0)
{
    struct tes_call call = program_call(endpoint, method);
    call.words[0] = word0;
    tes_status_t status = tes_call(&call);
    if (status == TES_OK && out_word0 != NULL) {
        *out_word0 = call.words[0];
    }
    return status;
}

tes_status_t tes_program_list(tes_endpoint_t service, uint64_t index,
                              struct tes_program_info *out_info)
{
    struct tes_call call = program_call(service, TES_PROGRAM_LIST);
    call.words[0] = index;
    tes_call_lend_writable(&call, out_info, sizeof(*out_info));
    return tes_call(&call);
}

// The texts of a list one after the other; false if they do not fit.
static bool pack(const char *const *list, char *buffer, uint64_t *size, uint64_t *out_count)
{
    uint64_t count = 0;
    for (; list != NULL && list[count] != NULL; count++) {
        uint64_t length = strlen(list[count]) + 1;
        if (length > TES_PROGRAM_TEXT_MAX - *size) {
            return false;
        }
        memcpy(buffer + *size, list[count], length);
        *size += length;
    }
    *out_count = count;
    return true;
}

tes_status_t tes_program_create(tes_endpoint_t service, const char *const *arguments,
                                const char *const *environment, tes_endpoint_t *out_program,
                                uint64_t *out_id)
{
    char *buffer = tes_alloc(TES_PROGRAM_TEXT_MAX);
    if (buffer == NULL) {
        return TES_ERROR_NO_MEMORY;
    }
    struct tes_call call = program_call(service, TES_PROGRAM_CREATE);
    uint64_t size = 0;
    tes_status_t status = TES_ERROR_OUT_OF_RANGE;
    if (pack(arguments, buffer, &size, &call.words[0]) &&
        pack(environment, buffer, &size, &call.words[1])) {
        call.words[2] = size;
        call.accept = 1;
        tes_call_lend(&call, buffer, size);
        status = tes_call(&call);
    }
    tes_free(buffer);
    if (status == TES_OK && call.received_count != 1) {
        return TES_ERROR_INVALID;
    }
    if (status == TES_OK) {
        *out_program = (tes_endpoint_t){ .value = call.received[0] };
        *out_id = call.words[0];
    }
    return status;
}

tes_status_t tes_program_kill(tes_endpoint_t service, uint64_t id)
{
    return simple_call(service, TES_PROGRAM_KILL, id, NULL);
}

tes_status_t tes_program_restart(tes_endpoint_t service, uint64_t id)
{
    return simple_call(service, TES_PROGRAM_RESTART, id, NULL);
}

tes_status_t tes_program_events(tes_endpoint_t service, uint64_t position, char *buffer,
                                uint64_t size, uint64_t *out_size, uint64_t *out_next)
{
    struct tes_call call = program_call(service, TES_PROGRAM_EVENTS);
    call.words[0] = position;
    tes_call_lend_writable(&call, buffer, size);
    tes_status_t status = tes_call(&call);
    if (status == TES_OK) {
        *out_size = min_u64(call.words[0], size);
        *out_next = call.words[1];
    }
    return status;
}

tes_status_t tes_program_give(tes_endpoint_t program, const char *name, tes_handle_t handle)
{
    struct tes_call call = program_call(program, TES_PROGRAM_GIVE);
    size_t length = strlen(name);
    if (length >= TES_PROGRAM_NAME_SIZE) {
        return TES_ERROR_INVALID;
    }
    memcpy(call.words, name, length);
    call.handles[0] = handle.value;
    call.handle_count = 1;
    return tes_call(&call);
}

tes_status_t tes_program_start(tes_endpoint_t program, uint64_t *out_process_id)
{
    return simple_call(program, TES_PROGRAM_START, 0, out_process_id);
}

tes_status_t tes_program_wait(tes_endpoint_t program, int *out_exit_status)
{
    uint64_t word = 0;
    tes_status_t status = simple_call(program, TES_PROGRAM_WAIT, 0, &word);
    if (status == TES_OK) {
        *out_exit_status = (int)(uint32_t)word;
    }
    return status;
}

tes_status_t tes_program_stop(tes_endpoint_t program)
{
    return simple_call(program, TES_PROGRAM_STOP, 0, NULL);
}
