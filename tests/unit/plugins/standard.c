/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin as authors write it, with DLFW_PLUGIN(): a hook and a format that is never driven. */
#include <stdlib.h>

#include "dlfw/dlfw.h"

struct counter_options {
    dlfw_str_list tags;
    uint64_t every;
    uint32_t mode;
    uint8_t loud;
};

static const char *const modes[] = {"fast", "exact", NULL};
static const dlfw_option counter_rows[] = {
    DLFW_OPT_LIST(struct counter_options, tags, .help = "words to print"),
    DLFW_OPT_DURATION(struct counter_options, every, .def = "250ms", .min = "1ms", .help = "time between two lines"),
    DLFW_OPT_ENUM(struct counter_options, mode, .def = "exact", .choices = modes, .help = "how to count"),
    DLFW_OPT_BOOL(struct counter_options, loud, .def = "false", .flags = DLFW_OPT_ADVANCED,
                  .help = "print in capitals"),
};

static dlfw_status counter_create(const dlfw_create_args *args, dlfw_hook **ret, dlfw_error *err)
{
    (void)args;
    *ret = calloc(1, 1);
    return *ret ? DLFW_OK : dlfw_fail(err, DLFW_E_NO_MEMORY, "cannot create the counter");
}

static void counter_destroy(dlfw_hook *hook)
{
    free(hook);
}

static const dlfw_hook_ops counter_ops = {
    .struct_size = sizeof(dlfw_hook_ops), .create = counter_create, .destroy = counter_destroy};

static const dlfw_iface counter = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_HOOK,
    .name = "counter",
    .summary = "counts steps",
    .options = counter_rows,
    .option_count = sizeof counter_rows / sizeof *counter_rows,
    .options_size = sizeof(struct counter_options),
    .ops = &counter_ops,
};

static const dlfw_iface *const ifaces[] = {&counter, NULL};

DLFW_PLUGIN("2.0.1", "hook=counter\n", .id = "org.example.dlfw-counter", .license = "MIT", .summary = "counts steps",
            .ifaces = ifaces);
