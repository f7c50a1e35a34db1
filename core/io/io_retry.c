/* SPDX-License-Identifier: Apache-2.0 */
/* The retry policy: exponential backoff with full jitter, so that many ranks that failed together do not come back
 * together. */
#include "io/io_retry.h"

const dlfw_option retry_rows[] = {
    DLFW_OPT_U64(struct retry_policy, max_attempts, .def = "5", .min = "1", .max = "1000",
                 .help = "tries of one operation, the first included"),
    DLFW_OPT_DURATION(struct retry_policy, backoff, .def = "50ms",
                      .help = "upper bound of the first pause; doubles with each attempt"),
    DLFW_OPT_DURATION(struct retry_policy, max_backoff, .def = "5s", .help = "no pause is drawn longer than this"),
    DLFW_OPT_DURATION(struct retry_policy, timeout, .def = "60s", .min = "1ms",
                      .help = "deadline of one operation with all its attempts"),
};
const uint32_t retry_row_count = sizeof retry_rows / sizeof *retry_rows;

/* True when doing it twice may differ from doing it once: the first try may have worked although it was reported as
 * failed. */
static bool is_not_idempotent(const dlfw_req *req)
{
    return req->op == DLFW_OP_WRITE_COMMIT || req->op == DLFW_OP_DELETE || req->op == DLFW_OP_REMOVE_ROOT ||
           (req->flags & DLFW_REQ_EXCLUSIVE) != 0;
}

bool retry_allowed(const struct retry_policy *policy, const dlfw_req *req, uint32_t flags, uint32_t attempts)
{
    uint32_t wanted = DLFW_ERR_RETRYABLE | (is_not_idempotent(req) ? 0u : DLFW_ERR_THROTTLED);

    if (attempts >= policy->max_attempts || (flags & DLFW_ERR_FATAL) || !(flags & wanted))
        return false;
    /* A failed page without MORE has taken the listing's cursor with it. */
    return !(req->op == DLFW_OP_LIST && req->handle && !(flags & DLFW_COMP_MORE));
}

uint64_t retry_delay_ns(const struct retry_policy *policy, uint32_t attempts, uint32_t retry_after_ms, uint64_t random)
{
    uint64_t bound = policy->backoff;
    uint64_t asked = (uint64_t)retry_after_ms * 1000000u;
    uint64_t delay;

    for (uint32_t i = 1; i < attempts && bound < policy->max_backoff; i++)
        bound *= 2;
    if (bound > policy->max_backoff)
        bound = policy->max_backoff;
    delay = bound ? random % (bound + 1) : 0;
    return asked + delay; /* those that were asked to wait together do not come back together either */
}
