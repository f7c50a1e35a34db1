/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS 8u

static void put_hex(char *to, uint32_t v)
{
    for (uint32_t i = 0; i < DIGITS; i++)
        to[i] = "0123456789abcdef"[v >> (28 - 4 * i) & 15];
}

static bool get_hex(const char *from, uint32_t *ret)
{
    *ret = 0;
    for (uint32_t i = 0; i < DIGITS; i++) {
        char c = from[i];

        if (c >= '0' && c <= '9')
            *ret = *ret << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *ret = *ret << 4 | (uint32_t)(c - 'a' + 10);
        else
            return false;
    }
    return true;
}

static uint32_t stored_of(const struct part_entry *part)
{
    return part->stored_bytes;
}

static uint32_t crc_of(const struct part_entry *part)
{
    return part->crc;
}

static json_t *column(const struct manifest_shard *shard, uint32_t (*figure)(const struct part_entry *part))
{
    char *text = malloc((size_t)shard->part_count * DIGITS + 1);
    json_t *ret;

    if (!text)
        return NULL;
    for (uint32_t i = 0; i < shard->part_count; i++)
        put_hex(text + (size_t)i * DIGITS, figure(&shard->parts[i]));
    ret = json_stringn_nocheck(text, (size_t)shard->part_count * DIGITS);
    free(text);
    return ret;
}

static json_t *runs(const struct manifest_shard *shard)
{
    json_t *ret = json_array();

    for (uint32_t i = 0, n; i < shard->part_count; i += n) {
        for (n = 1; i + n < shard->part_count && shard->parts[i + n].raw_bytes == shard->parts[i].raw_bytes;)
            n++;
        json_array_append_new(ret, json_pack("[II]", (json_int_t)n, (json_int_t)shard->parts[i].raw_bytes));
    }
    return ret;
}

json_t *manifest_parts_print(const struct manifest_shard *shard)
{
    json_t *ret = json_pack("{so}", "raw_size", runs(shard));

    if (shard->codec != CODEC_NONE)
        json_object_set_new(ret, "stored_size", column(shard, stored_of));
    json_object_set_new(ret, "crc32c", column(shard, crc_of));
    return ret;
}

static dlfw_status wrong(const struct manifest_shard *shard, const char *what, dlfw_error *reterr)
{
    return dlfw_fail(reterr, DLFW_E_CORRUPT, "the parts of shard %" PRIu32 ": %s", shard->rank, what);
}

/* The digits of a column; NULL unless there are 8 for each part. */
static const char *digits_of(json_t *table, const char *name, uint32_t count)
{
    json_t *text = json_object_get(table, name);

    return json_is_string(text) && json_string_length(text) == (size_t)count * DIGITS ? json_string_value(text) : NULL;
}

static dlfw_status take_runs(json_t *list, struct manifest_shard *shard, dlfw_error *reterr)
{
    uint64_t filled = 0, raw = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *run = json_array_get(list, i);
        json_int_t count = json_integer_value(json_array_get(run, 0)),
                   size = json_integer_value(json_array_get(run, 1));

        if (count <= 0 || (uint64_t)count > shard->part_count - filled || size < 0 || (uint64_t)size > PART_BYTES_MAX)
            return wrong(shard, "'raw_size' does not go with the number of checksums", reterr);
        for (json_int_t k = 0; k < count; k++, raw += (uint64_t)size)
            shard->parts[filled++].raw_bytes = (uint32_t)size;
    }
    if (filled != shard->part_count || raw != shard->raw_bytes)
        return wrong(shard, "they do not add up to 'raw_size'", reterr);
    return DLFW_OK;
}

static dlfw_status take_columns(const char *stored, const char *crc, struct manifest_shard *shard, dlfw_error *reterr)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < shard->part_count; i++) {
        struct part_entry *part = &shard->parts[i];

        if (!get_hex(crc + (size_t)i * DIGITS, &part->crc))
            return wrong(shard, "'crc32c' is not hexadecimal", reterr);
        part->stored_bytes = part->raw_bytes;
        if (stored && !get_hex(stored + (size_t)i * DIGITS, &part->stored_bytes))
            return wrong(shard, "'stored_size' is not hexadecimal", reterr);
        if ((stored && !part->stored_bytes) || part->stored_bytes > part_bound(shard->codec, part->raw_bytes))
            return wrong(shard, "one is stored in no bytes, or in more than it can need", reterr);
        sum += part->stored_bytes;
    }
    return sum == shard->size ? DLFW_OK : wrong(shard, "they do not add up to 'size'", reterr);
}

dlfw_status manifest_parts_parse(json_t *table, struct manifest_shard *shard, dlfw_error *reterr)
{
    json_t *list = json_object_get(table, "raw_size"), *all = json_object_get(table, "crc32c");
    size_t digits = json_string_length(all);
    const char *stored = NULL, *crc;
    dlfw_status st;

    if (!json_is_array(list) || !json_is_string(all) || digits % DIGITS || !digits || digits / DIGITS > UINT32_MAX / 16)
        return wrong(shard, "'raw_size' or 'crc32c' is missing or malformed", reterr);
    shard->part_count = (uint32_t)(digits / DIGITS);
    crc = json_string_value(all);
    if (shard->codec != CODEC_NONE && !(stored = digits_of(table, "stored_size", shard->part_count)))
        return wrong(shard, "'stored_size' is missing or malformed", reterr);
    shard->parts = calloc(shard->part_count, sizeof *shard->parts);
    if (!shard->parts)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate %" PRIu32 " parts", shard->part_count);
    st = take_runs(list, shard, reterr);
    return st < 0 ? st : take_columns(stored, crc, shard, reterr);
}
