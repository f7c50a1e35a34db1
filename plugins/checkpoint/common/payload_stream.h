/* SPDX-License-Identifier: Apache-2.0 */
/* The payload of one file of a plan as one stream of bytes: its tensors back to back, filled or checked in order. */
#ifndef DLFW_CHECKPOINT_PAYLOAD_STREAM_H
#define DLFW_CHECKPOINT_PAYLOAD_STREAM_H

#include "common/model_plan.h"
#include "common/tensor_content.h"

struct payload_stream {
    const struct model_plan *plan;
    const struct tensor_content *content;
    struct plan_file file;
    uint64_t index;  /* of the current tensor */
    uint64_t offset; /* in it */
    struct plan_tensor tensor;
};

/* At the start of file file_index of the plan. */
void payload_stream_open(struct payload_stream *s, const struct model_plan *plan, uint64_t file_index,
                         const struct tensor_content *content);
/* To any offset of the file; costs a look at every tensor before it. */
void payload_stream_seek(struct payload_stream *s, uint64_t offset);
/* The next len bytes; not beyond payload_bytes. */
void payload_stream_fill(struct payload_stream *s, void *buf, uint64_t len);
/* len, or the index of the first byte that differs from the next len bytes; passes len bytes when they agree. */
uint64_t payload_stream_check(struct payload_stream *s, const void *data, uint64_t len);

#endif
