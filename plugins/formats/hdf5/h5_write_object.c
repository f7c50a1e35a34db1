/* SPDX-License-Identifier: Apache-2.0 */
/* Superblock 3 and object headers of version 2, as the library writes them for its latest format, without times. */
#include "h5_write.h"

#include "common/little_endian.h"
#include "h5_checksum.h"
#include "h5_object.h"
#include "h5_superblock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECT_HEAD 10u /* signature, version, flags, a length of 4 bytes */
#define MESSAGE_HEAD 4u
#define SET_CAP 2048u
#define COMPACT_LINKS 8u /* that a group holds in its header unless it says otherwise */
#define LABELS "labels"

enum { LENGTH_OF_4 = 2, CONSTANT = 1 };
/* When space is allocated, in the fill value message; fill values are written if they are set. */
enum { ALLOCATE_EARLY = 0x09, ALLOCATE_LATE = 0x0a, ALLOCATE_BY_CHUNK = 0x0b };

/* An object header under construction. */
struct object {
    uint8_t *begin, *at;
    uint8_t *message; /* begin of the open one */
};

static void begin_object(struct object *b, uint8_t *memory)
{
    b->begin = memory;
    b->at = memory + OBJECT_HEAD;
}

static void begin_message(struct object *b, uint8_t type, uint8_t flags)
{
    b->message = b->at;
    b->at[0] = type;
    b->at[3] = flags;
    b->at += MESSAGE_HEAD;
}

static void end_message(struct object *b)
{
    put_le16(b->message + 1, (uint16_t)(b->at - b->message - MESSAGE_HEAD));
}

static uint64_t end_object(struct object *b)
{
    memcpy(b->begin, "OHDR\2", 5);
    b->begin[5] = LENGTH_OF_4;
    put_le32(b->begin + 6, (uint32_t)(b->at - b->begin - OBJECT_HEAD));
    b->at = put_le32(b->at, h5_lookup3(b->begin, (uint64_t)(b->at - b->begin)));
    return (uint64_t)(b->at - b->begin);
}

static void put_bytes(struct object *b, const void *data, size_t len)
{
    memcpy(b->at, data, len);
    b->at += len;
}

static void put_space(struct object *b, uint32_t rank, const uint64_t *dims, const uint64_t *max_dims)
{
    begin_message(b, H5_MSG_DATASPACE, 0);
    put_bytes(b, (const uint8_t[]){2, (uint8_t)rank, 1, 1}, 4);
    for (uint32_t i = 0; i < rank; i++)
        b->at = put_le64(b->at, dims[i]);
    for (uint32_t i = 0; i < rank; i++)
        b->at = put_le64(b->at, max_dims[i]);
    end_message(b);
}

static void put_integer(struct object *b, uint32_t bytes, bool is_signed)
{
    put_bytes(b, (const uint8_t[]){0x10, is_signed ? 8 : 0, 0, 0}, 4);
    b->at = put_le32(b->at, bytes);
    b->at = put_le16(b->at, 0);
    b->at = put_le16(b->at, (uint16_t)(8 * bytes));
}

static void put_float(struct object *b, uint32_t bytes)
{
    static const struct {
        uint8_t exponent_at, exponent_bits;
        uint32_t bias;
    } forms[] = {[2] = {10, 5, 15}, [4] = {23, 8, 127}, [8] = {52, 11, 1023}};

    put_bytes(b, (const uint8_t[]){0x11, 0x20, (uint8_t)(8 * bytes - 1), 0}, 4);
    b->at = put_le32(b->at, bytes);
    b->at = put_le16(b->at, 0);
    b->at = put_le16(b->at, (uint16_t)(8 * bytes));
    put_bytes(b, (const uint8_t[]){forms[bytes].exponent_at, forms[bytes].exponent_bits, 0, forms[bytes].exponent_at},
              4);
    b->at = put_le32(b->at, forms[bytes].bias);
}

/* h5py's booleans. */
static void put_bool(struct object *b)
{
    put_bytes(b, "\x38\2\0\0\1\0\0\0", 8);
    put_integer(b, 1, true);
    put_bytes(b, "FALSE\0TRUE\0\0\1", 13);
}

