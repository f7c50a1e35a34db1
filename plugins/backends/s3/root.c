/* SPDX-License-Identifier: Apache-2.0 */
#include "root.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool s3_bucket_valid(const char *name, size_t len)
{
    if (len == 0 || len > S3_BUCKET_MAX || (len <= 2 && memcmp(name, "..", len) == 0))
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
              c == '_'))
            return false;
    }
    return true;
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool s3_bucket_is_host(const char *name, size_t len, bool tls)
{
    bool only_digits = true; /* and dots: would be an address */

    if (len < 3 || len > 63 || !is_alnum(name[0]) || !is_alnum(name[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_alnum(name[i]) && name[i] != '-' && name[i] != '.')
            return false;
        if (name[i] == '.' && (tls || !is_alnum(name[i - 1]) || !is_alnum(name[i + 1])))
            return false;
        only_digits = only_digits && (name[i] == '.' || (name[i] >= '0' && name[i] <= '9'));
    }
    return !only_digits || !memchr(name, '.', len);
}

/* https only where the port says so. */
static dlfw_status parse_endpoint(const char *text, size_t len, struct http_origin *ret, dlfw_error *err)
{
    struct http_origin origin = {0};
    char url[320];
    dlfw_status st;

    if (len >= 280)
        return dlfw_fail(err, DLFW_E_CONFIG, "'s3://%.40s...' begins with an endpoint of %zu bytes, too long", text,
                         len);
    (void)snprintf(url, sizeof url, "http://%.*s", (int)len, text);
    st = http_origin_parse(url, &origin, NULL, err);
    if (st < 0)
        return dlfw_fail(err, DLFW_E_CONFIG, "'s3://%.*s' begins with an endpoint that is no host:port", (int)len,
                         text);
    origin.tls = origin.port == 443;
    *ret = origin;
    return DLFW_OK;
}

static dlfw_status parse_bucket(const char *root, const char *text, size_t len, struct s3_root *ret, dlfw_error *err)
{
    if (len == 0)
        return dlfw_fail(err, DLFW_E_CONFIG, "'s3://%.200s' names no bucket in front of '/'", root);
    if (!s3_bucket_valid(text, len))
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "'%.*s' is no name of a bucket: letters, digits, '.', '-' and '_', at most 255 of them",
                         (int)(len < 260 ? len : 260), text);
    memcpy(ret->bucket, text, len);
    ret->bucket[len] = '\0';
    return DLFW_OK;
}

dlfw_status s3_root_parse(const char *root, struct s3_root *ret, dlfw_error *err)
{
    const char *at = root;
    size_t len = strcspn(at, "/");
    dlfw_status st = DLFW_OK;

    *ret = (struct s3_root){0};
    if (memchr(at, ':', len) || (len == 9 && memcmp(at, "localhost", 9) == 0)) {
        st = parse_endpoint(at, len, &ret->endpoint, err);
        if (st < 0)
            return st;
        ret->has_endpoint = true;
        at += len;
        at += *at == '/';
        len = strcspn(at, "/");
    }
    if (*at)
        st = parse_bucket(root, at, len, ret, err);
    if (st < 0)
        return st;
    at += len;
    at += *at == '/';
    len = strlen(at);
    ret->prefix = malloc(len + 2);
    if (!ret->prefix)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an instance");
    memcpy(ret->prefix, at, len + 1);
    if (len > 0 && at[len - 1] != '/')
        memcpy(ret->prefix + len, "/", 2);
    return DLFW_OK;
}

void s3_root_free(struct s3_root *root)
{
    free(root->prefix);
    root->prefix = NULL;
}
