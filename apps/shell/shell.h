// SPDX-License-Identifier: MIT OR Apache-2.0
// The shell's parts. main.c reads lines, run.c runs pipelines, job.c interrupts them, io.c prints,
// the command_*.c files hold the commands, streams.h the files, pipes and the terminal.
#pragma once

#include <tes/program.h>
#include <tes/thread.h>

#include "line.h"
#include "parse.h"
#include "streams.h"

#define STATUS_FAILED      1
#define STATUS_USAGE       2
#define STATUS_NOT_RUN     126
#define STATUS_UNKNOWN     127
#define STATUS_INTERRUPTED 130

#define VARIABLES_MAX  64u
#define JOBS_MAX       8u
#define VALUE_SIZE     1024u
#define IO_BUFFER_SIZE 1024u

struct variable {
    char *text; // NAME=value on the heap; NULL: free
};

struct io {
    tes_endpoint_t in, out, err;
    char buffer[IO_BUFFER_SIZE]; // of out
    size_t used;
    bool has_failed; // nobody reads any more: the command may stop
};

// What runs: looked at by the stream server's thread when ^C is typed.
struct job {
    uint32_t is_active; // atomics all
    uint32_t is_interrupted;
    uint64_t threads[STAGES_MAX];  // handles of threads that run stages; 0 none
    uint64_t programs[STAGES_MAX]; // handles of programs under way; 0 none
};

struct shell {
    struct streams streams;
    tes_endpoint_t process_service;
    tes_endpoint_t terminal;
    tes_resource_t machine;
    struct variable variables[VARIABLES_MAX];
    struct history history;
    struct line_editor editor;
    struct job foreground;
    struct running *background[JOBS_MAX];
    int status; // $?
    bool is_plain;
};

// One command that runs: on the main thread or a worker.
struct context {
    struct shell *shell;
    struct job *job;
    unsigned stage;
    struct io io;
};

typedef int command_run_t(struct context *context, int argc, char **argv);
struct command {
    const char *name;
    command_run_t *run;
    const char *usage;
    const char *help;
};
const struct command *command_find(const char *name);
const struct command *command_at(unsigned index); // NULL past the end; sorted by name

// io.c
void io_print(struct io *io, const char *format, ...) __attribute__((format(printf, 2, 3)));
void io_write(struct io *io, const char *bytes, size_t size);
void io_flush(struct io *io);
// To the error stream, after everything printed so far.
void io_error(struct io *io, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Prints "NAME: WHAT: status text"; returns STATUS_FAILED.
int io_fail(struct context *context, const char *name, const char *what, tes_status_t status);
const char *io_status_text(tes_status_t status);

// job.c
void job_begin(struct job *job);
void job_end(struct job *job);
void job_interrupt(struct job *job);
bool job_is_interrupted(const struct job *job);
void job_thread_set(struct job *job, unsigned stage, tes_thread_t thread);
void job_program_set(struct job *job, unsigned stage, tes_endpoint_t program);

// run.c
int run_line(struct shell *shell, const char *line);
void run_reap(struct shell *shell, bool is_reporting); // background jobs that ended

// variables.c
const char *variable_get(void *context, const char *name); // context: struct shell
bool variable_set(struct shell *shell, const char *name, const char *value);
void variable_unset(struct shell *shell, const char *name);
// A list for program_create; entries belong to the shell.
void variables_list(struct shell *shell, const char **out_list);

// complete.c
line_complete_t complete_word;

// table.c: reading of numbered lists through object_info
tes_status_t info_read(struct shell *shell, uint64_t topic, uint64_t index, void *out,
                       uint64_t size) TES_MUST_CHECK;
