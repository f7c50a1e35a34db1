/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dict of tensors of one file as PyTorch pickles it (protocol 2, torch._utils._rebuild_tensor_v2 with storages by
 * number), made tensor by tensor. Only opcodes and globals that torch.load(weights_only=True) accepts.
 */
#ifndef DLFW_CHECKPOINT_PICKLE_STREAM_H
#define DLFW_CHECKPOINT_PICKLE_STREAM_H

#include "common/model_plan.h"

#define PICKLE_CHUNK_MAX 512u

struct pickle_stream {
    const struct model_plan *plan;
    const struct plan_file *file;
    uint64_t tensor; /* the next one */
    uint64_t shared; /* further layers that were written */
    uint8_t stage;
    uint8_t known;            /* memo entries that exist */
    char group[PLAN_KEY_MAX]; /* whose dict is open; "": none */
};

void pickle_open(struct pickle_stream *s, const struct model_plan *plan, const struct plan_file *file);
/* The next bytes; 0 at the end. */
uint32_t pickle_next(struct pickle_stream *s, uint8_t buf[PICKLE_CHUNK_MAX]);
uint64_t pickle_size(const struct model_plan *plan, const struct plan_file *file);

#endif
