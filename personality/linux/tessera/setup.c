// SPDX-License-Identifier: MIT OR Apache-2.0
// What every container begins with: /bin with the composition's programs, /tmp, /etc/passwd and
// /etc/group. /dev and /proc are the personality's own.
#include <rt/format.h>
#include <rt/string.h>
#include <tes/startup.h>

#include "blobs.h"
#include "options.h"

#define MODE_PROGRAM   0755u
#define MODE_DIRECTORY 0755u
#define MODE_FILE      0644u
#define PROGRAM_PATH   64u
#define PROGRAM_DIR    "/bin/%s"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
                             "daemon:x:1:1:daemon:/:/bin/false\n"
                             "user:x:1000:1000::/tmp:/bin/sh\n";
static const char group[] = "root:x:0:\ndaemon:x:1:\nuser:x:1000:\n";

// Every file of the boot image that the composition gave, under its own name.
static bool add_programs(struct linux_container *container)
{
    const struct tes_startup_block *block = tes_self()->block;
    for (uint32_t i = 0; i < block->handle_count; i++) {
        const struct tes_startup_handle *entry = &block->handles[i];
        char path[PROGRAM_PATH];
        if (entry->size == 0) {
            continue; // no file
        }
        const struct platform_blob *blob = blob_of_image(entry->name);
        rt_format(path, sizeof(path), PROGRAM_DIR, entry->name);
        if (blob == NULL || linux_container_add_blob(container, path, MODE_PROGRAM, blob) != 0) {
            return complain(path, "cannot be made");
        }
    }
    return true;
}

bool setup_container(struct settings *settings)
{
    struct linux_container *container = settings->container;
    static const struct {
        const char *path;
        const char *text;
    } files[] = { { "/etc/passwd", passwd }, { "/etc/group", group } };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (linux_container_add_file(container, files[i].path, MODE_FILE, files[i].text,
                                     strlen(files[i].text)) != 0) {
            return complain(files[i].path, "cannot be made");
        }
    }
    if (linux_container_add_directory(container, "/tmp", MODE_DIRECTORY) != 0) {
        return complain("/tmp", "cannot be made");
    }
    return add_programs(container);
}
