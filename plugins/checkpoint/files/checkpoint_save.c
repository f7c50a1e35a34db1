/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file appears at its final name when it is whole, and DLIO's layout has nothing that says the set is. So the folder
 * of a checkpoint never holds files of two saves: what an earlier run left under this name goes first, and after a
 * failure the files that were already there are taken away again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint_files.h"
#include "dlfw/backend.h"
#include "file_times.h"

struct save_job {
    struct dlfw_hook *hook;
    const dlfw_hook_ctx *ctx;
    const struct checkpoint_moment *moment;
    uint8_t *committed; /* of each file; written by its task only */
    struct file_times times;
};

void files_object_name(const struct files_options *options, const struct plan_file *file, char *buf, uint32_t cap)
{
    snprintf(buf, cap, "%s.%s", file->name, options->framework == FRAMEWORK_TENSORFLOW ? "pb" : "pt");
}

static dlfw_status file_uri(const struct dlfw_hook *hook, const char *name, const struct plan_file *file,
                            char uri[FILES_URI_MAX], dlfw_error *reterr)
{
    char object[PLAN_NAME_MAX + 8];

    files_object_name(hook->options, file, object, sizeof object);
    return checkpoint_uri(&hook->options->common, name, object, uri, FILES_URI_MAX, reterr);
}

static dlfw_status save_file(void *ctx, struct file_pool *pool, uint64_t index, dlfw_error *reterr)
{
    struct save_job *job = ctx;
    struct dlfw_hook *hook = job->hook;
    const struct model_plan *plan = &hook->run.plan;
    const uint32_t container = hook->options->container;
    const uint32_t flags = hook->options->common.fsync ? DLFW_REQ_DURABLE : 0;
    struct out_stream out = {
        .host = hook->host, .host_ctx = hook->host_ctx, .services = job->ctx->services, .pool = pool};
    uint64_t begin_ns = hook->host->now_ns(), bytes;
    char uri[FILES_URI_MAX];
    struct plan_file file;
    dlfw_status st;

    model_plan_file(plan, index, &file);
    bytes = container_file_bytes(container, plan, &file);
    st = file_uri(hook, job->moment->name, &file, uri, reterr);
    if (st >= 0)
        st = out_open(&out, job->ctx->services_ctx, uri, bytes, flags, reterr);
    if (st < 0)
        return st;
    st = (container == CONTAINER_RAW ? raw_write : torch_write)(&out, plan, &file, &hook->content, reterr);
    if (st >= 0 && out.offset != bytes)
        st = dlfw_fail(reterr, DLFW_E_INTERNAL, "'%s' became %" PRIu64 " bytes, planned were %" PRIu64, uri, out.offset,
                       bytes);
    if (st < 0) {
        out_abort(&out);
        return st;
    }
    st = out_commit(&out, reterr);
    if (st < 0)
        return st;
    job->committed[index] = 1;
    file_times_add(&job->times, &file, bytes, begin_ns, hook->host->now_ns());
    return DLFW_OK;
}

static dlfw_status remove_file(struct dlfw_hook *hook, const dlfw_hook_ctx *ctx, const char *name, uint64_t index,
                               dlfw_error *reterr)
{
    char uri[FILES_URI_MAX];
    struct plan_file file;
    dlfw_status st;

    model_plan_file(&hook->run.plan, index, &file);
    st = file_uri(hook, name, &file, uri, reterr);
    if (st >= 0)
        st = ctx->services->remove(ctx->services_ctx, uri, reterr);
    return st == DLFW_E_NOT_FOUND ? DLFW_OK : st;
}

dlfw_status files_remove(struct dlfw_hook *hook, const dlfw_hook_ctx *ctx, const char *name, dlfw_error *reterr)
{
    dlfw_status st = DLFW_OK;

    for (uint64_t i = 0; i < hook->run.plan.file_count && st >= 0; i++)
        st = remove_file(hook, ctx, name, i, reterr);
    return st;
}

static int32_t note_item(void *ctx, const dlfw_listed *item)
{
    uint8_t *has_items = ctx;

    (void)item;
    *has_items = 1;
    return 1;
}

/* The checkpoint's folder, without files of this rank from an earlier save. */
static dlfw_status make_folder(struct dlfw_hook *hook, const dlfw_hook_ctx *ctx, const char *name, dlfw_error *reterr)
{
    char uri[FILES_URI_MAX];
    uint8_t has_items = 0;
    dlfw_status st = checkpoint_uri(&hook->options->common, name, NULL, uri, sizeof uri, reterr);

    if (st >= 0)
        st = ctx->services->list(ctx->services_ctx, uri, 0, note_item, &has_items, reterr);
    if (st == DLFW_E_NOT_FOUND)
        st = DLFW_OK;
    if (st >= 0 && has_items) {
        dlfw_log(hook->host, hook->host_ctx, DLFW_LOG_WARNING,
                 "checkpoint '%s' was there before: its files are removed and written anew", name);
        st = files_remove(hook, ctx, name, reterr);
    }
    return st < 0 ? st : ctx->services->make_root(ctx->services_ctx, uri, reterr);
}

/* After a failure; what cannot be removed is said, and the failure itself stays what it was. */
static void take_back(const struct save_job *job)
{
    struct dlfw_hook *hook = job->hook;
    const dlfw_hook_ctx *ctx = job->ctx;
    const char *name = job->moment->name;
    char text[512] = "", uri[FILES_URI_MAX];
    uint64_t removed = 0, stuck = 0;

    for (uint64_t i = 0; i < hook->run.plan.file_count; i++) {
        dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};

        if (!job->committed[i])
            continue;
        if (remove_file(hook, ctx, name, i, &err) >= 0)
            removed++;
        else
            stuck++;
    }
    if (removed)
        dlfw_log(hook->host, hook->host_ctx, DLFW_LOG_WARNING,
                 "checkpoint '%s' failed: %" PRIu64 " files of it that were complete have been removed", name, removed);
    if (stuck)
        dlfw_log(hook->host, hook->host_ctx, DLFW_LOG_ERROR,
                 "checkpoint '%s' failed and is not whole, but %" PRIu64 " files of it cannot be removed: %s", name,
                 stuck, text);
    else if (checkpoint_uri(&hook->options->common, name, NULL, uri, sizeof uri, NULL) >= 0)
        (void)ctx->services->remove_root(ctx->services_ctx, uri, NULL); /* other ranks may have files in it */
}

dlfw_status files_save(void *opaque, const dlfw_hook_ctx *ctx, const struct checkpoint_moment *moment,
                       struct checkpoint_done *ret, dlfw_error *reterr)
{
    struct dlfw_hook *hook = opaque;
    const uint64_t files = hook->run.plan.file_count;
    struct save_job job = {.hook = hook, .ctx = ctx, .moment = moment, .times.begin_ns = hook->host->now_ns()};
    dlfw_status st;

    job.committed = calloc(files + 1, 1);
    if (!job.committed)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate the state of %" PRIu64 " files", files);
    st = make_folder(hook, ctx, moment->name, reterr);
    if (st >= 0)
        st = file_pool_run(files, (uint32_t)hook->options->threads, save_file, &job, reterr);
    if (st < 0) {
        take_back(&job);
    } else {
        file_times_give(&job.times, ret);
        hook->saved++;
    }
    free(job.committed);
    return st;
}
