/* SPDX-License-Identifier: Apache-2.0 */
#include "common/array_content.h"

#include <inttypes.h>

/* What stays in the second-level cache between generating and checksumming. */
#define HOT_BYTES (256u * 1024u)
#define SPEC_MAX_DIMS 32u

struct element {
    uint32_t dtype;
    uint32_t bytes;
    const char *descr;
};

#define ELEMENT_ROW(name, number, bytes, text, descr) {(number), (bytes), (descr)},
static const struct element elements[] = {DLFW_DTYPE_LIST(ELEMENT_ROW)};

dlfw_status array_plan(const dlfw_encode_spec *spec, struct array_plan *ret, dlfw_error *err)
{
    const struct element *element = NULL;
    uint64_t bytes;

    for (uint32_t i = 0; i < sizeof elements / sizeof elements[0]; i++)
        if (elements[i].dtype == spec->dtype)
            element = &elements[i];
    if (!element)
        return dlfw_fail(err, DLFW_E_INVALID, "element type number %" PRIu32 " is not known to this format",
                         spec->dtype);
    if (spec->ndim < 1 || spec->ndim > SPEC_MAX_DIMS || !spec->dims)
        return dlfw_fail(err, DLFW_E_INVALID, "a sample of %" PRIu32 " dimensions; 1 to %u are possible", spec->ndim,
                         SPEC_MAX_DIMS);
    if (spec->samples < 1 || spec->samples > (uint64_t)INT64_MAX / 16)
        return dlfw_fail(err, DLFW_E_INVALID, "an object of %" PRIu64 " samples cannot be written", spec->samples);
    bytes = element->bytes * spec->samples;
    for (uint32_t i = 0; i < spec->ndim; i++) {
        if (spec->dims[i] && bytes > (uint64_t)INT64_MAX / 4 / spec->dims[i])
            return dlfw_fail(err, DLFW_E_INVALID, "the sample's dimensions multiply to more than any file can hold");
        bytes *= spec->dims[i];
    }
    ret->payload_bytes = bytes;
    ret->header_len = npy_header_write(ret->header, element->descr, spec->dims, spec->ndim, spec->samples);
    return DLFW_OK;
}

dlfw_status array_write_content(const dlfw_host *host, const dlfw_encode_spec *spec, uint64_t payload_bytes,
                                const dlfw_sink *sink, uint32_t *crc, dlfw_error *err)
{
    uint64_t done = 0;

    while (done < payload_bytes) {
        uint64_t left = payload_bytes - done, n = 0;
        void *window = NULL;
        dlfw_status st;

        st = sink->window(sink->ctx, &window, &n, err);
        if (st < 0)
            return st;
        if (n > HOT_BYTES)
            n = HOT_BYTES;
        if (n > left)
            n = left;
        host->content_fill(spec->seed, spec->object, done, window, n);
        if (crc)
            *crc = host->crc32(*crc, window, n);
        st = sink->advance(sink->ctx, n, err);
        if (st < 0)
            return st;
        done += n;
    }
    return DLFW_OK;
}
