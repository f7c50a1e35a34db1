/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of tensors, made while they are written and made again to check what was read: a function of (seed,
 * object, offset), with no memory behind it. Random floats are uniform in [0, 1), multiples of 2^-11 (fp16), 2^-8
 * (bf16), 2^-24 (fp32) or 2^-52 (fp64); random integers take their whole range; without randomness every element is
 * one. A tensor never changes between checkpoints.
 */
#ifndef DLFW_CHECKPOINT_TENSOR_CONTENT_H
#define DLFW_CHECKPOINT_TENSOR_CONTENT_H

#include <stdbool.h>

#include "common/model_config.h"

struct tensor_content {
    const dlfw_host *host;
    uint64_t seed;
    bool random;
};

/* Bytes [offset, offset + len) of the tensor; any offset, alignment and length. Fastest from multiples of 64 KiB on. */
void tensor_content_fill(const struct tensor_content *c, uint64_t object, enum tensor_type type, uint64_t offset,
                         void *buf, uint64_t len);
/* len, or the index of the first byte that differs. */
uint64_t tensor_content_check(const struct tensor_content *c, uint64_t object, enum tensor_type type, uint64_t offset,
                              const void *data, uint64_t len);

#endif
