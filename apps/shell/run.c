// SPDX-License-Identifier: MIT OR Apache-2.0
// Running a line: words are expanded, streams opened, every stage of a pipeline but the last gets a
// worker thread; the last one of a foreground pipeline runs on the main thread. Streams a stage was
// given are closed when it ends, which is what its neighbours in the pipe see.
#include <rt/format.h>
#include <rt/string.h>
#include <tes/heap.h>
#include <tes/memory.h>
#include <tes/startup.h>

#include "shell.h"

#define COMMAND_PRIORITY 20u

struct stage {
    struct context context;
    char *words; // expanded, one after the other
    char *argv[WORDS_MAX + 1];
    int argc;
    int status;
    struct tes_worker *worker;
};

struct running {
    struct job own_job; // of a background pipeline
    struct stage *stages[STAGES_MAX];
    unsigned count;
    bool is_background;
    char text[FILE_NAME_SIZE];
};

static void close_stream(struct shell *shell, tes_endpoint_t stream)
{
    if (stream.value != shell->terminal.value) {
        tes_close(stream.value);
    }
}

static bool is_assignment(const char *word)
{
    const char *equals = strchr(word, '=');
    for (const char *at = word; equals != NULL && at < equals; at++) {
        char lower = (char)(*at | ' ');
        bool is_digit = *at >= '0' && *at <= '9' && at != word;
        if (!(lower >= 'a' && lower <= 'z') && *at != '_' && !is_digit) {
            return false;
        }
    }
    return equals != NULL && equals != word;
}

static int assign(struct stage *stage)
{
    for (int i = 0; i < stage->argc; i++) {
        char *equals = strchr(stage->argv[i], '=');
        *equals = 0;
        if (!variable_set(stage->context.shell, stage->argv[i], equals + 1)) {
            io_error(&stage->context.io, "shell: no room for another variable\n");
            return STATUS_FAILED;
        }
    }
    return 0;
}

static int run_command(struct stage *stage)
{
    struct context *context = &stage->context;
    const struct command *command = command_find(stage->argv[0]);
    if (command == NULL) {
        io_error(&context->io, "%s: there is no such command; `help` lists those there are\n",
                 stage->argv[0]);
        return STATUS_UNKNOWN;
    }
    int status = command->run(context, stage->argc, stage->argv);
    io_flush(&context->io);
    return job_is_interrupted(context->job) ? STATUS_INTERRUPTED : status;
}

static void stage_run(struct stage *stage)
{
    int assignments = 0;
    while (assignments < stage->argc && is_assignment(stage->argv[assignments])) {
        assignments++;
    }
    stage->status = assignments == stage->argc ? assign(stage) : run_command(stage);
    struct context *context = &stage->context;
    close_stream(context->shell, context->io.in);
    close_stream(context->shell, context->io.out);
    close_stream(context->shell, context->io.err);
    job_thread_set(context->job, context->stage, (tes_thread_t){ 0 });
}

static void stage_thread(void *argument)
{
    stage_run(argument);
}

static void stage_free(struct stage *stage)
{
    if (stage != NULL) {
        tes_free(stage->words);
        tes_free(stage);
    }
}

// Expands all words of a stage into one block.
static bool expand_words(struct shell *shell, const struct parse_stage *raw, struct stage *stage)
{
    const size_t size = 2 * (size_t)LINE_SIZE;
    stage->words = tes_alloc(size);
    size_t used = 0;
    for (unsigned i = 0; stage->words != NULL && i < raw->word_count; i++) {
        char *word = stage->words + used;
        if (!parse_expand(raw->words[i], variable_get, shell, word, size - used)) {
            return false;
        }
        used += strlen(word) + 1;
        stage->argv[stage->argc++] = word;
        if (used == size) {
            return false;
        }
    }
    return stage->words != NULL;
}

