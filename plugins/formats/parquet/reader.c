/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row group is a unit. The footer is asked for with two requests of exactly its bytes and parsed once: the loader
 * opens a file once per unit, so what is known of a file is kept in the instance.
 */
#include "reader.h"

#include "common/little_endian.h"
#include "common/object_cache.h"
#include "common/span_set.h"
#include "parquet_format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MIN (PARQUET_MAGIC_BYTES + PARQUET_TAIL_BYTES)

dlfw_status parquet_fail(const dlfw_reader *r, dlfw_status status, uint64_t unit, uint32_t column, uint64_t offset,
                         const char *what, dlfw_error *err)
{
    return dlfw_fail(err, status, "'%.*s': row group %" PRIu64 ", column '%.200s' at offset %" PRIu64 ": %s",
                     (int)r->object->name_len, r->object->name, unit, r->file->columns[column].path, offset, what);
}

/* Only a host that reads by units opens an object again and again. */
static bool may_share(const dlfw_object *object)
{
    return DLFW_HAS(object, unit_samples) && object->unit_samples && !(object->flags & DLFW_OBJECT_EXPLORE);
}

dlfw_status parquet_reader_open(dlfw_format *fmt, dlfw_reader *r, const dlfw_object *object, dlfw_error *err)
{
    (void)err;
    r->fmt = fmt;
    r->object = object;
    r->feed.unit = UINT64_MAX;
    if (may_share(object)) {
        r->file = object_cache_get(fmt->footers, object->name, object->name_len, object->size);
        r->is_shared = r->file != NULL;
    }
    return DLFW_OK;
}

void parquet_reader_close(dlfw_reader *r)
{
    if (r->is_shared)
        object_cache_release(r->fmt->footers, r->file);
    else
        parquet_file_free((void *)(uintptr_t)r->file);
    r->file = NULL;
    free(r->footer);
    r->footer = NULL;
    byte_carry_free(&r->feed.carry);
    content_check_destroy(r->content);
    r->content = NULL;
}

static dlfw_status fail_tail(const dlfw_reader *r, dlfw_status status, const char *what, dlfw_error *err)
{
    return dlfw_fail(err, status, "'%.*s' at offset %" PRIu64 ": %s", (int)r->object->name_len, r->object->name,
                     r->object->size < PARQUET_TAIL_BYTES ? 0 : r->object->size - PARQUET_TAIL_BYTES, what);
}

/* The loader's order keeps unit_samples rows together; larger row groups would be read several times. */
static void compare_group_size(dlfw_reader *r)
{
    uint64_t expected = DLFW_HAS(r->object, unit_samples) ? r->object->unit_samples : 0;
    uint64_t rows = r->file->group_count ? r->file->groups[0].rows : 0;

    if (expected && rows > expected && parquet_says(r->fmt, SAID_GROUP_SIZE))
        dlfw_log(r->fmt->host, r->fmt->host_ctx, DLFW_LOG_WARNING,
                 "'%.*s' has row groups of %" PRIu64 " rows where %" PRIu64 " are expected: set "
                 "dataset.parquet.row_group_size to that, or row groups may be read several times",
                 (int)r->object->name_len, r->object->name, rows, expected);
}

static dlfw_status take_footer(dlfw_reader *r, const uint8_t *footer, uint64_t len, dlfw_error *err)
{
    struct parquet_file *file = NULL;
    dlfw_status st = parquet_footer_parse(r->object, footer, len, &r->fmt->selection, &file, err);

    if (st < 0)
        return st;
    r->file = file;
    compare_group_size(r);
    if (r->object->flags & DLFW_OBJECT_EXPLORE) {
        r->footer = malloc(len ? len : 1);
        if (!r->footer)
            return fail_tail(r, DLFW_E_NO_MEMORY, "out of memory for its footer", err);
        memcpy(r->footer, footer, len);
        r->footer_len = len;
    }
    if (!may_share(r->object))
        return DLFW_OK;
    r->file = object_cache_put(r->fmt->footers, r->object->name, r->object->name_len, r->object->size, file,
                               parquet_file_memory(file), parquet_file_free);
    r->is_shared = r->file != NULL;
    return r->file ? DLFW_OK : fail_tail(r, DLFW_E_NO_MEMORY, "out of memory for its footer", err);
}

