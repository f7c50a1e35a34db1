/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generating: the content stream as the data, and two tables that grow with the samples and never with the memory. A
 * table counts from the beginning of the file, in 64 bits, whatever the pieces in which the file is written.
 */
#include "indexed_reader.h"

#include "common/array_content.h"
#include "common/little_endian.h"

#define BLOCK_ENTRIES 4096u

dlfw_status indexed_file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err)
{
    struct array_plan plan;
    dlfw_status st = array_plan(spec, &plan, err);

    (void)fmt;
    if (st >= 0)
        *ret = plan.payload_bytes;
    return st;
}

/* count entries: 0, step, 2 * step, ... or, with step 0, value each. */
static dlfw_status write_table(const dlfw_sink *sink, uint64_t count, uint64_t step, uint64_t value, dlfw_error *err)
{
    uint8_t block[BLOCK_ENTRIES * INDEXED_ENTRY_BYTES];

    for (uint64_t i = 0; i < count; i += BLOCK_ENTRIES) {
        const uint64_t n = count - i < BLOCK_ENTRIES ? count - i : BLOCK_ENTRIES;
        uint8_t *end = block;
        dlfw_status st;

        for (uint64_t k = 0; k < n; k++)
            end = put_le64(end, value + (i + k) * step);
        st = sink->write(sink->ctx, block, n * INDEXED_ENTRY_BYTES, err);
        if (st < 0)
            return st;
    }
    return DLFW_OK;
}

dlfw_status indexed_encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err)
{
    struct array_plan plan;
    dlfw_status st = array_plan(spec, &plan, err);
    uint64_t record;

    if (st < 0)
        return st;
    record = plan.payload_bytes / spec->samples;
    if (!record)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "samples without bytes cannot be indexed");
    st = array_write_content(fmt->host, spec, plan.payload_bytes, sink, NULL, err);
    if (st < 0 || !DLFW_HAS(sink, side_count) || !sink->sides)
        return st;
    st = write_table(sink->sides[INDEXED_OFFSETS], spec->samples, record, 0, err);
    if (st < 0)
        return st;
    return write_table(sink->sides[INDEXED_SIZES], spec->samples, 0, record, err);
}

uint64_t indexed_unit_samples(dlfw_format *fmt, const dlfw_encode_spec *spec, uint32_t shuffled)
{
    struct array_plan plan;
    uint64_t n;

    (void)fmt;
    if (shuffled || array_plan(spec, &plan, NULL) < 0)
        return 1;
    n = indexed_run(plan.payload_bytes / spec->samples);
    return n < spec->samples ? n : spec->samples;
}
