/* SPDX-License-Identifier: Apache-2.0 */
#include "npz_reader.h"

#include "common/npy_samples.h"
#include "zip_local.h"

#include <inttypes.h>

bool npz_verifies(const dlfw_reader *r)
{
    return (r->object->flags & DLFW_OBJECT_VERIFY) != 0;
}

bool npz_is_deflated(const dlfw_reader *r)
{
    return r->member.method == ZIP_DEFLATED;
}

dlfw_status npz_fail(const dlfw_reader *r, dlfw_status status, uint64_t offset, const char *what, dlfw_error *err)
{
    struct zip_name_text name = zip_name_text(r->member.name, r->member.name_len);

    return dlfw_fail(err, status, "'%.*s': member '%s' at offset %" PRIu64 ": %s", (int)r->object->name_len,
                     r->object->name, name.text, offset, what);
}

dlfw_status npz_fail_crc(const dlfw_reader *r, uint32_t computed, dlfw_error *err)
{
    struct zip_name_text name = zip_name_text(r->member.name, r->member.name_len);
    uint64_t offset = r->data_offset + (npz_is_deflated(r) ? 0 : r->array.header_bytes);

    return dlfw_fail(err, DLFW_E_CORRUPT,
                     "'%.*s': CRC mismatch of member '%s' (stored %08" PRIx32 ", computed %08" PRIx32
                     ") at offset %" PRIu64,
                     (int)r->object->name_len, r->object->name, name.text, r->member.crc, computed, offset);
}

dlfw_status npz_feed_restart(dlfw_reader *r, dlfw_error *err)
{
    if (npz_is_deflated(r) && npz_verifies(r)) {
        if (r->inflater)
            inflater_reset(r->inflater);
        else
            r->inflater = inflater_create();
        if (!r->inflater)
            return npz_fail(r, DLFW_E_NO_MEMORY, r->member.local_offset, "out of memory to inflate", err);
    }
    byte_carry_clear(&r->carry);
    r->is_raw = r->entry && !r->entry->is_array;
    r->stage = STAGE_LOCAL_HEADER;
    r->stream_ended = false;
    r->crc = 0;
    r->next = r->member.local_offset;
    r->stored_left = r->member.stored_bytes;
    r->bytes_done = 0;
    return DLFW_OK;
}

static dlfw_status carry(dlfw_reader *r, uint64_t need, const uint8_t **data, uint64_t *len, dlfw_error *err)
{
    if (byte_carry_take(&r->carry, need, data, len) < 0)
        return npz_fail(r, DLFW_E_NO_MEMORY, r->member.local_offset, "out of memory for a long header", err);
    return DLFW_OK;
}

static dlfw_status feed_local_header(dlfw_reader *r, const uint8_t **data, uint64_t *len, dlfw_error *err)
{
    for (;;) {
        uint64_t need = 0;
        dlfw_status st = zip_local_parse(r->object, &r->member, byte_carry_data(&r->carry), r->carry.len, &need, err);

        if (st == DLFW_OK) {
            r->data_offset = r->member.local_offset + need;
            r->stage = r->is_raw ? STAGE_PAYLOAD : STAGE_ARRAY_HEADER;
            byte_carry_clear(&r->carry);
        }
        if (st != DLFW_NEED_IO || !*len)
            return st;
        st = carry(r, need, data, len, err);
        if (st < 0)
            return st;
    }
}

dlfw_status npz_check_array(const dlfw_reader *r, dlfw_error *err)
{
    const uint64_t bytes = r->member.bytes;
    struct npy_reason reason;
    dlfw_status st;

    if (bytes < r->array.header_bytes || bytes - r->array.header_bytes != r->array.payload_bytes)
        return npz_fail(r, DLFW_E_CORRUPT, r->data_offset, "the array's shape does not fit the member's size", err);
    st = npy_samples_check(&r->array, r->samples, &reason);
    return st < 0 ? npz_fail(r, st, r->data_offset, reason.text, err) : DLFW_OK;
}

