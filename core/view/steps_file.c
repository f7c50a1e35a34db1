/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows are parsed by hand: a run of 64 ranks has millions of them, and strtod costs more than reading the file.
 * Invariant: a row is taken whole or the file is refused.
 */
#include "view/steps_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define PIECE 65536u /* a longer line is none of ours */

static const char heading[] = "epoch,block,step,load_s,compute_s,barrier_s";

/* At most 9 digits in front and 9 behind the point, so that nothing can overflow. */
static bool take_digits(const char **at, uint64_t *ret, uint32_t *digits)
{
    const char *c = *at;

    for (*ret = 0; *c >= '0' && *c <= '9'; c++)
        *ret = *ret * 10 + (uint64_t)(*c - '0');
    *digits = (uint32_t)(c - *at);
    *at = c;
    return *digits > 0 && *digits <= 18;
}

static bool take_number(const char **at, uint64_t *ret)
{
    uint32_t digits;

    return take_digits(at, ret, &digits) && *(*at)++ == ',';
}

/* "12.000000345" */
static bool take_seconds(const char **at, double *ret)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    uint64_t whole, part = 0;
    uint32_t digits;

    if (!take_digits(at, &whole, &digits) || digits > 9)
        return false;
    digits = 0;
    if (**at == '.') {
        (*at)++;
        if (!take_digits(at, &part, &digits) || digits > 9)
            return false;
    }
    *ret = (double)whole + (double)part / powers[digits];
    return true;
}

static bool take_block(const char **at, uint64_t *ret)
{
    static const char eval[] = "eval,";

    if (strncmp(*at, eval, sizeof eval - 1) != 0)
        return take_number(at, ret) && *ret > 0;
    *ret = 0;
    *at += sizeof eval - 1;
    return true;
}

static bool parse_row(const char *line, struct step_row *ret)
{
    const char *at = line;

    if (!take_number(&at, &ret->epoch) || !take_block(&at, &ret->block) || !take_number(&at, &ret->step))
        return false;
    if (!take_seconds(&at, &ret->load_s) || *at++ != ',' || !take_seconds(&at, &ret->compute_s) || *at++ != ',')
        return false;
    return take_seconds(&at, &ret->barrier_s) && (!*at || *at == ',');
}

static bool is_heading(const char *line)
{
    return strncmp(line, heading, sizeof heading - 1) == 0 &&
           (!line[sizeof heading - 1] || line[sizeof heading - 1] == ',');
}

struct reading {
    const char *path;
    char *data; /* PIECE bytes and a NUL */
    size_t len;
    uint64_t line;
    void (*each)(void *ctx, const struct step_row *row);
    void *ctx;
};

static dlfw_status take_line(struct reading *r, char *line, size_t len, dlfw_error *err)
{
    struct step_row row = {0};

    r->line++;
    if (len && line[len - 1] == '\r')
        len--;
    line[len] = '\0';
    if (r->line == 1)
        return is_heading(line) ? DLFW_OK
                                : dlfw_fail(err, DLFW_E_CORRUPT, "'%s' does not begin with '%s'", r->path, heading);
    if (memchr(line, '\0', len) || !parse_row(line, &row))
        return dlfw_fail(err, DLFW_E_CORRUPT, "'%s' line %lu is no step", r->path, r->line);
    r->each(r->ctx, &row);
    return DLFW_OK;
}

/* Every whole line of the piece; what is left of the last one moves to the front. */
static dlfw_status take_lines(struct reading *r, dlfw_error *err)
{
    char *line = r->data, *end = r->data + r->len, *newline;
    dlfw_status st = DLFW_OK;

    while (st >= 0 && (newline = memchr(line, '\n', (size_t)(end - line)))) {
        st = take_line(r, line, (size_t)(newline - line), err);
        line = newline + 1;
    }
    r->len = (size_t)(end - line);
    memmove(r->data, line, r->len);
    return st;
}

dlfw_status steps_file_read(const char *path, void (*each)(void *ctx, const struct step_row *row), void *ctx,
                            dlfw_error *err)
{
    struct reading r = {.path = path, .each = each, .ctx = ctx};
    FILE *in = fopen(path, "re");
    dlfw_status st = DLFW_OK;
    size_t n;

    if (!in)
        return dlfw_fail_errno(err, errno, "cannot open '%s'", path);
    r.data = xmalloc(PIECE + 1);
    while (st >= 0 && r.len < PIECE && (n = fread(r.data + r.len, 1, PIECE - r.len, in)) > 0) {
        r.len += n;
        st = take_lines(&r, err);
    }
    if (st >= 0 && ferror(in))
        st = dlfw_fail_errno(err, errno, "cannot read '%s'", path);
    else if (st >= 0 && (r.len || !r.line))
        st = dlfw_fail(err, DLFW_E_CORRUPT, "'%s' ends inside line %lu", path, r.line + 1);
    fclose(in);
    free(r.data);
    return st;
}
