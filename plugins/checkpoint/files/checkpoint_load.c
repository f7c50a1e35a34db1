/* SPDX-License-Identifier: Apache-2.0 */
/* Every file of the rank is read from its first to its last byte and dropped; what can be checked is checked. */

#include "checkpoint_files.h"
#include "file_times.h"

struct load_job {
    struct dlfw_hook *hook;
    const dlfw_hook_ctx *ctx;
    const struct model_plan *plan; /* of the rank whose files these are */
    const char *name;
    struct file_times times;
};

static dlfw_status load_file(void *ctx, struct file_pool *pool, uint64_t index, dlfw_error *reterr)
{
    struct load_job *job = ctx;
    struct dlfw_hook *hook = job->hook;
    const struct files_options *options = hook->options;
    uint64_t begin_ns = hook->host->now_ns();
    char uri[FILES_URI_MAX], object[PLAN_NAME_MAX + 8];
    struct file_check check = {.host = hook->host,
                               .host_ctx = hook->host_ctx,
                               .services = job->ctx->services,
                               .pool = pool,
                               .plan = job->plan,
                               .content = options->verify == VERIFY_ALL ? &hook->content : NULL,
                               .uri = uri};
    struct plan_file file;
    dlfw_status st;

    model_plan_file(job->plan, index, &file);
    check.file = &file;
    files_object_name(options, &file, object, sizeof object);
    st = checkpoint_uri(&options->common, job->name, object, uri, sizeof uri, reterr);
    if (st >= 0)
        st = check.services->source_open(job->ctx->services_ctx, uri, &check.source, &check.size, reterr);
    if (st < 0)
        return st;
    st = (options->container == CONTAINER_RAW ? raw_check : torch_check)(&check, reterr);
    check.services->source_close(check.source);
    if (st < 0)
        return st;
    file_times_add(&job->times, &file, check.size, begin_ns, hook->host->now_ns());
    return DLFW_OK;
}

dlfw_status files_load(void *opaque, const dlfw_hook_ctx *ctx, const struct checkpoint_moment *moment,
                       struct checkpoint_done *ret, dlfw_error *reterr)
{
    struct dlfw_hook *hook = opaque;
    struct load_job job = {.hook = hook,
                           .ctx = ctx,
                           .plan = ctx->phase == DLFW_PHASE_WORKLOAD ? &hook->run.load_plan : &hook->run.plan,
                           .name = moment->name,
                           .times.begin_ns = hook->host->now_ns()};
    dlfw_status st = file_pool_run(job.plan->file_count, (uint32_t)hook->options->threads, load_file, &job, reterr);

    if (st < 0)
        return st;
    file_times_give(&job.times, ret);
    hook->loaded++;
    return DLFW_OK;
}