static dlfw_status feed_array_header(dlfw_reader *r, const uint8_t *data, uint64_t len, dlfw_error *err)
{
    for (;;) {
        struct npy_reason reason;
        dlfw_status st = npy_header_parse(byte_carry_data(&r->carry), r->carry.len, &r->array, &reason);

        if (st == DLFW_E_UNSUPPORTED && r->entry) {
            r->entry->reason = reason;
            r->is_raw = true;
            r->stage = STAGE_PAYLOAD;
            byte_carry_clear(&r->carry);
            return DLFW_OK;
        }
        if (st < 0)
            return npz_fail(r, st, r->data_offset, reason.text, err);
        if (st == DLFW_OK) {
            r->stage = STAGE_PAYLOAD;
            byte_carry_clear(&r->carry);
            return npz_check_array(r, err);
        }
        if (!len)
            return DLFW_OK;
        st = carry(r, r->array.header_bytes, &data, &len, err);
        if (st < 0)
            return st;
    }
}

/* The next uncompressed bytes of the member. */
static dlfw_status feed_member(dlfw_reader *r, const uint8_t *data, uint64_t len, dlfw_error *err)
{
    if (len > r->member.bytes - r->bytes_done)
        return npz_fail(r, DLFW_E_CORRUPT, r->data_offset, "inflates to more than the zip directory says", err);
    r->bytes_done += len;
    if (npz_verifies(r))
        r->crc = r->host->crc32(r->crc, data, len);
    return r->stage == STAGE_ARRAY_HEADER ? feed_array_header(r, data, len, err) : DLFW_OK;
}

static dlfw_status feed_deflated(dlfw_reader *r, const uint8_t *data, uint64_t len, dlfw_error *err)
{
    inflater_feed(r->inflater, data, len);
    for (;;) {
        const uint8_t *out = NULL;
        uint64_t n = 0;
        dlfw_status st = inflater_next(r->inflater, &out, &n);

        if (st < 0)
            return npz_fail(r, st, r->data_offset, inflater_problem(r->inflater), err);
        if (st == DLFW_NEED_IO)
            return DLFW_OK;
        if (st == DLFW_END) {
            r->stream_ended = true;
            if (n || r->stored_left)
                return npz_fail(r, DLFW_E_CORRUPT, r->data_offset, "bytes behind the end of its deflate stream", err);
            return DLFW_OK;
        }
        st = feed_member(r, out, n, err);
        if (st < 0)
            return st;
    }
}

/* The header of a deflated member is seen only when it is inflated to be verified. */
static void note_array(dlfw_reader *r)
{
    r->entry->has_array = !r->is_raw && (npz_verifies(r) || !npz_is_deflated(r));
    if (r->entry->has_array)
        r->entry->array = r->array;
}

/* All stored bytes of the member have been fed. */
static dlfw_status finish(dlfw_reader *r, dlfw_error *err)
{
    if (!npz_is_deflated(r) || npz_verifies(r)) {
        if (r->bytes_done != r->member.bytes || (npz_is_deflated(r) && !r->stream_ended))
            return npz_fail(r, DLFW_E_CORRUPT, r->data_offset, "inflates to less than the zip directory says", err);
        if (r->stage == STAGE_ARRAY_HEADER)
            return npz_fail(r, DLFW_E_CORRUPT, r->data_offset, "ends inside its array header", err);
        if (npz_verifies(r) && r->crc != r->member.crc)
            return npz_fail_crc(r, r->crc, err);
    }
    r->stage = STAGE_DONE;
    if (r->entry)
        note_array(r);
    return DLFW_OK;
}

dlfw_status npz_feed(dlfw_reader *r, const uint8_t *data, uint64_t len, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;
    uint64_t n;

    if (r->stage == STAGE_LOCAL_HEADER) {
        st = feed_local_header(r, &data, &len, err);
        if (st != DLFW_OK)
            return st < 0 ? st : DLFW_OK;
    }
    if (r->stage == STAGE_DONE) /* a data descriptor or a gap before the next member */
        return DLFW_OK;
    n = len < r->stored_left ? len : r->stored_left;
    r->stored_left -= n;
    if (!npz_is_deflated(r))
        st = feed_member(r, data, n, err);
    else if (npz_verifies(r))
        st = feed_deflated(r, data, n, err);
    if (st < 0)
        return st;
    return r->stored_left ? DLFW_OK : finish(r, err);
}
