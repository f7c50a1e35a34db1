/* SPDX-License-Identifier: Apache-2.0 */
#include "h5_find.h"

#include "h5_dataset.h"
#include "h5_group.h"
#include "h5_superblock.h"
#include "hdf5.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t h5_record_number(const char *name, size_t len)
{
    const size_t head = sizeof HDF5_RECORDS - 1;
    uint32_t n = 0;

    if (len <= head || len > head + 8 || memcmp(name, HDF5_RECORDS, head) != 0 || (name[head] == '0' && len > head + 1))
        return UINT32_MAX;
    for (size_t i = head; i < len; i++) {
        if (name[i] < '0' || name[i] > '9')
            return UINT32_MAX;
        n = n * 10 + (uint32_t)(name[i] - '0');
    }
    return n;
}

void h5_name_list_add(char *list, size_t cap, const char *name, size_t len)
{
    size_t used = strlen(list);

    if (used + len + 5 > cap) {
        if (used + 5 <= cap && (used < 3 || strcmp(list + used - 3, "...") != 0))
            memcpy(list + used, ", ...", 6);
        return;
    }
    snprintf(list + used, cap - used, "%s'%.*s'", used ? ", " : "", (int)len, name);
}

dlfw_status h5_fail_choice(struct h5_source *s, const char *names, uint64_t count)
{
    if (!count)
        return h5_fail(s->object, DLFW_E_UNSUPPORTED, 0, s->err, "it holds no data set with numbers");
    return h5_fail(s->object, DLFW_E_UNSUPPORTED, 0, s->err,
                   "it holds no '" HDF5_RECORDS "0' but %s; name one with dataset.hdf5.dataset", names);
}

dlfw_status h5_check_sets(struct h5_source *s, struct h5_file *file)
{
    const struct h5_set *first = file->sets;

    file->rows = first->rank ? first->dims[0] : 1;
    file->row_bytes = 0;
    for (uint32_t i = 0; i < file->set_count; i++) {
        const struct h5_set *set = &file->sets[i];

        if ((set->rank ? set->dims[0] : 1) != file->rows || set->type.dtype != first->type.dtype)
            return h5_fail(s->object, DLFW_E_UNSUPPORTED, 0, s->err,
                           "'%s' and '%s' have not the same number of rows of the same type", first->name, set->name);
        if (__builtin_add_overflow(file->row_bytes, set->row_bytes, &file->row_bytes))
            return h5_corrupt(s, 0, "rows larger than any file");
    }
    return DLFW_OK;
}

/* Appends a set with that name. */
static dlfw_status add_set(struct h5_source *s, struct h5_set **sets, uint32_t *count, const char *name, size_t len,
                           struct h5_set **ret)
{
    struct h5_set *set = h5_sets_add(sets, count);

    if (!set)
        return h5_no_memory(s);
    set->name = h5_text_copy(name, len);
    *ret = set;
    return set->name ? DLFW_OK : h5_no_memory(s);
}

/* The object header that a path leads to, from the root group. */
static dlfw_status follow(struct h5_source *s, uint64_t root, const char *path, uint64_t *ret)
{
    *ret = root;
    while (*path) {
        size_t len = strcspn(path, "/");
        struct h5_links links;
        const struct h5_link *link;
        dlfw_status st;

        if (!len) {
            path++;
            continue;
        }
        st = h5_group_links(s, *ret, &links);
        link = st == DLFW_OK ? h5_links_find(&links, path, len) : NULL;
        if (link && link->is_hard)
            *ret = link->address;
        else if (link)
            st = h5_beyond(s, "a soft or external link");
        else if (st == DLFW_OK)
            st = h5_fail(s->object, DLFW_E_NOT_FOUND, *ret, s->err, "it holds no '%.*s'", (int)len, path);
        h5_links_free(&links);
        if (st != DLFW_OK)
            return st;
        path += len;
    }
    return DLFW_OK;
}

static dlfw_status find_named(struct h5_source *s, uint64_t root, const char *path, struct h5_file *file)
{
    struct h5_set *set = NULL;
    bool is_dataset;
    uint64_t address;
    dlfw_status st = follow(s, root, path, &address);

    if (st != DLFW_OK)
        return st;
    st = add_set(s, &file->sets, &file->set_count, path, strlen(path), &set);
    if (st == DLFW_OK)
        st = h5_dataset_read(s, address, H5_DATASET_DATA, set, &is_dataset);
    if (st == DLFW_OK && !is_dataset)
        st = h5_fail(s->object, DLFW_E_UNSUPPORTED, address, s->err, "'%s' is no data set", path);
    return st;
}

/* records_0 ... as far as they go; *ret_count 0 when there is none. */
static dlfw_status count_records(struct h5_source *s, const struct h5_links *links, uint32_t *ret_count)
{
    uint32_t highest = 0, count = 0;

    for (uint64_t i = 0; i < links->count; i++) {
        uint32_t n = h5_record_number(links->items[i].name, links->items[i].len);

        if (n == UINT32_MAX)
            continue;
        if (!links->items[i].is_hard)
            return h5_beyond(s, "a soft or external link");
        highest = n > highest ? n : highest;
        count++;
    }
    if (count && highest != count - 1)
        return h5_fail(s->object, DLFW_E_CORRUPT, 0, s->err,
                       "of '" HDF5_RECORDS "0' to '" HDF5_RECORDS "%u' some are missing", highest);
    *ret_count = count;
    return DLFW_OK;
}

