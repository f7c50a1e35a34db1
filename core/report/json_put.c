/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant: what these functions build is strict JSON; no NaN, no Infinity, no invalid UTF-8. */
#include "report/json_put.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "report/result_file.h"

/* 15 digits print 0.323 as 0.323 and keep nanoseconds in runs of days. */
#define REAL_DIGITS 15

void put_begin(void)
{
    json_set_alloc_funcs(xmalloc, free);
}

json_t *put_new_text(const char *text)
{
    json_t *value = json_string(text);
    struct str safe = STR_EMPTY;

    if (value)
        return value;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p < 0x80)
            str_add_len(&safe, (const char *)p, 1);
        else
            str_add_format(&safe, "\\x%02x", *p);
    }
    value = json_string(safe.data);
    str_free(&safe);
    return value;
}

json_t *put_new_reals(const double *values, uint64_t count)
{
    json_t *list = json_array();

    for (uint64_t i = 0; i < count; i++)
        DLFW_BUG_IF(json_array_append_new(list, json_real(values[i])) != 0);
    return list;
}

json_t *put_new_u64(uint64_t value)
{
    return value <= INT64_MAX ? json_integer((json_int_t)value) : json_real((double)value);
}

void put_value(json_t *object, const char *key, json_t *value)
{
    DLFW_BUG_IF(json_object_set_new(object, key, value) != 0);
}

void put_text(json_t *object, const char *key, const char *text)
{
    if (text)
        put_value(object, key, put_new_text(text));
}

void put_u64(json_t *object, const char *key, uint64_t value)
{
    put_value(object, key, put_new_u64(value));
}

void put_real(json_t *object, const char *key, double value)
{
    if (isfinite(value))
        put_value(object, key, json_real(value));
}

void put_flag(json_t *object, const char *key, bool value)
{
    put_value(object, key, json_boolean(value));
}

void put_histogram(json_t *object, const char *key, const struct histogram *h)
{
    json_t *o = json_object();

    put_u64(o, "count", h->count);
    if (h->count) {
        put_real(o, "mean", histogram_mean(h));
        put_u64(o, "p50", histogram_percentile(h, 50));
        put_u64(o, "p90", histogram_percentile(h, 90));
        put_u64(o, "p99", histogram_percentile(h, 99));
        put_u64(o, "p999", histogram_percentile(h, 99.9));
        put_u64(o, "max", h->max);
    }
    put_value(object, key, o);
}

dlfw_status put_file(json_t *root, const char *folder, const char *name, dlfw_error *err)
{
    struct result_file f = {0};
    dlfw_status st;

    st = result_file_begin(folder, name, &f, err);
    if (st < 0)
        goto out;
    if (json_dumpf(root, f.stream, JSON_INDENT(4) | JSON_REAL_PRECISION(REAL_DIGITS)) != 0) {
        st = dlfw_fail_errno(err, errno ? errno : EIO, "cannot write '%s/%s'", folder, name);
        result_file_abort(&f);
        goto out;
    }
    fputc('\n', f.stream);
    st = result_file_commit(&f, err);
out:
    json_decref(root);
    return st;
}
