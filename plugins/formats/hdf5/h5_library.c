/* SPDX-License-Identifier: Apache-2.0 */
#include "h5_library.h"

#include "common/span_set.h"
#include "h5_library_scan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 100000u

/* The names at the root. */
struct names {
    char **items;
    uint32_t count, cap;
    bool is_full; /* no more fit */
};

static void names_free(struct names *n)
{
    for (uint32_t i = 0; i < n->count; i++)
        free(n->items[i]);
    free(n->items);
}

static herr_t add_name(hid_t group, const char *name, const H5L_info_t *info, void *ctx)
{
    struct names *n = ctx;

    (void)group;
    (void)info;
    if (n->count == n->cap) {
        uint32_t cap = n->cap ? n->cap * 2 : 64;
        char **grown = cap <= NAMES_MAX * 2 ? realloc(n->items, cap * sizeof *grown) : NULL;

        if (!grown) {
            n->is_full = true;
            return -1;
        }
        n->items = grown;
        n->cap = cap;
    }
    n->items[n->count] = h5_text_copy(name, strlen(name));
    if (!n->items[n->count]) {
        n->is_full = true;
        return -1;
    }
    n->count++;
    return 0;
}

static dlfw_status list_names(struct h5_source *s, hid_t file, struct names *ret)
{
    if (H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, add_name, ret) >= 0)
        return DLFW_OK;
    return ret->is_full ? h5_no_memory(s) : h5_library_fail(s, DLFW_E_CORRUPT, "its members cannot be listed");
}

static dlfw_status scan_into(struct h5_source *s, hid_t file, const char *path, uint32_t what, struct h5_set *set,
                             bool *ret_is_dataset)
{
    set->name = h5_text_copy(path, strlen(path));
    return set->name ? h5_library_scan(s, file, path, what, set, ret_is_dataset) : h5_no_memory(s);
}

static dlfw_status scan_named(struct h5_source *s, hid_t id, const char *path, struct h5_file *file)
{
    struct h5_set *set = h5_sets_add(&file->sets, &file->set_count);
    bool is_dataset = false;
    dlfw_status st = set ? scan_into(s, id, path, H5_DATASET_DATA, set, &is_dataset) : h5_no_memory(s);

    if (st == DLFW_OK && !is_dataset)
        return h5_fail(s->object, DLFW_E_UNSUPPORTED, 0, s->err, "'%s' is no data set", path);
    return st;
}

static dlfw_status scan_records(struct h5_source *s, hid_t id, uint32_t count, struct h5_file *file)
{
    dlfw_status result = DLFW_OK;

    file->is_records = true;
    for (uint32_t i = 0; i < count; i++) {
        char name[32];
        dlfw_status st;

        snprintf(name, sizeof name, HDF5_RECORDS "%" PRIu32, i);
        st = scan_named(s, id, name, file);
        if (st < 0)
            return st;
        if (st == DLFW_NEED_IO)
            result = st;
    }
    return result;
}

static dlfw_status scan_all(struct h5_source *s, hid_t id, const struct names *names, struct h5_file *file)
{
    dlfw_status result = DLFW_OK;

    for (uint32_t i = 0; i < names->count; i++) {
        struct h5_set *set = h5_sets_add(&file->seen, &file->seen_count);
        bool is_dataset = false;
        dlfw_status st = set ? scan_into(s, id, names->items[i], H5_DATASET_SHAPE, set, &is_dataset) : h5_no_memory(s);

        if (st < 0 && st != DLFW_E_NOT_FOUND) /* a link that leads nowhere is none of ours */
            return st;
        if (st == DLFW_NEED_IO)
            result = st;
        if (st == DLFW_OK && is_dataset)
            continue;
        h5_set_clear(set);
        file->seen_count--;
    }
    return result;
}

static dlfw_status scan_only(struct h5_source *s, hid_t id, const struct h5_search *search, const struct names *names,
                             struct h5_file *file)
{
    const struct h5_set *only = NULL;
    char list[160] = "";
    uint64_t candidates = 0;
    dlfw_status st = file->seen_count ? DLFW_OK : scan_all(s, id, names, file);

    if (st != DLFW_OK)
        return st;
    for (uint32_t i = 0; i < file->seen_count; i++)
        if (file->seen[i].type.dtype && file->seen[i].bytes) {
            only = &file->seen[i];
            candidates++;
            h5_name_list_add(list, sizeof list, only->name, strlen(only->name));
        }
    if (candidates == 1)
        return scan_named(s, id, only->name, file);
    return search->explore ? DLFW_OK : h5_fail_choice(s, list, candidates);
}

static uint32_t count_records(const struct names *names, uint32_t *ret_highest)
{
    uint32_t count = 0;

    *ret_highest = 0;
    for (uint32_t i = 0; i < names->count; i++) {
        uint32_t n = h5_record_number(names->items[i], strlen(names->items[i]));

        if (n == UINT32_MAX)
            continue;
        *ret_highest = n > *ret_highest ? n : *ret_highest;
        count++;
    }
    return count;
}

static dlfw_status scan_sets(struct h5_source *s, hid_t id, const struct h5_search *search, struct h5_file *file)
{
    struct names names = {0};
    uint32_t records, highest;
    dlfw_status st = DLFW_OK;

    if (!search->dataset || search->explore)
        st = list_names(s, id, &names);
    if (st == DLFW_OK && search->explore)
        st = scan_all(s, id, &names, file);
    if (st != DLFW_OK)
        goto out;
    records = count_records(&names, &highest);
    if (search->dataset)
        st = scan_named(s, id, search->dataset, file);
    else if (records && highest != records - 1)
        st = h5_fail(s->object, DLFW_E_CORRUPT, 0, s->err,
                     "of '" HDF5_RECORDS "0' to '" HDF5_RECORDS "%" PRIu32 "' some are missing", highest);
    else if (records)
        st = scan_records(s, id, records, file);
    else
        st = scan_only(s, id, search, &names, file);
out:
    names_free(&names);
    return st;
}

