/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A quirks file: what dlfw-conform must know of one plugin, beside it in its source tree.
 *
 *     option.endpoint: http://127.0.0.1:9000     as --option endpoint=...
 *     root: bucket/conform                       as --option root=...
 *     object: images/0001.jpg                    an object to read, for a backend that cannot write
 *     skip: write.two_writers the server has no atomic replace
 */
#ifndef DLFW_CONFORM_QUIRKS_H
#define DLFW_CONFORM_QUIRKS_H

#include "kit.h"

void pairs_add(struct kit_pairs *pairs, const char *name, const char *value);
/* 0, or -1 after a message on stderr. Texts live as long as the process. */
int quirks_read(const char *path, struct kit_settings *settings);

#endif
