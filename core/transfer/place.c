/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local paths are compared as the kernel sees them. Roots of object stores are compared as text: a bucket and a prefix
 * in it. Other storages ("memory") keep separate objects per root, so that only equal roots have anything in common.
 */
#include "transfer/place.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "io/uri.h"

static char *without_slashes(char *path)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        path[--len] = '\0';
    return path;
}

/* The path with links resolved where it exists; what does not exist yet is kept as it is written. */
static dlfw_status resolve(const char *path, char **ret, dlfw_error *err)
{
    char real[PATH_MAX];
    size_t len = strlen(path);
    const char *rest;

    for (;;) {
        char *there = len ? xstrndup(path, len) : xstrdup(path[0] == '/' ? "/" : ".");
        bool exists = realpath(there, real) != NULL;

        free(there);
        if (exists)
            break;
        if (!len)
            return dlfw_fail_errno(err, errno, "cannot tell where '%s' lies", path);
        while (len && path[len - 1] != '/')
            len--;
        while (len && path[len - 1] == '/')
            len--;
    }
    rest = path + len + strspn(path + len, "/");
    *ret = without_slashes(xformat("%s%s%s", real, *rest && real[1] ? "/" : "", rest));
    return DLFW_OK;
}

dlfw_status place_of(const char *root, uint64_t caps, struct place *ret, dlfw_error *err)
{
    struct uri uri = {0};
    dlfw_status st = uri_parse(root, &uri, err);

    if (st < 0)
        return st;
    *ret = (struct place){.scheme = uri.scheme, .path = uri.path};
    ret->is_local = (caps & DLFW_BACKEND_LOCAL) != 0;
    ret->is_tree = (caps & (DLFW_BACKEND_LOCAL | DLFW_BACKEND_STREAMS)) != 0;
    if (ret->is_local) {
        char *path = NULL;

        st = resolve(uri.path, &path, err);
        free(ret->path);
        ret->path = path;
    }
    if (st < 0)
        place_free(ret);
    return st;
}

void place_free(struct place *p)
{
    free(p->scheme);
    free(p->path);
    *p = (struct place){0};
}

static char *full(const struct place *p, const char *key)
{
    size_t len = strlen(p->path);
    bool slash = len && *key && p->path[len - 1] != '/' && key[0] != '/';

    return without_slashes(xformat("%s%s%s", p->path, slash ? "/" : "", key));
}

bool place_contains(const struct place *outer, const char *outer_key, const struct place *inner, const char *inner_key)
{
    bool same_kind = outer->is_local ? inner->is_local : strcmp(outer->scheme, inner->scheme) == 0;
    char *a, *b;
    size_t len;
    bool contains;

    if (!same_kind || (!outer->is_tree && strcmp(outer->path, inner->path) != 0))
        return false;
    a = full(outer, outer_key);
    b = full(inner, inner_key);
    len = strlen(a);
    contains = strncmp(a, b, len) == 0 && (!len || a[len - 1] == '/' || b[len] == '/' || !b[len]);
    free(a);
    free(b);
    return contains;
}

/* Bytes of the components that a and b begin with, the slash behind them included. */
static size_t common_len(const char *a, const char *b)
{
    size_t len = 0;

    for (size_t i = 0;; i++) {
        bool a_ends = !a[i] || a[i] == '/', b_ends = !b[i] || b[i] == '/';

        if (a_ends && b_ends && i)
            len = i + (a[i] == '/' && b[i] == '/');
        if (!a[i] || a[i] != b[i])
            return a_ends && b_ends ? len : a[0] == '/' && b[0] == '/' && !len ? 1 : len;
        if (a[i] == '/')
            len = i + 1;
    }
}

/* Parts that no key may have. */
static bool has_dots(const char *rest)
{
    for (const char *at = rest; *at; at += strspn(at, "/")) {
        size_t len = strcspn(at, "/");

        if ((len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.'))
            return true;
        at += len;
    }
    return false;
}

static char *prefix_of(const char *rest)
{
    rest += strspn(rest, "/");
    return *rest ? xformat("%s/", rest) : xstrdup("");
}

char *place_common(const struct place *a, const struct place *b, char **ret_a, char **ret_b)
{
    size_t len = common_len(a->path, b->path);
    const char *rest_a = a->path + (len < strlen(a->path) ? len : strlen(a->path));
    const char *rest_b = b->path + (len < strlen(b->path) ? len : strlen(b->path));
    bool equal = strcmp(a->path, b->path) == 0;

    if (strcmp(a->scheme, b->scheme) != 0 || (!equal && (!a->is_tree || !len)))
        return NULL;
    if (has_dots(rest_a) || has_dots(rest_b))
        return NULL;
    *ret_a = prefix_of(equal ? "" : rest_a);
    *ret_b = prefix_of(equal ? "" : rest_b);
    return xformat("%s://%.*s", a->scheme, (int)(equal ? strlen(a->path) : len), a->path);
}
