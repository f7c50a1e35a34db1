/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/file_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define KEY_CAP 1024

struct found {
    char *key;        /* below the data folder: "train/3/img_3_of_8.npz" */
    const char *base; /* the part after the last slash */
    uint64_t size;
};

struct search {
    struct file_list *list;
    struct found *items;
    uint64_t count, cap;
    bool by_base_name;
};

static bool has_extension(const char *name, uint32_t len, const char *extension)
{
    size_t ext_len = strlen(extension);

    return len > ext_len + 1 && name[len - ext_len - 1] == '.' &&
           strncasecmp(name + len - ext_len, extension, ext_len) == 0;
}

static bool collect(void *ctx, const char *name, uint32_t name_len, uint64_t size)
{
    struct search *s = ctx;
    struct found *f;
    const char *slash;

    if (!has_extension(name, name_len, s->list->extension))
        return true;
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 1024;
        s->items = xrealloc(s->items, s->cap * sizeof *s->items);
    }
    f = &s->items[s->count++];
    f->key = arena_strndup(&s->list->arena, name, name_len);
    slash = strrchr(f->key, '/');
    f->base = slash ? slash + 1 : f->key;
    f->size = size;
    return true;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct found *)a)->key, ((const struct found *)b)->key);
}

static int by_base(const void *a, const void *b)
{
    int order = strcmp(((const struct found *)a)->base, ((const struct found *)b)->base);

    return order ? order : by_key(a, b);
}

/* Lists every folder that the layout has. A missing folder is an error of the caller's making, not an empty list. */
static dlfw_status list_folders(struct io_queue *q, const struct dataset *ds, struct search *s, dlfw_error *err)
{
    return io_list(q, ds->folder, ds->subfolders > 1, collect, s, err);
}

static dlfw_status too_few(const struct dataset *ds, uint64_t found, dlfw_error *err)
{
    return dlfw_fail(
        err, DLFW_E_NOT_FOUND,
        "Not enough %s dataset is found: '%s' holds %llu of %llu files; set ++workload.workflow.generate_data=True "
        "or run dlfw generate",
        ds->split == SPLIT_TRAIN ? "training" : "evaluation", ds->folder, (unsigned long long)found,
        (unsigned long long)ds->files);
}

/* Keeps the first n files; drops the keys when all of them are the computed ones. */
static void keep_first(struct file_list *list, struct found *items, uint64_t n)
{
    char key[KEY_CAP];
    bool computed = true;

    list->count = n;
    list->sizes = xcalloc(n, sizeof *list->sizes);
    for (uint64_t i = 0; i < n; i++) {
        list->sizes[i] = items[i].size;
        dataset_key(list->dataset, i, list->extension, key, sizeof key);
        computed = computed && strcmp(key, items[i].key) == 0;
    }
    if (computed) {
        arena_free(&list->arena);
        return;
    }
    list->keys = xcalloc(n, sizeof *list->keys);
    for (uint64_t i = 0; i < n; i++)
        list->keys[i] = items[i].key;
}

static dlfw_status discover_by_listing(struct io_queue *q, const struct dataset *ds, struct file_list *list,
                                       dlfw_error *err)
{
    struct search s = {.list = list, .by_base_name = ds->subfolders > 1};
    dlfw_status st;

    st = list_folders(q, ds, &s, err);
    if (st == DLFW_E_NOT_FOUND) {
        st = too_few(ds, 0, err);
        goto out;
    }
    if (st < 0)
        goto out;
    if (s.count < ds->files) {
        st = too_few(ds, s.count, err);
        goto out;
    }
    qsort(s.items, s.count, sizeof *s.items, s.by_base_name ? by_base : by_key);
    if (s.count > ds->files)
        log_warning(
            "Number of files for %s in '%s' (%llu) is more than requested (%llu). A subset of files will be used",
            ds->split == SPLIT_TRAIN ? "training" : "evaluation", ds->folder, (unsigned long long)s.count,
            (unsigned long long)ds->files);
    keep_first(list, s.items, ds->files);
out:
    free(s.items);
    return st;
}

static dlfw_status validate_one(struct io_queue *q, struct file_list *list, uint64_t file, dlfw_error *err)
{
    char key[KEY_CAP];
    dlfw_status st;

    file_list_key(list, file, key, sizeof key);
    st = io_stat(q, key, &list->sizes[file], err);
    if (st == DLFW_E_NOT_FOUND)
        error_prefix(err, "dataset.skip_listing is set but file %llu is missing", (unsigned long long)file);
    return st;
}

static dlfw_status discover_by_sample(struct io_queue *q, const struct dataset *ds, struct file_list *list,
                                      dlfw_error *err)
{
    uint64_t interval = ds->cfg->dataset.listing_validation_interval;
    dlfw_status st = DLFW_OK;

    list->validated_only = true;
    list->count = ds->files;
    list->sizes = xmalloc(ds->files * sizeof *list->sizes);
    memset(list->sizes, 0xff, ds->files * sizeof *list->sizes);
    if (!interval)
        return DLFW_OK;
    for (uint64_t i = 0; i < ds->files && st >= 0; i += interval)
        st = validate_one(q, list, i, err);
    if (st >= 0 && ds->files)
        st = validate_one(q, list, ds->files - 1, err);
    return st;
}

dlfw_status file_list_discover(struct io_queue *q, const struct dataset *ds, const char *extension,
                               struct file_list *ret, dlfw_error *err)
{
    dlfw_status st;

    *ret = (struct file_list){.dataset = ds, .extension = extension};
    st = ds->cfg->dataset.skip_listing ? discover_by_sample(q, ds, ret, err) : discover_by_listing(q, ds, ret, err);
    if (st < 0)
        file_list_free(ret);
    return st;
}

dlfw_status file_list_computed(const struct dataset *ds, const char *extension, file_size_of *size, void *ctx,
                               struct file_list *ret, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    *ret = (struct file_list){.dataset = ds, .extension = extension, .count = ds->files};
    ret->sizes = xcalloc(ds->files, sizeof *ret->sizes);
    for (uint64_t i = 0; i < ds->files && st >= 0; i++)
        st = size(ctx, i, &ret->sizes[i], err);
    if (st < 0)
        file_list_free(ret);
    return st;
}

void file_list_free(struct file_list *list)
{
    free(list->sizes);
    free(list->keys);
    arena_free(&list->arena);
    *list = (struct file_list){0};
}

uint32_t file_list_key(const struct file_list *list, uint64_t file, char *buf, uint32_t cap)
{
    size_t len;

    if (!list->keys)
        return dataset_key(list->dataset, file, list->extension, buf, cap);
    len = strlen(list->keys[file]);
    if (len >= cap)
        len = cap - 1;
    memcpy(buf, list->keys[file], len);
    buf[len] = '\0';
    return (uint32_t)len;
}

uint64_t file_list_max_size(const struct file_list *list)
{
    uint64_t max = 0;

    for (uint64_t i = 0; i < list->count; i++)
        if (list->sizes[i] != UINT64_MAX && list->sizes[i] > max)
            max = list->sizes[i];
    return max;
}

uint64_t file_list_total_size(const struct file_list *list)
{
    uint64_t total = 0;

    for (uint64_t i = 0; i < list->count; i++)
        if (list->sizes[i] != UINT64_MAX)
            total += list->sizes[i];
    return total;
}
