/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A parser for exactly the literals that numpy writes into array headers: no expressions, no escapes, no nesting. Every
 * read is bounded by end, and nothing of the text is executed or trusted.
 */
#include "common/npy_dict.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 64u

struct dict {
    const char *p;
    const char *begin;
    const char *end;
    struct npy_reason *reason;
};

static dlfw_status bad(const struct dict *d, const char *what)
{
    snprintf(d->reason->text, sizeof d->reason->text, "%s at byte %" PRIu64 " of the array header's dictionary", what,
             (uint64_t)(d->p - d->begin));
    return DLFW_E_CORRUPT;
}

static void skip_space(struct dict *d)
{
    while (d->p < d->end && (*d->p == ' ' || *d->p == '\t' || *d->p == '\n' || *d->p == '\r'))
        d->p++;
}

/* Skips space, then takes c if it is next. */
static bool take(struct dict *d, char c)
{
    skip_space(d);
    if (d->p == d->end || *d->p != c)
        return false;
    d->p++;
    return true;
}

static bool take_word(struct dict *d, const char *word)
{
    size_t n = strlen(word);

    skip_space(d);
    if ((size_t)(d->end - d->p) < n || memcmp(d->p, word, n) != 0)
        return false;
    d->p += n;
    return true;
}

static dlfw_status take_string(struct dict *d, char text[TEXT_MAX])
{
    char quote;
    uint32_t n = 0;

    skip_space(d);
    if (d->p == d->end || (*d->p != '\'' && *d->p != '"'))
        return bad(d, "no string");
    quote = *d->p++;
    for (; d->p < d->end && *d->p != quote; d->p++) {
        if (*d->p < 0x20 || *d->p > 0x7e || *d->p == '\\' || n + 1 == TEXT_MAX)
            return bad(d, "unreadable string");
        text[n++] = *d->p;
    }
    if (d->p == d->end)
        return bad(d, "string without end");
    d->p++;
    text[n] = '\0';
    return DLFW_OK;
}

static dlfw_status take_number(struct dict *d, uint64_t *ret)
{
    const char *first;
    uint64_t value = 0;

    skip_space(d);
    first = d->p;
    for (; d->p < d->end && *d->p >= '0' && *d->p <= '9'; d->p++) {
        uint64_t digit = (uint64_t)(*d->p - '0');

        if (value > ((uint64_t)INT64_MAX - digit) / 10)
            return bad(d, "dimension too large");
        value = value * 10 + digit;
    }
    if (d->p == first)
        return bad(d, "no dimension");
    if (*first == '0' && d->p - first > 1)
        return bad(d, "dimension with leading zeros");
    if (d->p < d->end && *d->p == 'L') /* Python 2 wrote long integers so */
        d->p++;
    *ret = value;
    return DLFW_OK;
}

/* "<f4", "|u1": byte order, kind, bytes */
static dlfw_status parse_descr(struct dict *d, struct npy_header *h)
{
    char text[TEXT_MAX] = "";
    const char *p = text;
    uint32_t bytes = 0;
    dlfw_status st;

    skip_space(d);
    if (d->p < d->end && *d->p == '[') {
        snprintf(d->reason->text, sizeof d->reason->text,
                 "arrays of records are not read (numpy's structured element type); store one plain array per field");
        return DLFW_E_UNSUPPORTED;
    }
    st = take_string(d, text);
    if (st < 0)
        return st;
    if (*p && strchr("<>=|", *p))
        p++;
    if (*p == 'O') {
        snprintf(d->reason->text, sizeof d->reason->text,
                 "pickled objects are not read (element type '%s'); store a plain numeric array", text);
        return DLFW_E_UNSUPPORTED;
    }
    if (*p && strchr("biufc", *p)) {
        p++;
        while (*p >= '0' && *p <= '9' && bytes < 100)
            bytes = bytes * 10 + (uint32_t)(*p++ - '0');
    }
    if (*p || bytes < 1 || bytes > NPY_MAX_ITEM) {
        snprintf(d->reason->text, sizeof d->reason->text,
                 "element type '%s' is not read; bool, integer, float and complex types of 1 to %u bytes are", text,
                 NPY_MAX_ITEM);
        return DLFW_E_UNSUPPORTED;
    }
    h->item_size = bytes;
    snprintf(h->descr, sizeof h->descr, "%.*s", (int)sizeof h->descr - 1, text);
    return DLFW_OK;
}

static dlfw_status parse_order(struct dict *d, struct npy_header *h)
{
    if (take_word(d, "True"))
        h->fortran_order = 1;
    else if (take_word(d, "False"))
        h->fortran_order = 0;
    else
        return bad(d, "no True or False");
    return DLFW_OK;
}

static dlfw_status parse_shape(struct dict *d, struct npy_header *h)
{
    bool comma = true;
    dlfw_status st;

    if (!take(d, '('))
        return bad(d, "no shape tuple");
    h->ndim = 0;
    while (!take(d, ')')) {
        if (!comma)
            return bad(d, "no comma between dimensions");
        if (h->ndim == NPY_MAX_DIMS)
            return bad(d, "too many dimensions");
        st = take_number(d, &h->dims[h->ndim]);
        if (st < 0)
            return st;
        h->ndim++;
        comma = take(d, ',');
    }
    /* "(3)" is a number to Python, not a tuple */
    if (h->ndim == 1 && !comma)
        return bad(d, "shape is a number, not a tuple");
    return DLFW_OK;
}

dlfw_status npy_dict_parse(const char *text, uint64_t len, struct npy_header *ret, struct npy_reason *reason)
{
    static const struct {
        const char *name;
        dlfw_status (*parse)(struct dict *d, struct npy_header *h);
    } keys[] = {{"descr", parse_descr}, {"fortran_order", parse_order}, {"shape", parse_shape}};
    struct dict d = {.p = text, .begin = text, .end = text + len, .reason = reason};
    uint32_t seen = 0;
    bool comma = true;

    if (!take(&d, '{'))
        return bad(&d, "no dictionary");
    while (!take(&d, '}')) {
        char name[TEXT_MAX];
        dlfw_status st;
        uint32_t k = 0;

        if (!comma)
            return bad(&d, "no comma between entries");
        st = take_string(&d, name);
        if (st < 0)
            return st;
        while (k < 3 && strcmp(name, keys[k].name) != 0)
            k++;
        if (k == 3 || (seen & 1u << k))
            return bad(&d, k == 3 ? "unknown key" : "key given twice");
        if (!take(&d, ':'))
            return bad(&d, "no colon after a key");
        st = keys[k].parse(&d, ret);
        if (st < 0)
            return st;
        seen |= 1u << k;
        comma = take(&d, ',');
    }
    skip_space(&d);
    if (d.p != d.end)
        return bad(&d, "text after the dictionary");
    if (seen != 7)
        return bad(&d, "descr, fortran_order or shape missing before the end");
    return DLFW_OK;
}
