/* SPDX-License-Identifier: Apache-2.0 */
/* The footer of a generated file, written row group by row group, or only measured. */
#ifndef DLFW_PARQUET_FOOTER_WRITE_H
#define DLFW_PARQUET_FOOTER_WRITE_H

#include "layout.h"

struct written_chunk {
    uint64_t bytes;            /* as stored, headers included */
    uint64_t raw_bytes;        /* the same without compression */
    uint64_t dictionary_bytes; /* of bytes: the dictionary page; 0: none */
};

struct footer_plan {
    const struct layout *layout;
    uint32_t codec;
    const struct written_chunk
        *chunks; /* of row group g: [g * columns, + columns); NULL: no compression, as laid out */
};

/* Footer, its length and the magic. sink NULL: only *ret_bytes. */
dlfw_status footer_write(const struct footer_plan *plan, const dlfw_sink *sink, uint64_t *ret_bytes, dlfw_error *err);
/* The chunk as it is without compression. */
struct written_chunk footer_plain_chunk(const struct layout_column *c, uint64_t rows);

#endif