static dlfw_status read_records(struct h5_source *s, const struct h5_links *links, uint32_t count, struct h5_file *file)
{
    bool misses = false;

    file->is_records = true;
    file->sets = calloc(count, sizeof *file->sets);
    if (!file->sets)
        return h5_no_memory(s);
    file->set_count = count;
    for (uint64_t i = 0; i < links->count; i++) {
        const struct h5_link *link = &links->items[i];
        uint32_t n = h5_record_number(link->name, link->len);
        bool is_dataset;
        dlfw_status st;

        if (n == UINT32_MAX)
            continue;
        if (file->sets[n].name)
            return h5_fail(s->object, DLFW_E_CORRUPT, link->address, s->err, "'%s' is there twice", file->sets[n].name);
        file->sets[n].name = h5_text_copy(link->name, link->len);
        if (!file->sets[n].name)
            return h5_no_memory(s);
        st = h5_dataset_read(s, link->address, H5_DATASET_DATA, &file->sets[n], &is_dataset);
        if (st == DLFW_OK && !is_dataset)
            return h5_fail(s->object, DLFW_E_UNSUPPORTED, link->address, s->err, "'%s' is no data set",
                           file->sets[n].name);
        if (st != DLFW_OK && st != DLFW_NEED_IO)
            return st;
        misses |= st == DLFW_NEED_IO;
    }
    return misses ? DLFW_NEED_IO : DLFW_OK;
}

/* Shapes and types of all data sets at the root. */
static dlfw_status look_at_all(struct h5_source *s, const struct h5_search *search, const struct h5_links *links,
                               struct h5_file *file)
{
    bool misses = false;

    for (uint64_t i = 0; i < links->count; i++) {
        const struct h5_link *link = &links->items[i];
        struct h5_set *set = NULL;
        bool is_dataset;
        dlfw_status st;

        if (!link->is_hard)
            continue;
        st = add_set(s, &file->seen, &file->seen_count, link->name, link->len, &set);
        if (st == DLFW_OK)
            st = h5_dataset_read(s, link->address, H5_DATASET_SHAPE, set, &is_dataset);
        if (st < 0 || (st == H5_BEYOND && !search->explore))
            return st;
        misses |= st == DLFW_NEED_IO;
        if (st == DLFW_OK && is_dataset)
            continue;
        h5_set_clear(set); /* a group, a named type, or what only the library can tell */
        file->seen_count--;
    }
    return misses ? DLFW_NEED_IO : DLFW_OK;
}

/* No records_0: the only data set with numbers. */
static dlfw_status find_only(struct h5_source *s, uint64_t root, const struct h5_search *search,
                             const struct h5_links *links, struct h5_file *file)
{
    const struct h5_set *only = NULL;
    char names[160] = "";
    uint64_t candidates = 0;

    if (!file->seen_count) {
        dlfw_status st = look_at_all(s, search, links, file);

        if (st != DLFW_OK)
            return st;
    }
    for (uint32_t i = 0; i < file->seen_count; i++)
        if (file->seen[i].type.dtype && file->seen[i].bytes) {
            only = &file->seen[i];
            candidates++;
            h5_name_list_add(names, sizeof names, only->name, strlen(only->name));
        }
    if (candidates == 1)
        return find_named(s, root, only->name, file);
    return search->explore ? DLFW_OK : h5_fail_choice(s, names, candidates);
}

static dlfw_status find_sets(struct h5_source *s, uint64_t root, const struct h5_search *search, struct h5_file *file)
{
    struct h5_links links = {0};
    uint32_t records = 0;
    dlfw_status st;

    if (search->dataset && !search->explore)
        return find_named(s, root, search->dataset, file);
    st = h5_group_links(s, root, &links);
    if (st == DLFW_OK && search->explore)
        st = look_at_all(s, search, &links, file);
    if (st == DLFW_OK && !search->dataset)
        st = count_records(s, &links, &records);
    if (st != DLFW_OK)
        goto out;
    if (search->dataset)
        st = find_named(s, root, search->dataset, file);
    else if (records)
        st = read_records(s, &links, records, file);
    else
        st = find_only(s, root, search, &links, file);
out:
    h5_links_free(&links);
    return st;
}

dlfw_status h5_find(struct h5_source *s, const struct h5_search *search, struct h5_file *file)
{
    struct h5_superblock superblock;
    dlfw_status st = h5_superblock_read(s, &superblock);

    if (st != DLFW_OK)
        return st;
    file->superblock = superblock.version;
    st = find_sets(s, superblock.root, search, file);
    return st == DLFW_OK && file->set_count ? h5_check_sets(s, file) : st;
}
