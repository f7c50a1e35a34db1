/* SPDX-License-Identifier: Apache-2.0 */
/* The loader as the train loop sees it: threads, memory and epochs. The reading is in visit.c, the order in claim.c,
 * the batches in batch_ring.c. */
#include "loader/visit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define DEFAULT_PIECE (256u << 10)
#define DEFAULT_DEPTH_CACHED 4u /* the page cache answers at once: few pieces, so that they stay in the CPU's cache */
#define DEFAULT_DEPTH_DIRECT 16u
#define DEFAULT_DEPTH_REMOTE 64u
#define SPARE_BYTES (64ull << 20) /* metadata, pieces in flight */
#define BUDGET_MAX (1ull << 60)

void loader_fail(struct loader *l, const dlfw_error *err)
{
    uint32_t none = 0;

    if (atomic_compare_exchange_strong(&l->failed, &none, 1)) {
        error_copy(&l->failure.e, err);
        if (err->status >= 0) /* a plugin that failed without filling its error */
            l->failure.e.status = DLFW_E_INTERNAL;
        atomic_store_explicit(&l->failed, 2, memory_order_release);
    }
    atomic_store(&l->stop, 1);
    atomic_fetch_add(&l->completed_word, 1);
    futex_wake_all(&l->completed_word);
    ring_tell_readers(l);
}

dlfw_status loader_failure(const struct loader *l, dlfw_error *err)
{
    if (atomic_load_explicit(&l->failed, memory_order_acquire) != 2)
        return DLFW_OK;
    error_copy(err, &l->failure.e);
    return l->failure.e.status;
}

/* /proc/meminfo's MemAvailable in bytes; 0: unknown */
static uint64_t memory_available(void)
{
    FILE *f = fopen("/proc/meminfo", "re");
    unsigned long long kib = 0;
    char line[128];

    if (!f)
        return 0;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
            break;
    fclose(f);
    return (uint64_t)kib * 1024;
}

/*
 * How many batches may be in memory, the one in use included: PyTorch's rule, read_threads workers with
 * ceil(prefetch_size / read_threads) batches each (docs/loader.md).
 */
static uint64_t slot_count(const struct run_config *cfg)
{
    uint64_t threads = cfg->reader.read_threads;
    uint64_t prefetch = cfg->reader.prefetch_size ? cfg->reader.prefetch_size : 2;

    if (!threads)
        return 1;
    return threads * ((prefetch + threads - 1) / threads) + 1;
}

static dlfw_status choose_budget(struct loader *l, dlfw_error *err)
{
    uint64_t one = loader_batch_bytes(l);
    uint64_t wanted = one * l->slot_count;
    uint64_t half = memory_available() / 2 / (l->args.host_ranks ? l->args.host_ranks : 1);

    if (!l->keep_samples)
        return DLFW_OK;
    l->budget = l->cfg->reader.memory_budget < BUDGET_MAX ? l->cfg->reader.memory_budget : BUDGET_MAX;
    l->memory_limit = l->budget + l->budget / 2;
    if (!l->budget) {
        l->budget = half && wanted > half ? half : wanted;
        /* Objects may be larger than listed or take more memory decoded; nobody has set a limit to that. */
        l->budget_max = half > l->budget ? half : l->budget;
        l->memory_limit = l->budget_max + l->budget_max / 2;
    }
    if (l->budget < one)
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "one batch of %llu samples needs up to %llu MiB but the memory budget is %llu MiB; raise "
                         "reader.memory_budget, lower "
                         "reader.batch_size, or set reader.samples: stream",
                         (unsigned long long)l->args.batch, (unsigned long long)((one + (1 << 20) - 1) >> 20),
                         (unsigned long long)(l->budget >> 20));
    return DLFW_OK;
}

static uint64_t default_depth(uint64_t caps)
{
    if (caps & DLFW_BACKEND_DIRECT)
        return DEFAULT_DEPTH_DIRECT;
    return caps & DLFW_BACKEND_LOCAL ? DEFAULT_DEPTH_CACHED : DEFAULT_DEPTH_REMOTE;
}

