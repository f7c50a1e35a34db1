/* SPDX-License-Identifier: Apache-2.0 */
/* Host threads that call perform(): how a blocking backend keeps several requests in flight. */
#ifndef DLFW_CORE_IO_IO_POOL_H
#define DLFW_CORE_IO_IO_POOL_H

#include "io/io_adapter.h"

struct io_pool;

dlfw_status io_pool_create(const struct backend_layer *layer, uint32_t depth, uint32_t threads, struct io_pool **ret,
                           dlfw_error *err);
void io_pool_destroy(struct io_pool *p); /* nothing is in flight; NULL is fine */
int32_t io_pool_submit(struct io_pool *p, dlfw_req *const *reqs, uint32_t n);
int32_t io_pool_reap(struct io_pool *p, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns);
void io_pool_cancel(struct io_pool *p, dlfw_req *req); /* takes effect only before a thread has begun with it */
void io_pool_wakeup(struct io_pool *p);

#endif
