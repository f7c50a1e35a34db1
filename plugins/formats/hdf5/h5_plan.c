/* SPDX-License-Identifier: Apache-2.0 */
#include "h5_plan.h"

#include "h5_reader.h"
#include "h5_write.h"

#include <inttypes.h>
#include <math.h>

/* Chunks whose shape is not given have about 16 KiB for 1 MiB of data and twice that for each factor of ten, as h5py
 * chooses them, so that files have the chunks that the reference's have. */
#define GUESS_BASE 16384.0
#define GUESS_MIN 8192.0
#define GUESS_MAX 1048576.0
#define TABLE_MAX (UINT64_C(1) << 24)

static uint32_t item_bytes(uint32_t dtype)
{
#define DTYPE_BYTES(name, number, bytes, text, descr) [number] = (bytes),
    static const uint8_t sizes[] = {DLFW_DTYPE_LIST(DTYPE_BYTES)};

    return dtype < sizeof sizes ? sizes[dtype] : 0;
}

/* Rows are samples; the first dimension of a sample is spread over the data sets, and left out when it is 1. */
static dlfw_status set_dims(const dlfw_encode_spec *spec, struct h5_plan *p, dlfw_error *err)
{
    uint64_t first = spec->dims[0];
    uint32_t skip;

    if (first % p->sets)
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "a sample's first dimension is %" PRIu64 ", which dataset.hdf5.num_dset_per_record (%" PRIu32
                         ") does not divide",
                         first, p->sets);
    first /= p->sets;
    skip = first == 1;
    p->rank = 1 + spec->ndim - skip;
    if (p->rank > H5_RANK_MAX)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "HDF5 data sets have at most %u dimensions, one of them the samples'",
                         H5_RANK_MAX);
    p->dims[0] = spec->samples;
    p->set_bytes = p->item;
    for (uint32_t i = skip; i < spec->ndim; i++)
        p->dims[1 + i - skip] = i ? spec->dims[i] : first;
    for (uint32_t i = 0; i < p->rank; i++)
        if (!p->dims[i] || __builtin_mul_overflow(p->set_bytes, p->dims[i], &p->set_bytes) ||
            p->set_bytes > (uint64_t)INT64_MAX / 8 / p->sets)
            return dlfw_fail(err, DLFW_E_INVALID,
                             "the sample's dimensions multiply to nothing or to more than any file can hold");
    return DLFW_OK;
}

static dlfw_status set_max_dims(const dlfw_format *fmt, struct h5_plan *p, dlfw_error *err)
{
    const struct hdf5_shape *max = &fmt->max_shape;

    for (uint32_t i = 0; i < p->rank; i++)
        p->max_dims[i] = p->dims[i];
    if (!max->count)
        return DLFW_OK;
    if (max->count != p->rank - 1)
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "dataset.hdf5.max_shape has %" PRIu32 " dimensions, a sample in its data set has %" PRIu32,
                         max->count, p->rank - 1);
    for (uint32_t i = 1; i < p->rank; i++) {
        p->max_dims[i] = max->dims[i - 1];
        if (p->max_dims[i] < p->dims[i])
            return dlfw_fail(err, DLFW_E_CONFIG,
                             "dimension %" PRIu32 " of dataset.hdf5.max_shape is %" PRIu64 ", a sample has %" PRIu64, i,
                             p->max_dims[i], p->dims[i]);
    }
    return DLFW_OK;
}

static void guess_chunks(struct h5_plan *p)
{
    double bytes = (double)p->set_bytes, target = GUESS_BASE * exp2(log10(bytes / GUESS_MAX));

    target = fmin(fmax(target, GUESS_MIN), GUESS_MAX);
    for (uint32_t i = 0; i < p->rank; i++)
        p->chunk_dims[i] = p->dims[i];
    for (uint32_t i = 0;; i = (i + 1) % p->rank) {
        if ((bytes < target || fabs(bytes - target) / target < 0.5) && bytes < GUESS_MAX)
            return;
        if (bytes <= (double)p->item)
            return;
        p->chunk_dims[i] -= p->chunk_dims[i] / 2;
        bytes = (double)p->item;
        for (uint32_t k = 0; k < p->rank; k++)
            bytes *= (double)p->chunk_dims[k];
    }
}

static dlfw_status set_chunks(const dlfw_format *fmt, struct h5_plan *p, dlfw_error *err)
{
    const struct hdf5_shape *given = &fmt->chunk_dims;

    if (!given->count) {
        guess_chunks(p);
        return DLFW_OK;
    }
    if (given->count != p->rank)
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "dataset.hdf5.chunk_dims has %" PRIu32 " dimensions, the data set has %" PRIu32
                         " (samples first)",
                         given->count, p->rank);
    for (uint32_t i = 0; i < p->rank; i++) {
        p->chunk_dims[i] = given->dims[i];
        if (p->chunk_dims[i] > p->max_dims[i])
            return dlfw_fail(err, DLFW_E_CONFIG,
                             "dimension %" PRIu32 " of dataset.hdf5.chunk_dims is %" PRIu64
                             ", the data set has at most %" PRIu64,
                             i + 1, p->chunk_dims[i], p->max_dims[i]);
    }
    return DLFW_OK;
}

