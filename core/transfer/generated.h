/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects made up for a benchmark: any range of any of them is a function of a seed, the names and two ratios, so that
 * it can be made again for a comparison.
 *
 * Without ratios the bytes are content_fill(seed, content_object(key), offset): nothing in them compresses or comes
 * twice. dedup r: the bytes of all objects are one row of blocks, of which the first 1 / r is as without ratios and the
 * rest repeats it, r times in all. compress c: of every 4 KiB the end is zeros, so that the rest is 1 / c of it. The
 * two do not touch each other: a block that is unique stays so, as each of its 4 KiB has random bytes.
 */
#ifndef DLFW_CORE_TRANSFER_GENERATED_H
#define DLFW_CORE_TRANSFER_GENERATED_H

#include "dlfw/base.h"

#define GENERATED_BLOCK_MAX ((uint64_t)1 << 20)
#define GENERATED_BLOCK_MIN 4096u
#define GENERATED_COMPRESS_MAX 100.0

struct generated {
    const char *key_template; /* "{}" once: the object's number; twice: the number of objects, too */
    uint64_t seed;
    uint64_t size;   /* bytes of each object */
    uint64_t count;  /* objects */
    uint64_t dedup;  /* >= 1 */
    double compress; /* >= 1 */

    /* from generated_prepare */
    uint64_t block;  /* bytes: what --dedup counts, but for the rest at an object's end */
    uint64_t blocks; /* whole ones per object */
    uint64_t unique, unique_rests;
    uint32_t random_bytes; /* of each 4 KiB */
};

/* Checks the first part and fills the second. */
dlfw_status generated_prepare(struct generated *g, dlfw_error *err);
/* The key of object index; caller frees. */
char *generated_key(const struct generated *g, uint64_t index);
/* [any thread] */
void generated_fill(const struct generated *g, uint64_t index, uint64_t offset, void *buf, uint64_t len);

#endif
