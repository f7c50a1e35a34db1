/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error: chosen operations fail before they reach the backend. Which ones is a function of the seed and of how many
 * came before, so a run with one queue repeats exactly.
 */
#include <stdatomic.h>
#include <string.h>

#include "io/wrap/wrap.h"

struct error_options {
    double rate;
    uint64_t every;
    dlfw_str_list ops;
    uint32_t status;
    uint8_t retryable;
    uint64_t after_bytes;
    uint64_t seed;
};

struct error_state {
    struct error_options options;
    uint64_t op_mask;
    _Atomic uint64_t seen;  /* operations that could have failed */
    _Atomic uint64_t bytes; /* moved so far */
};

static const char *const status_names[] = {"io",       "timeout", "throttled", "unavailable", "not_found", "permission",
                                           "no_space", "corrupt", "auth",      "busy",        NULL};
static const dlfw_status statuses[] = {DLFW_E_IO,        DLFW_E_TIMEOUT,    DLFW_E_THROTTLED, DLFW_E_UNAVAILABLE,
                                       DLFW_E_NOT_FOUND, DLFW_E_PERMISSION, DLFW_E_NO_SPACE,  DLFW_E_CORRUPT,
                                       DLFW_E_AUTH,      DLFW_E_BUSY};

/* CLOSE and WRITE_ABORT are not here: failing them would only leak what they release. */
static const struct {
    const char *name;
    uint64_t mask;
} op_names[] = {
    {"read", DLFW_OP_BIT(DLFW_OP_GET)},
    {"write", DLFW_OP_BIT(DLFW_OP_PUT) | DLFW_OP_BIT(DLFW_OP_WRITE_BEGIN) | DLFW_OP_BIT(DLFW_OP_WRITE_PART) |
                  DLFW_OP_BIT(DLFW_OP_WRITE_COMMIT) | DLFW_OP_BIT(DLFW_OP_COPY)},
    {"get", DLFW_OP_BIT(DLFW_OP_GET)},
    {"put", DLFW_OP_BIT(DLFW_OP_PUT)},
    {"begin", DLFW_OP_BIT(DLFW_OP_WRITE_BEGIN)},
    {"part", DLFW_OP_BIT(DLFW_OP_WRITE_PART)},
    {"commit", DLFW_OP_BIT(DLFW_OP_WRITE_COMMIT)},
    {"copy", DLFW_OP_BIT(DLFW_OP_COPY)},
    {"stat", DLFW_OP_BIT(DLFW_OP_STAT)},
    {"open", DLFW_OP_BIT(DLFW_OP_OPEN)},
    {"list", DLFW_OP_BIT(DLFW_OP_LIST)},
    {"delete", DLFW_OP_BIT(DLFW_OP_DELETE)},
    {"make_root", DLFW_OP_BIT(DLFW_OP_MAKE_ROOT)},
    {"remove_root", DLFW_OP_BIT(DLFW_OP_REMOVE_ROOT)},
};
#define OP_NAME_COUNT (sizeof op_names / sizeof *op_names)

static const dlfw_option rows[] = {
    DLFW_OPT_F64(struct error_options, rate, .min = "0", .max = "1", .help = "share of the operations that fail"),
    DLFW_OPT_U64(struct error_options, every, .help = "each n-th operation fails"),
    DLFW_OPT_LIST(struct error_options, ops,
                  .help = "which fail: read write get put begin part commit copy stat open list delete make_root "
                          "remove_root; default: all"),
    DLFW_OPT_ENUM(struct error_options, status, .def = "io", .choices = status_names, .help = "how they fail"),
    DLFW_OPT_BOOL(struct error_options, retryable, .def = "false", .help = "the failure may be retried"),
    DLFW_OPT_SIZE(struct error_options, after_bytes, .help = "nothing fails before that many bytes were moved"),
    DLFW_OPT_U64(struct error_options, seed, .help = "of the draws for rate"),
};

static uint64_t op_mask_of(const dlfw_str_list *names)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < OP_NAME_COUNT; i++) {
        bool named = names->count == 0;

        for (uint32_t k = 0; k < names->count; k++)
            named |= strcmp(names->items[k], op_names[i].name) == 0;
        mask |= named ? op_names[i].mask : 0;
    }
    return mask;
}

static const char *check(const void *options)
{
    const struct error_options *o = options;

    for (uint32_t k = 0; k < o->ops.count; k++) {
        const dlfw_str_list one = {.items = &o->ops.items[k], .count = 1};

        if (!op_mask_of(&one))
            return "ops has an unknown name; it takes read write get put begin part commit copy stat open list "
                   "delete make_root remove_root";
    }
    return o->rate > 0 || o->every || o->after_bytes ? NULL : "nothing fails; give rate, every or after_bytes";
}

static void init(void *state, const void *options)
{
    struct error_state *s = state;

    s->options = *(const struct error_options *)options;
    s->op_mask = op_mask_of(&s->options.ops);
}

static bool strikes(struct error_state *s)
{
    const struct error_options *o = &s->options;
    uint64_t nth;

    if (o->after_bytes && atomic_load(&s->bytes) < o->after_bytes)
        return false;
    if (!o->every && o->rate <= 0)
        return true;
    nth = atomic_fetch_add(&s->seen, 1) + 1;
    if (o->every && nth % o->every == 0)
        return true;
    return (double)(hash_mix(hash_mix(o->seed) + nth) >> 11) * 0x1p-53 < o->rate;
}

static dlfw_status enter(void *state, const dlfw_req *req, uint32_t *flags, dlfw_error *err)
{
    struct error_state *s = state;
    dlfw_status status;

    if (!(s->op_mask & DLFW_OP_BIT(req->op)) || !strikes(s))
        return DLFW_OK;
    status = statuses[s->options.status];
    *flags = (s->options.retryable ? DLFW_ERR_RETRYABLE : 0u) | (status == DLFW_E_THROTTLED ? DLFW_ERR_THROTTLED : 0u);
    return dlfw_fail(err, status, "failed by the error wrapper: %s", dlfw_status_text(status));
}

static uint64_t leave(void *state, const dlfw_req *req, const dlfw_comp *comp, uint64_t now_ns)
{
    struct error_state *s = state;

    (void)now_ns;
    if (comp->status >= 0 && (req->op == DLFW_OP_GET || req->op == DLFW_OP_PUT || req->op == DLFW_OP_WRITE_PART))
        atomic_fetch_add(&s->bytes, comp->bytes);
    return 0;
}

const struct wrap_kind wrap_error = {
    .name = "error",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct error_options),
    .state_size = sizeof(struct error_state),
    .check = check,
    .init = init,
    .enter = enter,
    .leave = leave,
};
