/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where keys become paths, and the names that belong to temporary files. */
#include "file.h"

#include <string.h>

#include "../common/object_key.h"

/* ".<object>.dlfw-<pid>-<counter>" */
bool key_is_temporary(const char *base, size_t len)
{
    static const char mark[] = ".dlfw";
    size_t at = len;

    if (len == 0 || base[0] != '.')
        return false;
    for (int group = 0; group < 2; group++) {
        size_t digits = 0;

        for (; at > 0 && base[at - 1] >= '0' && base[at - 1] <= '9'; digits++)
            at--;
        if (digits == 0 || at == 0 || base[at - 1] != '-')
            return false;
        at--;
    }
    return at > sizeof mark - 1 && memcmp(base + at - (sizeof mark - 1), mark, sizeof mark - 1) == 0;
}

dlfw_status key_path(const char *key, uint32_t key_len, enum key_use use, char path[PATH_MAX], dlfw_error *err)
{
    dlfw_status st = object_key_check(key, key_len, use == KEY_GROUP ? OBJECT_KEY_GROUP : OBJECT_KEY_OBJECT, err);
    const char *slash;
    const char *base;

    if (st < 0)
        return st;
    if (key_len == 0) {
        memcpy(path, ".", 2);
        return DLFW_OK;
    }
    if (key_len >= PATH_MAX)
        return dlfw_fail(err, DLFW_E_INVALID, "the key '%.64s...' of %u bytes is too long for a path", key, key_len);
    slash = memrchr(key, '/', key_len);
    base = slash ? slash + 1 : key;
    if (use == KEY_PUBLISH && key_is_temporary(base, (size_t)(key + key_len - base)))
        return dlfw_fail(err, DLFW_E_INVALID, "the key " KEY_FORMAT " looks like a temporary file; choose another",
                         (int)key_len, key);
    memcpy(path, key, key_len);
    path[key_len] = '\0';
    return DLFW_OK;
}
