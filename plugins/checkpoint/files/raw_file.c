/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors back to back and nothing else: there is no checksum, so only a comparison with the content finds damage. */
#include <inttypes.h>

#include "common/payload_stream.h"
#include "file_container.h"
#include "torch_layout.h"

dlfw_status raw_write(struct out_stream *o, const struct model_plan *plan, const struct plan_file *file,
                      const struct tensor_content *content, dlfw_error *reterr)
{
    dlfw_status st = DLFW_OK;

    for (uint64_t i = 0; i < file->tensor_count && st >= 0; i++) {
        struct plan_tensor t;

        model_plan_tensor(plan, file, i, &t);
        st = out_tensor(o, content, t.object, t.type, t.bytes, NULL, reterr);
    }
    return st;
}

struct raw_scan {
    const struct file_check *check;
    struct payload_stream expected;
    uint64_t offset;
};

static dlfw_status check_piece(void *ctx, const void *data, uint64_t len, dlfw_error *reterr)
{
    struct raw_scan *s = ctx;
    const struct file_check *c = s->check;
    dlfw_status st = file_pool_stopped(c->pool);

    if (st < 0)
        return st;
    if (c->host->cancelled(c->host_ctx))
        return dlfw_fail(reterr, DLFW_E_CANCELLED, "stopped while '%s' was read", c->uri);
    if (c->content) {
        uint64_t same = payload_stream_check(&s->expected, data, len);

        if (same < len)
            return dlfw_fail(reterr, DLFW_E_CORRUPT, "'%s': not what this model's checkpoint holds at offset %" PRIu64,
                             c->uri, s->offset + same);
    }
    s->offset += len;
    return DLFW_OK;
}

dlfw_status raw_check(const struct file_check *c, dlfw_error *reterr)
{
    struct raw_scan s = {.check = c};

    if (c->size != c->file->payload_bytes)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "'%s': %" PRIu64 " bytes, the model makes it %" PRIu64, c->uri,
                         c->size, c->file->payload_bytes);
    if (c->content)
        payload_stream_open(&s.expected, c->plan, c->file->index, c->content);
    return c->services->source_scan(c->source, 0, c->size, check_piece, &s, reterr);
}

uint64_t container_file_bytes(uint32_t container, const struct model_plan *plan, const struct plan_file *file)
{
    return container == CONTAINER_RAW ? file->payload_bytes : torch_file_bytes(plan, file);
}