static uint32_t choose_depth(const struct loader *l)
{
    uint64_t depth = l->cfg->reader.queue_depth;

    if (!depth)
        depth = default_depth(storage_caps(l->args.storage));
    if (l->limits.max_inflight && depth > l->limits.max_inflight)
        depth = l->limits.max_inflight;
    return (uint32_t)depth;
}

/* Pieces begin and end where the backend can. Alignments are powers of two. */
static dlfw_status choose_piece(struct loader *l, dlfw_error *err)
{
    const dlfw_limits *limits = &l->limits;
    uint64_t unit = PHASE;

    if (limits->mem_align > PHASE)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "storage '%s' wants memory aligned to %u, the loader has %u",
                         storage_uri(l->args.storage), limits->mem_align, PHASE);
    l->start_align = limits->read_offset_align > limits->mem_align ? limits->read_offset_align : limits->mem_align;
    l->start_align = l->start_align > limits->read_length_align ? l->start_align : limits->read_length_align;
    unit = unit > l->start_align ? unit : l->start_align;
    l->piece_bytes = l->cfg->reader.transfer_size;
    if (!l->piece_bytes)
        l->piece_bytes = limits->preferred_io ? limits->preferred_io : DEFAULT_PIECE;
    l->piece_bytes = l->piece_bytes < BUDGET_MAX ? (l->piece_bytes + unit - 1) & ~(unit - 1) : BUDGET_MAX;
    if (limits->max_io && l->piece_bytes > limits->max_io)
        l->piece_bytes = limits->max_io & ~(unit - 1);
    if (!l->piece_bytes)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "storage '%s' reads at most %llu bytes at once, the loader needs %llu",
                         storage_uri(l->args.storage), (unsigned long long)limits->max_io, (unsigned long long)unit);
    return DLFW_OK;
}

static bool shuffles(const struct loader *l, uint32_t shuffle)
{
    return l->args.may_shuffle && !l->cfg->compat.sequential_order && shuffle != SHUFFLE_OFF;
}

/* How many consecutive samples the order keeps together: what the format says of files as the run file describes them.
 */
static uint64_t unit_samples(const struct loader *l, const struct dataset *ds)
{
    const dlfw_format_ops *ops = l->format_ops;
    dlfw_encode_spec spec;
    uint64_t dims[32], n = 0;

    if (!ops)
        return ds->samples_per_file;
    if (ops->unit_samples) {
        dataset_spec(ds, 0, ops->extension, dims, &spec);
        n = ops->unit_samples(l->args.format, &spec, shuffles(l, l->cfg->reader.sample_shuffle));
    }
    if (!n && (ops->caps & DLFW_FORMAT_SAMPLE_RANGES))
        n = 1;
    return n && n < ds->samples_per_file ? n : ds->samples_per_file;
}

static void choose_sides(struct loader *l)
{
    if (!l->format_ops || !l->format_ops->sides)
        return;
    l->side_count = l->format_ops->sides(l->args.format, &l->sides);
    DLFW_BUG_IF(l->side_count > DLFW_MAX_SIDES);
    for (uint32_t i = 0; i < l->side_count; i++)
        l->reads_sides |= (l->sides[i]->flags & DLFW_SIDE_READ) != 0;
    if (l->reads_sides)
        l->side_sizes = xcalloc(l->args.files->count * l->side_count, sizeof *l->side_sizes);
}

