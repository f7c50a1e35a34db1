/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From file to usable interfaces. The order is the point: the note is read before the file is mapped, the plugin's
 * object is checked as data before one of its functions is called, and the ops tables are copied into zeroed tables of
 * our size, so that afterwards a function the plugin does not have is simply NULL.
 */
#include "plugin_load.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The size of the object at ABI 1.0. */
#define PLUGIN_SIZE_1_0 (offsetof(dlfw_plugin, extension) + sizeof(((dlfw_plugin *)0)->extension))

/* dlerror()'s text without the file's name in front; a missing library is said in our words, as it is what users meet
 * most. */
static dlfw_status fail_open(const char *path, dlfw_error *err)
{
    static const char missing[] = ": cannot open shared object file: No such file or directory";
    const char *text = dlerror();
    size_t len;

    if (!text)
        text = "unknown reason";
    len = strlen(text);
    if (strncmp(text, path, strlen(path)) == 0 && strncmp(text + strlen(path), ": ", 2) == 0)
        return dlfw_fail(err, DLFW_E_INVALID, "cannot be loaded: %s", text + strlen(path) + 2);
    if (len >= sizeof missing && strcmp(text + len - (sizeof missing - 1), missing) == 0)
        return dlfw_fail(err, DLFW_E_NOT_FOUND, "needs library '%.*s', which is not installed",
                         (int)(len - (sizeof missing - 1)), text);
    return dlfw_fail(err, DLFW_E_INVALID, "cannot be loaded: %s", text);
}

/* dlsym also finds what a library that the plugin links exports, another plugin for instance: that is not this plugin.
 */
static dlfw_status find_object(void *dl, const dlfw_plugin **ret, dlfw_error *err)
{
    const void *symbol = dlsym(dl, "dlfw_plugin_v1");
    struct link_map *own = NULL, *origin = NULL;
    Dl_info info;

    for (uint32_t major = 0; !symbol && major < 10; major++) {
        char name[32];

        snprintf(name, sizeof name, "dlfw_plugin_v%u", major);
        if (dlsym(dl, name))
            return dlfw_fail(err, DLFW_E_ABI, "exports '%s', so it is built for plugin ABI %u; this dlfw has %d.%d",
                             name, major, DLFW_ABI_MAJOR, DLFW_ABI_MINOR);
    }
    if (!symbol)
        return dlfw_fail(err, DLFW_E_ABI, "missing symbol: it does not export 'dlfw_plugin_v1'");
    if (dlinfo(dl, RTLD_DI_LINKMAP, &own) != 0 || !dladdr1(symbol, &info, (void **)&origin, RTLD_DL_LINKMAP))
        return dlfw_fail(err, DLFW_E_INTERNAL, "cannot tell which file its symbol 'dlfw_plugin_v1' comes from");
    if (own != origin)
        return dlfw_fail(err, DLFW_E_ABI, "symbol from another file: its 'dlfw_plugin_v1' is the one of '%s'",
                         origin->l_name);
    *ret = symbol;
    return DLFW_OK;
}

static dlfw_status check_object(const dlfw_plugin *plugin, dlfw_error *err)
{
    if (plugin->magic != DLFW_MAGIC)
        return dlfw_fail(err, DLFW_E_ABI, "its object has magic 0x%08x, expected 0x%08x", plugin->magic, DLFW_MAGIC);
    if (plugin->struct_size < PLUGIN_SIZE_1_0)
        return dlfw_fail(err, DLFW_E_ABI, "its object has %u bytes (struct_size), ABI %d.0 has %zu",
                         plugin->struct_size, DLFW_ABI_MAJOR, PLUGIN_SIZE_1_0);
    if (plugin->abi_major != DLFW_ABI_MAJOR)
        return dlfw_fail(err, DLFW_E_ABI, "its object is for plugin ABI %u.%u, this dlfw has %d.%d", plugin->abi_major,
                         plugin->abi_minor, DLFW_ABI_MAJOR, DLFW_ABI_MINOR);
    if (plugin->need_minor > DLFW_ABI_MINOR)
        return dlfw_fail(err, DLFW_E_ABI, "needs plugin ABI %u.%u, this dlfw has %d.%d; a newer dlfw is needed",
                         plugin->abi_major, plugin->need_minor, DLFW_ABI_MAJOR, DLFW_ABI_MINOR);
    if (!plugin->id || !*plugin->id || !plugin->version || !plugin->ifaces)
        return dlfw_fail(err, DLFW_E_ABI, "its object has no %s",
                         !plugin->id || !*plugin->id ? "id"
                         : plugin->version           ? "ifaces"
                                                     : "version");
    return DLFW_OK;
}

/* Kinds that came after this dlfw are passed over, here as in the note. */
static bool kind_is_known(const dlfw_iface *iface)
{
    return iface->kind >= DLFW_KIND_BACKEND && iface->kind <= DLFW_KIND_COORDINATOR;
}

static bool note_names(const struct plugin_note *note, const dlfw_iface *iface)
{
    for (uint32_t i = 0; i < note->iface_count; i++) {
        if (note->ifaces[i].kind == iface->kind && strcmp(note->ifaces[i].name, iface->name) == 0)
            return true;
    }
    return false;
}

