/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the object `dlfw` that are about storage: what was asked of it, what moved, how long each stage took,
 * memory. */
#include <stdlib.h>

#include "base/str.h"
#include "report/json_put.h"
#include "report/result_parts.h"

#define GIB 1073741824.0
#define NO_DATA_NOTE "this backend moves no data: bytes are counted, not read; decoding and verification were skipped"

static json_t *endpoints_json(const struct run_record *rec)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < rec->endpoint_count; i++) {
        const struct endpoint_record *e = &rec->endpoints[i];
        json_t *o = json_object();

        put_text(o, "endpoint", e->name);
        put_text(o, "state", e->is_aside ? "set_aside" : "in_use");
        put_u64(o, "requests", e->requests);
        put_u64(o, "bytes_read", e->bytes_read);
        put_u64(o, "bytes_written", e->bytes_written);
        put_u64(o, "errors", e->errors);
        put_u64(o, "times_set_aside", e->times_set_aside);
        put_real(o, "service_time_ms", (double)e->service_ns / 1e6);
        json_array_append_new(list, o);
    }
    return list;
}

json_t *storage_json(const struct run_record *rec)
{
    const struct loader_stats *l = rec->train_stats.queue_mode ? &rec->train_stats : &rec->eval_stats;
    bool real = !(rec->storage_caps & DLFW_BACKEND_NO_DATA);
    json_t *o = json_object();

    put_text(o, "uri", rec->storage_uri);
    put_text(o, "scheme", rec->storage_scheme);
    put_text(o, "mode", l->queue_mode);
    if (l->queue_depth)
        put_u64(o, "queue_depth", l->queue_depth);
    if (rec->endpoint_count)
        put_value(o, "endpoints", endpoints_json(rec));
    put_flag(o, "direct", (rec->storage_caps & DLFW_BACKEND_DIRECT) != 0);
    put_flag(o, "real_data", real);
    if (!real)
        put_text(o, "no_data_note", NO_DATA_NOTE);
    return o;
}

static void put_requests(json_t *o, const struct io_stats *const *io, uint32_t count)
{
    static const char *const names[] = {
        [DLFW_OP_GET] = "get",
        [DLFW_OP_PUT] = "put",
        [DLFW_OP_STAT] = "stat",
        [DLFW_OP_DELETE] = "delete",
        [DLFW_OP_LIST] = "list",
        [DLFW_OP_OPEN] = "open",
        [DLFW_OP_CLOSE] = "close",
        [DLFW_OP_WRITE_BEGIN] = "write_begin",
        [DLFW_OP_WRITE_PART] = "write_part",
        [DLFW_OP_WRITE_COMMIT] = "write_commit",
        [DLFW_OP_WRITE_ABORT] = "write_abort",
        [DLFW_OP_MAKE_ROOT] = "make_root",
        [DLFW_OP_REMOVE_ROOT] = "remove_root",
        [DLFW_OP_COPY] = "copy",
    };
    json_t *requests = json_object();

    for (uint32_t op = DLFW_OP_GET; op < sizeof names / sizeof *names; op++) {
        uint64_t sum = 0;

        for (uint32_t i = 0; i < count; i++)
            sum += io[i]->requests[op];
        put_u64(requests, names[op], sum);
    }
    put_value(o, "requests", requests);
}

/* Reading and writing of the whole run: training, evaluation, generation. */
json_t *io_json(const struct run_record *rec)
{
    const struct io_stats *io[] = {&rec->train_stats.io, &rec->eval_stats.io, &rec->generate.io};
    uint64_t delivered = 0, fetched = 0, written = 0, retries = 0, throttled = 0, errors = 0, asked = 0, verified = 0,
             split = 0;
    json_t *o = json_object();

    for (uint32_t i = 0; i < 3; i++) {
        delivered += io[i]->bytes_read;
        fetched += io[i]->bytes_fetched;
        written += io[i]->bytes_written;
        split += io[i]->split_reads;
        retries += io[i]->retries;
        throttled += io[i]->throttled;
        errors += io[i]->errors;
    }
    for (uint32_t i = 0; i < rec->epoch_count; i++) {
        struct epoch_sum sum;

        world_epoch(rec, i, &sum);
        asked += sum.bytes_asked;
        verified += sum.bytes_verified;
    }
    put_u64(o, "bytes_asked", asked);
    put_u64(o, "bytes_delivered", delivered);
    put_u64(o, "bytes_fetched", fetched);
    put_u64(o, "bytes_verified", verified);
    put_u64(o, "bytes_written", written);
    put_real(o, "train_bytes_per_second", train_bytes_per_second(rec));
    put_real(o, "train_GiB_per_second", train_bytes_per_second(rec) / GIB);
    put_requests(o, io, 3);
    put_u64(o, "split_reads", split);
    put_u64(o, "retries", retries);
    put_u64(o, "throttled", throttled);
    put_u64(o, "errors", errors);
    return o;
}

/* Up to three histograms as one. */
static void put_merged(json_t *o, const char *key, const struct histogram *a, const struct histogram *b,
                       const struct histogram *c)
{
    const struct histogram *parts[] = {a, b, c};
    struct histogram *sum = xcalloc(1, sizeof *sum);

    for (uint32_t i = 0; i < 3; i++)
        if (parts[i])
            histogram_merge(sum, parts[i]);
    put_histogram(o, key, sum);
    free(sum);
}

json_t *latency_json(const struct run_record *rec)
{
    const struct loader_stats *t = &rec->train_stats, *e = &rec->eval_stats;
    const struct io_stats *g = &rec->generate.io;
    json_t *o = json_object();

    put_merged(o, "open", &t->io.open_ns, &e->io.open_ns, &g->open_ns);
    put_merged(o, "first_byte", &t->io.first_byte_ns, &e->io.first_byte_ns, &g->first_byte_ns);
    put_merged(o, "read", &t->io.read_ns, &e->io.read_ns, &g->read_ns);
    put_merged(o, "decode", &t->decode_ns, &e->decode_ns, NULL);
    put_merged(o, "sample", &t->sample_ns, &e->sample_ns, NULL);
    put_merged(o, "reader_stall", &t->stall_ns, &e->stall_ns, NULL);
    put_histogram(o, "batch_wait", &rec->batch_wait_ns);
    put_histogram(o, "compute_error", &rec->compute_error_ns);
    put_histogram(o, "barrier", &rec->barrier_ns);
    put_merged(o, "write", &t->io.write_ns, &e->io.write_ns, &g->write_ns);
    put_merged(o, "commit", &t->io.commit_ns, &e->io.commit_ns, &g->commit_ns);
    return o;
}

json_t *memory_json(const struct run_record *rec)
{
    uint64_t train = rec->train_stats.pool_mapped, eval = rec->eval_stats.pool_mapped;
    json_t *o = json_object();

    put_u64(o, "budget_bytes", rec->memory_budget);
    put_u64(o, "pool_mapped_bytes", train > eval ? train : eval);
    put_u64(o, "peak_bytes", rec->peak_memory);
    return o;
}
