/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the sample lies in a record's data. Records of one writer mostly differ in the sample's bytes only: when
 * everything around them is, byte for byte, what it was in the last record, so is the answer.
 */
#include "tfrecord_reader.h"

#include "example.h"

#include <inttypes.h>
#include <string.h>

static dlfw_status no_sample(const dlfw_reader *r, uint64_t record, uint64_t start, enum example_status why,
                             const struct example_walk *w, const struct example_values *v, dlfw_error *err)
{
    static const char *const kinds[] = {"nothing", "bytes", "floats", "int64 numbers"};
    const char *feature = r->fmt->options->feature;

    if (why == EXAMPLE_END)
        return record_fail(r, DLFW_E_UNSUPPORTED, record, start, err,
                           "it has no feature '%s'; set tfrecord.feature to the one that is the sample", feature);
    if (why == EXAMPLE_OK && v->kind != FEATURE_BYTES)
        return record_fail(r, DLFW_E_UNSUPPORTED, record, start, err,
                           "its feature '%s' holds %s, a sample is bytes; set tfrecord.feature", feature,
                           kinds[v->kind]);
    if (why == EXAMPLE_OK)
        return record_fail(r, DLFW_E_UNSUPPORTED, record, start, err,
                           "its feature '%s' holds %" PRIu64 " values, a sample is one", feature, v->count);
    return record_fail(r, DLFW_E_CORRUPT, record, start + FRAME_HEADER + w->pos, err,
                       "its data are no tf.train.Example: %s; if they are the sample itself, set tfrecord.payload: raw",
                       w->reason);
}

static bool is_like_last(const struct sample_mould *m, const uint8_t *data, uint64_t len)
{
    return m->data_len == len && memcmp(data, m->before, m->at) == 0 &&
           memcmp(data + m->at + m->len, m->behind, len - m->at - m->len) == 0;
}

static void remember(struct sample_mould *m, const uint8_t *data, uint64_t len, uint64_t at, uint64_t sample_len)
{
    const uint64_t behind = len - at - sample_len;

    m->data_len = UINT64_MAX;
    if (at > sizeof m->before || behind > sizeof m->behind)
        return;
    m->data_len = len;
    m->at = at;
    m->len = sample_len;
    memcpy(m->before, data, at);
    memcpy(m->behind, data + at + sample_len, behind);
}

/* Of several entries of the same name the last one counts, as in any protobuf map. */
dlfw_status record_sample(dlfw_reader *r, uint64_t record, uint64_t start, const uint8_t *data, uint64_t len,
                          uint64_t *ret_at, uint64_t *ret_len, dlfw_error *err)
{
    struct example_entry entry, found = {0};
    struct example_values values = {0};
    struct example_walk w;
    enum example_status st;

    if (is_like_last(&r->mould, data, len)) {
        *ret_at = r->mould.at;
        *ret_len = r->mould.len;
        return DLFW_OK;
    }
    example_begin(&w, data, len, len);
    while ((st = example_next(&w, &entry)) == EXAMPLE_OK)
        if (example_is_named(&entry, r->fmt->options->feature, r->fmt->feature_len))
            found = entry;
    if (st == EXAMPLE_END && found.name)
        st = example_values(&w, &found, &values);
    if (st != EXAMPLE_OK || values.kind != FEATURE_BYTES || values.count != 1)
        return no_sample(r, record, start, st, &w, &values, err);
    remember(&r->mould, data, len, values.first, values.first_len);
    *ret_at = values.first;
    *ret_len = values.first_len;
    return DLFW_OK;
}