/* As the library chooses it. */
static enum h5_index choose_index(const struct h5_plan *p)
{
    bool is_single = true, is_fixed = true, is_final = true;

    for (uint32_t i = 0; i < p->rank; i++) {
        is_single &= p->dims[i] == p->chunk_dims[i] && p->max_dims[i] == p->dims[i];
        is_fixed &= p->max_dims[i] != UINT64_MAX;
        is_final &= p->max_dims[i] == p->dims[i];
    }
    if (is_single)
        return H5_INDEX_SINGLE;
    if (!is_fixed)
        return H5_INDEX_TREE2;
    return is_final && !p->filter ? H5_INDEX_IMPLICIT : H5_INDEX_FIXED;
}

static dlfw_status count_chunks(struct h5_plan *p, dlfw_error *err)
{
    p->chunk_bytes = p->item;
    p->chunk_count = p->table_count = 1;
    for (uint32_t i = 0; i < p->rank; i++) {
        const uint64_t c = p->chunk_dims[i];

        p->grid[i] = p->dims[i] / c + (p->dims[i] % c != 0);
        p->max_grid[i] = p->max_dims[i] / c + (p->max_dims[i] % c != 0);
        if (__builtin_mul_overflow(p->chunk_bytes, c, &p->chunk_bytes) || p->chunk_bytes > UINT32_MAX)
            return dlfw_fail(err, DLFW_E_CONFIG, "a chunk of dataset.hdf5.chunk_dims has 4 GiB or more");
        if (__builtin_mul_overflow(p->chunk_count, p->grid[i], &p->chunk_count))
            return dlfw_fail(err, DLFW_E_CONFIG, "too many chunks; make dataset.hdf5.chunk_dims larger");
        if (__builtin_mul_overflow(p->table_count, p->max_grid[i], &p->table_count))
            p->table_count = UINT64_MAX;
    }
    if (__builtin_mul_overflow(p->chunk_count, p->chunk_bytes, &p->stored_bytes) ||
        p->stored_bytes > (uint64_t)INT64_MAX / 8 / p->sets)
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "the chunks together are larger than any file; make dataset.hdf5.chunk_dims fit the shape");
    p->index = choose_index(p);
    if (p->index == H5_INDEX_FIXED && p->table_count > TABLE_MAX)
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "the table of chunks has more than %" PRIu64
                         " places; make dataset.hdf5.chunk_dims larger or dataset.hdf5.max_shape smaller",
                         TABLE_MAX);
    if (p->index == H5_INDEX_TREE2 && !h5_tree2_node_bytes(p, &p->node_bytes))
        return dlfw_fail(err, DLFW_E_CONFIG, "too many chunks; make dataset.hdf5.chunk_dims larger");
    return DLFW_OK;
}

dlfw_status h5_plan(const dlfw_format *fmt, const dlfw_encode_spec *spec, struct h5_plan *ret, dlfw_error *err)
{
    static const uint32_t filters[] = {0, H5_FILTER_DEFLATE, H5_FILTER_LZF};
    const struct hdf5_options *o = fmt->options;
    struct h5_plan *p = ret;
    dlfw_status st;

    *p = (struct h5_plan){.sets = (uint32_t)o->num_dset_per_record,
                          .dtype = spec->dtype,
                          .item = item_bytes(spec->dtype),
                          .filter = filters[o->compression],
                          .level = (int)o->compression_level,
                          .samples = spec->samples};
    if (!p->item)
        return dlfw_fail(err, DLFW_E_INVALID, "element type number %" PRIu32 " is not known to this format",
                         spec->dtype);
    if (spec->ndim < 1 || spec->ndim > H5_RANK_MAX || !spec->dims || !spec->samples)
        return dlfw_fail(err, DLFW_E_INVALID, "%" PRIu64 " samples of %" PRIu32 " dimensions cannot be written",
                         spec->samples, spec->ndim);
    st = set_dims(spec, p, err);
    if (st < 0)
        return st;
    st = set_max_dims(fmt, p, err);
    if (st < 0)
        return st;
    p->stored_bytes = p->set_bytes;
    p->is_chunked = fmt->chunk_dims.count || fmt->max_shape.count || p->filter;
    if (!p->is_chunked)
        return DLFW_OK;
    st = set_chunks(fmt, p, err);
    return st < 0 ? st : count_chunks(p, err);
}

uint64_t h5_plan_chunk_rows(const struct h5_plan *plan)
{
    return plan->is_chunked ? plan->chunk_dims[0] : 1;
}

uint64_t hdf5_unit_samples(dlfw_format *fmt, const dlfw_encode_spec *spec, uint32_t shuffled)
{
    struct h5_plan plan;

    if (h5_plan(fmt, spec, &plan, NULL) < 0)
        return 0;
    if (shuffled)
        return h5_plan_chunk_rows(&plan);
    return h5_unit_choice(plan.set_bytes / plan.samples * plan.sets, h5_plan_chunk_rows(&plan), spec->samples);
}
