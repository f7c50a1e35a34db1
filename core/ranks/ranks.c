/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining and leaving, and the calls that every phase of a job makes. Invariant: after a call that failed because of a
 * peer, every further one fails too, so no phase needs to know which of them was the first.
 */
#include "ranks/ranks.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "plugin/host_table.h"
#include "ranks/coordinator.h"
#include "ranks/watch.h"

#define JOIN_NS (60ull * NS_PER_S)

static dlfw_status find_ops(const char *name, struct registry *registry, const dlfw_coordinator_ops **ret,
                            dlfw_error *err)
{
    const struct plugin_iface *iface;
    dlfw_status st;

    if (strcmp(name, "single") == 0 || strcmp(name, "shm") == 0) {
        *ret = *name == 's' && name[1] == 'i' ? &coordinator_single : &coordinator_shm;
        return DLFW_OK;
    }
    st = registry_find(registry, DLFW_KIND_COORDINATOR, name, &iface, err);
    if (st == DLFW_E_NOT_FOUND)
        error_prefix(err, "coordinators of the program are single and shm");
    if (st >= 0)
        *ret = &iface->ops.coordinator;
    return st;
}

dlfw_status ranks_join(const struct rank_request *asked, struct registry *registry, struct ranks *ret, dlfw_error *err)
{
    struct rank_identity *me = &ret->identity;
    dlfw_create_args args = {.struct_size = sizeof args, .host = host_table(), .numa_node = -1};
    dlfw_join join = {.struct_size = sizeof join, .deadline_ns = clock_now_ns() + JOIN_NS};
    const dlfw_coordinator_ops *ops = NULL;
    dlfw_status st;

    *ret = (struct ranks){0};
    st = rank_identity_find(asked, me, err);
    if (st >= 0)
        st = find_ops(me->coordinator, registry, &ops, err);
    if (st < 0)
        return st;
    args.instance = me->coordinator;
    join.rank = me->rank;
    join.world_size = me->world_size;
    join.run_id = *me->run_id ? me->run_id : NULL;
    st = ops->join(&args, &join, &ret->c, err);
    if (st < 0)
        return st;
    ret->ops = ops;
    me->rank = ops->rank(ret->c);
    me->world_size = ops->world_size(ret->c);
    st = rank_watch_start(ops, ret->c, &ret->watch, err);
    if (st < 0)
        ranks_leave(ret);
    return st;
}

void ranks_leave(struct ranks *r)
{
    if (!r->ops)
        return;
    rank_watch_stop(r->watch);
    r->ops->leave(r->c);
    *r = (struct ranks){0};
}

dlfw_status ranks_barrier(struct ranks *r, dlfw_error *err)
{
    return r->ops->barrier(r->c, 0, err);
}

dlfw_status ranks_broadcast(struct ranks *r, uint32_t root, void *buf, uint64_t len, dlfw_error *err)
{
    return r->ops->broadcast(r->c, root, buf, len, 0, err);
}

dlfw_status ranks_gather(struct ranks *r, const void *mine, void *all, uint64_t len, dlfw_error *err)
{
    return r->ops->gather(r->c, mine, all, len, 0, err);
}

dlfw_status ranks_any(struct ranks *r, bool *flag, dlfw_error *err)
{
    uint64_t value = *flag;
    dlfw_status st = DLFW_OK;

    if (r->identity.world_size > 1)
        st = r->ops->reduce_u64(r->c, DLFW_REDUCE_MAX, &value, 1, 0, err);
    *flag = value != 0;
    return st;
}

dlfw_status ranks_reason(struct ranks *r, dlfw_status st, dlfw_error *err)
{
    struct error_slot slot;
    bool found;

    if (st >= 0)
        return st;
    error_slot_init(&slot);
    found = rank_watch_found(r->watch, &slot.e);
    rank_watch_stop(r->watch); /* it must not end a rank that is writing its results */
    r->watch = NULL;
    if (st == DLFW_E_CANCELLED && found) {
        error_copy(err, &slot.e);
        return slot.e.status;
    }
    /* the user stopped all ranks; that a peer was faster is no failure of it */
    if (st == DLFW_E_UNAVAILABLE && !found && atomic_load(&host_cancel_level))
        return dlfw_fail(err, DLFW_E_CANCELLED, "stopped by the user");
    return st;
}

void ranks_abort(struct ranks *r, const char *reason)
{
    if (r->ops)
        r->ops->abort(r->c, reason);
}
