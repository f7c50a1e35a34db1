/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URIs as users write them. One rule for every scheme: what stands after "scheme://" is the backend's root, unchanged
 * but for trailing slashes; so "file:///data" is absolute and "file://data" is relative. Text without a scheme is a
 * file path.
 */
#include "io/uri.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *from, *to;
} aliases[] = {{"gcs", "gs"}, {"azure", "az"}};

/* Bytes of the scheme in front of "://"; 0: there is none. */
static size_t scheme_len(const char *text)
{
    size_t n = 0;

    if (!isalpha((unsigned char)text[0]))
        return 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '+' || text[n] == '-' || text[n] == '.')
        n++;
    return strncmp(text + n, "://", 3) == 0 ? n : 0;
}

bool uri_has_scheme(const char *text)
{
    return scheme_len(text) != 0;
}

static char *scheme_copy(const char *text, size_t len)
{
    char *scheme = xstrndup(text, len);

    for (size_t i = 0; i < len; i++)
        scheme[i] = (char)tolower((unsigned char)scheme[i]);
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (strcmp(scheme, aliases[i].from) != 0)
            continue;
        free(scheme);
        return xstrdup(aliases[i].to);
    }
    return scheme;
}

/* Length of text without trailing slashes; a text of slashes only keeps one. */
static size_t without_trailing_slashes(const char *text)
{
    size_t len = strlen(text);

    while (len > 1 && text[len - 1] == '/')
        len--;
    return len;
}

dlfw_status uri_parse(const char *text, struct uri *ret, dlfw_error *err)
{
    size_t scheme = scheme_len(text);
    const char *path = scheme ? text + scheme + 3 : text;

    if (!*text)
        return dlfw_fail(err, DLFW_E_INVALID,
                         "a storage location is empty; give a folder or a URI such as 's3://bucket/prefix'");
    if (strncmp(text, "://", 3) == 0)
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' has no scheme before '://'", text);
    *ret = (struct uri){.scheme = scheme ? scheme_copy(text, scheme) : xstrdup("file"),
                        .path = xstrndup(path, without_trailing_slashes(path))};
    if (!*ret->path && strcmp(ret->scheme, "file") == 0) {
        uri_free(ret);
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' names no folder", text);
    }
    return DLFW_OK;
}

void uri_free(struct uri *uri)
{
    free(uri->scheme);
    free(uri->path);
    *uri = (struct uri){0};
}

char *uri_join(const char *root, const char *id)
{
    size_t scheme = scheme_len(root);
    size_t keep = scheme ? scheme + 3 : 0;
    size_t len;

    if (!*root || *id == '/' || uri_has_scheme(id))
        return xstrdup(id);
    len = keep + (root[keep] ? without_trailing_slashes(root + keep) : 0);
    if (!*id)
        return xstrndup(root, len);
    return xformat("%.*s%s%s", (int)len, root, root[len - 1] == '/' ? "" : "/", id);
}

char *uri_text(const struct uri *uri)
{
    bool is_bare = uri->path[0] != '/' && !uri_has_scheme(uri->path) && strncmp(uri->path, "://", 3) != 0;

    if (strcmp(uri->scheme, "file") == 0 && is_bare)
        return xstrdup(uri->path);
    return xformat("%s://%s", uri->scheme, uri->path);
}
