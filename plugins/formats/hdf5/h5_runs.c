/* SPDX-License-Identifier: Apache-2.0 */
#include "h5_runs.h"

struct h5_box h5_set_box(const struct h5_set *set)
{
    return (struct h5_box){set->rank, set->type.bytes, set->dims, set->chunk_dims, set->grid};
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void h5_runs_begin(struct h5_runs *r, const struct h5_box *box, uint64_t index, uint64_t first_row, uint64_t end_row,
                   bool by_row)
{
    uint64_t chunk_step = box->item, set_step = box->item;
    uint32_t inner = box->rank; /* dimensions from here on lie inside a run */
    bool joins = true;

    r->in_chunk = r->in_set = 0;
    r->has_run = true;
    r->run_bytes = box->item;
    for (uint32_t i = box->rank; i-- > 0;) {
        uint64_t start = index % box->grid[i] * box->chunk_dims[i], begin = start;
        uint64_t end = start + least(box->chunk_dims[i], box->dims[i] - start);

        index /= box->grid[i];
        if (i == 0) {
            begin = begin > first_row ? begin : first_row;
            end = least(end, end_row);
            if (begin >= end) {
                r->has_run = false;
                return;
            }
        }
        r->count[i] = end - begin;
        r->at[i] = 0;
        r->chunk_step[i] = chunk_step;
        r->set_step[i] = set_step;
        r->in_chunk += (begin - start) * chunk_step;
        r->in_set += begin * set_step;
        if (joins && (i > 0 || !by_row)) {
            inner = i;
            r->run_bytes *= r->count[i];
        }
        /* the next outer dimension continues the run when this one is whole in both */
        joins = joins && box->chunk_dims[i] == box->dims[i];
        chunk_step *= box->chunk_dims[i];
        set_step *= box->dims[i];
    }
    r->dims = inner;
}

void h5_runs_next(struct h5_runs *r)
{
    for (uint32_t i = r->dims; i-- > 0;) {
        r->in_chunk += r->chunk_step[i];
        r->in_set += r->set_step[i];
        if (++r->at[i] < r->count[i])
            return;
        r->in_chunk -= r->count[i] * r->chunk_step[i];
        r->in_set -= r->count[i] * r->set_step[i];
        r->at[i] = 0;
    }
    r->has_run = false;
}
