/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generating the dataset: file k of train, then eval, by rank k mod ranks, several files at a time. Every file is
 * published whole or not at all, so a stopped generation goes on where it ended: files that are there with the right
 * size are skipped as long as the description beside them (dlfw-dataset.yaml) says that they were made from the same
 * run file.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/log.h"
#include "train/file_writer.h"
#include "train/job.h"
#include "workload/dataset.h"

#define KEY_CAP 1024
#define WRITER_MEMORY (128ull << 20) /* per thread, at most */
#define MAX_WRITERS 32

struct generator {
    struct job *job;
    struct dataset_access access;
    struct dataset splits[2];
    const char *extension;
    const dlfw_side *const *sides; /* what the format writes beside each file */
    uint32_t side_count;
    struct buffer_pool *pool;
    bool resume;
    uint64_t files; /* of both splits */
    _Atomic uint64_t next;
    _Atomic uint64_t written, skipped, bytes;
    _Atomic uint32_t running; /* threads; futex word */
    _Atomic uint32_t failed;
    pthread_mutex_t failure_lock;
    struct error_slot failure;
    struct io_stats io; /* under failure_lock */
    struct progress progress;
};

struct writer_thread {
    struct generator *g;
    pthread_t thread;
    struct file_writer writer;
};

static dlfw_status generate_file(struct writer_thread *t, uint64_t index, dlfw_error *err)
{
    struct generator *g = t->g;
    uint64_t train = g->splits[SPLIT_TRAIN].files;
    const struct dataset *ds = &g->splits[index < train ? SPLIT_TRAIN : SPLIT_EVAL];
    uint64_t file = index < train ? index : index - train;
    dlfw_encode_spec spec;
    uint64_t dims[32], size, bytes;
    char key[KEY_CAP];
    bool complete = false;
    dlfw_status st;

    dataset_key(ds, file, g->extension, key, sizeof key);
    dataset_spec(ds, file, g->extension, dims, &spec);
    st = g->access.format_iface->ops.format.file_size(g->access.format, &spec, &size, err);
    if (st < 0)
        return st;
    if (g->resume) {
        st = file_writer_find(&t->writer, key, size, &complete, err);
        if (st < 0)
            return st;
    }
    if (complete) {
        atomic_fetch_add(&g->skipped, 1);
    } else {
        st = file_writer_write(&t->writer, key, &spec, size, &bytes, err);
        if (st < 0)
            return st;
        atomic_fetch_add(&g->bytes, bytes);
        atomic_fetch_add(&g->progress.bytes, bytes);
        atomic_fetch_add(&g->written, 1);
    }
    atomic_fetch_add(&g->progress.done, 1);
    return DLFW_OK;
}

static void fail(struct generator *g, const dlfw_error *err)
{
    pthread_mutex_lock(&g->failure_lock);
    if (!atomic_load(&g->failed))
        error_copy(&g->failure.e, err);
    atomic_store(&g->failed, 1);
    pthread_mutex_unlock(&g->failure_lock);
}

static void *writer_main(void *arg)
{
    struct writer_thread *t = arg;
    struct generator *g = t->g;
    struct error_slot err;
    uint64_t own;

    error_slot_init(&err);
    if (file_writer_open(&t->writer, &g->access, g->pool, g->job->cfg->storage.durable, &err.e) < 0)
        fail(g, &err.e);
    while (!atomic_load(&g->failed) && !atomic_load(&host_cancel_level)) {
        own = atomic_fetch_add(&g->next, 1) * g->job->rank_count + g->job->rank;
        if (own >= g->files)
            break;
        if (generate_file(t, own, &err.e) < 0) {
            fail(g, &err.e);
            break;
        }
    }
    pthread_mutex_lock(&g->failure_lock);
    file_writer_close(&t->writer, &g->io);
    pthread_mutex_unlock(&g->failure_lock);
    atomic_fetch_sub(&g->running, 1);
    futex_wake_all(&g->running);
    return NULL;
}

