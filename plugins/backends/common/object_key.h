/* SPDX-License-Identifier: Apache-2.0 */
/* The rules for keys of backends whose keys look like paths: relative, no "..", no NUL. */
#ifndef DLFW_PLUGIN_OBJECT_KEY_H
#define DLFW_PLUGIN_OBJECT_KEY_H

#include "dlfw/base.h"

enum object_key_use {
    OBJECT_KEY_OBJECT, /* names one object: not empty, not a directory */
    OBJECT_KEY_GROUP   /* names a directory; empty is the root */
};

/* Anything but DLFW_OK is DLFW_E_INVALID, with the reason. */
dlfw_status object_key_check(const char *key, uint32_t key_len, enum object_key_use use, dlfw_error *err);

#endif
