/* SPDX-License-Identifier: Apache-2.0 */
#include "h5_file.h"

#include <stdlib.h>
#include <string.h>

struct h5_file *h5_file_create(void)
{
    return calloc(1, sizeof(struct h5_file));
}

char *h5_text_copy(const char *text, size_t len)
{
    char *copy = malloc(len + 1);

    if (!copy)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

void h5_set_clear(struct h5_set *set)
{
    free(set->name);
    free(set->chunks);
    *set = (struct h5_set){0};
}

void h5_file_destroy(void *file)
{
    struct h5_file *f = file;

    if (!f)
        return;
    for (uint32_t i = 0; i < f->set_count; i++)
        h5_set_clear(&f->sets[i]);
    for (uint32_t i = 0; i < f->seen_count; i++)
        h5_set_clear(&f->seen[i]);
    for (uint32_t i = 0; i < f->image_count; i++)
        free((void *)(uintptr_t)f->image[i].data);
    free(f->sets);
    free(f->seen);
    free(f->image);
    free(f);
}

uint64_t h5_file_memory(const struct h5_file *f)
{
    uint64_t bytes = sizeof *f + (f->set_count + f->seen_count) * (uint64_t)sizeof(struct h5_set);

    for (uint32_t i = 0; i < f->set_count; i++)
        bytes += f->sets[i].chunks_written * sizeof(struct h5_chunk);
    for (uint32_t i = 0; i < f->image_count; i++)
        bytes += f->image[i].length;
    return bytes;
}

struct h5_set *h5_sets_add(struct h5_set **sets, uint32_t *count)
{
    struct h5_set *grown = realloc(*sets, (*count + (size_t)1) * sizeof *grown);

    if (!grown)
        return NULL;
    *sets = grown;
    grown[*count] = (struct h5_set){0};
    return &grown[(*count)++];
}

uint64_t h5_set_chunk_rows(const struct h5_set *set)
{
    return set->layout == H5_CHUNKED ? set->chunk_dims[0] : 1;
}

uint64_t h5_set_row_chunks(const struct h5_set *set)
{
    return set->chunk_count / set->grid[0];
}

const struct h5_chunk *h5_set_chunk(const struct h5_set *set, uint64_t index)
{
    uint64_t low = 0, high = set->chunks_written;

    if (index < high && set->chunks[index].index == index) /* nothing is missing before it */
        return &set->chunks[index];
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (set->chunks[middle].index == index)
            return &set->chunks[middle];
        if (set->chunks[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool h5_set_chunks_hold_rows(const struct h5_set *set)
{
    for (uint32_t i = 1; i < set->rank; i++)
        if (set->chunk_dims[i] != set->dims[i])
            return false;
    return set->filter_count == 0;
}

bool h5_set_rows_hold_chunks(const struct h5_set *set)
{
    uint32_t cut = 0; /* the first dimension of which a chunk has more than one index */

    while (cut + 1 < set->rank && set->chunk_dims[cut] == 1)
        cut++;
    if (cut == 0 || set->dims[cut] % set->chunk_dims[cut] || set->filter_count)
        return false;
    for (uint32_t i = cut + 1; i < set->rank; i++)
        if (set->chunk_dims[i] != set->dims[i])
            return false;
    return true;
}

const char *h5_type_name(const struct h5_type *type)
{
#define DTYPE_NAME(name, number, bytes, text, descr) [number] = (text),
    static const char *const names[] = {DLFW_DTYPE_LIST(DTYPE_NAME)};

    return type->dtype ? names[type->dtype] : type->refused;
}
