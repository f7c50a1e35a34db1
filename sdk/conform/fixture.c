/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a path to an instance: what a host does before the first useful call, through the same loader and option parser.
 * A step that fails is judged by one case only, so that one mistake of a plugin shows as one failed case.
 */
#include <dirent.h>
#include <string.h>

#include "host/option_parse.h"
#include "kit.h"

/* Fails the case called judge, skips every other. */
static _Noreturn void blame(struct kit *kit, const char *judge, const char *text)
{
    if (strcmp(kit->test->name, judge) == 0)
        kit_fail(kit, "%s", text);
    kit_skip(kit, "%s (see %s)", text, judge);
}

void kit_load(struct kit *kit)
{
    char text[512];
    dlfw_error err = FAKE_ERROR(text);

    if (plugin_file_load(kit->settings->plugin, &kit->host.table, &kit->file, &err) < 0)
        blame(kit, "binary.load", text);
}

void kit_choose(struct kit *kit, uint32_t kind, const char *name)
{
    for (uint32_t i = 0; i < kit->file->iface_count; i++) {
        const dlfw_iface *iface = kit->file->ifaces[i].iface;

        if (iface->kind == kind && strcmp(iface->name, name) == 0) {
            kit->iface = &kit->file->ifaces[i];
            return;
        }
    }
    blame(kit, "binary.note", "the note names an interface that the plugin object does not have");
}

static void *keep_option(void *ctx, size_t bytes)
{
    return kit_alloc(ctx, bytes);
}

void kit_fill_options(struct kit *kit)
{
    const dlfw_iface *iface = kit->iface->iface;
    char text[512];
    dlfw_error err = FAKE_ERROR(text);

    kit->options = iface->options_size ? kit_alloc(kit, iface->options_size) : NULL;
    if (option_table_check(iface->options, iface->option_count, iface->options_size, &err) < 0 ||
        option_store_defaults(iface->options, iface->option_count, kit->options, keep_option, kit, &err) < 0)
        blame(kit, "options.table", text);
    for (uint32_t i = 0; i < kit->settings->options.count; i++) {
        const struct kit_pair *given = &kit->settings->options.items[i];
        const dlfw_option *row = option_find(iface->options, iface->option_count, given->name);

        if (!row || row->offset == DLFW_OPT_UNBOUND)
            continue; /* may belong to another interface of the plugin; options.table reports one that belongs to none
                       */
        if (row->type == DLFW_TYPE_NODE)
            blame(kit, "options.table", "an option of type node cannot be given to dlfw-conform");
        if (option_store(row, given->value, kit->options, keep_option, kit, &err) < 0)
            blame(kit, "options.table", text);
    }
    for (uint32_t i = 0; i < iface->option_count; i++) {
        const dlfw_option *row = option_row(iface->options, i);
        bool given = false;

        for (uint32_t k = 0; k < kit->settings->options.count; k++)
            given = given || strcmp(kit->settings->options.items[k].name, row->name) == 0;
        if ((row->flags & DLFW_OPT_REQUIRED) && !given)
            kit_skip(kit, "option '%s' is required: give it with --option or in the quirks file", row->name);
    }
}

dlfw_create_args kit_create_args(struct kit *kit)
{
    dlfw_create_args args = {.struct_size = (uint32_t)sizeof args,
                             .host = &kit->host.table,
                             .host_ctx = &kit->host,
                             .instance = "conform",
                             .options = kit->options,
                             .root = kit->iface->iface->kind == DLFW_KIND_BACKEND ? kit->root : NULL,
                             .numa_node = -1};

    return args;
}

dlfw_status kit_create_any(struct kit *kit, const dlfw_create_args *args, void **ret, dlfw_error *err)
{
    dlfw_status st;

    *ret = NULL;
    switch (kit->iface->iface->kind) {
    case DLFW_KIND_BACKEND: {
        dlfw_backend *be = NULL;

        st = kit->iface->ops.backend.create(args, &be, err);
        *ret = be;
        return st;
    }
    case DLFW_KIND_FORMAT: {
        dlfw_format *format = NULL;

        st = kit->iface->ops.format.create(args, &format, err);
        *ret = format;
        return st;
    }
    case DLFW_KIND_HOOK: {
        dlfw_hook *hook = NULL;

        st = kit->iface->ops.hook.create(args, &hook, err);
        *ret = hook;
        return st;
    }
    default:
        kit_skip(kit, "coordinators are joined, not created (see coordinator.*)");
    }
}

void kit_destroy_any(struct kit *kit, void *instance)
{
    switch (kit->iface->iface->kind) {
    case DLFW_KIND_BACKEND:
        kit->iface->ops.backend.destroy(instance);
        break;
    case DLFW_KIND_FORMAT:
        kit->iface->ops.format.destroy(instance);
        break;
    default:
        kit->iface->ops.hook.destroy(instance);
        break;
    }
}

static void *create_or_blame(struct kit *kit)
{
    dlfw_create_args args = kit_create_args(kit);
    char text[512];
    dlfw_error err = FAKE_ERROR(text);
    void *instance;
    dlfw_status st = kit_create_any(kit, &args, &instance, &err);

    if (st < 0)
        blame(kit, "life.create", text[0] ? text : "create failed without a text");
    if (!instance)
        blame(kit, "life.create", "create succeeded without an instance");
    return instance;
}

dlfw_backend *kit_backend(struct kit *kit)
{
    return create_or_blame(kit);
}

dlfw_format *kit_format_instance(struct kit *kit)
{
    return create_or_blame(kit);
}

dlfw_hook *kit_hook(struct kit *kit)
{
    return create_or_blame(kit);
}

static uint32_t count_entries(struct kit *kit, const char *folder)
{
    DIR *dir = opendir(folder);
    uint32_t n = 0;

    if (!dir)
        kit_skip(kit, "cannot read '%s'", folder);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

uint32_t kit_thread_count(struct kit *kit)
{
    return count_entries(kit, "/proc/self/task") - 2;
}

uint32_t kit_fd_count(struct kit *kit)
{
    return count_entries(kit, "/proc/self/fd") - 3; /* ".", ".." and the folder's own */
}
