/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table that stands between host and backend. create() is called without anything that says which table it came
 * from, so each checked backend has a create() of its own, made by a macro; there are SLOTS of them.
 */
#include "plugin/plugin_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "plugin/plugin_check_parts.h"

enum { SLOTS = 32, CANARY = 32, CANARY_BYTE = 0x5c };

static struct check_shim shims[SLOTS];
static uint32_t shim_count;

static struct check_backend *of(dlfw_backend *be)
{
    return (struct check_backend *)(void *)be;
}

/* An error whose text has a canary behind it stands in for the host's, so that a text longer than its room is noticed.
 */
struct guarded_error {
    dlfw_error e;
    char text[480 + CANARY];
};

static void guard(struct guarded_error *g)
{
    memset(g, 0, sizeof *g);
    g->e = (dlfw_error){.struct_size = sizeof g->e, .message = g->text, .message_cap = sizeof g->text - CANARY};
    memset(g->text + g->e.message_cap, CANARY_BYTE, CANARY);
}

static void unguard(const struct check_shim *shim, const char *function, dlfw_status st, const struct guarded_error *g,
                    dlfw_error *err)
{
    for (uint32_t i = 0; i < CANARY; i++) {
        if (g->text[sizeof g->text - CANARY + i] != CANARY_BYTE)
            check_fail(shim, "%s wrote an error text beyond message_cap", function);
    }
    check_status(shim, function, st);
    if (st >= 0)
        return;
    check_error(shim, function, &g->e);
    dlfw_fail(err, st, "%s", g->text);
    if (err) {
        err->flags = g->e.flags;
        err->sys_errno = g->e.sys_errno;
        err->http_status = g->e.http_status;
        err->retry_after_ms = g->e.retry_after_ms;
        err->vendor_code = g->e.vendor_code;
    }
}

static dlfw_status check_create(const struct check_shim *shim, const dlfw_create_args *args, dlfw_backend **ret,
                                dlfw_error *reterr)
{
    struct check_backend *be = xcalloc(1, sizeof *be);
    struct guarded_error err;
    dlfw_status st;

    be->shim = shim;
    guard(&err);
    check_enter(be, "create");
    st = shim->under->create(args, &be->under, &err.e);
    check_leave(be);
    unguard(shim, "create", st, &err, reterr);
    if (st < 0) {
        free(be);
        return st;
    }
    if (!be->under)
        check_fail(shim, "create returned DLFW_OK but no instance");
    *ret = (dlfw_backend *)(void *)be;
    return DLFW_OK;
}

static void check_destroy(dlfw_backend *backend)
{
    struct check_backend *be = of(backend);

    if (atomic_load(&be->queues))
        check_fail(be->shim, "host fault: destroy with %u queues alive", atomic_load(&be->queues));
    if (atomic_load(&be->calls))
        check_fail(be->shim, "host fault: destroy while %u calls are running", atomic_load(&be->calls));
    check_enter(be, "destroy");
    be->shim->under->destroy(be->under);
    check_leave(be);
    free(be);
}

static void check_alignment(const struct check_shim *shim, const char *member, uint64_t value)
{
    if (value & (value - 1))
        check_fail(shim, "limits says %s %" PRIu64 ", which is no power of two", member, value);
}

static dlfw_status check_limits(dlfw_backend *backend, const char *key, uint32_t key_len, dlfw_limits *ret,
                                dlfw_error *reterr)
{
    struct check_backend *be = of(backend);
    struct guarded_error err;
    dlfw_status st;

    guard(&err);
    check_enter(be, "limits");
    st = be->shim->under->limits(be->under, key, key_len, ret, &err.e);
    check_leave(be);
    unguard(be->shim, "limits", st, &err, reterr);
    if (st < 0)
        return st;
    check_alignment(be->shim, "mem_align", ret->mem_align);
    check_alignment(be->shim, "read_offset_align", ret->read_offset_align);
    check_alignment(be->shim, "read_length_align", ret->read_length_align);
    check_alignment(be->shim, "write_offset_align", ret->write_offset_align);
    check_alignment(be->shim, "write_length_align", ret->write_length_align);
    return st;
}

static dlfw_status check_check(dlfw_backend *backend, dlfw_error *reterr)
{
    struct check_backend *be = of(backend);
    struct guarded_error err;
    dlfw_status st;

    guard(&err);
    check_enter(be, "check");
    st = be->shim->under->check(be->under, &err.e);
    check_leave(be);
    unguard(be->shim, "check", st, &err, reterr);
    return st;
}