/* The footer, [begin, begin + len) of the object, in one piece. */
static dlfw_status parse_footer(dlfw_reader *r, const dlfw_span *have, uint32_t n_have, uint64_t begin, uint64_t len,
                                dlfw_error *err)
{
    const uint8_t *footer = span_find(have, n_have, begin, len);
    uint8_t *copy = NULL;
    dlfw_status st;

    if (!footer) {
        copy = malloc(len ? len : 1);
        if (!copy)
            return fail_tail(r, DLFW_E_NO_MEMORY, "out of memory for its footer", err);
        span_copy(have, n_have, begin, copy, len);
        footer = copy;
    }
    st = take_footer(r, footer, len, err);
    free(copy);
    return st;
}

static dlfw_status step_metadata(dlfw_reader *r, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                                 uint32_t want_cap, uint32_t *n_want, dlfw_error *err)
{
    const uint64_t size = r->object->size;
    uint8_t tail[PARQUET_TAIL_BYTES];
    uint64_t len;

    if (r->file)
        return DLFW_OK;
    if (size < FILE_MIN)
        return fail_tail(r, DLFW_E_CORRUPT, "too short to be a Parquet file", err);
    *n_want = span_missing(have, n_have, size - PARQUET_TAIL_BYTES, size, want, want_cap);
    if (*n_want)
        return DLFW_NEED_IO;
    span_copy(have, n_have, size - PARQUET_TAIL_BYTES, tail, sizeof tail);
    if (memcmp(tail + 4, "PARE", PARQUET_MAGIC_BYTES) == 0)
        return fail_tail(r, DLFW_E_UNSUPPORTED, "its footer is encrypted, which is not supported", err);
    if (memcmp(tail + 4, PARQUET_MAGIC, PARQUET_MAGIC_BYTES) != 0)
        return fail_tail(r, DLFW_E_CORRUPT, "no PAR1 at its end: not a Parquet file, or cut off", err);
    len = get_le32(tail);
    if (len > size - FILE_MIN)
        return fail_tail(r, DLFW_E_CORRUPT, "its footer is said to be longer than the file", err);
    *n_want = span_missing(have, n_have, size - PARQUET_TAIL_BYTES - len, size - PARQUET_TAIL_BYTES, want, want_cap);
    if (*n_want)
        return DLFW_NEED_IO;
    return parse_footer(r, have, n_have, size - PARQUET_TAIL_BYTES - len, len, err);
}

dlfw_status parquet_check_unit(const dlfw_reader *r, uint64_t unit, dlfw_error *err)
{
    if (r->file && unit < r->file->group_count)
        return DLFW_OK;
    return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': row group %" PRIu64 " %s", (int)r->object->name_len, r->object->name,
                     unit, r->file ? "does not exist" : "was asked for before the metadata");
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* The largest gap that is read over, so that no more than RUNS_MAX runs remain; *ret_equal of that size at most. */
static uint64_t gap_limit(const struct parquet_file *file, const struct parquet_chunk *chunks, uint64_t *ret_equal)
{
    uint64_t *gaps = malloc(file->column_count * sizeof *gaps), limit = UINT64_MAX, over;
    uint32_t n = 0;

    *ret_equal = UINT64_MAX;
    for (uint32_t i = 1; gaps && i < file->column_count; i++) {
        uint64_t gap = chunks[i].offset - (chunks[i - 1].offset + chunks[i - 1].bytes);

        if (gap)
            gaps[n++] = gap;
    }
    if (gaps) { /* else one run holds all */
        over = n + 1 - RUNS_MAX;
        qsort(gaps, n, sizeof *gaps, by_size);
        limit = gaps[over - 1];
        for (*ret_equal = 0; over && gaps[over - 1] == limit; over--)
            ++*ret_equal;
    }
    free(gaps);
    return limit;
}

uint32_t parquet_runs(const struct parquet_file *file, uint64_t unit, dlfw_range runs[RUNS_MAX], uint64_t *ret_gaps)
{
    const struct parquet_chunk *chunks = parquet_chunk(file, unit, 0);
    uint64_t limit = 0, equal = 0, all = 1;
    uint32_t n = 0;

    *ret_gaps = 0;
    for (uint32_t i = 1; i < file->column_count; i++)
        all += chunks[i].offset != chunks[i - 1].offset + chunks[i - 1].bytes;
    if (all > RUNS_MAX)
        limit = gap_limit(file, chunks, &equal);
    for (uint32_t i = 0; i < file->column_count; i++) {
        uint64_t end = n ? runs[n - 1].offset + runs[n - 1].length : 0, gap = chunks[i].offset - end;

        if (n && gap <= limit && (gap < limit || !gap || equal)) {
            equal -= gap && gap == limit;
            runs[n - 1].length += gap + chunks[i].bytes;
            *ret_gaps += gap;
        } else {
            runs[n++] = (dlfw_range){.offset = chunks[i].offset, .length = chunks[i].bytes};
        }
    }
    return n;
}