static void put_type(struct object *b, uint32_t dtype, uint32_t bytes)
{
    begin_message(b, H5_MSG_DATATYPE, CONSTANT);
    if (dtype == DLFW_DTYPE_BOOL)
        put_bool(b);
    else if (dtype == DLFW_DTYPE_FLOAT16 || dtype == DLFW_DTYPE_FLOAT32 || dtype == DLFW_DTYPE_FLOAT64)
        put_float(b, bytes);
    else
        put_integer(b, bytes,
                    dtype == DLFW_DTYPE_INT8 || dtype == DLFW_DTYPE_INT16 || dtype == DLFW_DTYPE_INT32 ||
                        dtype == DLFW_DTYPE_INT64);
    end_message(b);
}

static void put_fill(struct object *b, uint8_t when)
{
    begin_message(b, H5_MSG_FILL, CONSTANT);
    put_bytes(b, (const uint8_t[]){3, when}, 2);
    end_message(b);
}

static void put_contiguous(struct object *b, uint64_t data, uint64_t bytes)
{
    begin_message(b, H5_MSG_LAYOUT, 0);
    put_bytes(b, (const uint8_t[]){4, 1}, 2);
    b->at = put_le64(b->at, data);
    b->at = put_le64(b->at, bytes);
    end_message(b);
}

static void put_filter(struct object *b, const struct h5_plan *plan)
{
    begin_message(b, H5_MSG_FILTERS, CONSTANT);
    put_bytes(b, (const uint8_t[]){2, 1}, 2);
    b->at = put_le16(b->at, (uint16_t)plan->filter);
    if (plan->filter == H5_FILTER_LZF)
        b->at = put_le16(b->at, 4); /* of the name with its NUL */
    b->at = put_le16(b->at, 1);     /* may be left out where it does not shrink a chunk */
    b->at = put_le16(b->at, plan->filter == H5_FILTER_LZF ? 3 : 1);
    if (plan->filter == H5_FILTER_LZF) {
        put_bytes(b, "lzf", 4);
        b->at = put_le32(b->at, 4);      /* revision of the filter */
        b->at = put_le32(b->at, 0x0105); /* of the codec */
        b->at = put_le32(b->at, (uint32_t)plan->chunk_bytes);
    } else {
        b->at = put_le32(b->at, (uint32_t)plan->level);
    }
    end_message(b);
}

static void put_chunked(struct object *b, const struct h5_plan *plan, const struct h5_written *set)
{
    const bool has_length = plan->index == H5_INDEX_SINGLE && plan->filter;

    begin_message(b, H5_MSG_LAYOUT, 0);
    put_bytes(b, (const uint8_t[]){4, 2, has_length ? 2 : 0, (uint8_t)(plan->rank + 1), 4}, 5);
    for (uint32_t i = 0; i < plan->rank; i++)
        b->at = put_le32(b->at, (uint32_t)plan->chunk_dims[i]);
    b->at = put_le32(b->at, plan->item);
    *b->at++ = (uint8_t)plan->index;
    if (has_length) {
        b->at = put_le64(b->at, set->only.bytes);
        b->at = put_le32(b->at, set->only.mask);
    }
    if (plan->index == H5_INDEX_FIXED)
        *b->at++ = H5_PAGE_BITS;
    if (plan->index == H5_INDEX_TREE2) {
        b->at = put_le32(b->at, plan->node_bytes);
        put_bytes(b, (const uint8_t[]){H5_TREE2_SPLIT, H5_TREE2_MERGE}, 2);
    }
    b->at = put_le64(b->at, set->index);
    end_message(b);
}

static uint64_t build_set(uint8_t memory[SET_CAP], const struct h5_plan *plan, const struct h5_written *set)
{
    struct object b;

    begin_object(&b, memory);
    put_space(&b, plan->rank, plan->dims, plan->max_dims);
    put_type(&b, plan->dtype, plan->item);
    if (!plan->is_chunked)
        put_fill(&b, ALLOCATE_LATE);
    else
        put_fill(&b, plan->index == H5_INDEX_IMPLICIT ? ALLOCATE_EARLY : ALLOCATE_BY_CHUNK);
    if (plan->filter)
        put_filter(&b, plan);
    if (plan->is_chunked)
        put_chunked(&b, plan, set);
    else
        put_contiguous(&b, set->data, plan->set_bytes);
    return end_object(&b);
}

static uint64_t build_labels(uint8_t memory[SET_CAP], uint64_t samples, uint64_t data)
{
    struct object b;

    begin_object(&b, memory);
    put_space(&b, 1, &samples, &samples);
    put_type(&b, DLFW_DTYPE_INT64, 8);
    put_fill(&b, ALLOCATE_LATE);
    put_contiguous(&b, data, 8 * samples);
    return end_object(&b);
}

