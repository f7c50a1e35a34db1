/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which keys a storage tool means: --glob and --regex.
 *
 * A glob without '/' is matched with the last component of the key, one with '/' with the whole key, relative to the
 * URI:
 * '*' is any text without '/', '?' one character but '/', '[a-z]' and '[!a-z]' one of these, or none of these, and '**'
 * any text, so that "a/" "**" "/b" is "a/b", too; '\' takes the meaning from the character behind it. A regular
 * expression is an extended one of POSIX and may match anywhere in the key.
 */
#ifndef DLFW_CORE_TRANSFER_MATCHING_H
#define DLFW_CORE_TRANSFER_MATCHING_H

#include <stdbool.h>
#include <stddef.h>

#include "dlfw/base.h"

struct matching;

dlfw_status matching_glob(const char *pattern, struct matching **ret, dlfw_error *err);
dlfw_status matching_regex(const char *pattern, struct matching **ret, dlfw_error *err);
void matching_free(struct matching *m); /* NULL is fine */
/* m NULL: everything matches. A '/' at the key's end, which a folder's name has, is not looked at. [any thread] */
bool matching_accepts(const struct matching *m, const char *key, size_t key_len);

#endif
