/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An Example with two features: the sample's bytes, and `size`, their number. The nested lengths are worked out from
 * the inside, then written from the outside.
 */
#include "record_plan.h"

#include "common/little_endian.h"
#include "record_frame.h"

#include <inttypes.h>
#include <string.h>

#define SPEC_MAX_DIMS 32u
#define FILE_MAX ((uint64_t)INT64_MAX / 4)
#define SIZE_NAME "size"

/* Tags: field number and wire type of the messages in example.proto. */
enum { TAG_FIRST = 1 << 3 | 2, TAG_MAP_VALUE = 2 << 3 | 2, TAG_INT64_LIST = 3 << 3 | 2 };

static uint32_t varint_len(uint64_t value)
{
    uint32_t n = 1;

    while (value >= 0x80) {
        value >>= 7;
        n++;
    }
    return n;
}

static uint8_t *put_varint(uint8_t *p, uint64_t value)
{
    while (value >= 0x80) {
        *p++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *p++ = (uint8_t)value;
    return p;
}

static uint8_t *put_tag(uint8_t *p, uint32_t tag, uint64_t len)
{
    *p++ = (uint8_t)tag;
    return put_varint(p, len);
}

static uint8_t *put_text(uint8_t *p, const char *text, uint64_t len)
{
    memcpy(p, text, len);
    return p + len;
}

/* Bytes of a field of len bytes with its tag and length. */
static uint64_t wrapped(uint64_t len)
{
    return 1 + varint_len(len) + len;
}

/* The map entry of `size`; its length. */
static uint64_t put_size_entry(uint8_t *out, uint64_t sample_bytes)
{
    const uint64_t packed = varint_len(sample_bytes), list = wrapped(packed), feature = wrapped(list);
    const uint64_t entry = wrapped(sizeof SIZE_NAME - 1) + wrapped(feature);
    uint8_t *p = put_tag(out, TAG_FIRST, entry);

    p = put_tag(p, TAG_FIRST, sizeof SIZE_NAME - 1);
    p = put_text(p, SIZE_NAME, sizeof SIZE_NAME - 1);
    p = put_tag(p, TAG_MAP_VALUE, feature);
    p = put_tag(p, TAG_INT64_LIST, list);
    p = put_tag(p, TAG_FIRST, packed);
    p = put_varint(p, sample_bytes);
    return (uint64_t)(p - out);
}

static dlfw_status plan_example(const dlfw_format *fmt, struct record_plan *plan, dlfw_error *err)
{
    const uint64_t list = wrapped(plan->sample_bytes), feature = wrapped(list);
    const uint64_t entry = wrapped(fmt->feature_len) + wrapped(feature);
    uint64_t features;
    uint8_t *p = plan->lead + FRAME_HEADER;

    if (fmt->feature_len == sizeof SIZE_NAME - 1 && memcmp(fmt->options->feature, SIZE_NAME, fmt->feature_len) == 0)
        return dlfw_fail(err, DLFW_E_INVALID,
                         "the feature of the samples cannot be named '" SIZE_NAME "': that one holds their length; set "
                         "tfrecord.feature to another name");
    plan->tail_len = (uint32_t)put_size_entry(plan->tail, plan->sample_bytes);
    features = wrapped(entry) + plan->tail_len;
    plan->data_bytes = wrapped(features);
    if (plan->data_bytes > INT32_MAX)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "a tf.train.Example cannot hold a sample of %" PRIu64 " bytes, its limit is 2 GiB; set "
                         "tfrecord.payload: raw",
                         plan->sample_bytes);
    p = put_tag(p, TAG_FIRST, features);
    p = put_tag(p, TAG_FIRST, entry);
    p = put_tag(p, TAG_FIRST, fmt->feature_len);
    p = put_text(p, fmt->options->feature, fmt->feature_len);
    p = put_tag(p, TAG_MAP_VALUE, feature);
    p = put_tag(p, TAG_FIRST, list);
    p = put_tag(p, TAG_FIRST, plan->sample_bytes);
    plan->lead_len = (uint32_t)(p - plan->lead);
    return DLFW_OK;
}

static dlfw_status sample_bytes(const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err)
{
#define ELEMENT_BYTES(name, number, bytes, text, descr) [number] = (bytes),
    static const uint8_t element_bytes[] = {DLFW_DTYPE_LIST(ELEMENT_BYTES)};
    uint64_t bytes;

    if (spec->dtype >= sizeof element_bytes || !element_bytes[spec->dtype])
        return dlfw_fail(err, DLFW_E_INVALID, "element type number %" PRIu32 " is not known to this format",
                         spec->dtype);
    if (spec->ndim < 1 || spec->ndim > SPEC_MAX_DIMS || !spec->dims)
        return dlfw_fail(err, DLFW_E_INVALID, "a sample of %" PRIu32 " dimensions; 1 to %u are possible", spec->ndim,
                         SPEC_MAX_DIMS);
    bytes = element_bytes[spec->dtype];
    for (uint32_t i = 0; i < spec->ndim; i++) {
        if (spec->dims[i] && bytes > FILE_MAX / spec->dims[i])
            return dlfw_fail(err, DLFW_E_INVALID, "the sample's dimensions multiply to more than any file can hold");
        bytes *= spec->dims[i];
    }
    *ret = bytes;
    return DLFW_OK;
}

dlfw_status record_plan(const dlfw_format *fmt, const dlfw_encode_spec *spec, struct record_plan *ret, dlfw_error *err)
{
    dlfw_status st = sample_bytes(spec, &ret->sample_bytes, err);

    if (st < 0)
        return st;
    ret->lead_len = FRAME_HEADER;
    ret->tail_len = 0;
    ret->data_bytes = ret->sample_bytes;
    if (fmt->options->payload == PAYLOAD_EXAMPLE) {
        st = plan_example(fmt, ret, err);
        if (st < 0)
            return st;
    }
    ret->framed_bytes = ret->data_bytes + FRAME_BYTES;
    if (spec->samples < 1 || spec->samples > FILE_MAX / ret->framed_bytes)
        return dlfw_fail(err, DLFW_E_INVALID, "an object of %" PRIu64 " samples cannot be written", spec->samples);
    ret->file_bytes = spec->samples * ret->framed_bytes;
    put_le64(ret->lead, ret->data_bytes);
    put_le32(ret->lead + 8, crc_mask(fmt->host->crc32c(0, ret->lead, 8)));
    return DLFW_OK;
}
