/* SPDX-License-Identifier: Apache-2.0 */
/* One level, and the files of the folder that holds the stored configuration; whatever else lies there is not looked
 * into. */
#include "view/result_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void add_entry(struct arena *arena, struct result_folder *f, const char *name, uint64_t bytes)
{
    if (f->count == f->cap) {
        uint32_t cap = f->cap ? f->cap * 2 : 64;
        struct result_entry *entries = arena_alloc(arena, cap * sizeof *entries);

        if (f->count)
            memcpy(entries, f->entries, f->count * sizeof *entries);
        f->entries = entries;
        f->cap = cap;
    }
    f->entries[f->count++] = (struct result_entry){arena_strndup(arena, name, strlen(name)), bytes};
}

bool steps_file_rank(const char *name, uint64_t *ret)
{
    size_t digits = strspn(name, "0123456789");

    if (!digits || digits > 9 || (digits > 1 && name[0] == '0') || strcmp(name + digits, "_steps.csv") != 0)
        return false;
    *ret = strtoull(name, NULL, 10);
    return true;
}

static bool is_file(const char *folder, const char *below, const char *name)
{
    char *path = xformat("%s/%s/%s", folder, below, name);
    struct stat info;
    bool is = stat(path, &info) == 0 && S_ISREG(info.st_mode);

    free(path);
    return is;
}

/* Hydra's names are the user's choice, so it is what lies in the folder that counts; the usual names go first. */
static void consider_folder(struct arena *arena, struct result_folder *f, const char *path, const char *name)
{
    bool usual = strcmp(name, ".hydra") == 0 ||
                 (f->config_folder && strcmp(name, "dlio_config") == 0 && strcmp(f->config_folder, ".hydra") != 0);

    if (f->config_folder && !usual)
        return;
    if (is_file(path, name, "config.yaml") &&
        (is_file(path, name, "overrides.yaml") || is_file(path, name, "hydra.yaml")))
        f->config_folder = arena_strndup(arena, name, strlen(name));
}

static dlfw_status scan(struct arena *arena, struct result_folder *f, const char *path, const char *below,
                        dlfw_error *err)
{
    char *folder = below ? xformat("%s/%s", path, below) : xstrdup(path);
    struct dirent **names = NULL;
    int count = scandir(folder, &names, NULL, alphasort);
    dlfw_status st = DLFW_OK;

    if (count < 0)
        st = dlfw_fail_errno(err, errno, "cannot read the folder '%s'", folder);
    for (int i = 0; i < count; i++) {
        const char *name = names[i]->d_name;
        char *full = xformat("%s/%s", folder, name);
        char *shown = below ? xformat("%s/%s", below, name) : xstrdup(name);
        struct stat info;

        if (stat(full, &info) == 0 && S_ISREG(info.st_mode))
            add_entry(arena, f, shown, (uint64_t)info.st_size);
        else if (!below && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            consider_folder(arena, f, path, name);
        free(shown);
        free(full);
        free(names[i]);
    }
    free(names);
    free(folder);
    return st;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

dlfw_status result_folder_scan(struct arena *arena, const char *path, struct result_folder *ret, dlfw_error *err)
{
    dlfw_status st;

    *ret = (struct result_folder){0};
    st = scan(arena, ret, path, NULL, err);
    if (st < 0)
        return st;
    ret->step_ranks = arena_alloc(arena, (ret->count + 1) * sizeof *ret->step_ranks);
    for (uint32_t i = 0; i < ret->count; i++)
        if (steps_file_rank(ret->entries[i].name, &ret->step_ranks[ret->step_rank_count]))
            ret->step_rank_count++;
    qsort(ret->step_ranks, ret->step_rank_count, sizeof *ret->step_ranks, by_value);
    return ret->config_folder ? scan(arena, ret, path, ret->config_folder, err) : DLFW_OK;
}

const struct result_entry *result_folder_find(const struct result_folder *f, const char *name)
{
    for (uint32_t i = 0; i < f->count; i++)
        if (strcmp(f->entries[i].name, name) == 0)
            return &f->entries[i];
    return NULL;
}
