/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threaded loader: reads the samples of one rank's shard in the order of the epoch and hands them over in batches.
 *
 * read_threads threads, each with its own storage queue, take files in order, read them in pieces, let the format
 * verify and decode them, and count down the batch slot that each sample belongs to. The main thread waits for the next
 * slot. No allocation and no lock per sample. Memory is accounted in bytes, in order of position, so the oldest
 * unfinished batch always gets its memory.
 */
#ifndef DLFW_CORE_LOADER_LOADER_H
#define DLFW_CORE_LOADER_LOADER_H

#include <pthread.h>

#include "io/buffer_pool.h"
#include "loader/sample_order.h"
#include "workload/file_list.h"

struct loader;

struct loader_args {
    struct storage *storage;
    const struct plugin_iface *format_iface;
    dlfw_format *format;
    pthread_mutex_t *format_serial; /* held during calls of the format; NULL: it needs none */
    const struct file_list *files;
    uint64_t batch;
    uint32_t rank, ranks;
    uint32_t host_ranks; /* ranks on this host, which share its memory; 0: this one alone */
    bool may_shuffle;    /* evaluation keeps the order */
};

/* One delivered batch; valid until loader_release. */
struct batch {
    uint64_t index; /* in the epoch, from 0; unordered delivery may skip around */
    uint32_t samples;
    uint64_t bytes;         /* read from storage for it */
    const dlfw_view *views; /* samples views; NULL when samples are streamed or not real */
};

/* What one epoch's loading did; for the report. */
struct loader_epoch {
    uint64_t samples;           /* delivered in batches */
    uint64_t sample_count_hash; /* sum over delivered samples of hash_mix(index + 1): order-free proof of coverage */
    uint64_t files;             /* opened */
    uint64_t bytes_asked;       /* sum of the ranges that the format asked for, metadata included */
    uint64_t bytes_sample;      /* of the units that hold wanted samples */
    uint64_t bytes_verified;    /* compared with the content stream */
};

struct loader_stats {
    struct io_stats io;
    struct histogram decode_ns; /* consume + decode of one unit */
    struct histogram sample_ns; /* claim to delivery of one file */
    struct histogram stall_ns;  /* a reader waiting for memory or a free slot */
    const char *queue_mode;
    uint32_t queue_depth;
    uint64_t pool_mapped;
    uint64_t first_request_ns; /* when the first request was submitted; 0: none yet */
    uint64_t memory_budget;    /* bytes of samples that may be in memory; 0: streamed */
};

dlfw_status loader_create(const struct run_config *cfg, const struct loader_args *args, struct loader **ret,
                          dlfw_error *err);
void loader_destroy(struct loader *l); /* stops and joins the threads; NULL is fine */
/* Memory that one batch needs at most; checked against the budget in create. */
uint64_t loader_batch_bytes(const struct loader *l);
/* The file that holds sample index of a rank's shard in that epoch's order. */
uint64_t loader_file_at(const struct loader *l, uint64_t epoch, uint32_t rank, uint64_t index);
/* Starts reading the epoch's first steps batches. */
void loader_begin_epoch(struct loader *l, uint64_t epoch, uint64_t steps);
/* Waits for the next batch; DLFW_END after the last one, an error as soon as any reader fails, CANCELLED after Ctrl-C.
 * Every earlier batch is to be released before: it may hold the slot or the memory that the next one needs. */
dlfw_status loader_next(struct loader *l, struct batch *ret, dlfw_error *err);
void loader_release(struct loader *l, const struct batch *batch);
/* Stops reading; readers are idle afterwards. Fails when a reader has failed, also after the last batch (closing a
 * file). *ret is always filled. */
dlfw_status loader_end_epoch(struct loader *l, struct loader_epoch *ret, dlfw_error *err);
void loader_stats(struct loader *l, struct loader_stats *ret);

#endif
