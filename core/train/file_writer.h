/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One writer thread's way to write dataset files: a queue for the file and one for each side object that the format
 * writes beside it. A file appears whole or not at all, and after its side objects: a file that is there has all of
 * them.
 */
#ifndef DLFW_CORE_TRAIN_FILE_WRITER_H
#define DLFW_CORE_TRAIN_FILE_WRITER_H

#include "io/stream_writer.h"
#include "workload/dataset.h"
#include "workload/dataset_access.h"

struct file_writer {
    const struct dataset_access *access;
    struct buffer_pool *pool;
    bool durable;
    const dlfw_side *const *sides; /* of the format's instance */
    uint32_t side_count;
    struct io_queue *queue;
    struct io_queue *side_queues[DLFW_MAX_SIDES]; /* a stream has its queue for itself */
    dlfw_sink stream;                             /* what the cancellable sink passes on to */
};

/* In the thread that will use it. *fw must not move. */
dlfw_status file_writer_open(struct file_writer *fw, const struct dataset_access *access, struct buffer_pool *pool,
                             bool durable, dlfw_error *err);
void file_writer_close(struct file_writer *fw, struct io_stats *into); /* adds what the queues did */
/* size: as the format announced it, UINT64_MAX: not known. *ret_bytes: written, side objects included. */
dlfw_status file_writer_write(struct file_writer *fw, const char *key, const dlfw_encode_spec *spec, uint64_t size,
                              uint64_t *ret_bytes, dlfw_error *err);
/* Whether the file is there with that size, and its side objects. Only "not found" means that it has to be written;
 * any other failure is one. */
dlfw_status file_writer_find(struct file_writer *fw, const char *key, uint64_t size, bool *ret, dlfw_error *err);

#endif
