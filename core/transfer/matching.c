/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Globs are matched without recursion: beside the last '*' only the last '**' has to be remembered, since whatever an
 * earlier one could take, the later one can take as well. So the time is bounded by pattern times key squared.
 */
#include "transfer/matching.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"

#define KEY_ROOM 1100u /* bytes of what keys are mostly shorter than */

struct matching {
    char *glob; /* NULL: regex */
    bool whole; /* the glob speaks of the whole key */
    regex_t regex;
};

/* One character of text, or a byte that is none. */
static uint32_t take_char(const char **at, const char *end)
{
    uint32_t c = 0;
    size_t len = utf8_decode(*at, (size_t)(end - *at), &c);

    if (!len) {
        c = 0x110000u + (unsigned char)**at;
        len = 1;
    }
    *at += len;
    return c;
}

/* The text behind '[' up to its ']', at which the answer points; NULL: there is none. */
static const char *bracket_end(const char *p)
{
    p += *p == '!' || *p == '^';
    p += *p == ']'; /* the first one is a character */
    while (*p && *p != ']')
        p += p[0] == '\\' && p[1] ? 2 : 1;
    return *p ? p : NULL;
}

static uint32_t bracket_char(const char **p, const char *end)
{
    *p += **p == '\\' && *p + 1 < end;
    return take_char(p, end);
}

/* p behind '[', end at ']'. */
static bool bracket_has(const char *p, const char *end, uint32_t c)
{
    bool negated = *p == '!' || *p == '^', found = false;

    p += negated;
    while (p < end) {
        uint32_t low = bracket_char(&p, end), high = low;

        if (p + 1 < end && *p == '-') {
            p++;
            high = bracket_char(&p, end);
        }
        found |= low <= c && c <= high;
    }
    return found != negated;
}

/* Matches one element of the pattern, which is no star, with the beginning of the text, and steps over both. */
static bool match_one(const char **p, const char **t, const char *end)
{
    const char *close;
    uint32_t c;

    if (*t == end)
        return false;
    switch (**p) {
    case '?':
        ++*p;
        return take_char(t, end) != '/';
    case '[':
        close = bracket_end(*p + 1);
        c = take_char(t, end);
        if (c == '/' || !bracket_has(*p + 1, close, c))
            return false;
        *p = close + 1;
        return true;
    default:
        *p += **p == '\\' && (*p)[1];
        return *(*p)++ == *(*t)++;
    }
}

/* Where a star began, and where what it takes ends for now. */
struct star {
    const char *pattern; /* behind the star; NULL: there was none */
    const char *text;
    bool folders; /* "**" + "/": takes whole components */
};

/* Lets the star take more; false: it cannot. */
static bool star_grow(struct star *s, bool any, const char *end)
{
    if (!s->pattern || s->text == end || (!any && *s->text == '/'))
        return false;
    if (s->folders) {
        const char *slash = memchr(s->text, '/', (size_t)(end - s->text));

        if (slash)
            s->text = slash + 1;
        return slash != NULL;
    }
    s->text++;
    return true;
}

static bool glob_match(const char *p, const char *t, const char *end)
{
    const char *pattern = p;
    struct star one = {0}, all = {0};

    for (;;) {
        if (p[0] == '*' && p[1] == '*') {
            bool begins = p == pattern || p[-1] == '/';

            p += strspn(p, "*");
            all = (struct star){.text = t, .folders = begins && *p == '/'};
            p += all.folders;
            all.pattern = p;
            one = (struct star){0};
            continue;
        }
        if (*p == '*') {
            one = (struct star){.pattern = ++p, .text = t};
            continue;
        }
        if (!*p && t == end)
            return true;
        if (*p && match_one(&p, &t, end))
            continue;
        if (star_grow(&one, false, end)) {
            p = one.pattern;
            t = one.text;
        } else if (star_grow(&all, true, end)) {
            one = (struct star){0};
            p = all.pattern;
            t = all.text;
        } else {
            return false;
        }
    }
}

dlfw_status matching_glob(const char *pattern, struct matching **ret, dlfw_error *err)
{
    struct matching *m;

    if (!*pattern)
        return dlfw_fail(err, DLFW_E_INVALID, "an empty glob matches nothing");
    for (const char *p = pattern; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (*p == '[' && !(p = bracket_end(p + 1)))
            return dlfw_fail(err, DLFW_E_INVALID, "the glob '%s' has a '[' without ']'; '\\[' is the character",
                             pattern);
    }
    m = xcalloc(1, sizeof *m);
    m->glob = xstrdup(pattern);
    m->whole = strchr(pattern, '/') != NULL;
    *ret = m;
    return DLFW_OK;
}

dlfw_status matching_regex(const char *pattern, struct matching **ret, dlfw_error *err)
{
    struct matching *m = xcalloc(1, sizeof *m);
    int failed = regcomp(&m->regex, pattern, REG_EXTENDED | REG_NOSUB);
    char why[120];

    if (failed) {
        regerror(failed, &m->regex, why, sizeof why);
        free(m);
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' is no regular expression: %s", pattern, why);
    }
    *ret = m;
    return DLFW_OK;
}

void matching_free(struct matching *m)
{
    if (m && !m->glob)
        regfree(&m->regex);
    if (m)
        free(m->glob);
    free(m);
}

/* The key is a part of a longer text, which regexec() takes only up to a NUL. */
static bool regex_match(const struct matching *m, const char *key, size_t key_len)
{
    char room[KEY_ROOM], *copy = key_len < sizeof room ? room : xmalloc(key_len + 1);
    bool found;

    memcpy(copy, key, key_len);
    copy[key_len] = '\0';
    found = regexec(&m->regex, copy, 0, NULL, 0) == 0;
    if (copy != room)
        free(copy);
    return found;
}

bool matching_accepts(const struct matching *m, const char *key, size_t key_len)
{
    const char *slash;

    if (!m)
        return true;
    key_len -= key_len && key[key_len - 1] == '/';
    if (!m->glob)
        return regex_match(m, key, key_len);
    slash = m->whole ? NULL : memrchr(key, '/', key_len);
    return glob_match(m->glob, slash ? slash + 1 : key, key + key_len);
}