// Replaces *stream by the named file.
static bool redirect(struct shell *shell, struct stage *stage, const char *raw,
                     enum stream_open_mode mode, tes_endpoint_t *stream)
{
    char name[VALUE_SIZE];
    tes_endpoint_t file;
    if (raw == NULL) {
        return true;
    }
    tes_status_t status = TES_ERROR_INVALID;
    if (parse_expand(raw, variable_get, shell, name, sizeof(name))) {
        status = streams_open_file(&shell->streams, name, mode, &file);
    }
    if (status != TES_OK) {
        stage->context.io.err = shell->terminal;
        io_fail(&stage->context, "shell", raw, status);
        return false;
    }
    close_stream(shell, *stream);
    *stream = file;
    return true;
}

static bool redirect_all(struct shell *shell, struct stage *stage, const struct parse_stage *raw)
{
    struct io *io = &stage->context.io;
    enum stream_open_mode mode = raw->appends ? STREAM_OPEN_APPEND : STREAM_OPEN_WRITE;
    return redirect(shell, stage, raw->input, STREAM_OPEN_READ, &io->in) &&
           redirect(shell, stage, raw->output, mode, &io->out) &&
           redirect(shell, stage, raw->errors, STREAM_OPEN_WRITE, &io->err);
}

static struct stage *stage_create(struct shell *shell, struct job *job, unsigned index,
                                  tes_endpoint_t input)
{
    struct stage *stage = tes_alloc(sizeof(*stage));
    if (stage == NULL) {
        close_stream(shell, input);
        return NULL;
    }
    stage->context.shell = shell;
    stage->context.job = job;
    stage->context.stage = index;
    stage->context.io.in = input;
    stage->context.io.out = shell->terminal;
    stage->context.io.err = shell->terminal;
    return stage;
}

// Makes stage number index; *input is what it reads, and afterwards what the next one reads.
static bool stage_prepare(struct shell *shell, struct running *running,
                          const struct parse_pipeline *pipeline, unsigned index,
                          tes_endpoint_t *input)
{
    struct job *job = running->is_background ? &running->own_job : &shell->foreground;
    struct stage *stage = stage_create(shell, job, index, *input);
    running->stages[index] = stage;
    if (stage == NULL) {
        return false;
    }
    running->count++;
    *input = shell->terminal;
    if (index + 1 < pipeline->stage_count &&
        streams_open_pipe(&shell->streams, input, &stage->context.io.out) != TES_OK) {
        io_error(&stage->context.io, "shell: no room for another pipe\n");
        return false;
    }
    if (!expand_words(shell, &pipeline->stages[index], stage)) {
        io_error(&stage->context.io, "shell: the line is too long\n");
        return false;
    }
    return redirect_all(shell, stage, &pipeline->stages[index]);
}

static void running_free(struct running *running)
{
    for (unsigned i = 0; i < running->count; i++) {
        stage_free(running->stages[i]);
    }
    tes_free(running);
}

static void streams_close_from(struct running *running, unsigned first)
{
    for (unsigned i = first; i < running->count; i++) {
        struct io *io = &running->stages[i]->context.io;
        struct shell *shell = running->stages[i]->context.shell;
        close_stream(shell, io->in);
        close_stream(shell, io->out);
        close_stream(shell, io->err);
    }
}

// Workers for stages [0, end). What cannot be started has status NOT_RUN and its streams are
// closed.
static void workers_start(struct running *running, unsigned end)
{
    // As the shell's own: who holds the heap's lock must get to run when others yield to it.
    const struct tes_worker_options options = { .name = "command", .priority = COMMAND_PRIORITY };
    for (unsigned i = 0; i < end; i++) {
        struct stage *stage = running->stages[i];
        tes_status_t status = tes_worker_create(&options, stage_thread, stage, &stage->worker);
        if (status != TES_OK) {
            stage->status = STATUS_NOT_RUN;
            io_fail(&stage->context, "shell", "starting a thread", status);
            close_stream(stage->context.shell, stage->context.io.in);
            close_stream(stage->context.shell, stage->context.io.out);
        } else {
            job_thread_set(stage->context.job, i, tes_worker_thread(stage->worker));
        }
    }
}