static uint32_t writer_count(const struct generator *g)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t asked = g->job->cfg->reader.write_threads;
    uint32_t sharing = g->job->record.world.host_ranks ? g->job->record.world.host_ranks : 1;
    uint64_t n = cpus > 0 ? ((uint64_t)cpus + sharing - 1) / sharing : 1;

    if (asked)
        n = asked;
    if (n > MAX_WRITERS)
        n = MAX_WRITERS;
    if (n > g->files)
        n = g->files;
    return n ? (uint32_t)n : 1;
}

static void join_threads(struct generator *g, struct writer_thread *threads, uint32_t started)
{
    uint32_t left;

    while ((left = atomic_load(&g->running)) > 0) {
        futex_wait(&g->running, left, 100000000);
        progress_draw(&g->progress);
    }
    for (uint32_t i = 0; i < started; i++)
        pthread_join(threads[i].thread, NULL);
}

static dlfw_status write_all(struct generator *g, dlfw_error *err)
{
    uint32_t count = writer_count(g), started = 0;
    struct writer_thread *threads = xcalloc(count, sizeof *threads);
    dlfw_status st;

    st = pool_create(g->access.storage, count * (1 + g->side_count) * WRITER_MEMORY, &g->pool, err);
    for (; st >= 0 && started < count; started++) {
        threads[started].g = g;
        atomic_fetch_add(&g->running, 1);
        if (pthread_create(&threads[started].thread, NULL, writer_main, &threads[started])) {
            atomic_fetch_sub(&g->running, 1);
            st = dlfw_fail(err, DLFW_E_NO_MEMORY, "cannot start writer thread %u of %u", started + 1, count);
            fail(g, err);
            break;
        }
    }
    join_threads(g, threads, started);
    if (st >= 0 && atomic_load(&g->failed)) {
        error_copy(err, &g->failure.e);
        st = g->failure.e.status;
    }
    if (st >= 0 && atomic_load(&host_cancel_level))
        st = dlfw_fail(err, DLFW_E_CANCELLED, "stopped by the user");
    pool_destroy(g->pool);
    free(threads);
    return st;
}

/* What the files are made from: equal text, equal bytes. */
static void describe(const struct generator *g, struct str *out)
{
    const struct run_config *cfg = g->job->cfg;

    str_add_format(
        out, "# what dlfw generated here; a generation that would write the same goes on where this one stopped\n");
    str_add_format(out, "content: 1\nformat: %s\ncompression: %s\ncompression_level: %lld\ncontent_seed: %llu\n",
                   cfg->dataset.format, cfg->dataset.compression, (long long)cfg->dataset.compression_level,
                   (unsigned long long)cfg->content.seed);
    str_add_format(out, "num_files_train: %llu\nnum_files_eval: %llu\nnum_samples_per_file: %llu\n",
                   (unsigned long long)cfg->dataset.num_files_train, (unsigned long long)cfg->dataset.num_files_eval,
                   (unsigned long long)cfg->dataset.num_samples_per_file);
    if (cfg->dataset.num_files_generated)
        str_add_format(out, "num_files_generated: %llu\n", (unsigned long long)cfg->dataset.num_files_generated);
    str_add_format(
        out, "record_length_bytes: %.17g\nrecord_length_bytes_stdev: %.17g\nrecord_element_type: %u\nrecord_dims: [",
        cfg->dataset.record_length_bytes, cfg->dataset.record_length_bytes_stdev, cfg->dataset.record_element_type);
    for (uint32_t i = 0; i < cfg->dataset.record_dims.count; i++)
        str_add_format(out, "%s%llu", i ? ", " : "", (unsigned long long)cfg->dataset.record_dims.values[i]);
    str_add(out, "]\n");
    if (cfg->dataset.format_options) {
        str_add_format(out, "%s: ", cfg->dataset.format);
        node_print_flow(cfg->dataset.format_options, out);
        str_add(out, "\n");
    }
}