static void check_stats(dlfw_backend *backend, const dlfw_stat_sink *sink)
{
    struct check_backend *be = of(backend);

    check_enter(be, "stats");
    be->shim->under->stats(be->under, sink);
    check_leave(be);
}

static void check_perform(dlfw_backend *backend, dlfw_req *req, dlfw_comp *comp)
{
    struct check_backend *be = of(backend);
    const dlfw_req before = *req;

    check_request(be->shim, req);
    if (comp->req != req)
        check_fail(be->shim, "host fault: perform with a completion that does not point to the request");
    check_enter(be, "perform");
    be->shim->under->perform(be->under, req, comp);
    check_leave(be);
    if (comp->req != req)
        check_fail(be->shim, "perform changed the completion's request");
    check_completion(be->shim, &before, req, comp);
}

static dlfw_status check_mem_register(dlfw_backend *backend, void *base, uint64_t len, uint32_t kind, uint64_t *ret,
                                      dlfw_error *reterr)
{
    struct check_backend *be = of(backend);
    struct guarded_error err;
    dlfw_status st;

    guard(&err);
    check_enter(be, "mem_register");
    st = be->shim->under->mem_register(be->under, base, len, kind, ret, &err.e);
    check_leave(be);
    unguard(be->shim, "mem_register", st, &err, reterr);
    if (st == DLFW_OK && *ret == 0)
        check_fail(be->shim, "mem_register returned handle 0, which means none");
    return st;
}

static void check_mem_unregister(dlfw_backend *backend, uint64_t handle)
{
    struct check_backend *be = of(backend);

    check_enter(be, "mem_unregister");
    be->shim->under->mem_unregister(be->under, handle);
    check_leave(be);
}

static dlfw_status check_leftovers(dlfw_backend *backend, const char *prefix,
                                   int32_t (*found)(void *ctx, const char *name, uint32_t name_len, uint64_t size),
                                   void *ctx, dlfw_error *reterr)
{
    struct check_backend *be = of(backend);
    struct guarded_error err;
    dlfw_status st;

    guard(&err);
    check_enter(be, "leftovers");
    st = be->shim->under->leftovers(be->under, prefix, found, ctx, &err.e);
    check_leave(be);
    unguard(be->shim, "leftovers", st, &err, reterr);
    return st;
}

#define EACH_SLOT(X)                                                                                                   \
    X(0)                                                                                                               \
    X(1)                                                                                                               \
    X(2)                                                                                                               \
    X(3)                                                                                                               \
    X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23)  \
        X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
#define CREATE_OF_SLOT(n)                                                                                              \
    static dlfw_status create_##n(const dlfw_create_args *args, dlfw_backend **ret, dlfw_error *reterr)                \
    {                                                                                                                  \
        return check_create(&shims[n], args, ret, reterr);                                                             \
    }
#define NAME_OF_SLOT(n) create_##n,
EACH_SLOT(CREATE_OF_SLOT)

static dlfw_status (*const creates[SLOTS])(const dlfw_create_args *, dlfw_backend **,
                                           dlfw_error *) = {EACH_SLOT(NAME_OF_SLOT)};

/* [main] like everything that loads plugins, so the table of shims needs no lock. */
const dlfw_backend_ops *plugin_check_backend(const dlfw_backend_ops *under, const char *name)
{
    struct check_shim *shim = &shims[shim_count];

    if (shim_count == SLOTS)
        return NULL;
    *shim = (struct check_shim){.ops = *under, .under = under, .name = xstrdup(name)};
    shim->ops.create = creates[shim_count];
    shim->ops.destroy = check_destroy;
#define WATCH(member, function) shim->ops.member = under->member ? (function) : NULL
    WATCH(limits, check_limits);
    WATCH(check, check_check);
    WATCH(stats, check_stats);
    WATCH(perform, check_perform);
    WATCH(queue_create, check_queue_create);
    WATCH(queue_destroy, check_queue_destroy);
    WATCH(submit, check_queue_submit);
    WATCH(reap, check_queue_reap);
    WATCH(cancel, check_queue_cancel);
    WATCH(wakeup, check_queue_wakeup);
    WATCH(mem_register, check_mem_register);
    WATCH(mem_unregister, check_mem_unregister);
    WATCH(leftovers, check_leftovers);
    WATCH(wait_fd, check_queue_wait_fd);
#undef WATCH
    shim_count++;
    return &shim->ops;
}
