/* SPDX-License-Identifier: Apache-2.0 */
/* The compressor of a stream writer: a zstd frame, written piece by piece into memory that others give. */
#ifndef DLFW_CORE_IO_STREAM_ZSTD_H
#define DLFW_CORE_IO_STREAM_ZSTD_H

#include <stdbool.h>

#include "dlfw/base.h"

struct zstd_stage;

/* size: bytes that will come, exactly; 0: unknown. */
dlfw_status zstd_stage_create(int32_t level, uint64_t size, struct zstd_stage **ret, dlfw_error *err);
void zstd_stage_destroy(struct zstd_stage *z); /* NULL is fine */
/* Memory for input, for callers without their own. */
void *zstd_stage_input(struct zstd_stage *z, uint64_t *ret_len);
/* Takes from *data and fills out. *ret_done: all input is taken, and with end the frame is complete; else there was no
 * room left: call again with more. */
dlfw_status zstd_stage_run(struct zstd_stage *z, const void **data, uint64_t *len, bool end, void *out, uint64_t room,
                           uint64_t *ret_used, bool *ret_done, dlfw_error *err);
/* Bytes that size can become at most; 0 for 0. */
uint64_t zstd_stage_bound(uint64_t size);

#endif
