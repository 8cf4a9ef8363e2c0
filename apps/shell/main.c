// SPDX-License-Identifier: MIT OR Apache-2.0
// The shell's start and its loop. Threads: this one reads lines and runs commands; "streams" serves
// files, pipes and the terminal; "input" waits for typed bytes, so that ^C is seen while a command
// runs. A dead serial driver is waited for: its endpoint is on hold until it is back.
#include <abi/info.h>
#include <rt/format.h>
#include <rt/string.h>
#include <tes/calls.h>
#include <tes/heap.h>
#include <tes/log.h>
#include <tes/startup.h>
#include <tes/time.h>

#include "shell.h"

#define PROMPT           "tessera> "
#define PLAIN_OPTION     "console=plain"
#define STATUS_MARK      "\x1e"
#define INPUT_SIZE       256u
#define INPUT_PRIORITY   21u // above the commands: ^C must get through
#define SERVER_PRIORITY  20u
#define EXIT_NO_OBJECTS  1
#define EXIT_NO_TERMINAL 2

static struct shell shell;

static void input_thread(void *context)
{
    struct shell *s = context;
    uint8_t bytes[INPUT_SIZE];
    for (;;) {
        uint64_t count = 0;
        tes_status_t status =
            tes_stream_read(s->streams.terminal.console, bytes, sizeof(bytes), 0, &count);
        if (status == TES_OK) {
            streams_input(&s->streams, bytes, count);
        } else if (status != TES_ERROR_PEER_DIED && status != TES_ERROR_CANCELLED &&
                   status != TES_ERROR_CANCELLED_UNKNOWN) {
            tes_log("shell: console: %s", tes_status_text(status));
            return;
        }
    }
}

static void on_interrupt(void *context)
{
    job_interrupt(&((struct shell *)context)->foreground);
}

// Is the word among the boot options?
static bool has_option(const char *word)
{
    struct tes_info_machine info;
    if (info_read(&shell, TES_INFO_MACHINE, 0, &info, sizeof(info)) != TES_OK) {
        return false;
    }
    info.command_line[sizeof(info.command_line) - 1] = 0;
    const char *found = strstr(info.command_line, word);
    if (found == NULL) {
        return false;
    }
    const char after = found[strlen(word)];
    return (found == info.command_line || found[-1] == ' ') && (after == 0 || after == ' ');
}

static void editor_write(void *context, const char *bytes, size_t size)
{
    struct shell *s = context;
    (void)!tes_stream_write_all(s->terminal, bytes, size); // typing goes on unseen
}

static tes_status_t start_threads(void)
{
    const struct tes_worker_options server = { .name = "streams", .priority = SERVER_PRIORITY };
    const struct tes_worker_options input = { .name = "input", .priority = INPUT_PRIORITY };
    struct tes_worker *worker = NULL;
    tes_status_t status = tes_endpoint_create(tes_self()->quota, &shell.streams.endpoint);
    if (status == TES_OK) {
        status = tes_worker_create(&server, streams_thread, &shell.streams, &worker);
    }
    if (status == TES_OK) {
        status = tes_worker_create(&input, input_thread, &shell, &worker);
        if (status == TES_ERROR_INVALID) { // not allowed above its own priority
            const struct tes_worker_options lower = { .name = "input",
                                                      .priority = SERVER_PRIORITY };
            status = tes_worker_create(&lower, input_thread, &shell, &worker);
        }
    }
    return status;
}

static void prepare(void)
{
    shell.process_service = tes_endpoint_from(tes_startup_handle("process"));
    shell.machine = tes_resource_from(tes_startup_handle("machine"));
    shell.is_plain = has_option(PLAIN_OPTION);
    shell.streams.terminal.console = tes_endpoint_from(tes_startup_handle("console"));
    shell.streams.terminal.is_plain = shell.is_plain;
    shell.streams.terminal.on_interrupt = on_interrupt;
    shell.streams.terminal.context = &shell;
    shell.editor.prompt = PROMPT;
    shell.editor.is_plain = shell.is_plain;
    shell.editor.history = &shell.history;
    shell.editor.write = editor_write;
    shell.editor.complete = complete_word;
    shell.editor.context = &shell;
    variable_set(&shell, "PATH", "/bin");
    variable_set(&shell, "HOME", "/");
}

static enum line_result read_line(void)
{
    enum line_result result = LINE_MORE;
    line_begin(&shell.editor);
    while (result == LINE_MORE) {
        char byte = 0;
        uint64_t count = 0;
        tes_status_t status = tes_stream_read(shell.terminal, &byte, 1, 0, &count);
        if (status == TES_OK && count == 1) {
            result = line_feed(&shell.editor, byte);
        }
    }
    return result;
}

static void end_command(void)
{
    if (shell.is_plain) {
        char text[16];
        int size = rt_format(text, sizeof(text), STATUS_MARK "%d\n", shell.status);
        editor_write(&shell, text, (size_t)size);
    }
}

static _Noreturn void loop(void)
{
    for (;;) {
        run_reap(&shell, true);
        enum line_result result = read_line();
        if (result == LINE_CANCELLED) {
            shell.status = STATUS_INTERRUPTED;
        } else if (result == LINE_DONE) {
            history_add(&shell.history, shell.editor.text);
            run_line(&shell, shell.editor.text);
        }
        end_command();
    }
}

int tes_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    prepare();
    if (!bytes_create(&shell.streams.terminal.input, TERMINAL_SIZE)) {
        return EXIT_NO_OBJECTS;
    }
    tes_status_t status = start_threads();
    if (status == TES_OK) {
        status = streams_open_terminal(&shell.streams, &shell.terminal);
    }
    if (status != TES_OK) {
        tes_log("shell: no terminal: %s", tes_status_text(status));
        return EXIT_NO_TERMINAL;
    }
    loop();
}