static void workers_join(struct running *running)
{
    for (unsigned i = 0; i < running->count; i++) {
        struct tes_worker *worker = running->stages[i]->worker;
        while (worker != NULL && tes_worker_join(worker) != TES_OK) {
            // Cancelled by ^C: the worker was too, and will end.
        }
    }
}

static int run_foreground(struct shell *shell, struct running *running)
{
    unsigned last = running->count - 1;
    job_thread_set(&shell->foreground, last, tes_self()->thread);
    streams_mode(&shell->streams, TERMINAL_COOKED);
    workers_start(running, last);
    stage_run(running->stages[last]);
    workers_join(running);
    streams_mode(&shell->streams, TERMINAL_RAW);
    return running->stages[last]->status;
}

static int run_background(struct shell *shell, struct running *running)
{
    for (unsigned i = 0; i < JOBS_MAX; i++) {
        if (shell->background[i] == NULL) {
            shell->background[i] = running;
            workers_start(running, running->count);
            return 0;
        }
    }
    streams_close_from(running, 0);
    running_free(running);
    return STATUS_NOT_RUN;
}

void run_reap(struct shell *shell, bool is_reporting)
{
    for (unsigned i = 0; i < JOBS_MAX; i++) {
        struct running *running = shell->background[i];
        bool is_done = running != NULL;
        for (unsigned j = 0; is_done && j < running->count; j++) {
            const struct tes_worker *worker = running->stages[j]->worker;
            is_done = worker == NULL || tes_worker_is_done(worker);
        }
        if (!is_done) {
            continue;
        }
        workers_join(running);
        if (is_reporting && !shell->is_plain) {
            char text[64];
            int size = rt_format(text, sizeof(text), "[%u] %s: %d\n", i + 1, running->text,
                                 running->stages[running->count - 1]->status);
            (void)!tes_stream_write_all(shell->terminal, text, (uint64_t)size); // a courtesy
        }
        shell->background[i] = NULL;
        running_free(running);
    }
}

static int run_pipeline(struct shell *shell, const struct parse_pipeline *pipeline)
{
    struct running *running = tes_alloc(sizeof(*running));
    tes_endpoint_t input = shell->terminal;
    if (running == NULL) {
        return STATUS_NOT_RUN;
    }
    running->is_background = pipeline->is_background;
    rt_string_copy(running->text, sizeof(running->text), pipeline->stages[0].words[0]);
    job_begin(pipeline->is_background ? &running->own_job : &shell->foreground);
    for (unsigned i = 0; i < pipeline->stage_count; i++) {
        if (!stage_prepare(shell, running, pipeline, i, &input)) {
            close_stream(shell, input);
            streams_close_from(running, 0);
            job_end(&shell->foreground);
            running_free(running);
            return STATUS_FAILED;
        }
    }
    if (pipeline->is_background) {
        return run_background(shell, running);
    }
    int status = run_foreground(shell, running);
    job_end(&shell->foreground);
    running_free(running);
    return status;
}

static bool is_due(const struct parse_pipeline *pipeline, int status)
{
    return pipeline->join == JOIN_ALWAYS || (pipeline->join == JOIN_AND) == (status == 0);
}

static int run_list(struct shell *shell, const struct parse_list *list)
{
    for (unsigned i = 0; i < list->count; i++) {
        if (!is_due(&list->pipelines[i], shell->status)) {
            continue;
        }
        shell->status = run_pipeline(shell, &list->pipelines[i]);
        if (shell->status == STATUS_INTERRUPTED) {
            break;
        }
    }
    return shell->status;
}

int run_line(struct shell *shell, const char *line)
{
    struct parse_list *list = tes_alloc(sizeof(*list));
    if (list == NULL) {
        return STATUS_NOT_RUN;
    }
    const char *problem = parse_line(line, list);
    if (problem != NULL) {
        char text[128];
        int size = rt_format(text, sizeof(text), "shell: %s\n", problem);
        (void)!tes_stream_write_all(shell->terminal, text, (uint64_t)size); // the status tells too
        shell->status = STATUS_USAGE;
    } else {
        run_list(shell, list);
    }
    tes_free(list);
    return shell->status;
}
