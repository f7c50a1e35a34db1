/* SPDX-License-Identifier: Apache-2.0 */
/* Setting up a training: storage and format, the files, the steps they make, the loaders. */
#include <stdio.h>
#include <stdlib.h>

#include "train/share_files.h"
#include "train/train_loop.h"

struct size_ctx {
    struct train_run *run;
    const struct dataset *ds;
};

static dlfw_status computed_size(void *ctx, uint64_t file, uint64_t *ret, dlfw_error *err)
{
    const struct size_ctx *c = ctx;
    const dlfw_format_ops *ops = &c->run->access.format_iface->ops.format;
    uint64_t dims[32];
    dlfw_encode_spec spec;

    *ret = UINT64_MAX;
    if (!ops->file_size)
        return DLFW_OK;
    dataset_spec(c->ds, file, ops->extension, dims, &spec);
    return ops->file_size(c->run->access.format, &spec, ret, err);
}

static dlfw_status find_files(struct train_run *run, struct io_queue *q, const struct dataset *ds,
                              struct file_list *ret, dlfw_error *err)
{
    const char *extension = run->access.format_iface->ops.format.extension;
    struct size_ctx ctx = {run, ds};

    dlfw_status st = DLFW_OK;

    if (storage_caps(run->access.storage) & DLFW_BACKEND_NO_DATA)
        return file_list_computed(ds, extension, computed_size, &ctx, ret, err);
    if (run->job->rank == 0)
        st = file_list_discover(q, ds, extension, ret, err);
    return st < 0 ? st : share_file_list(&run->job->ranks, ds, extension, ret, err);
}

static dlfw_status steps_of(const struct job *job, const struct dataset *ds, uint64_t batch, uint64_t *ret,
                            dlfw_error *err)
{
    uint64_t samples = ds->files * ds->samples_per_file;

    *ret = shard_of(samples, batch, job->rank, job->rank_count).steps;
    if (*ret)
        return DLFW_OK;
    return dlfw_fail(err, DLFW_E_CONFIG,
                     "%llu samples make no full batch of %llu on each of %u ranks; lower reader.batch_size%s or raise "
                     "the number of files",
                     (unsigned long long)samples, (unsigned long long)batch, job->rank_count,
                     ds->split == SPLIT_EVAL ? "_eval" : "");
}

static dlfw_status cap_steps(struct train_run *run, dlfw_error *err)
{
    int64_t cap = run->job->cfg->train.total_training_steps;

    if (cap <= 0)
        return DLFW_OK;
    if ((uint64_t)cap > run->steps)
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "train.total_training_steps is %lld but an epoch has only %llu steps; lower it or raise "
                         "dataset.num_files_train",
                         (long long)cap, (unsigned long long)run->steps);
    run->steps = (uint64_t)cap;
    return DLFW_OK;
}

static dlfw_status open_loader(struct train_run *run, const struct file_list *files, uint64_t batch, bool may_shuffle,
                               struct loader **ret, dlfw_error *err)
{
    struct loader_args args = {.storage = run->access.storage,
                               .format_iface = run->access.format_iface,
                               .format = run->access.format,
                               .format_serial = run->access.format_serial,
                               .files = files,
                               .batch = batch,
                               .rank = run->job->rank,
                               .ranks = run->job->rank_count,
                               .host_ranks = run->job->record.world.host_ranks,
                               .may_shuffle = may_shuffle};

    return loader_create(run->job->cfg, &args, ret, err);
}

static dlfw_status set_up(struct train_run *run, dlfw_error *err)
{
    struct run_config *cfg = run->job->cfg;
    struct io_queue *q = NULL;
    dlfw_status st;

    st = dataset_access_open(cfg, run->job->registry, ACCESS_READ, run->job->rank, false, run->job->problems,
                             &run->access, err);
    if (st < 0)
        goto out;
    st = io_queue_create(run->access.storage, 1, &q, err);
    if (st >= 0)
        st = dataset_init(&run->train, cfg, SPLIT_TRAIN, err);
    if (st >= 0)
        st = find_files(run, q, &run->train, &run->train_files, err);
    if (st >= 0)
        st = steps_of(run->job, &run->train, cfg->reader.batch_size, &run->steps, err);
    if (st >= 0 && cfg->workflow.evaluation)
        st = dataset_init(&run->eval, cfg, SPLIT_EVAL, err);
    if (st >= 0 && cfg->workflow.evaluation)
        st = find_files(run, q, &run->eval, &run->eval_files, err);
    if (st >= 0 && cfg->workflow.evaluation)
        st = steps_of(run->job, &run->eval, cfg->reader.batch_size_eval, &run->eval_steps, err);
    if (st < 0)
        goto out;
    log_max_steps(&run->job->results, cfg, run->steps, run->eval_steps, run->job->rank_count);
    st = cap_steps(run, err);
    if (st >= 0)
        st = open_loader(run, &run->train_files, cfg->reader.batch_size, true, &run->train_loader, err);
    if (st >= 0 && cfg->workflow.evaluation)
        st = open_loader(run, &run->eval_files, cfg->reader.batch_size_eval, false, &run->eval_loader, err);
out:
    io_queue_destroy(q);
    return st;
}

