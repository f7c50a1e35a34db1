/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the ring where liburing was not there at build time: ring_try() fails, so no queue is ever made. */
#include "file.h"

dlfw_status ring_try(dlfw_error *err)
{
    return dlfw_fail(err, DLFW_E_UNSUPPORTED, "this build of the plugin has no liburing");
}

dlfw_status ring_create(dlfw_backend *be, const dlfw_queue_args *args, dlfw_queue **ret, dlfw_error *err)
{
    (void)be;
    (void)args;
    (void)ret;
    return ring_try(err);
}

void ring_destroy(dlfw_queue *q)
{
    (void)q;
}

int32_t ring_submit(dlfw_queue *q, dlfw_req *const *reqs, uint32_t n)
{
    (void)q;
    (void)reqs;
    (void)n;
    return DLFW_E_UNSUPPORTED;
}

int32_t ring_reap(dlfw_queue *q, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    (void)q;
    (void)comps;
    (void)max;
    (void)min;
    (void)timeout_ns;
    return DLFW_E_UNSUPPORTED;
}

void ring_cancel(dlfw_queue *q, dlfw_req *req)
{
    (void)q;
    (void)req;
}

void ring_wakeup(dlfw_queue *q)
{
    (void)q;
}

int32_t ring_wait_fd(dlfw_queue *q)
{
    (void)q;
    return -1;
}
