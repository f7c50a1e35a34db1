/* SPDX-License-Identifier: Apache-2.0 */
/* Keys are byte strings from outside; nothing that leaves the root passes here. */
#include "object_key.h"

#include <string.h>

#define QUOTED_MAX 256u /* bytes of an unwelcome key that a message repeats */

static dlfw_status refuse(const char *key, uint32_t key_len, const char *why, dlfw_error *err)
{
    return dlfw_fail(err, DLFW_E_INVALID, "the key '%.*s' %s", (int)(key_len < QUOTED_MAX ? key_len : QUOTED_MAX), key,
                     why);
}

dlfw_status object_key_check(const char *key, uint32_t key_len, enum object_key_use use, dlfw_error *err)
{
    const char *end = key + key_len;
    const char *part = key;
    size_t len = 0;

    if (key_len == 0 && use == OBJECT_KEY_GROUP)
        return DLFW_OK;
    if (key_len == 0)
        return dlfw_fail(err, DLFW_E_INVALID, "an object needs a key, this one is empty");
    if (memchr(key, '\0', key_len))
        return refuse(key, key_len, "goes on after a NUL byte", err);
    if (key[0] == '/')
        return refuse(key, key_len, "begins with '/'; keys are relative to the root", err);
    for (; part <= end; part += len + 1) {
        const char *slash = part < end ? memchr(part, '/', (size_t)(end - part)) : NULL;

        len = (size_t)((slash ? slash : end) - part);
        if (len == 2 && part[0] == '.' && part[1] == '.')
            return refuse(key, key_len, "has a part '..'", err);
        if (!slash)
            break;
    }
    /* part is the last one now */
    if (use == OBJECT_KEY_OBJECT && (len == 0 || (len == 1 && part[0] == '.')))
        return refuse(key, key_len, "names a directory, not an object", err);
    return DLFW_OK;
}
