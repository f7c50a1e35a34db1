/* SPDX-License-Identifier: Apache-2.0 */
/* Deflates a member straight into the sink's memory, or only counts what it would take. */
#ifndef DLFW_NPZ_ZIP_DEFLATE_H
#define DLFW_NPZ_ZIP_DEFLATE_H

#include "dlfw/format.h"

struct deflater;

/* sink NULL: count only. level: -1 .. 9, zlib's. */
dlfw_status deflater_create(const dlfw_sink *sink, int level, struct deflater **ret, dlfw_error *err);
void deflater_destroy(struct deflater *d); /* NULL is fine */
dlfw_status deflater_put(struct deflater *d, const void *data, uint64_t len, dlfw_error *err);
/* Ends the stream; *ret_bytes: its length. */
dlfw_status deflater_finish(struct deflater *d, uint64_t *ret_bytes, dlfw_error *err);

#endif
