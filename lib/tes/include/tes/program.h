// SPDX-License-Identifier: MIT OR Apache-2.0
// The `program` interface of init: what runs, and starting more of what the composition names. A
// client holds it as the handle "process"; CREATE answers with a handle of its own for one program.
//
//   method  words in              lease, handles              words out
//   LIST    0 index               lease 0 writable: program_info   -          NOT_FOUND past the
//   end CREATE  0 arguments, 1 names  lease 0 readable: texts,    0 id; handle 0: the program
//           in environment, 2 size  each ended by 0; the
//                                 first is the program's name
//   KILL    0 id                  -                           -
//   RESTART 0 id                  -                           -
//   EVENTS  0 position            lease 0 writable: text      0 bytes, 1 next position
// On the program's own handle:
//   GIVE    0-2 name              handle 0                    -   before START
//   START   -                     -                           0 process id
//   WAIT    -                     -                           0 exit status    waits for the end
//   STOP    -                     -                           -
// Dropping the program's handle stops it.
#pragma once

#include <tes/ipc.h>

#define TES_PROGRAM_INTERFACE 2u

enum tes_program_method {
    TES_PROGRAM_LIST = 0,
    TES_PROGRAM_CREATE = 1,
    TES_PROGRAM_KILL = 2,
    TES_PROGRAM_RESTART = 3,
    TES_PROGRAM_EVENTS = 4,
    TES_PROGRAM_GIVE = 5,
    TES_PROGRAM_START = 6,
    TES_PROGRAM_WAIT = 7,
    TES_PROGRAM_STOP = 8,
    TES_PROGRAM_METHOD_COUNT = 9,
};

enum tes_program_state {
    TES_PROGRAM_IDLE = 0, // named by the composition, not running
    TES_PROGRAM_RUNNING = 1,
    TES_PROGRAM_WAITING = 2, // will be restarted
    TES_PROGRAM_ENDED = 3,
};

#define TES_PROGRAM_NAME_SIZE 24u
#define TES_PROGRAM_TEXT_MAX  8192u // of CREATE

struct tes_program_info {
    uint64_t id;
    char name[TES_PROGRAM_NAME_SIZE];
    uint64_t process_id; // 0: not running
    uint32_t state;      // enum tes_program_state
    uint32_t restarts;
    int32_t exit_status;   // of the last run
    uint32_t is_component; // started by init itself
};
static_assert(sizeof(struct tes_program_info) == 56, "program_info layout");

tes_status_t tes_program_list(tes_endpoint_t service, uint64_t index,
                              struct tes_program_info *out_info) TES_MUST_CHECK;
// arguments[0] is the program's name; both lists end with NULL, environment may be NULL.
tes_status_t tes_program_create(tes_endpoint_t service, const char *const *arguments,
                                const char *const *environment, tes_endpoint_t *out_program,
                                uint64_t *out_id) TES_MUST_CHECK;
tes_status_t tes_program_kill(tes_endpoint_t service, uint64_t id) TES_MUST_CHECK;
tes_status_t tes_program_restart(tes_endpoint_t service, uint64_t id) TES_MUST_CHECK;
tes_status_t tes_program_events(tes_endpoint_t service, uint64_t position, char *buffer,
                                uint64_t size, uint64_t *out_size,
                                uint64_t *out_next) TES_MUST_CHECK;
tes_status_t tes_program_give(tes_endpoint_t program, const char *name,
                              tes_handle_t handle) TES_MUST_CHECK;
tes_status_t tes_program_start(tes_endpoint_t program, uint64_t *out_process_id) TES_MUST_CHECK;
tes_status_t tes_program_wait(tes_endpoint_t program, int *out_exit_status) TES_MUST_CHECK;
tes_status_t tes_program_stop(tes_endpoint_t program) TES_MUST_CHECK;
