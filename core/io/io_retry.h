/* SPDX-License-Identifier: Apache-2.0 */
/* When a failed request is tried again, and after how long. Backends say what may be retried; only the host retries. */
#ifndef DLFW_CORE_IO_IO_RETRY_H
#define DLFW_CORE_IO_IO_RETRY_H

#include <stdbool.h>

#include "dlfw/backend.h"
#include "dlfw/option.h"

struct retry_policy {
    uint64_t max_attempts;
    uint64_t backoff;     /* ns; doubles with each attempt */
    uint64_t max_backoff; /* ns */
    uint64_t timeout;     /* ns; of one operation with all its attempts */
};

extern const dlfw_option retry_rows[];
extern const uint32_t retry_row_count;

/* flags: DLFW_ERR_* and DLFW_COMP_* of the failed completion. attempts: made so far, from 1. */
bool retry_allowed(const struct retry_policy *policy, const dlfw_req *req, uint32_t flags, uint32_t attempts);
/* Full jitter: evenly between 0 and the backoff of this attempt, after what the service asked for. */
uint64_t retry_delay_ns(const struct retry_policy *policy, uint32_t attempts, uint32_t retry_after_ms, uint64_t random);

#endif
