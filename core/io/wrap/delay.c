/* SPDX-License-Identifier: Apache-2.0 */
/* delay: every operation takes longer by a fixed time and a random one; the backend works at full speed behind it. */
#include <stdatomic.h>

#include "io/wrap/wrap.h"

struct delay_options {
    uint64_t read;
    uint64_t write;
    uint64_t open;
    uint64_t jitter;
};

struct delay_state {
    struct delay_options options;
    _Atomic uint64_t draws;
};

static const dlfw_option rows[] = {
    DLFW_OPT_DURATION(struct delay_options, read, .help = "added to each read"),
    DLFW_OPT_DURATION(struct delay_options, write, .help = "added to each put, part, commit and copy"),
    DLFW_OPT_DURATION(struct delay_options, open,
                      .help = "added to each open, stat, list, delete and begin of a write"),
    DLFW_OPT_DURATION(struct delay_options, jitter, .help = "up to this much more, drawn evenly"),
};

static const char *check(const void *options)
{
    const struct delay_options *o = options;

    return o->read || o->write || o->open ? NULL : "nothing is delayed; give read, write or open a duration";
}

static void init(void *state, const void *options)
{
    ((struct delay_state *)state)->options = *(const struct delay_options *)options;
}

static uint64_t delay_of(const struct delay_options *o, uint16_t op)
{
    switch (op) {
    case DLFW_OP_GET:
        return o->read;
    case DLFW_OP_PUT:
    case DLFW_OP_WRITE_PART:
    case DLFW_OP_WRITE_COMMIT:
    case DLFW_OP_COPY:
        return o->write;
    case DLFW_OP_CLOSE:
    case DLFW_OP_WRITE_ABORT:
        return 0;
    default:
        return o->open;
    }
}

static uint64_t leave(void *state, const dlfw_req *req, const dlfw_comp *comp, uint64_t now_ns)
{
    struct delay_state *s = state;
    uint64_t delay = delay_of(&s->options, req->op);

    (void)comp;
    if (delay && s->options.jitter)
        delay += hash_mix(atomic_fetch_add(&s->draws, 1)) % s->options.jitter;
    return delay ? now_ns + delay : 0;
}

const struct wrap_kind wrap_delay = {
    .name = "delay",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct delay_options),
    .state_size = sizeof(struct delay_state),
    .check = check,
    .init = init,
    .leave = leave,
};