uint64_t h5_set_header_bytes(const struct h5_plan *plan)
{
    uint8_t memory[SET_CAP];

    return build_set(memory, plan, &(struct h5_written){0});
}

uint64_t h5_labels_header_bytes(void)
{
    uint8_t memory[SET_CAP];

    return build_labels(memory, 1, 0);
}

dlfw_status h5_write_set(struct h5_out *o, const struct h5_plan *plan, const struct h5_written *set)
{
    uint8_t memory[SET_CAP];

    return h5_out_write(o, memory, build_set(memory, plan, set));
}

dlfw_status h5_write_labels(struct h5_out *o, const struct h5_plan *plan, uint64_t data)
{
    uint8_t memory[SET_CAP];

    return h5_out_write(o, memory, build_labels(memory, plan->samples, data));
}

static void put_link(struct object *b, const char *name, uint64_t address)
{
    const size_t len = strlen(name);

    begin_message(b, H5_MSG_LINK, 0);
    put_bytes(b, (const uint8_t[]){1, 0, (uint8_t)len}, 3);
    put_bytes(b, name, len);
    b->at = put_le64(b->at, address);
    end_message(b);
}

/* A group that holds all its links in its header says so when they are more than usual. */
static uint64_t build_root(uint8_t *memory, const struct h5_plan *plan, uint64_t headers)
{
    struct object b;

    begin_object(&b, memory);
    begin_message(&b, H5_MSG_LINK_INFO, 0);
    put_bytes(&b, (const uint8_t[]){0, 0}, 2);
    b.at = put_le64(b.at, H5_UNDEFINED);
    b.at = put_le64(b.at, H5_UNDEFINED);
    end_message(&b);
    begin_message(&b, H5_MSG_GROUP_INFO, CONSTANT);
    put_bytes(&b, (const uint8_t[]){0, plan->sets >= COMPACT_LINKS}, 2);
    if (plan->sets >= COMPACT_LINKS) {
        b.at = put_le16(b.at, (uint16_t)(plan->sets + 1));
        b.at = put_le16(b.at, COMPACT_LINKS - 2);
    }
    end_message(&b);
    for (uint32_t i = 0; i < plan->sets; i++) {
        char name[32];

        snprintf(name, sizeof name, HDF5_RECORDS "%u", i);
        put_link(&b, name, headers + i * h5_set_header_bytes(plan));
    }
    put_link(&b, LABELS, headers + plan->sets * h5_set_header_bytes(plan));
    return end_object(&b);
}

/* More than it takes. */
static size_t root_cap(const struct h5_plan *plan)
{
    return 128 + 48 * ((size_t)plan->sets + 1);
}

uint64_t h5_root_header_bytes(const struct h5_plan *plan)
{
    const uint64_t link = MESSAGE_HEAD + 3 + 8;
    uint64_t bytes = OBJECT_HEAD + 2 * MESSAGE_HEAD + 18 + (plan->sets >= COMPACT_LINKS ? 6 : 2);

    for (uint64_t first = 0, digits = 1, end = 10; first < plan->sets; first = end, end *= 10, digits++)
        bytes += ((end < plan->sets ? end : plan->sets) - first) * (link + sizeof HDF5_RECORDS - 1 + digits);
    return bytes + link + sizeof LABELS - 1 + H5_CHECKSUM_BYTES;
}

dlfw_status h5_write_root(struct h5_out *o, const struct h5_plan *plan, uint64_t headers)
{
    uint8_t *memory = malloc(root_cap(plan));
    dlfw_status st;

    if (!memory)
        return dlfw_fail(o->err, DLFW_E_NO_MEMORY, "out of memory for the root group of a file");
    st = h5_out_write(o, memory, build_root(memory, plan, headers));
    free(memory);
    return st;
}

void h5_build_superblock(uint8_t out[H5_SUPERBLOCK_BYTES], uint64_t root, uint64_t end)
{
    uint8_t *p = out;

    memcpy(p, H5_SIGNATURE, H5_SIGNATURE_BYTES);
    memcpy(p + 8, (const uint8_t[]){3, 8, 8, 0}, 4); /* version, bytes of addresses and lengths, no marks */
    p = put_le64(p + 12, 0);
    p = put_le64(p, H5_UNDEFINED);
    p = put_le64(p, end);
    p = put_le64(p, root);
    put_le32(p, h5_lookup3(out, H5_SUPERBLOCK_BYTES - H5_CHECKSUM_BYTES));
}
