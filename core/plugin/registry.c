/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a name in a run file to an interface. A plugin is loaded at the first question for it; the answer to a question
 * that fails says where was looked, which name comes closest, or why the one file that has the name cannot be used.
 */
#include "plugin/registry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/str.h"
#include "config/schema.h"
#include "host/option_parse.h"
#include "plugin/host_table.h"
#include "plugin/plugin_check.h"
#include "plugin/registry_entry.h"

const struct registry_entry *registry_offer(const struct registry *reg, uint32_t kind, const char *name, bool refused)
{
    for (uint32_t i = 0; i < reg->count; i++) {
        const struct registry_entry *entry = &reg->entries[i];

        for (uint32_t j = 0; j < entry->note.iface_count && !entry->refused == !refused; j++) {
            if (entry->note.ifaces[j].kind == kind && strcmp(entry->note.ifaces[j].name, name) == 0)
                return entry;
        }
    }
    return NULL;
}

/* The name that the user may have meant; NULL: none is near. */
static const char *nearest_name(const struct registry *reg, uint32_t kind, const char *name)
{
    const char *nearest = NULL;
    uint32_t least = 3;

    for (uint32_t i = 0; i < reg->count; i++) {
        const struct plugin_note *note = &reg->entries[i].note;

        for (uint32_t j = 0; j < note->iface_count && !reg->entries[i].refused; j++) {
            uint32_t distance = text_distance(name, note->ifaces[j].name, least);

            if (note->ifaces[j].kind == kind && distance < least && distance < strlen(note->ifaces[j].name)) {
                least = distance;
                nearest = note->ifaces[j].name;
            }
        }
    }
    return nearest;
}

/* Puts the checking layer before the backends of a freshly loaded file. The layer keeps a pointer to the table below
 * it. */
static dlfw_status add_checks(struct plugin_file *file, dlfw_error *err)
{
    for (uint32_t i = 0; i < file->iface_count; i++) {
        struct plugin_iface *iface = &file->ifaces[i];
        const dlfw_backend_ops *checked;
        dlfw_backend_ops *under;

        if (iface->iface->kind != DLFW_KIND_BACKEND)
            continue;
        under = xmalloc(sizeof *under);
        *under = iface->ops.backend;
        checked = plugin_check_backend(under, iface->iface->name);
        if (!checked) {
            free(under);
            return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                             "cannot check backend '%s': too many backends are checked already; run without --check",
                             iface->iface->name);
        }
        iface->ops.backend = *checked;
    }
    return DLFW_OK;
}

static dlfw_status load_entry(const struct registry *reg, struct registry_entry *entry, dlfw_error *err)
{
    struct error_slot why;
    dlfw_status st;

    if (entry->file)
        return DLFW_OK;
    error_slot_init(&why);
    st = plugin_file_load(entry->path, host_table(), &entry->file, &why.e);
    if (st == DLFW_OK && reg->check)
        st = add_checks(entry->file, &why.e);
    if (st < 0) {
        plugin_file_unload(entry->file);
        entry->file = NULL;
        registry_refuse(entry, why.text);
        error_copy(err, &why.e);
    }
    return st;
}

static const struct plugin_iface *find_iface(const struct plugin_file *file, uint32_t kind, const char *name)
{
    for (uint32_t i = 0; i < file->iface_count; i++) {
        if (file->ifaces[i].iface->kind == kind && (!name || strcmp(file->ifaces[i].iface->name, name) == 0))
            return &file->ifaces[i];
    }
    return NULL;
}

static dlfw_status fail_not_found(const struct registry *reg, uint32_t kind, const char *name, dlfw_error *err)
{
    const struct registry_entry *refused = registry_offer(reg, kind, name, true);
    const char *nearest = nearest_name(reg, kind, name);

    if (refused)
        return dlfw_fail(err, DLFW_E_NOT_FOUND, "cannot use %s '%s': plugin '%s': %s", plugin_kind_name(kind), name,
                         refused->path, refused->refused);
    return dlfw_fail(err, DLFW_E_NOT_FOUND, "no %s '%s'%s%s%s; searched %s", plugin_kind_name(kind), name,
                     nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "",
                     reg->searched && *reg->searched ? reg->searched : "nothing");
}

static bool same_file(const char *a, const char *b)
{
    struct stat sa, sb;

    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* A file given by its path. It may be one that the scan knows already, or refused only because its name is taken: then
 * it is meant. */
static dlfw_status find_by_path(struct registry *reg, uint32_t kind, const char *path, const struct plugin_iface **ret,
                                dlfw_error *err)
{
    struct registry_entry *entry = NULL;
    const struct plugin_iface *iface;
    dlfw_status st;

    for (uint32_t i = 0; i < reg->count && !entry; i++) {
        if (same_file(reg->entries[i].path, path))
            entry = &reg->entries[i];
    }
    if (!entry) {
        entry = registry_add(reg, path);
        registry_read_note(reg, entry);
    }
    st = load_entry(reg, entry, err);
    if (st < 0)
        return st;
    iface = find_iface(entry->file, kind, NULL);
    if (!iface)
        return dlfw_fail(err, DLFW_E_NOT_FOUND, "plugin '%s' offers no %s", path, plugin_kind_name(kind));
    for (const struct plugin_iface *other = iface + 1; other < entry->file->ifaces + entry->file->iface_count;
         other++) {
        if (other->iface->kind == kind)
            return dlfw_fail(err, DLFW_E_CONFIG,
                             "plugin '%s' offers more than one %s ('%s', '%s'); use the name, with the file's "
                             "directory as --plugin-dir",
                             path, plugin_kind_name(kind), iface->iface->name, other->iface->name);
    }
    *ret = iface;
    return DLFW_OK;
}

dlfw_status registry_find(struct registry *reg, uint32_t kind, const char *name, const struct plugin_iface **ret,
                          dlfw_error *err)
{
    const struct registry_entry *entry;
    dlfw_status st;

    if (strchr(name, '/'))
        return find_by_path(reg, kind, name, ret, err);
    entry = registry_offer(reg, kind, name, false);
    if (!entry)
        return fail_not_found(reg, kind, name, err);
    st = load_entry(reg, &reg->entries[entry - reg->entries], err);
    if (st < 0)
        return st;
    /* the loader has compared note and object, so it is there */
    *ret = find_iface(entry->file, kind, name);
    DLFW_BUG_IF(!*ret);
    return DLFW_OK;
}

void *registry_options(const struct plugin_iface *iface, struct node_tree *tree, const struct dlfw_node *map,
                       const char *path, const char *const *extra, struct problem_list *problems)
{
    void *base = arena_alloc(&tree->arena, iface->iface->options_size ? iface->iface->options_size : 1);

    schema_fill(tree, map, path, iface->iface->options, iface->iface->option_count, extra, base, problems);
    return base;
}
