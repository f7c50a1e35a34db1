/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding plugin files. Reads directories and notes, loads nothing: no code of a plugin runs because it lies somewhere.
 * Never the current directory, never a tree; every file that looks like a plugin is listed, those that cannot be used
 * with the reason.
 */
#include "plugin/registry.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/str.h"
#include "plugin/registry_entry.h"

/* A directory that was looked through, so that the same one under another name is not read twice: its plugins would all
 * be duplicates of themselves. */
struct seen_dir {
    dev_t device;
    ino_t inode;
};
struct scan {
    struct registry *reg;
    struct str searched;
    struct seen_dir *seen;
    uint32_t seen_count;
};

static bool is_shared_object(const char *name)
{
    size_t len = strlen(name);

    return len > 3 && strcmp(name + len - 3, ".so") == 0;
}

static int wants_any(const struct dirent *entry)
{
    return is_shared_object(entry->d_name);
}

static int wants_ours(const struct dirent *entry)
{
    return is_shared_object(entry->d_name) && strncmp(entry->d_name, "dlfw-", 5) == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

struct registry_entry *registry_add(struct registry *reg, const char *path)
{
    struct registry_entry *entry;

    if (reg->count == reg->cap) {
        reg->cap = reg->cap ? reg->cap * 2 : 32;
        reg->entries = xrealloc(reg->entries, reg->cap * sizeof *reg->entries);
    }
    entry = &reg->entries[reg->count++];
    *entry = (struct registry_entry){.path = xstrdup(path)};
    return entry;
}

void registry_refuse(struct registry_entry *entry, const char *message)
{
    char *named = xformat("plugin '%s': ", entry->path);
    size_t len = strlen(named);

    free(entry->refused);
    entry->refused = xstrdup(strncmp(message, named, len) == 0 ? message + len : message);
    free(named);
}

/* The usable entry before entry that offers one of its interfaces already; *which is the index of that interface. */
static const struct registry_entry *find_earlier(const struct registry *reg, const struct registry_entry *entry,
                                                 uint32_t *which)
{
    for (*which = 0; *which < entry->note.iface_count; (*which)++) {
        const struct registry_entry *other =
            registry_offer(reg, entry->note.ifaces[*which].kind, entry->note.ifaces[*which].name, false);

        if (other && other < entry)
            return other;
    }
    return NULL;
}

void registry_read_note(struct registry *reg, struct registry_entry *entry)
{
    const struct registry_entry *earlier;
    struct error_slot err;
    uint32_t which;

    error_slot_init(&err);
    if (plugin_note_read(entry->path, &entry->note, &err.e) < 0) {
        registry_refuse(entry, err.text);
        return;
    }
    earlier = find_earlier(reg, entry, &which);
    if (earlier)
        entry->refused =
            xformat("duplicate name: %s '%s' is offered by '%s' already",
                    plugin_kind_name(entry->note.ifaces[which].kind), entry->note.ifaces[which].name, earlier->path);
}

static bool was_seen(struct scan *scan, const struct stat *st)
{
    for (uint32_t i = 0; i < scan->seen_count; i++) {
        if (scan->seen[i].device == st->st_dev && scan->seen[i].inode == st->st_ino)
            return true;
    }
    scan->seen = xrealloc(scan->seen, (scan->seen_count + 1) * sizeof *scan->seen);
    scan->seen[scan->seen_count++] = (struct seen_dir){st->st_dev, st->st_ino};
    return false;
}

/* named: somebody gave this directory, so that other shared objects in it deserve an answer too. A missing one is not
 * an error here. */
static dlfw_status scan_dir(struct scan *scan, const char *dir, bool named, dlfw_error *err)
{
    struct dirent **names = NULL;
    struct stat st;
    int count, missing = stat(dir, &st) < 0 ? errno : 0;

    if (!missing && was_seen(scan, &st))
        return DLFW_OK;
    str_add_format(&scan->searched, "%s%s", scan->searched.len ? ", " : "", dir);
    if (missing)
        return dlfw_fail_errno(err, missing, "cannot read plugin directory '%s'", dir);
    count = scandir(dir, &names, named ? wants_any : wants_ours, by_name);
    if (count < 0)
        return dlfw_fail_errno(err, errno, "cannot read plugin directory '%s'", dir);
    for (int i = 0; i < count; i++) {
        char *path = xformat("%s/%s", dir, names[i]->d_name);

        registry_read_note(scan->reg, registry_add(scan->reg, path));
        free(path);
        free(names[i]);
    }
    free(names);
    return DLFW_OK;
}

/* A directory that nobody insists on: absent is normal, unreadable is worth a word. */
static void scan_optional(struct scan *scan, const char *dir, bool named)
{
    struct error_slot err;

    error_slot_init(&err);
    if (scan_dir(scan, dir, named, &err.e) < 0 && err.e.sys_errno != ENOENT && err.e.sys_errno != ENOTDIR)
        log_warning("%s", err.text);
}

static void scan_environment(struct scan *scan)
{
    const char *list = secure_getenv("DLFW_PLUGIN_PATH");

    while (list && *list) {
        size_t len = strcspn(list, ":");

        if (len) {
            char *dir = xstrndup(list, len);

            scan_optional(scan, dir, true);
            free(dir);
        }
        list += len + (list[len] == ':');
    }
}

/* plugins/ beside the executable (a build tree), then where `cmake --install` puts them relative to it. */
static void scan_beside_executable(struct scan *scan)
{
    char exe[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
    char *slash, *dir;

    if (len < 0) {
        log_warning(
            "cannot tell where the program lies ('/proc/self/exe'), so the plugins beside it are not looked for");
        return;
    }
    exe[len] = '\0';
    slash = strrchr(exe, '/');
    *slash = '\0';
    dir = xformat("%s/plugins", exe);
    scan_optional(scan, dir, false);
    free(dir);
    /* the parent, by name: "bin/.." in every path of a listing would be noise */
    slash = strrchr(exe, '/');
    if (slash)
        *slash = '\0';
    dir = xformat("%s/%s", exe, DLFW_PLUGIN_SUBDIR);
    scan_optional(scan, dir, false);
    free(dir);
}

dlfw_status registry_scan(struct registry *reg, const char *plugin_dir, dlfw_error *err)
{
    struct scan scan = {.reg = reg, .searched = STR_EMPTY};
    dlfw_status st = DLFW_OK;

    scan_environment(&scan);
    if (plugin_dir)
        st = scan_dir(&scan, plugin_dir, true, err);
    if (st == DLFW_OK)
        scan_beside_executable(&scan);
    free(reg->searched);
    reg->searched = xstrdup(scan.searched.data);
    str_free(&scan.searched);
    free(scan.seen);
    return st;
}

void registry_free(struct registry *reg)
{
    for (uint32_t i = 0; i < reg->count; i++) {
        plugin_file_unload(reg->entries[i].file);
        free(reg->entries[i].path);
        free(reg->entries[i].refused);
    }
    free(reg->entries);
    free(reg->searched);
    *reg = (struct registry){.check = reg->check};
}
