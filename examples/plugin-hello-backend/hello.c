/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest storage backend that is still honest: every key is an object of `size` bytes in which `greeting`
 * repeats. It can only be read.
 */
#include <stdlib.h>
#include <string.h>

#include "dlfw/backend.h"

struct hello_options {
    const char *greeting;
    uint64_t size;
};

static const dlfw_option option_rows[] = {
    DLFW_OPT_STR(struct hello_options, greeting, .def = "hello, world. ", .help = "text that every object repeats"),
    DLFW_OPT_SIZE(struct hello_options, size, .def = "1MiB", .min = "1", .help = "bytes of every object"),
};

struct dlfw_backend {
    const struct hello_options *options;
    const dlfw_host *host;
    uint64_t period; /* bytes of the greeting */
};

static dlfw_status hello_create(const dlfw_create_args *args, dlfw_backend **ret, dlfw_error *reterr)
{
    const struct hello_options *options = args->options;
    struct dlfw_backend *be;

    if (options->greeting[0] == '\0')
        return args->host->config_fail(args->host_ctx, "greeting", "an empty text cannot be repeated", reterr);
    be = calloc(1, sizeof *be);
    if (!be)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate an instance");
    *be = (struct dlfw_backend){.options = options, .host = args->host, .period = strlen(options->greeting)};
    *ret = be;
    return DLFW_OK;
}

static void hello_destroy(dlfw_backend *be)
{
    free(be);
}

static dlfw_status get(const dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    uint64_t size = be->options->size, left = req->offset < size ? size - req->offset : 0;
    char *buf = req->buf;

    if ((req->flags & DLFW_REQ_WHOLE) && size > req->buf_cap)
        return dlfw_fail(req->error, DLFW_E_BUFFER_TOO_SMALL, "'%.*s' is larger than the buffer", (int)req->key_len,
                         req->key);
    comp->bytes = req->length < left ? req->length : left;
    for (uint64_t i = 0; i < comp->bytes; i++)
        buf[i] = be->options->greeting[(req->offset + i) % be->period];
    return DLFW_OK;
}

static void hello_perform(dlfw_backend *be, dlfw_req *req, dlfw_comp *comp)
{
    if (req->flags & ~DLFW_REQ_WHOLE) {
        comp->status = dlfw_fail(req->error, DLFW_E_UNSUPPORTED, "request flags 0x%x are not supported", req->flags);
    } else if (req->deadline_ns && be->host->now_ns() >= req->deadline_ns) {
        comp->status = dlfw_fail(req->error, DLFW_E_TIMEOUT, "the deadline has passed");
    } else if (req->op == DLFW_OP_GET || req->op == DLFW_OP_STAT) {
        comp->object_size = be->options->size;
        comp->status = req->op == DLFW_OP_GET ? get(be, req, comp) : DLFW_OK;
    } else {
        comp->status = dlfw_fail(req->error, DLFW_E_UNSUPPORTED, "operation %u is not supported", req->op);
    }
}

static const dlfw_backend_ops ops = {
    .struct_size = sizeof ops,
    .thread_class = DLFW_THREADS_PARALLEL,
    .op_mask = DLFW_OP_BIT(DLFW_OP_GET) | DLFW_OP_BIT(DLFW_OP_STAT),
    .create = hello_create,
    .destroy = hello_destroy,
    .perform = hello_perform,
};

static const dlfw_iface iface = {
    .struct_size = sizeof iface,
    .kind = DLFW_KIND_BACKEND,
    .name = "hello",
    .summary = "objects that say hello (example)",
    .options = option_rows,
    .option_count = sizeof option_rows / sizeof *option_rows,
    .options_size = sizeof(struct hello_options),
    .ops = &ops,
};
static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("1.0.0", "backend=hello\n", .id = "org.example.dlfw-hello", .license = "Apache-2.0",
            .summary = "example of a backend", .url = "https://example.org", .ifaces = ifaces);
