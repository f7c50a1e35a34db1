/* SPDX-License-Identifier: Apache-2.0 */
/* The stored configuration of a run as a sorted list of dotted keys with their values as text. */
#ifndef DLFW_CORE_VIEW_STORED_KEYS_H
#define DLFW_CORE_VIEW_STORED_KEYS_H

#include "base/str.h"
#include "dlfw/base.h"

struct stored_key {
    const char *key;   /* "reader.batch_size" */
    const char *value; /* secrets are "***" */
};

struct stored_keys {
    struct stored_key *items; /* by key */
    uint32_t count, cap;
};

/* config.yaml of a stored configuration. Strings live in the arena. */
dlfw_status stored_keys_read(struct arena *arena, const char *path, struct stored_keys *ret, dlfw_error *err);
const char *stored_key_find(const struct stored_keys *k, const char *key); /* NULL: not there */
/* A number; fallback when the key is not there or holds none. */
double stored_key_number(const struct stored_keys *k, const char *key, double fallback);
/* text, with the password of a URI ("s3://user:password@host") blotted out. */
const char *without_uri_password(struct arena *arena, const char *text);

#endif