/* The metadata once more: when a unit is decoded, the host has only the unit's bytes. */
static dlfw_status keep_image(struct h5_source *s, struct h5_file *file)
{
    bool wanted = false;

    for (uint32_t i = 0; i < file->set_count; i++)
        wanted |= file->sets[i].library_decodes;
    if (!wanted)
        return DLFW_OK;
    file->image = calloc(s->n_have, sizeof *file->image);
    for (uint32_t i = 0; file->image && i < s->n_have; i++) {
        void *copy = malloc(s->have[i].length);

        if (!copy)
            return h5_no_memory(s);
        memcpy(copy, s->have[i].data, s->have[i].length);
        file->image[i] = (dlfw_span){.data = copy, .offset = s->have[i].offset, .length = s->have[i].length};
        file->image_count = i + 1;
    }
    return file->image ? DLFW_OK : h5_no_memory(s);
}

dlfw_status h5_library_find(struct h5_source *s, const struct h5_search *search, struct h5_file *file)
{
    hid_t id;
    dlfw_status st;

    file->by_library = true;
    s->base = 0;
    s->want_count = 0;
    h5_library_lock();
    id = h5_vfd_open(s);
    st = id < 0 ? h5_library_fail(s, DLFW_E_CORRUPT, "it cannot be opened") : scan_sets(s, id, search, file);
    if (id >= 0)
        H5Fclose(id);
    h5_library_unlock();
    if (st == DLFW_OK && file->set_count)
        st = h5_check_sets(s, file);
    return st == DLFW_OK ? keep_image(s, file) : st;
}

static int by_offset(const void *a, const void *b)
{
    const dlfw_span *left = a, *right = b;

    return left->offset < right->offset ? -1 : left->offset > right->offset;
}

/* The unit's rows of the open data set into their place in out. */
static dlfw_status read_rows(dlfw_reader *r, struct h5_source *s, hid_t id, uint32_t number, uint8_t *out)
{
    const struct h5_file *f = r->file;
    const struct h5_set *set = &f->sets[number];
    const hsize_t rows = r->unit.end_row - r->unit.first_row, item = set->type.bytes;
    hsize_t start[H5_RANK_MAX] = {r->unit.first_row}, count[H5_RANK_MAX];
    hsize_t memory[2] = {rows, f->row_bytes / item}, at[2] = {0, 0}, part[2] = {rows, set->row_bytes / item};
    hid_t space = H5Dget_space(id), memory_space = H5Screate_simple(2, memory, NULL), type = H5Dget_type(id);
    dlfw_status st = DLFW_OK;

    for (uint32_t i = 0; i < set->rank; i++)
        count[i] = i ? set->dims[i] : rows;
    for (uint32_t i = 0; i < number; i++)
        at[1] += f->sets[i].row_bytes / item;
    if (space < 0 || memory_space < 0 || type < 0 ||
        (set->rank && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0) ||
        H5Sselect_hyperslab(memory_space, H5S_SELECT_SET, at, NULL, part, NULL) < 0 ||
        H5Dread(id, type, memory_space, space, H5P_DEFAULT, out) < 0)
        st = h5_library_fail(s, DLFW_E_CORRUPT, "its rows cannot be decoded");
    if (type >= 0)
        H5Tclose(type);
    if (memory_space >= 0)
        H5Sclose(memory_space);
    if (space >= 0)
        H5Sclose(space);
    return st;
}

static dlfw_status read_set(dlfw_reader *r, struct h5_source *s, uint32_t number, uint8_t *out)
{
    hid_t id, file = h5_vfd_open(s);
    dlfw_status st;

    if (file < 0)
        return h5_library_fail(s, DLFW_E_CORRUPT, "it cannot be opened");
    id = H5Dopen2(file, r->file->sets[number].name, H5P_DEFAULT);
    st =
        id < 0 ? h5_library_fail(s, DLFW_E_CORRUPT, "the data set cannot be opened") : read_rows(r, s, id, number, out);
    if (id >= 0)
        H5Dclose(id);
    H5Fclose(file);
    return st;
}

dlfw_status h5_library_decode(dlfw_reader *r, uint32_t set, const dlfw_span *have, uint32_t n_have, uint8_t *out,
                              dlfw_error *err)
{
    const struct h5_file *f = r->file;
    dlfw_span *spans = malloc((f->image_count + (size_t)n_have + 1) * sizeof *spans);
    struct h5_source s = {.object = r->object, .have = spans, .n_have = f->image_count + n_have, .err = err};
    dlfw_status st;

    if (!spans)
        return h5_no_memory(&s);
    if (f->image_count)
        memcpy(spans, f->image, f->image_count * sizeof *spans);
    if (n_have)
        memcpy(spans + f->image_count, have, n_have * sizeof *spans);
    qsort(spans, s.n_have, sizeof *spans, by_offset);
    h5_library_lock();
    st = read_set(r, &s, set, out);
    h5_library_unlock();
    if (st == DLFW_NEED_IO)
        st = h5_fail(r->object, DLFW_E_INTERNAL, s.wants[0].offset, err,
                     "the HDF5 library reads bytes that do not belong to the unit");
    h5_source_free(&s);
    free(spans);
    return st;
}