static bool stop_at_first(void *ctx, const char *name, uint32_t name_len, uint64_t size)
{
    bool *found = ctx;

    (void)size;
    *found = name_len > 0 && name[name_len - 1] != '/';
    return !*found;
}

/* Are there files of either split already? A folder that is not there has none; a folder that cannot be listed is an
 * error. */
static dlfw_status find_files(const struct generator *g, struct io_queue *q, bool *ret, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    *ret = false;
    for (uint32_t s = 0; s < 2 && st >= 0 && !*ret; s++) {
        st = io_list(q, g->splits[s].folder, true, stop_at_first, ret, err);
        if (st == DLFW_E_NOT_FOUND)
            st = DLFW_OK;
    }
    return st;
}

/* Whether files may be skipped, and the description that makes it possible next time. A description is only written
 * where no file of unknown origin lies beside it. */
static dlfw_status decide_resume(struct generator *g, struct io_queue *q, dlfw_error *err)
{
    struct str text = STR_EMPTY;
    char *old = NULL;
    uint64_t old_len = 0;
    bool has_files = false;
    dlfw_status st;

    describe(g, &text);
    st = io_read_all(q, DATASET_DESCRIPTION_KEY, 1 << 16, &old, &old_len, err);
    if (st < 0 && st != DLFW_E_NOT_FOUND)
        goto out;
    g->resume = st >= 0 && strcmp(old, text.data) == 0 && !g->job->force;
    if (g->resume)
        goto out;
    st = st >= 0 ? io_delete(q, DATASET_DESCRIPTION_KEY, err) : DLFW_OK;
    if (st >= 0)
        st = find_files(g, q, &has_files, err);
    if (st >= 0 && !has_files)
        st = io_put(q, DATASET_DESCRIPTION_KEY, text.data, text.len, 0, err);
out:
    free(old);
    str_free(&text);
    return st;
}

static dlfw_status write_description(struct generator *g, struct io_queue *q, dlfw_error *err)
{
    struct str text = STR_EMPTY;
    dlfw_status st;

    describe(g, &text);
    st = io_put(q, DATASET_DESCRIPTION_KEY, text.data, text.len, 0, err);
    str_free(&text);
    return st;
}

/* The folder, and the one like it for each side object that does not lie beside its file. */
static dlfw_status make_folder(const struct generator *g, struct io_queue *q, const char *key, dlfw_error *err)
{
    dlfw_status st = io_make_root(q, key, err);
    char side_key[KEY_CAP];

    for (uint32_t i = 0; i < g->side_count && st >= 0; i++) {
        if (!g->sides[i]->folder)
            continue;
        snprintf(side_key, sizeof side_key, "%s/%s", g->sides[i]->folder, key);
        st = io_make_root(q, side_key, err);
    }
    return st;
}

static dlfw_status make_folders(const struct generator *g, struct io_queue *q, dlfw_error *err)
{
    dlfw_status st = io_make_root(q, "", err);

    for (uint32_t s = 0; s < 2 && st >= 0; s++) {
        const struct dataset *ds = &g->splits[s];
        char key[KEY_CAP];

        st = make_folder(g, q, ds->folder, err);
        for (uint64_t i = 0; i < ds->subfolders && i < ds->files && st >= 0; i++) {
            dataset_key(ds, i, g->extension, key, sizeof key);
            *strrchr(key, '/') = '\0';
            st = make_folder(g, q, key, err);
        }
    }
    return st;
}