/* A listing that says something else than what is then loaded would mislead; count is the object's known interfaces. */
static dlfw_status compare_note(const struct plugin_note *note, const dlfw_plugin *plugin, uint32_t count,
                                dlfw_error *err)
{
    if (note->abi_major != plugin->abi_major || note->abi_minor != plugin->abi_minor)
        return dlfw_fail(err, DLFW_E_ABI, "note and object differ: ABI %u.%u and %u.%u", note->abi_major,
                         note->abi_minor, plugin->abi_major, plugin->abi_minor);
    if (strcmp(note->version, plugin->version) != 0)
        return dlfw_fail(err, DLFW_E_ABI, "note and object differ: version '%s' and '%.40s'", note->version,
                         plugin->version);
    for (const dlfw_iface *const *iface = plugin->ifaces; *iface; iface++) {
        if (kind_is_known(*iface) && !note_names(note, *iface))
            return dlfw_fail(err, DLFW_E_ABI, "note and object differ: the note does not name %s '%.48s'",
                             plugin_kind_name((*iface)->kind), (*iface)->name);
    }
    if (count != note->iface_count)
        return dlfw_fail(err, DLFW_E_ABI, "note and object differ: the note names %u interfaces, the object has %u",
                         note->iface_count, count);
    return DLFW_OK;
}

static void copy_ops(struct plugin_iface *to)
{
    static const uint32_t ours[] = {
        [DLFW_KIND_BACKEND] = sizeof(dlfw_backend_ops),
        [DLFW_KIND_FORMAT] = sizeof(dlfw_format_ops),
        [DLFW_KIND_HOOK] = sizeof(dlfw_hook_ops),
        [DLFW_KIND_COORDINATOR] = sizeof(dlfw_coordinator_ops),
    };
    uint32_t theirs;

    memcpy(&theirs, to->iface->ops, sizeof theirs);
    memset(&to->ops, 0, sizeof to->ops);
    memcpy(&to->ops, to->iface->ops, theirs < ours[to->iface->kind] ? theirs : ours[to->iface->kind]);
}

/* Checks every interface, then publishes the copies. path: for plugin_iface_check's messages, which carry it. */
static dlfw_status take_ifaces(struct plugin_file *file, const char *path, bool *named, dlfw_error *err)
{
    const dlfw_iface *const *rows = file->plugin->ifaces;
    uint32_t count = 0;
    dlfw_status st;

    for (uint32_t i = 0; rows[i]; i++) {
        if (!kind_is_known(rows[i]))
            continue;
        st = plugin_iface_check(rows[i], path, err);
        *named = st < 0;
        if (st < 0)
            return st;
        count++;
    }
    st = compare_note(&file->note, file->plugin, count, err);
    if (st < 0)
        return st;
    file->ifaces = calloc(count, sizeof *file->ifaces);
    if (!file->ifaces)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory");
    for (uint32_t i = 0; rows[i]; i++) {
        struct plugin_iface *to = &file->ifaces[file->iface_count];

        if (!kind_is_known(rows[i]))
            continue;
        to->iface = rows[i];
        to->file = file;
        copy_ops(to);
        file->iface_count++;
    }
    return DLFW_OK;
}

/* named: the message carries the path already. */
static dlfw_status open_and_check(struct plugin_file *file, bool *named, dlfw_error *err)
{
    dlfw_status st = plugin_note_read(file->path, &file->note, err);

    if (st < 0)
        return st;
    dlerror();
    file->dl = dlopen(file->path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!file->dl)
        return fail_open(file->path, err);
    st = find_object(file->dl, &file->plugin, err);
    if (st == DLFW_OK)
        st = check_object(file->plugin, err);
    if (st == DLFW_OK)
        st = take_ifaces(file, file->path, named, err);
    return st;
}

static dlfw_status call_load(const struct plugin_file *file, const dlfw_host *host, dlfw_error *err)
{
    char text[320] = "";
    dlfw_error why = {.struct_size = sizeof why, .message = text, .message_cap = sizeof text};
    dlfw_status st = file->plugin->load ? file->plugin->load(host, &why) : DLFW_OK;

    if (st < 0)
        return dlfw_fail(err, st, "its load function failed: %s", text[0] ? text : dlfw_status_text(st));
    return DLFW_OK;
}

static void free_file(struct plugin_file *file)
{
    if (!file)
        return;
    if (file->dl)
        dlclose(file->dl);
    free(file->ifaces);
    free(file->path);
    free(file);
}

dlfw_status plugin_file_load(const char *path, const dlfw_host *host, struct plugin_file **ret, dlfw_error *err)
{
    char text[400] = "";
    dlfw_error why = {.struct_size = sizeof why, .message = text, .message_cap = sizeof text};
    struct plugin_file *file = calloc(1, sizeof *file);
    size_t len = strlen(path);
    bool named = false;
    dlfw_status st;

    /* without a '/' the dynamic linker would look through its own directories */
    if (file)
        file->path = malloc(len + 3);
    if (!file || !file->path) {
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "cannot load plugin '%s': out of memory", path);
        goto out;
    }
    snprintf(file->path, len + 3, "%s%s", strchr(path, '/') ? "" : "./", path);
    st = open_and_check(file, &named, &why);
    if (st == DLFW_OK)
        st = call_load(file, host, &why);
    if (st < 0) {
        if (named)
            dlfw_fail(err, st, "%s", text);
        else
            dlfw_fail(err, st, "plugin '%s': %s", path, text);
        goto out;
    }
    *ret = file;
    file = NULL;
out:
    free_file(file);
    return st;
}

void plugin_file_unload(struct plugin_file *file)
{
    if (file && file->plugin->unload)
        file->plugin->unload();
    free_file(file);
}
