/* SPDX-License-Identifier: Apache-2.0 */
/* A slip of the finger or an empty variable in a script must not cost a bucket. */
#include "cmd/storage_safety.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/uri.h"

static bool holds(const char *folder, const char *path)
{
    size_t len = strlen(folder);

    return strncmp(folder, path, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static dlfw_status folder_may_go(const char *path, bool force, dlfw_error *err)
{
    char real[PATH_MAX], other[PATH_MAX];
    const char *home = getenv("HOME");

    if (!realpath(path, real))
        return DLFW_OK; /* not there, or not to be reached: listing it will say so */
    if (strcmp(real, "/") == 0)
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' is the root of the file system, which is never removed", path);
    if (!force && getcwd(other, sizeof other) && holds(real, other))
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' holds the working directory; --force removes it", path);
    if (!force && home && realpath(home, other) && holds(real, other))
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' holds the home directory; --force removes it", path);
    return DLFW_OK;
}

/* Components of the path that say where the objects are, not which: an endpoint, an account. */
static uint32_t components_before_bucket(const struct uri *uri)
{
    size_t first = strcspn(uri->path, "/");

    uint32_t endpoint = memchr(uri->path, ':', first) ? 1 : 0, account = strcmp(uri->scheme, "az") == 0 ? 1 : 0;

    return endpoint + account;
}

/* Components of the path from the bucket on; 0: it names no bucket. */
static uint32_t components(const struct uri *uri)
{
    uint32_t parts = 0, before = components_before_bucket(uri);

    for (const char *p = uri->path; *p; p += strcspn(p, "/")) {
        p += strspn(p, "/");
        parts += *p != '\0';
    }
    return parts > before ? parts - before : 0;
}

dlfw_status storage_may_go(const struct storage *storage, bool force, dlfw_error *err)
{
    struct uri uri = {0};
    dlfw_status st = uri_parse(storage_uri(storage), &uri, err);

    if (st < 0)
        return st;
    if (storage_caps(storage) & DLFW_BACKEND_LOCAL)
        st = folder_may_go(uri.path, force, err);
    else if (components(&uri) == 0)
        st = dlfw_fail(err, DLFW_E_INVALID, "'%s' names no bucket; all buckets together are never removed",
                       storage_uri(storage));
    else if (components(&uri) == 1 && !force)
        st = dlfw_fail(err, DLFW_E_INVALID, "'%s' is a whole bucket; --force removes what is in it",
                       storage_uri(storage));
    uri_free(&uri);
    return st;
}

bool storage_is_bucket(const struct storage *storage)
{
    struct uri uri = {0};
    bool is_bucket = uri_parse(storage_uri(storage), &uri, NULL) >= 0 && components(&uri) <= 1;

    uri_free(&uri);
    return is_bucket;
}