/* Object stores may show new objects late (DLIO's post_generation_settle_seconds). Ranks wait for each other anyway. */
static dlfw_status let_settle(const struct generator *g, dlfw_error *err)
{
    const double seconds = g->job->cfg->storage.post_generation_settle_seconds;
    const uint64_t end = clock_now_ns() + (uint64_t)(seconds * (double)NS_PER_S);

    if (seconds <= 0 || g->job->rank != 0 || g->job->generate_only ||
        (storage_caps(g->access.storage) & DLFW_BACKEND_LOCAL))
        return DLFW_OK;
    while (clock_now_ns() < end && !atomic_load(&host_cancel_level))
        usleep(10000);
    return atomic_load(&host_cancel_level) ? dlfw_fail(err, DLFW_E_CANCELLED, "stopped by the user") : DLFW_OK;
}

static uint64_t own_files(const struct generator *g)
{
    return (g->files + g->job->rank_count - 1 - g->job->rank) / g->job->rank_count;
}

static dlfw_status generate_with_queue(struct generator *g, struct io_queue *q, dlfw_error *err)
{
    bool real = !(storage_caps(g->access.storage) & DLFW_BACKEND_NO_DATA);
    dlfw_status st = DLFW_OK;

    if (g->job->rank == 0) {
        st = make_folders(g, q, err);
        if (st >= 0 && real)
            st = decide_resume(g, q, err);
    }
    if (st >= 0)
        st = ranks_broadcast(&g->job->ranks, 0, &g->resume, sizeof g->resume, err);
    if (st < 0)
        return st;
    progress_begin(&g->progress, "generating", own_files(g));
    st = write_all(g, err);
    progress_end(&g->progress);
    if (st >= 0)
        st = ranks_barrier(&g->job->ranks, err); /* the description tells of the files of all ranks */
    if (st >= 0 && real && g->job->rank == 0)
        st = write_description(g, q, err);
    return st < 0 ? st : let_settle(g, err);
}

static void record_generation(struct generator *g, bool done, uint64_t elapsed_ns)
{
    struct generate_record *r = &g->job->record.generate;

    r->done = done;
    r->files = atomic_load(&g->written);
    r->files_skipped = atomic_load(&g->skipped);
    r->bytes = atomic_load(&g->bytes);
    r->elapsed_ns = elapsed_ns;
    r->io = g->io;
}

dlfw_status job_generate(struct job *job, dlfw_error *err)
{
    struct generator *g = xcalloc(1, sizeof *g);
    struct io_queue *q = NULL;
    uint64_t start = clock_now_ns();
    dlfw_status st;

    g->job = job;
    pthread_mutex_init(&g->failure_lock, NULL);
    error_slot_init(&g->failure);
    st = dataset_init(&g->splits[SPLIT_TRAIN], job->cfg, SPLIT_TRAIN, err);
    if (st >= 0)
        st = dataset_init(&g->splits[SPLIT_EVAL], job->cfg, SPLIT_EVAL, err);
    if (st >= 0)
        st = dataset_access_open(job->cfg, job->registry, ACCESS_WRITE, job->rank, false, job->problems, &g->access,
                                 err);
    if (st < 0)
        goto out;
    if (!g->access.format_iface->ops.format.encode) {
        st = dlfw_fail(err, DLFW_E_UNSUPPORTED, "format '%s' can be read but not generated", job->cfg->dataset.format);
        goto out;
    }
    g->extension = g->access.format_iface->ops.format.extension;
    if (g->access.format_iface->ops.format.sides)
        g->side_count = g->access.format_iface->ops.format.sides(g->access.format, &g->sides);
    g->files = g->splits[SPLIT_TRAIN].files + g->splits[SPLIT_EVAL].files;
    st = io_queue_create(g->access.storage, 1, &q, err);
    if (st >= 0)
        st = generate_with_queue(g, q, err);
    record_generation(g, st >= 0, clock_now_ns() - start);
    job_note_storage(job, g->access.storage);
    job_note_endpoints(job, g->access.storage);
out:
    io_queue_destroy(q);
    dataset_access_close(&g->access);
    dataset_free(&g->splits[SPLIT_TRAIN]);
    dataset_free(&g->splits[SPLIT_EVAL]);
    pthread_mutex_destroy(&g->failure_lock);
    free(g);
    return st;
}
