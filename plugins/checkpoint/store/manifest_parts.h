/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of parts of a shard in its manifest. Many parts are of one size and every part has a checksum, so sizes are
 * runs and the figures of parts are one text of hexadecimal digits: 8 or 16 bytes of manifest per part.
 */
#ifndef DLFW_CHECKPOINT_STORE_MANIFEST_PARTS_H
#define DLFW_CHECKPOINT_STORE_MANIFEST_PARTS_H

#include <jansson.h>

#include "manifest.h"

/* {"raw_size": [[count, size], ...], "stored_size": "HHHHHHHH...", "crc32c": "HHHHHHHH..."}; NULL: out of memory */
json_t *manifest_parts_print(const struct manifest_shard *shard);
/* Fills shard->parts; codec, size and raw_bytes of shard are set. */
dlfw_status manifest_parts_parse(json_t *table, struct manifest_shard *shard, dlfw_error *reterr);

#endif