static dlfw_status choose_sizes(struct loader *l, dlfw_error *err)
{
    const struct dataset *ds = l->args.files->dataset;
    char key[KEY_CAP];
    uint32_t len = file_list_key(l->args.files, 0, key, sizeof key);
    dlfw_status st = storage_limits(l->args.storage, key, len, &l->limits, err);

    if (st < 0)
        return st;
    st = choose_piece(l, err);
    if (st < 0)
        return st;
    l->max_size = file_list_max_size(l->args.files);
    l->unit = unit_samples(l, ds);
    choose_sides(l);
    if (l->format_ops && l->unit < ds->samples_per_file)
        l->metadata = xcalloc(l->args.files->count, sizeof *l->metadata);
    l->keep_samples = l->cfg->reader.samples == SAMPLES_KEEP && l->format_ops;
    l->has_open = storage_op_mask(l->args.storage) & DLFW_OP_BIT(DLFW_OP_OPEN);
    l->on_demand = l->cfg->reader.read_threads == 0;
    l->slot_count = slot_count(l->cfg);
    return choose_budget(l, err);
}

static dlfw_status start_thread(struct loader *l, struct reader_thread *t, dlfw_error *err)
{
    int rc;

    t->loader = l;
    atomic_init(&t->waits_for, NOT_WAITING);
    t->depth = choose_depth(l);
    legacy_seed(&t->random, (uint32_t)(l->cfg->train.seed + (uint64_t)(t - l->threads)));
    rc = pthread_create(&t->thread, NULL, reader_main, t);
    if (rc)
        return dlfw_fail_errno(err, rc, "cannot start a reader thread");
    atomic_fetch_add(&l->thread_count, 1);
    return DLFW_OK;
}

/* Until every reader has its queue, or one failed to get it. */
static dlfw_status wait_until_ready(struct loader *l, dlfw_error *err)
{
    for (;;) {
        uint32_t seen = atomic_load(&l->completed_word);
        dlfw_status st = loader_failure(l, err);

        if (st < 0)
            return st;
        if (atomic_load(&l->idle_threads) == l->thread_count)
            return DLFW_OK;
        futex_wait(&l->completed_word, seen, 50000000);
    }
}

dlfw_status loader_create(const struct run_config *cfg, const struct loader_args *args, struct loader **ret,
                          dlfw_error *err)
{
    struct loader *l = xcalloc(1, sizeof *l);
    uint32_t threads = cfg->reader.read_threads ? (uint32_t)cfg->reader.read_threads : 1;
    dlfw_status st;

    l->cfg = cfg;
    l->args = *args;
    error_slot_init(&l->failure);
    pthread_mutex_init(&l->claim_lock, NULL);
    pthread_mutex_init(&l->memory_lock, NULL);
    if (!(storage_caps(args->storage) & DLFW_BACKEND_NO_DATA))
        l->format_ops = &args->format_iface->ops.format;
    st = loader_prestat(l, err);
    if (st >= 0)
        st = choose_sizes(l, err);
    if (st < 0)
        goto out;
    st = pool_create(args->storage,
                     l->memory_limit + SPARE_BYTES + (uint64_t)threads * choose_depth(l) * (l->piece_bytes + PHASE) * 2,
                     &l->pool, err);
    if (st < 0)
        goto out;
    ring_create(l);
    l->threads = xcalloc(threads, sizeof *l->threads);
    for (uint32_t i = 0; i < threads && st >= 0; i++)
        st = start_thread(l, &l->threads[i], err);
    if (st >= 0)
        st = wait_until_ready(l, err);
    if (st < 0)
        goto out;
    *ret = l;
    l = NULL;
out:
    loader_destroy(l);
    return st;
}

static void free_records(struct loader *l)
{
    while (l->free_memory) {
        struct unit_memory *m = l->free_memory;

        l->free_memory = m->next_free;
        free(m->views);
        free(m);
    }
}

void loader_destroy(struct loader *l)
{
    if (!l)
        return;
    atomic_store(&l->stop, 1);
    atomic_store(&l->quit, 1);
    atomic_fetch_add(&l->epoch_word, 2); /* changes the word, keeps its parity */
    futex_wake_all(&l->epoch_word);
    ring_tell_readers(l);
    for (uint32_t i = 0; i < l->thread_count; i++) {
        pthread_join(l->threads[i].thread, NULL);
        visits_destroy(&l->threads[i]);
    }
    ring_drop_all(l);
    free(l->threads);
    free(l->side_sizes);
    free(l->metadata);
    ring_destroy(l);
    free_records(l);
    pool_destroy(l->pool);
    pthread_mutex_destroy(&l->claim_lock);
    pthread_mutex_destroy(&l->memory_lock);
    free(l);
}

