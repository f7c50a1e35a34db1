/* SPDX-License-Identifier: Apache-2.0 */
/* The coordinator of a run with one rank. */
#include "ranks/coordinator.h"

#include <string.h>

struct dlfw_coordinator {
    char unused;
};

static struct dlfw_coordinator single;

static dlfw_status single_join(const dlfw_create_args *args, const dlfw_join *join, dlfw_coordinator **ret,
                               dlfw_error *err)
{
    (void)args;
    *ret = &single;
    if (join && join->world_size > 1)
        return dlfw_fail(err, DLFW_E_CONFIG, "the coordinator 'single' is for one rank, not %u", join->world_size);
    return DLFW_OK;
}

static void single_leave(dlfw_coordinator *c)
{
    (void)c;
}

static uint32_t single_rank(dlfw_coordinator *c)
{
    (void)c;
    return 0;
}

static uint32_t single_world_size(dlfw_coordinator *c)
{
    (void)c;
    return 1;
}

static dlfw_status single_barrier(dlfw_coordinator *c, uint64_t deadline_ns, dlfw_error *err)
{
    (void)c;
    (void)deadline_ns;
    (void)err;
    return DLFW_OK;
}

static dlfw_status single_broadcast(dlfw_coordinator *c, uint32_t root, void *buf, uint64_t len, uint64_t deadline_ns,
                                    dlfw_error *err)
{
    (void)c;
    (void)buf;
    (void)len;
    (void)deadline_ns;
    return root == 0 ? DLFW_OK : dlfw_fail(err, DLFW_E_INVALID, "there is no rank %u in a run with one rank", root);
}

static dlfw_status single_reduce_u64(dlfw_coordinator *c, uint32_t how, uint64_t *values, uint32_t count,
                                     uint64_t deadline_ns, dlfw_error *err)
{
    (void)c;
    (void)how;
    (void)values;
    (void)count;
    (void)deadline_ns;
    (void)err;
    return DLFW_OK;
}

static dlfw_status single_reduce_f64(dlfw_coordinator *c, uint32_t how, double *values, uint32_t count,
                                     uint64_t deadline_ns, dlfw_error *err)
{
    (void)c;
    (void)how;
    (void)values;
    (void)count;
    (void)deadline_ns;
    (void)err;
    return DLFW_OK;
}

static dlfw_status single_gather(dlfw_coordinator *c, const void *mine, void *all, uint64_t len, uint64_t deadline_ns,
                                 dlfw_error *err)
{
    (void)c;
    (void)deadline_ns;
    (void)err;
    memcpy(all, mine, len);
    return DLFW_OK;
}

static void single_abort(dlfw_coordinator *c, const char *reason)
{
    (void)c;
    (void)reason;
}

const dlfw_coordinator_ops coordinator_single = {
    .struct_size = sizeof coordinator_single,
    .draft = DLFW_COORDINATOR_DRAFT,
    .join = single_join,
    .leave = single_leave,
    .rank = single_rank,
    .world_size = single_world_size,
    .barrier = single_barrier,
    .broadcast = single_broadcast,
    .reduce_u64 = single_reduce_u64,
    .reduce_f64 = single_reduce_f64,
    .gather = single_gather,
    .abort = single_abort,
};
