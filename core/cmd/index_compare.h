/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw index --check`: the first difference between an index that is there and the object that it is of. */
#ifndef DLFW_CORE_CMD_INDEX_COMPARE_H
#define DLFW_CORE_CMD_INDEX_COMPARE_H

#include <stdbool.h>

#include "dlfw/format.h"
#include "io/storage.h"

/*
 * reader's object was read whole; its first side object is the index that should be at key, as text lines or (binary)
 * entries of 16 bytes. DLFW_E_CORRUPT names the first entry that differs, DLFW_E_NOT_FOUND: there is no such index.
 */
dlfw_status index_compare(struct storage *storage, const char *key, bool binary, const dlfw_format_ops *ops,
                          dlfw_reader *reader, dlfw_error *err);

#endif
