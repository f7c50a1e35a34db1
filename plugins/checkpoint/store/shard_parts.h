/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rank's shard: the payload of all files of its plan back to back, cut into parts. A part has numbers of one type
 * only, so that its planes mean something, and ends where the type changes or it is full. Any part can be made on its
 * own.
 */
#ifndef DLFW_CHECKPOINT_STORE_SHARD_PARTS_H
#define DLFW_CHECKPOINT_STORE_SHARD_PARTS_H

#include "common/model_plan.h"
#include "common/tensor_content.h"

/* A place between two bytes of the shard. */
struct shard_cursor {
    const struct model_plan *plan;
    uint64_t file_index, tensor_index, offset; /* offset: in the tensor */
    struct plan_file file;
    struct plan_tensor tensor;
    bool at_end;
};

struct shard_part {
    struct shard_cursor from;
    uint64_t bytes;
    enum tensor_type type;
};

void shard_cursor_init(struct shard_cursor *c, const struct model_plan *plan);
/* The next part of at most part_bytes, a multiple of 8; moves the cursor behind it. false: the shard has ended. */
bool shard_next_part(struct shard_cursor *c, uint64_t part_bytes, struct shard_part *ret);
void shard_skip(struct shard_cursor *c, uint64_t len);
/* Moves the cursor by len bytes, filling them into buf, or comparing them: len, or the index of the first that differs.
 */
void shard_fill(struct shard_cursor *c, const struct tensor_content *content, void *buf, uint64_t len);
uint64_t shard_check(struct shard_cursor *c, const struct tensor_content *content, const void *data, uint64_t len);

#endif
