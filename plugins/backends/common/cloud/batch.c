/* SPDX-License-Identifier: Apache-2.0 */
/* DELETEs that travelled together end one by one. */
#include <stdio.h>
#include <string.h>

#include "parts.h"

void cloud_batch_set(struct cloud_call *call, uint32_t index, dlfw_status status, const char *code, const char *message)
{
    if (index >= call->batch_count)
        return;
    call->batch_status[index] = status;
    (void)snprintf(call->batch_error[index], sizeof call->batch_error[index], "%s%s%s", code,
                   *code && *message ? ": " : "", message);
}

static void end_one(struct cloud_call *call, uint32_t index, dlfw_status status, uint32_t flags, const char *why)
{
    dlfw_req *req = call->batch[index];
    dlfw_comp comp = {
        .req = req, .status = status, .flags = flags, .object_size = UINT64_MAX, .attempts = call->x.connections};

    if (status < 0) {
        const char *uri = call->cloud->uri;
        bool slash = *uri && uri[strlen(uri) - 1] != '/';

        dlfw_fail(req->error, status, "DELETE '%s%s%.*s' failed: %s", uri, slash ? "/" : "",
                  (int)(req->key_len < 200 ? req->key_len : 200), req->key, why);
        if (req->error) {
            req->error->flags = flags;
            req->error->http_status = call->x.code;
            req->error->retry_after_ms = call->retry_after_ms;
        }
    }
    queue_done(call->queue, &comp);
}

/* status < 0: none of them was done. Else each has its own. */
void batch_end(struct cloud_call *call, dlfw_status status, uint32_t flags, const char *why)
{
    for (uint32_t i = 0; i < call->batch_count; i++) {
        dlfw_status own = status < 0 ? status : call->batch_status[i];
        uint32_t own_flags = flags;

        if (status >= 0 && (own == DLFW_E_UNAVAILABLE || own == DLFW_E_THROTTLED))
            own_flags = DLFW_ERR_RETRYABLE | (own == DLFW_E_THROTTLED ? (uint32_t)DLFW_ERR_THROTTLED : 0u);
        end_one(call, i, own, own < 0 ? own_flags : 0, status < 0 ? why : call->batch_error[i]);
    }
    queue_give_call(call->queue, call);
}
