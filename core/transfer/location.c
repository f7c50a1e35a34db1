/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting URIs. Nothing here knows a scheme but that text without one is a path, as io/uri.h has it. */
#include "transfer/location.h"

#include <stdlib.h>
#include <string.h>

#include "io/uri.h"

/* Where the path begins in text. */
static const char *path_of(const char *text)
{
    return uri_has_scheme(text) ? strstr(text, "://") + 3 : text;
}

/* A name without a folder before it lies in the working directory; what any other scheme has there holds objects. */
static bool is_plain_path(const char *uri)
{
    struct uri parsed = {0};
    bool plain = uri_parse(uri, &parsed, NULL) >= 0 && strcmp(parsed.scheme, "file") == 0;

    uri_free(&parsed);
    return plain;
}

/* Where the last component of path begins, the slashes at its end belonging to it; NULL: path has none to take. */
static const char *last_component(const char *path, bool plain)
{
    const char *at = path + strlen(path);

    while (at > path && at[-1] == '/')
        at--;
    if (at == path)
        return NULL;
    while (at > path && at[-1] != '/')
        at--;
    return at == path && !plain ? NULL : at;
}

bool location_is_folder(const char *uri)
{
    const char *path = path_of(uri);
    size_t len = strlen(path);

    return len == 0 || path[len - 1] == '/' || !last_component(path, is_plain_path(uri));
}

dlfw_status location_folder(const char *uri, struct location *ret, dlfw_error *err)
{
    struct uri parsed = {0};
    dlfw_status st = uri_parse(uri, &parsed, err);

    uri_free(&parsed);
    if (st < 0)
        return st;
    *ret = (struct location){.uri = xstrdup(uri), .root = xstrdup(uri), .key = xstrdup("")};
    return DLFW_OK;
}

dlfw_status location_object(const char *uri, struct location *ret, dlfw_error *err)
{
    const char *path = path_of(uri), *key, *end;
    struct uri parsed = {0};
    dlfw_status st = uri_parse(uri, &parsed, err);
    bool plain = st >= 0 && strcmp(parsed.scheme, "file") == 0;

    uri_free(&parsed);
    if (st < 0)
        return st;
    key = last_component(path, plain);
    if (!key)
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' names a place for objects and no object in it", uri);

    /* "a//x": one slash ends the root, the others begin the key, where they may mean something */
    for (end = key; end > path && end[-1] == '/'; end--)
        key = end;
    *ret = (struct location){.uri = xstrdup(uri)};
    if (end == path && key == path)
        ret->root = path == uri ? xstrdup(".") : xformat("%.*s.", (int)(path - uri), uri);
    else if (end == path)
        ret->root = xstrndup(uri, (size_t)(path - uri) + 1);
    else
        ret->root = xstrndup(uri, (size_t)(end - uri));
    ret->key = xstrdup(key);
    return DLFW_OK;
}

void location_free(struct location *loc)
{
    free(loc->uri);
    free(loc->root);
    free(loc->key);
    *loc = (struct location){0};
}

char *location_join(const char *root, const char *key, size_t key_len)
{
    size_t len = strlen(root);
    const char *slash = len && root[len - 1] != '/' && key_len ? "/" : "";

    if (strcmp(root, ".") == 0 && key_len)
        return xstrndup(key, key_len);
    return xformat("%s%s%.*s", root, slash, (int)key_len, key);
}

void location_join_slashes(struct location *loc)
{
    size_t slashes = strspn(loc->key, "/");

    memmove(loc->key, loc->key + slashes, strlen(loc->key + slashes) + 1);
}

dlfw_status location_open(struct location *loc, const struct storage_args *how, struct storage **ret, dlfw_error *err)
{
    struct storage_args args = *how;
    dlfw_status st;

    args.uri = loc->root;
    st = storage_open(&args, ret, err);
    if (st >= 0 && storage_caps(*ret) & DLFW_BACKEND_LOCAL)
        location_join_slashes(loc);
    return st;
}
