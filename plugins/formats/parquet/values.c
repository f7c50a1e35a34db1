/* SPDX-License-Identifier: Apache-2.0 */
#include "values.h"

#include "common/little_endian.h"
#include "hybrid.h"
#include "parquet_format.h"

#include <string.h>

static dlfw_status bad(const char **ret_problem, const char *problem)
{
    *ret_problem = problem;
    return DLFW_E_CORRUPT;
}

const uint8_t *values_in_place(const struct value_source *s)
{
    uint64_t bytes;

    if (s->encoding != PARQUET_PLAIN || !s->leaf->width || s->leaf->stored_width != s->leaf->width ||
        __builtin_mul_overflow(s->count, s->leaf->width, &bytes) || bytes > s->len)
        return NULL;
    return s->data;
}

/* The low width bytes of each of count integers of 4 bytes. */
static void narrow(const uint8_t *data, uint64_t count, uint32_t width, uint8_t *out)
{
    for (uint64_t i = 0; i < count; i++) {
        out[i * width] = data[4 * i];
        if (width == 2)
            out[2 * i + 1] = data[4 * i + 1];
    }
}

static dlfw_status decode_plain(const struct value_source *s, uint8_t *out, const char **ret_problem)
{
    const uint32_t width = s->leaf->width, stored = s->leaf->stored_width;
    uint64_t bytes = (s->count + 7) / 8;

    if (s->leaf->type != PARQUET_BOOLEAN && __builtin_mul_overflow(s->count, stored, &bytes))
        bytes = UINT64_MAX;
    if (bytes > s->len)
        return bad(ret_problem, "a page is shorter than its values");
    if (s->leaf->type == PARQUET_BOOLEAN) {
        for (uint64_t i = 0; i < s->count; i++)
            out[i] = s->data[i / 8] >> i % 8 & 1;
    } else if (stored == width) {
        memcpy(out, s->data, bytes);
    } else {
        narrow(s->data, s->count, width, out);
    }
    return DLFW_OK;
}

/* A constant width lets the compiler copy a value with one move. */
static inline void copy_value(uint8_t *out, const uint8_t *value, uint32_t width)
{
    switch (width) {
    case 1:
        *out = *value;
        break;
    case 2:
        memcpy(out, value, 2);
        break;
    case 4:
        memcpy(out, value, 4);
        break;
    case 8:
        memcpy(out, value, 8);
        break;
    default:
        memcpy(out, value, width);
    }
}

static bool look_up_run(const struct value_source *s, const struct hybrid_run *run, uint32_t index_width, uint8_t *out)
{
    const uint32_t width = s->leaf->width;

    if (!run->bits && run->value >= s->dictionary_count)
        return false;
    for (uint64_t i = 0; i < run->count; i++) {
        uint32_t index = run->value;

        if (run->bits)
            index = index_width == 8 ? run->bits[i] : hybrid_value(run, index_width, i);
        if (index >= s->dictionary_count)
            return false;
        copy_value(out + i * width, s->dictionary + (size_t)index * width, width);
    }
    return true;
}

static dlfw_status decode_dictionary(const struct value_source *s, uint8_t *out, const char **ret_problem)
{
    struct hybrid indices = {.at = s->data, .end = s->data + s->len};
    struct hybrid_run run;

    if (!s->dictionary)
        return bad(ret_problem, "its values are indices, but it has no dictionary page");
    if (!s->len || *s->data > 32)
        return bad(ret_problem, "a page of indices has no or an impossible width");
    indices.width = *indices.at++;
    for (uint64_t done = 0; done < s->count; done += run.count) {
        if (!hybrid_next(&indices, s->count - done, &run))
            return bad(ret_problem, "a page is shorter than its indices");
        if (!look_up_run(s, &run, indices.width, out + done * s->leaf->width))
            return bad(ret_problem, "an index is beyond the dictionary");
    }
    return DLFW_OK;
}

/* Booleans as runs, after their length. */
static dlfw_status decode_rle(const struct value_source *s, uint8_t *out, const char **ret_problem)
{
    struct hybrid bits = {.at = s->data + 4, .width = 1};

    if (s->leaf->type != PARQUET_BOOLEAN) {
        *ret_problem = "its values are encoded as RLE, which is only supported for booleans";
        return DLFW_E_UNSUPPORTED;
    }
    if (s->len < 4 || get_le32(s->data) > s->len - 4)
        return bad(ret_problem, "a page is shorter than its values");
    bits.end = bits.at + get_le32(s->data);
    return hybrid_bytes(&bits, s->count, 1, out) ? DLFW_OK : bad(ret_problem, "a page is shorter than its values");
}

/* Byte k of all values, then byte k + 1. The bytes that a narrower value lacks are the last ones. */
static dlfw_status decode_split(const struct value_source *s, uint8_t *out, const char **ret_problem)
{
    const uint32_t width = s->leaf->width;
    uint64_t bytes;

    if (!s->leaf->stored_width) {
        *ret_problem = "booleans encoded as BYTE_STREAM_SPLIT are not supported";
        return DLFW_E_UNSUPPORTED;
    }
    if (__builtin_mul_overflow(s->count, s->leaf->stored_width, &bytes) || bytes > s->len)
        return bad(ret_problem, "a page is shorter than its values");
    for (uint32_t k = 0; k < width; k++)
        for (uint64_t i = 0; i < s->count; i++)
            out[i * width + k] = s->data[k * s->count + i];
    return DLFW_OK;
}

dlfw_status values_decode(const struct value_source *s, uint8_t *out, const char **ret_problem)
{
    if (!s->count)
        return DLFW_OK;
    switch (s->encoding) {
    case PARQUET_PLAIN:
        return decode_plain(s, out, ret_problem);
    case PARQUET_PLAIN_DICTIONARY:
    case PARQUET_RLE_DICTIONARY:
        return decode_dictionary(s, out, ret_problem);
    case PARQUET_RLE:
        return decode_rle(s, out, ret_problem);
    case PARQUET_BYTE_STREAM_SPLIT:
        return decode_split(s, out, ret_problem);
    case PARQUET_DELTA_BINARY_PACKED:
        return delta_decode(s, out, ret_problem);
    case PARQUET_DELTA_BYTE_ARRAY:
        *ret_problem = "its values are encoded as DELTA_BYTE_ARRAY, which is not supported";
        return DLFW_E_UNSUPPORTED;
    default:
        *ret_problem = "its values have an encoding that is not supported";
        return DLFW_E_UNSUPPORTED;
    }
}
