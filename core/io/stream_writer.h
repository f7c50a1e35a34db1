/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One object written as a stream: append, patch of the head, commit or abort. Parts go out while the next one is
 * filled; small objects become one PUT. Nothing is visible before commit returned 0. Uses a queue that nobody else uses
 * meanwhile. What is appended may be compressed on its way; memory is that of the parts in flight either way.
 */
#ifndef DLFW_CORE_IO_STREAM_WRITER_H
#define DLFW_CORE_IO_STREAM_WRITER_H

#include "dlfw/format.h"
#include "io/buffer_pool.h"

struct stream_writer;

struct stream_writer_args {
    struct io_queue *queue;
    struct buffer_pool *pool;
    const char *key;
    uint64_t size_hint; /* 0: unknown; chooses the part size where parts are counted */
    uint16_t flags;     /* DLFW_REQ_DURABLE, _EXCLUSIVE, _DROP_CACHE */
    bool keep_head;     /* the first part is kept back so that patch() works */
    /* zstd, 1 to 19; 0: stored as it comes. size_hint is exact then, when it is given, and stands in the frame. Not
     * with keep_head. */
    int32_t compress;
    struct writer_result *result; /* filled by a commit that succeeds; NULL: not wanted, and no checksum is made */
};

struct writer_result {
    uint64_t stored_bytes; /* compressed, where that was asked for */
    uint32_t crc32c;       /* of the stored bytes */
};

dlfw_status writer_open(struct storage *st, const struct stream_writer_args *args, struct stream_writer **ret,
                        dlfw_error *err);
/* Memory for the next bytes (at least 1); waits for a part to finish when all are in flight. */
dlfw_status writer_window(struct stream_writer *w, void **ret, uint64_t *ret_len, dlfw_error *err);
dlfw_status writer_advance(struct stream_writer *w, uint64_t n, dlfw_error *err);
dlfw_status writer_append(struct stream_writer *w, const void *data, uint64_t len, dlfw_error *err);
dlfw_status writer_patch(struct stream_writer *w, uint64_t offset, const void *data, uint64_t len, dlfw_error *err);
uint64_t writer_size(const struct stream_writer *w); /* bytes appended, before compression */
/* Both end the writer, whatever they return. A failed commit has already aborted. */
dlfw_status writer_commit(struct stream_writer *w, dlfw_error *err);
void writer_abort(struct stream_writer *w); /* NULL is fine */
/* The writer as a format's sink (ctx = writer). */
dlfw_sink writer_sink(struct stream_writer *w);

#endif
