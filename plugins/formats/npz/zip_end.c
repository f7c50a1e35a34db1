/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the end record. Most files end in it; a comment behind it moves it up by at most 64 KiB, so the search is
 * bounded, and the first request brings the directory of an ordinary file along.
 */
#include "zip_end.h"

#include "common/little_endian.h"
#include "common/span_set.h"

#include <inttypes.h>
#include <string.h>

#define END_SIGNATURE 0x06054b50u
#define END_BYTES 22u
#define END64_SIGNATURE 0x06064b50u
#define END64_BYTES 56u
#define LOCATOR_SIGNATURE 0x07064b50u
#define LOCATOR_BYTES 20u
#define COMMENT_MAX 65535u
#define FIRST_TAIL 1024u
/* npz files of a hundred thousand arrays stay below it */
#define DIR_LIMIT (16u << 20)

dlfw_status zip_fail(const struct zip_search *s, dlfw_status status, uint64_t offset, const char *what)
{
    return dlfw_fail(s->err, status, "'%.*s': %s at offset %" PRIu64, (int)s->object->name_len, s->object->name, what,
                     offset);
}

dlfw_status zip_need(const struct zip_search *s, uint64_t begin, uint64_t end)
{
    *s->n_want = span_missing(s->have, s->n_have, begin, end, s->want, s->want_cap);
    return *s->n_want ? DLFW_NEED_IO : DLFW_OK;
}

/* Whether an end record with a fitting comment length stands at pos. */
static int is_end(const struct zip_search *s, uint64_t pos, uint8_t end[END_BYTES])
{
    const uint64_t size = s->object->size;

    return span_copy(s->have, s->n_have, pos, end, END_BYTES) && get_le32(end) == END_SIGNATURE &&
           get_le16(end + 20) == size - pos - END_BYTES;
}

/* Searches [first, last] downwards; UINT64_MAX when there is none. */
static uint64_t search(const struct zip_search *s, uint64_t first, uint64_t last, uint8_t end[END_BYTES])
{
    /* in one span, as nearly always, most places are ruled out by one byte */
    const uint8_t *bytes = span_find(s->have, s->n_have, first, last - first + 1);

    for (uint64_t pos = last + 1; pos-- > first;)
        if ((!bytes || bytes[pos - first] == 'P') && is_end(s, pos, end))
            return pos;
    return UINT64_MAX;
}

static dlfw_status locate(const struct zip_search *s, uint64_t *ret_pos, uint8_t end[END_BYTES])
{
    const uint64_t size = s->object->size;
    const uint64_t tails[] = {FIRST_TAIL, END_BYTES + COMMENT_MAX};
    uint64_t below = size - END_BYTES + 1; /* places from here on were searched */

    if (size < END_BYTES)
        return dlfw_fail(s->err, DLFW_E_CORRUPT,
                         "'%.*s': %" PRIu64 " bytes are too few for an npz file: it is truncated",
                         (int)s->object->name_len, s->object->name, size);
    for (uint32_t i = 0; i < 2 && below > 0; i++) {
        uint64_t first = size > tails[i] ? size - tails[i] : 0;
        dlfw_status st = zip_need(s, first, size);

        if (st != DLFW_OK)
            return st;
        *ret_pos = search(s, first, below - 1, end);
        if (*ret_pos != UINT64_MAX)
            return DLFW_OK;
        below = first;
    }
    return dlfw_fail(s->err, DLFW_E_CORRUPT,
                     "'%.*s': no zip end record before offset %" PRIu64 ": no npz file, or a truncated one",
                     (int)s->object->name_len, s->object->name, size);
}

/* Replaces *ret by the 64-bit record when a locator stands before the end record; *ret_limit moves down to it. */
static dlfw_status widen(const struct zip_search *s, uint64_t *ret_limit, struct zip_end *ret)
{
    const uint64_t end_pos = *ret_limit;
    uint8_t locator[LOCATOR_BYTES], record[END64_BYTES];
    uint64_t locator_pos, pos;
    dlfw_status st;

    if (end_pos < LOCATOR_BYTES)
        return DLFW_OK;
    locator_pos = end_pos - LOCATOR_BYTES;
    st = zip_need(s, locator_pos, end_pos);
    if (st != DLFW_OK)
        return st;
    if (!span_copy(s->have, s->n_have, locator_pos, locator, sizeof locator) || get_le32(locator) != LOCATOR_SIGNATURE)
        return DLFW_OK;
    pos = get_le64(locator + 8);
    if (get_le32(locator + 4) != 0 || get_le32(locator + 16) > 1)
        return zip_fail(s, DLFW_E_UNSUPPORTED, locator_pos, "zip files of several disks are not read; found");
    if (locator_pos < END64_BYTES || pos > locator_pos - END64_BYTES)
        return zip_fail(s, DLFW_E_CORRUPT, locator_pos, "zip64 locator points outside the file");
    st = zip_need(s, pos, pos + END64_BYTES);
    if (st != DLFW_OK)
        return st;
    if (!span_copy(s->have, s->n_have, pos, record, sizeof record) || get_le32(record) != END64_SIGNATURE)
        return zip_fail(s, DLFW_E_CORRUPT, pos, "no zip64 end record");
    if (get_le32(record + 16) != 0 || get_le32(record + 20) != 0 || get_le64(record + 24) != get_le64(record + 32))
        return zip_fail(s, DLFW_E_UNSUPPORTED, pos, "zip files of several disks are not read; found");
    ret->entries = get_le64(record + 32);
    ret->dir_bytes = get_le64(record + 40);
    ret->dir_offset = get_le64(record + 48);
    *ret_limit = pos;
    return DLFW_OK;
}

dlfw_status zip_find_end(const struct zip_search *s, struct zip_end *ret)
{
    uint8_t end[END_BYTES];
    uint64_t limit = 0, end_pos;
    dlfw_status st;

    st = locate(s, &limit, end);
    if (st != DLFW_OK)
        return st;
    end_pos = limit;
    if (get_le16(end + 4) != get_le16(end + 6) || get_le16(end + 8) != get_le16(end + 10) ||
        (get_le16(end + 4) != 0 && get_le16(end + 4) != UINT16_MAX))
        return zip_fail(s, DLFW_E_UNSUPPORTED, end_pos, "zip files of several disks are not read; found");
    ret->entries = get_le16(end + 10);
    ret->dir_bytes = get_le32(end + 12);
    ret->dir_offset = get_le32(end + 16);
    st = widen(s, &limit, ret);
    if (st != DLFW_OK)
        return st;
    if (ret->dir_offset > limit || ret->dir_bytes > limit - ret->dir_offset)
        return zip_fail(s, DLFW_E_CORRUPT, end_pos, "zip directory outside the file according to the end record");
    if (ret->dir_bytes > DIR_LIMIT)
        return zip_fail(s, DLFW_E_UNSUPPORTED, ret->dir_offset, "zip directories over 16 MiB are not read; found");
    return DLFW_OK;
}
