/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin from tomorrow: built against the pretended minor 3, whose ops table ends in one more function. With
 * NEED_MINOR 0 it can live without it, and today's host must ignore the tail; with NEED_MINOR 3 today's host must
 * refuse it and say why.
 */
#include <stdlib.h>
#include <string.h>

#include "dlfw/backend.h"

#if DLFW_ABI_MINOR != 3
#error "meant to be built against the pretended header"
#endif

struct dlfw_backend {
    const dlfw_host *host;
};

static dlfw_status tail_create(const dlfw_create_args *args, dlfw_backend **ret, dlfw_error *reterr)
{
    struct dlfw_backend *be = malloc(sizeof *be);

    if (!be)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate an instance");
    be->host = args->host;
    *ret = be;
    return DLFW_OK;
}

static void tail_destroy(dlfw_backend *be)
{
    free(be);
}

static void tail_perform(dlfw_backend *be, dlfw_req *req, dlfw_comp *comp)
{
    if (req->flags & ~(DLFW_REQ_WHOLE | DLFW_REQ_DURABLE)) {
        comp->status = dlfw_fail(req->error, DLFW_E_UNSUPPORTED, "request flags 0x%x are not supported", req->flags);
    } else if (req->deadline_ns && be->host->now_ns() >= req->deadline_ns) {
        comp->status = dlfw_fail(req->error, DLFW_E_TIMEOUT, "the deadline has passed");
    } else if (req->op == DLFW_OP_GET || req->op == DLFW_OP_PUT || req->op == DLFW_OP_STAT) {
        if (req->op == DLFW_OP_GET)
            memset(req->buf, 0, req->length);
        comp->bytes = req->length;
    } else {
        comp->status = dlfw_fail(req->error, DLFW_E_UNSUPPORTED, "operation %u is not supported", req->op);
    }
}

static dlfw_status tail_tomorrow(dlfw_backend *be)
{
    (void)be;
    return DLFW_OK;
}

static const dlfw_backend_ops ops = {
    .struct_size = sizeof ops,
    .thread_class = DLFW_THREADS_PARALLEL,
    .caps = DLFW_BACKEND_NO_DATA,
    .op_mask = DLFW_OP_BIT(DLFW_OP_GET) | DLFW_OP_BIT(DLFW_OP_PUT) | DLFW_OP_BIT(DLFW_OP_STAT),
    .create = tail_create,
    .destroy = tail_destroy,
    .perform = tail_perform,
    .tomorrow = tail_tomorrow,
};

static const dlfw_iface iface = {.struct_size = sizeof iface,
                                 .kind = DLFW_KIND_BACKEND,
                                 .name = "newer",
                                 .summary = "built for tomorrow",
                                 .ops = &ops};
static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("1.0.0", "backend=newer\n", .id = "org.dlfw.newer", .license = "Apache-2.0",
            .summary = "built for tomorrow", .url = "", .need_minor = NEED_MINOR, .ifaces = ifaces);
