/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes that no listing told, before the first epoch: as many questions at once as the storage takes, instead of one
 * before each file. What cannot be found out here is left unknown; reading the file will say why.
 */
#include "loader/loader_parts.h"

#define PRESTAT_MAX 16384u /* more are asked for one by one, while others are read */
#define PRESTAT_DEPTH 64u

static uint64_t count_unknown(const struct file_list *files)
{
    uint64_t n = 0;

    for (uint64_t i = 0; i < files->count; i++)
        n += files->sizes[i] == UINT64_MAX;
    return n;
}

static uint32_t key_of(void *ctx, uint64_t index, char *buf, uint32_t cap)
{
    const struct file_list *files = ctx;

    return files->sizes[index] == UINT64_MAX ? file_list_key(files, index, buf, cap) : 0;
}

static void got(void *ctx, uint64_t index, dlfw_status status, uint64_t size)
{
    const struct file_list *files = ctx;

    if (status >= 0)
        files->sizes[index] = size;
}

dlfw_status loader_prestat(struct loader *l, dlfw_error *err)
{
    struct storage *st = l->args.storage;
    const struct file_list *files = l->args.files;
    const struct io_many many = {.count = files->count, .key = key_of, .got = got, .ctx = (void *)(uintptr_t)files};
    uint64_t unknown = count_unknown(files);
    struct io_queue *q = NULL;
    dlfw_status status;

    /* Opening an object tells its size; so where there is an open, nothing is asked before it. */
    if (unknown < 2 || unknown > PRESTAT_MAX || (storage_op_mask(st) & DLFW_OP_BIT(DLFW_OP_OPEN)) ||
        (storage_caps(st) & DLFW_BACKEND_NO_DATA))
        return DLFW_OK;
    status = io_queue_create(st, PRESTAT_DEPTH, &q, err);
    if (status < 0)
        return status;
    io_size_many(q, &many);
    io_queue_destroy(q);
    return DLFW_OK;
}