/* dataset.keep_files: false. Deletes what was read and the description of it, file by file; other people's files stay.
 */
static dlfw_status delete_files(const struct train_run *run, const struct file_list *files, struct io_queue *q,
                                dlfw_error *err)
{
    const dlfw_format_ops *ops = &run->access.format_iface->ops.format;
    const dlfw_side *const *sides = NULL;
    uint32_t side_count = ops->sides ? ops->sides(run->access.format, &sides) : 0;
    char key[1024], side_key[1024];
    dlfw_status st = DLFW_OK;

    for (uint64_t i = 0; i < files->count && st >= 0; i++) {
        file_list_key(files, i, key, sizeof key);
        st = io_delete(q, key, err);
        for (uint32_t s = 0; s < side_count && st >= 0; s++) {
            dataset_side_key(sides[s], key, side_key, sizeof side_key);
            st = io_delete(q, side_key, err);
            if (st == DLFW_E_NOT_FOUND && !(sides[s]->flags & DLFW_SIDE_REQUIRED))
                st = DLFW_OK;
        }
    }
    return st;
}

static dlfw_status delete_dataset(struct train_run *run, dlfw_error *err)
{
    struct io_queue *q = NULL;
    dlfw_status st;

    if (run->job->cfg->dataset.keep_files || run->job->rank != 0 ||
        (storage_caps(run->access.storage) & DLFW_BACKEND_NO_DATA))
        return DLFW_OK;
    st = io_queue_create(run->access.storage, 1, &q, err);
    if (st >= 0)
        st = delete_files(run, &run->train_files, q, err);
    if (st >= 0)
        st = delete_files(run, &run->eval_files, q, err);
    if (st >= 0)
        st = io_delete(q, DATASET_DESCRIPTION_KEY, err);
    if (st == DLFW_E_NOT_FOUND)
        st = DLFW_OK; /* files that were not generated here have no description */
    io_queue_destroy(q);
    return st;
}

static void put_figure(void *ctx, const char *name, const char *unit, uint32_t kind, uint64_t value)
{
    struct run_record *rec = ctx;
    struct named_figure *f;

    rec->figures = xrealloc(rec->figures, (rec->figure_count + 1) * sizeof *rec->figures);
    f = &rec->figures[rec->figure_count++];
    snprintf(f->owner, sizeof f->owner, "storage");
    snprintf(f->name, sizeof f->name, "%s", name);
    snprintf(f->unit, sizeof f->unit, "%s", unit);
    f->kind = kind;
    f->value = value;
}

dlfw_status job_train(struct job *job, dlfw_error *err)
{
    struct train_run *run = xcalloc(1, sizeof *run);
    dlfw_status st;

    run->job = job;
    st = set_up(run, err);
    if (st >= 0) {
        dlfw_stat_sink sink = {.struct_size = sizeof sink, .ctx = &job->record, .put = put_figure};

        job_note_storage(job, run->access.storage);
        st = train_run_epochs(run, err);
        storage_stats(run->access.storage, &sink);
        job_note_endpoints(job, run->access.storage);
    }
    if (st >= 0)
        st = ranks_barrier(&job->ranks, err); /* nobody reads any more */
    if (st >= 0)
        st = delete_dataset(run, err);
    loader_destroy(run->train_loader);
    loader_destroy(run->eval_loader);
    file_list_free(&run->train_files);
    file_list_free(&run->eval_files);
    dataset_free(&run->train);
    dataset_free(&run->eval);
    dataset_access_close(&run->access);
    free(run);
    return st;
}