static void order_of_epoch(const struct loader *l, uint64_t epoch, struct sample_order *ret)
{
    bool samples = shuffles(l, l->cfg->reader.sample_shuffle);
    bool files = samples || shuffles(l, l->cfg->reader.file_shuffle);

    sample_order_init(ret, l->args.files->count, l->args.files->dataset->samples_per_file, l->unit, files, samples,
                      l->cfg->train.seed, l->cfg->train.seed_change_epoch ? epoch : 0);
}

static struct shard shard_of_rank(const struct loader *l, uint32_t rank)
{
    const struct file_list *files = l->args.files;

    return shard_of(files->count * files->dataset->samples_per_file, l->args.batch, rank, l->args.ranks);
}

uint64_t loader_file_at(const struct loader *l, uint64_t epoch, uint32_t rank, uint64_t index)
{
    struct sample_order order;

    order_of_epoch(l, epoch, &order);
    return sample_order_at(&order, shard_of_rank(l, rank).first + index).file;
}

void loader_begin_epoch(struct loader *l, uint64_t epoch, uint64_t steps)
{
    struct shard shard = shard_of_rank(l, l->args.rank);

    order_of_epoch(l, epoch, &l->order);
    DLFW_BUG_IF(steps > shard.steps);
    l->shard_first = shard.first;
    l->position_end = steps * l->args.batch;
    l->next_position = 0;
    l->epoch_number = epoch;
    ring_begin(l);
    for (uint32_t i = 0; i < l->thread_count; i++)
        l->threads[i].epoch = (struct loader_epoch){0};
    atomic_store(&l->stop, 0);
    atomic_store(&l->idle_threads, 0);
    atomic_fetch_add(&l->epoch_word, 1);
    futex_wake_all(&l->epoch_word);
}

dlfw_status loader_end_epoch(struct loader *l, struct loader_epoch *ret, dlfw_error *err)
{
    atomic_store(&l->stop, 1);
    ring_tell_readers(l);
    for (;;) {
        uint32_t seen = atomic_load(&l->completed_word);

        if (atomic_load(&l->idle_threads) == l->thread_count)
            break;
        futex_wait(&l->completed_word, seen, 50000000);
    }
    atomic_fetch_add(&l->epoch_word, 1);
    ring_drop_all(l);
    *ret = (struct loader_epoch){0};
    for (uint32_t i = 0; i < l->thread_count; i++) {
        const struct loader_epoch *e = &l->threads[i].epoch;

        ret->samples += e->samples;
        ret->sample_count_hash += e->sample_count_hash;
        ret->files += e->files;
        ret->bytes_asked += e->bytes_asked;
        ret->bytes_sample += e->bytes_sample;
        ret->bytes_verified += e->bytes_verified;
    }
    return loader_failure(l, err);
}

void loader_stats(struct loader *l, struct loader_stats *ret)
{
    memset(ret, 0, sizeof *ret);
    for (uint32_t i = 0; i < l->thread_count; i++) {
        struct reader_thread *t = &l->threads[i];

        io_stats_merge(&ret->io, &t->io);
        histogram_merge(&ret->decode_ns, &t->decode_ns);
        histogram_merge(&ret->sample_ns, &t->sample_ns);
        histogram_merge(&ret->stall_ns, &t->stall_ns);
        if (t->first_request_ns && (!ret->first_request_ns || t->first_request_ns < ret->first_request_ns))
            ret->first_request_ns = t->first_request_ns;
    }
    ret->queue_mode = l->threads[0].queue_mode;
    ret->queue_depth = l->threads[0].depth;
    ret->pool_mapped = pool_mapped(l->pool);
    ret->memory_budget = l->budget;
}
