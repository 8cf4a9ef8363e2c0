// SPDX-License-Identifier: MIT OR Apache-2.0
// The first component: reads the composition out of the boot image, starts what it names in order,
// then serves the `program` interface and watches. Its end is the system's end, so what it cannot
// do it logs with the reason.
#include <abi/startup.h>
#include <arch_user/elf.h>
#include <tes/log.h>
#include <tes/time.h>

#include "init.h"

#define EXIT_NO_IMAGE       1
#define EXIT_NO_COMPOSITION 2
#define EXIT_NO_OBJECTS     3
#define EXIT_NO_SERVICE     4

static struct init init;

static int open_image(void)
{
    const struct tes_self *self = tes_self();
    struct image_error error;
    if (!image_open(self->image, self->image_size, TES_ARCH_IMAGE_ARCHITECTURE, &init.image,
                    &error)) {
        tes_log("init: boot image: offset 0x%llx: %s %s", (unsigned long long)error.offset,
                error.field, error.reason);
        return EXIT_NO_IMAGE;
    }
    return 0;
}

static int read_composition(void)
{
    const struct tes_image_file *file = image_find(&init.image, "composition");
    if (file == NULL || !image_file_is_intact(&init.image, file)) {
        tes_log("init: boot image: offset 0x%llx: composition: %s",
                (unsigned long long)(file != NULL ? file->offset : 0),
                file != NULL ? "checksum does not match the contents" : "no such file");
        return EXIT_NO_COMPOSITION;
    }
    struct composition_error error;
    const char *text = (const char *)init.image.bytes + file->offset;
    if (!composition_read(text, file->size, &init.composition, &error)) {
        tes_log("init: composition: offset 0x%llx: %s %s", (unsigned long long)error.offset,
                error.field, error.reason);
        return EXIT_NO_COMPOSITION;
    }
    return 0;
}

static tes_status_t make_objects(void)
{
    tes_status_t status = wiring_exports(&init);
    if (status == TES_OK) {
        init.service = wiring_export_find(&init, SERVICE_NAME);
        status = tes_notification_create(tes_self()->quota, &init.notification);
    }
    if (status == TES_OK) {
        status = tes_endpoint_control(init.service, TES_ENDPOINT_CONTROL_BIND,
                                      init.notification.value, 0);
    }
    return status;
}

static void start_components(void)
{
    for (uint32_t i = 0; i < init.composition.count; i++) {
        const struct spec *spec = &init.composition.specs[i];
        if (!spec->is_component) {
            continue;
        }
        struct instance *instance = instance_create(&init, spec);
        if (instance != NULL && instance_start(&init, instance) != TES_OK) {
            tes_log("init: %s does not start", spec->name);
            supervise_failed_start(&init, instance);
        }
    }
}

static void on_signal(void *context, uint64_t bits)
{
    supervise_signal(context, bits);
}

int tes_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    static const struct tes_interface *const interfaces[] = { &init_program_interface, NULL };
    tes_log_set((tes_resource_t){ .value = TES_STARTUP_MACHINE });
    int failure = open_image();
    failure = failure != 0 ? failure : read_composition();
    if (failure != 0) {
        return failure;
    }
    tes_status_t status = make_objects();
    if (status != TES_OK) {
        tes_log("init: endpoints: %s", tes_status_text(status));
        return EXIT_NO_OBJECTS;
    }
    start_components();
    struct tes_server server = { .endpoint = init.service,
                                 .context = &init,
                                 .interfaces = interfaces,
                                 .on_signal = on_signal,
                                 .on_closed = service_closed };
    status = tes_server_run(&server);
    tes_log("init: cannot receive: %s", tes_status_text(status));
    return EXIT_NO_SERVICE;
}
