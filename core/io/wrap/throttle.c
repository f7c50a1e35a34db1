/* SPDX-License-Identifier: Apache-2.0 */
/*
 * throttle: bytes and operations per second over all queues of the storage. Each finished operation reserves its share
 * of time behind the ones before it and is held until that has passed, so the long-run rate is exact and idle time
 * earns no credit.
 */
#include <pthread.h>

#include "base/clock.h"
#include "io/wrap/wrap.h"

struct throttle_options {
    uint64_t rate;
    double ops;
};

struct throttle_state {
    struct throttle_options options;
    pthread_mutex_t lock;
    uint64_t bytes_free_ns; /* when the byte bucket's last reservation ends */
    uint64_t ops_free_ns;
};

static const dlfw_option rows[] = {
    DLFW_OPT_RATE(struct throttle_options, rate, .help = "bytes per second, read and written together"),
    DLFW_OPT_F64(struct throttle_options, ops, .min = "0", .help = "operations per second"),
};

static const char *check(const void *options)
{
    const struct throttle_options *o = options;

    return o->rate || o->ops > 0 ? NULL : "nothing is throttled; give rate (bytes per second) or ops (per second)";
}

static void init(void *state, const void *options)
{
    struct throttle_state *s = state;

    s->options = *(const struct throttle_options *)options;
    pthread_mutex_init(&s->lock, NULL);
}

static void fini(void *state)
{
    pthread_mutex_destroy(&((struct throttle_state *)state)->lock);
}

static uint64_t reserve(uint64_t *free_ns, uint64_t now_ns, double share_ns)
{
    *free_ns = (*free_ns > now_ns ? *free_ns : now_ns) + (uint64_t)share_ns;
    return *free_ns;
}

static uint64_t leave(void *state, const dlfw_req *req, const dlfw_comp *comp, uint64_t now_ns)
{
    struct throttle_state *s = state;
    bool moves_bytes = req->op == DLFW_OP_GET || req->op == DLFW_OP_PUT || req->op == DLFW_OP_WRITE_PART;
    uint64_t due = 0, end;

    if (req->op == DLFW_OP_CLOSE || req->op == DLFW_OP_WRITE_ABORT)
        return 0;
    pthread_mutex_lock(&s->lock);
    if (s->options.rate && moves_bytes && comp->status >= 0)
        due = reserve(&s->bytes_free_ns, now_ns, (double)comp->bytes * (double)NS_PER_S / (double)s->options.rate);
    if (s->options.ops > 0) {
        end = reserve(&s->ops_free_ns, now_ns, (double)NS_PER_S / s->options.ops);
        due = end > due ? end : due;
    }
    pthread_mutex_unlock(&s->lock);
    return due;
}

const struct wrap_kind wrap_throttle = {
    .name = "throttle",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct throttle_options),
    .state_size = sizeof(struct throttle_state),
    .check = check,
    .init = init,
    .fini = fini,
    .leave = leave,
};