static void say_gaps(dlfw_reader *r, uint64_t unit, uint64_t gaps)
{
    if (gaps && parquet_says(r->fmt, SAID_GAPS))
        dlfw_log(r->fmt->host, r->fmt->host_ctx, DLFW_LOG_WARNING,
                 "'%.*s': the selected columns lie in more than %u places, so %" PRIu64
                 " bytes between them are read as well (row group %" PRIu64 ")",
                 (int)r->object->name_len, r->object->name, RUNS_MAX, gaps, unit);
}

dlfw_status parquet_step(dlfw_reader *r, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                         uint32_t want_cap, uint32_t *n_want, dlfw_error *err)
{
    dlfw_range runs[RUNS_MAX];
    uint64_t gaps;
    uint32_t n;
    dlfw_status st;

    *n_want = 0;
    if (goal == DLFW_GOAL_METADATA)
        return step_metadata(r, have, n_have, want, want_cap, n_want, err);
    st = parquet_check_unit(r, goal, err);
    if (st < 0)
        return st;
    n = parquet_runs(r->file, goal, runs, &gaps);
    for (uint32_t i = 0; i < n; i++)
        *n_want += span_missing(have, n_have, runs[i].offset, runs[i].offset + runs[i].length, want + *n_want,
                                want_cap - *n_want);
    say_gaps(r, goal, gaps);
    return *n_want ? DLFW_NEED_IO : DLFW_OK;
}

uint64_t parquet_unit_count(dlfw_reader *r)
{
    return r->file ? r->file->group_count : 0;
}

dlfw_status parquet_unit_info(dlfw_reader *r, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err)
{
    dlfw_range runs[RUNS_MAX];
    uint64_t gaps, row = 0;
    uint32_t n;
    dlfw_status st = parquet_check_unit(r, unit, err);

    if (st < 0)
        return st;
    ret->flags = 0;
    ret->first_sample = r->file->groups[unit].first_row;
    ret->samples = r->file->groups[unit].rows;
    ret->stored_bytes = 0;
    ret->out_bytes = 0;
    n = parquet_runs(r->file, unit, runs, &gaps);
    for (uint32_t i = 0; i < n; i++)
        ret->stored_bytes += runs[i].length;
    if (r->fmt->options->decode == DECODE_RAW)
        return DLFW_OK;
    st = parquet_row_bytes(r, unit, &row, err);
    ret->out_bytes = row * ret->samples; /* row_bytes() has checked that it fits */
    return st;
}

dlfw_status parquet_consume(dlfw_reader *r, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *err)
{
    uint64_t verified = 0;
    dlfw_status st = parquet_check_unit(r, unit, err);

    if (st < 0)
        return st;
    if (!(r->object->flags & (DLFW_OBJECT_VERIFY | DLFW_OBJECT_VERIFY_CONTENT)))
        return DLFW_OK;
    st = parquet_feed(r, unit, piece->data, piece->offset, piece->length, &verified, err);
    ret->length = st < 0 ? 0 : verified;
    return st;
}

/* What consume() was not shown is checked now. */
static dlfw_status feed_spans(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, dlfw_error *err)
{
    uint64_t verified;
    dlfw_status st = DLFW_OK;

    if (!(r->object->flags & DLFW_OBJECT_VERIFY) || (r->feed.unit == unit && r->feed.is_done))
        return DLFW_OK;
    r->feed.unit = UINT64_MAX;
    for (uint32_t i = 0; i < n_have && st >= 0; i++)
        st = parquet_feed(r, unit, have[i].data, have[i].offset, have[i].length, &verified, err);
    return st;
}

dlfw_status parquet_decode(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                           dlfw_view *views, uint32_t view_cap, dlfw_error *err)
{
    dlfw_status st = parquet_check_unit(r, unit, err);

    if (st < 0)
        return st;
    if (view_cap < r->file->groups[unit].rows)
        return dlfw_fail(err, DLFW_E_BUFFER_TOO_SMALL, "'%.*s': %" PRIu64 " rows and room for %" PRIu32 " views",
                         (int)r->object->name_len, r->object->name, r->file->groups[unit].rows, view_cap);
    st = feed_spans(r, unit, have, n_have, err);
    if (st < 0)
        return st;
    return r->fmt->options->decode == DECODE_RAW ? parquet_views(r, unit, have, n_have, views, err)
                                                 : parquet_rows(r, unit, have, n_have, out, views, err);
}
