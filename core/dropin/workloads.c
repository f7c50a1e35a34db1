/* SPDX-License-Identifier: Apache-2.0 */
/* The workloads that can be chosen: those of the search path, and where the stock ones lie. */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "dropin/compose.h"

struct name_list {
    const char **items;
    uint32_t count, cap;
};

static int is_workload(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".yaml") == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A folder that cannot be read offers nothing; choosing from it fails with the reason. */
static void list_folder(struct arena *arena, const char *folder, struct name_list *list)
{
    char *path = arena_format(arena, "%s/workload", folder);
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_workload, NULL);

    for (int i = 0; i < count; i++) {
        if (list->count == list->cap) {
            list->cap = list->cap ? list->cap * 2 : 64;
            list->items = xrealloc(list->items, list->cap * sizeof *list->items);
        }
        list->items[list->count++] = arena_strndup(arena, entries[i]->d_name, strlen(entries[i]->d_name) - 5);
        free(entries[i]);
    }
    free(entries);
}

const char *const *composition_workloads(struct composition *c)
{
    struct name_list list = {0};
    const char **names;
    uint32_t count = 0;

    for (uint32_t i = 0; i < c->place_count; i++)
        list_folder(&c->tree.arena, c->places[i].folder, &list);
    if (list.count)
        qsort(list.items, list.count, sizeof *list.items, by_name);
    names = arena_alloc(&c->tree.arena, (list.count + 1) * sizeof *names);
    for (uint32_t i = 0; i < list.count; i++)
        if (!count || strcmp(names[count - 1], list.items[i]) != 0)
            names[count++] = list.items[i];
    free(list.items);
    return names;
}

static char *folder_with_workloads(const char *parent, const char *below)
{
    char *folder = xformat("%s/%s", parent, below);
    char *inner = xformat("%s/workload", folder);
    struct stat info;

    if (stat(inner, &info) != 0 || !S_ISDIR(info.st_mode)) {
        free(folder);
        folder = NULL;
    }
    free(inner);
    return folder;
}

char *stock_folder(void)
{
    char exe[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
    char *slash, *folder;

    if (len <= 0)
        return NULL;
    exe[len] = '\0';
    slash = strrchr(exe, '/');
    *slash = '\0';
    folder = folder_with_workloads(exe, "share/dlfw"); /* a build tree */
    slash = strrchr(exe, '/');
    if (folder || !slash)
        return folder;
    *slash = '\0';
    return folder_with_workloads(exe, DLFW_WORKLOAD_SUBDIR);
}
