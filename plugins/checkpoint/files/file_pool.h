/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several files at the same time: tasks 0, 1, 2, ... are taken in that order by a few threads, of which the caller is
 * one. The first failure stops everything and is the only one reported.
 */
#ifndef DLFW_CHECKPOINT_FILE_POOL_H
#define DLFW_CHECKPOINT_FILE_POOL_H

#include "dlfw/base.h"

struct file_pool; /* one call of file_pool_run */

/* Long tasks ask file_pool_stopped() between pieces of work and then return its status. */
typedef dlfw_status file_task(void *ctx, struct file_pool *pool, uint64_t index, dlfw_error *reterr);

dlfw_status file_pool_run(uint64_t tasks, uint32_t threads, file_task *task, void *ctx, dlfw_error *reterr);
/* DLFW_OK, or CANCELLED when another task has failed. */
dlfw_status file_pool_stopped(struct file_pool *pool);

#endif
