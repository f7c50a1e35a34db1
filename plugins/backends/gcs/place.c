/* SPDX-License-Identifier: Apache-2.0 */
/* Names are bytes from outside: every one of them is encoded on its way into a request, '/' included. */
#include "place.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BUCKET_MAX 222u
#define OBJECT_MAX 1024u

static bool is_bucket_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
}

static dlfw_status bucket_check(const char *name, size_t len, dlfw_error *err)
{
    bool ok = len > 0 && len <= BUCKET_MAX && name[0] != '.';

    for (size_t i = 0; i < len && ok; i++)
        ok = is_bucket_char(name[i]);
    return ok ? DLFW_OK
              : dlfw_fail(err, DLFW_E_INVALID,
                          "'%.*s' cannot be a bucket: its name has letters, digits, '-', '_' and '.'",
                          (int)(len < BUCKET_MAX ? len : BUCKET_MAX), name);
}

dlfw_status gcs_root_parse(const char *root, char **ret_bucket, char **ret_prefix, dlfw_error *err)
{
    const char *slash = strchr(root, '/');
    size_t bucket_len = slash ? (size_t)(slash - root) : strlen(root);
    const char *prefix = slash ? slash + 1 : "";
    size_t prefix_len = strlen(prefix);
    char *bucket_copy = NULL, *prefix_copy = NULL;
    dlfw_status st;

    if (root[0]) {
        st = bucket_check(root, bucket_len, err);
        if (st < 0)
            return st;
    }
    while (prefix_len && prefix[prefix_len - 1] == '/')
        prefix_len--;
    bucket_copy = strndup(root, bucket_len);
    prefix_copy = calloc(1, prefix_len + 2);
    if (!bucket_copy || !prefix_copy) {
        free(bucket_copy);
        free(prefix_copy);
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for the root '%s'", root);
    }
    if (prefix_len) {
        memcpy(prefix_copy, prefix, prefix_len);
        prefix_copy[prefix_len] = '/';
    }
    *ret_bucket = bucket_copy;
    *ret_prefix = prefix_copy;
    return DLFW_OK;
}

dlfw_status gcs_place_of(const char *bucket, const char *key, size_t len, struct gcs_place *ret, dlfw_error *err)
{
    const char *slash = len ? memchr(key, '/', len) : NULL;
    size_t bucket_len = slash ? (size_t)(slash - key) : len;
    dlfw_status st;

    if (bucket[0]) {
        *ret = (struct gcs_place){.bucket = bucket, .bucket_len = strlen(bucket), .object = key, .object_len = len};
        return DLFW_OK;
    }
    st = bucket_check(key, bucket_len, err);
    if (st < 0)
        return st;
    *ret = (struct gcs_place){.bucket = key, .bucket_len = bucket_len, .object = slash ? slash + 1 : key + len};
    ret->object_len = slash ? len - bucket_len - 1 : 0;
    return DLFW_OK;
}

/* Bytes of the UTF-8 sequence at s, 0 when there is none. */
static size_t utf8_length(const uint8_t *s, size_t left)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = s[0] < 0x80             ? 1
                 : (s[0] & 0xe0) == 0xc0 ? 2
                 : (s[0] & 0xf0) == 0xe0 ? 3
                 : (s[0] & 0xf8) == 0xf0 ? 4
                                         : 0;
    uint32_t code;

    if (len < 2 || len > left)
        return len > left ? 0 : len;
    code = s[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3fu);
    }
    return code < smallest[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : len;
}

static const char *object_mistake(const char *name, size_t len)
{
    if (len == 0)
        return "an object needs a name behind its bucket";
    if (len > OBJECT_MAX)
        return "the name is longer than the 1024 bytes an object's name can have";
    if (memchr(name, '\0', len))
        return "an object's name cannot have a NUL byte";
    if (memchr(name, '\r', len) || memchr(name, '\n', len))
        return "an object's name cannot have line ends";
    if ((len == 1 && name[0] == '.') || (len == 2 && memcmp(name, "..", 2) == 0))
        return "an object cannot be called '.' or '..'";
    for (size_t i = 0; i < len;) {
        size_t step = utf8_length((const uint8_t *)name + i, len - i);

        if (step == 0)
            return "an object's name must be UTF-8";
        i += step;
    }
    return NULL;
}

dlfw_status gcs_object_check(const struct gcs_place *place, dlfw_error *err)
{
    const char *why = object_mistake(place->object, place->object_len);

    return why ? dlfw_fail(err, DLFW_E_INVALID, "%s", why) : DLFW_OK;
}

void gcs_add_bucket(struct text *to, const struct gcs_place *place)
{
    text_str(to, "/storage/v1/b/");
    text_encoded(to, place->bucket, place->bucket_len, false);
}

void gcs_add_object(struct text *to, const struct gcs_place *place)
{
    gcs_add_bucket(to, place);
    text_str(to, "/o/");
    text_encoded(to, place->object, place->object_len, false);
}

void gcs_add_json(struct text *to, const char *data, size_t len)
{
    text_char(to, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];

        if (c == '"' || c == '\\')
            text_char(to, '\\');
        if (c < 0x20)
            text_printf(to, "\\u%04x", c);
        else
            text_char(to, (char)c);
    }
    text_char(to, '"');
}
