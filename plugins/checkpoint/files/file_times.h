/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of one save or load add up to while they are worked on at the same time. */
#ifndef DLFW_CHECKPOINT_FILE_TIMES_H
#define DLFW_CHECKPOINT_FILE_TIMES_H

#include <stdatomic.h>

#include "common/checkpoint_run.h"

struct file_times {
    uint64_t begin_ns;
    atomic_uint_fast64_t stored_bytes;
    atomic_uint_fast64_t model_end_ns; /* of the last blob or layer file */
    atomic_uint_fast64_t optimizer_ns; /* of the optimizer's file */
};

/* One file is done; begin_ns, end_ns: its own. [any] */
static inline void file_times_add(struct file_times *t, const struct plan_file *file, uint64_t bytes, uint64_t begin_ns,
                                  uint64_t end_ns)
{
    uint_fast64_t last = atomic_load(&t->model_end_ns);

    atomic_fetch_add(&t->stored_bytes, bytes);
    if (file->kind == PLAN_FILE_OPTIMIZER) {
        atomic_store(&t->optimizer_ns, end_ns - begin_ns);
        return;
    }
    while (last < end_ns && !atomic_compare_exchange_weak(&t->model_end_ns, &last, end_ns)) {
    }
}

static inline void file_times_give(const struct file_times *t, struct checkpoint_done *ret)
{
    uint64_t model_end_ns = atomic_load(&t->model_end_ns);

    ret->stored_bytes = atomic_load(&t->stored_bytes);
    ret->model_ns = model_end_ns ? model_end_ns - t->begin_ns : 0;
    ret->optimizer_ns = atomic_load(&t->optimizer_ns);
}

#endif
