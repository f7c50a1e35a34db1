/* SPDX-License-Identifier: Apache-2.0 */
/* hook.*: the calls of a whole run, with services that work and with services that fail. */
#include <string.h>

#include "fake_services.h"
#include "kit.h"

#define EPOCHS 2u
#define STEPS 3u

struct run {
    struct kit *kit;
    const dlfw_hook_ops *ops;
    dlfw_hook *hook;
    struct fake_services *services;
    dlfw_hook_ctx ctx;
    char text[512];
    bool stopped;
};

typedef dlfw_status hook_call(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr);

static struct run start(struct kit *kit)
{
    struct run run = {.kit = kit, .ops = &kit->iface->ops.hook, .hook = kit_hook(kit)};

    run.services = kit_alloc(kit, sizeof *run.services);
    fake_services_init(run.services);
    run.ctx = (dlfw_hook_ctx){.struct_size = (uint32_t)sizeof run.ctx,
                              .world_size = 1,
                              .services = &run.services->table,
                              .services_ctx = run.services};
    return run;
}

static dlfw_status call(struct run *run, hook_call *function, uint32_t phase, const char *name)
{
    dlfw_error err = FAKE_ERROR(run->text);
    dlfw_hook_ctx ctx = run->ctx;
    dlfw_status st;

    if (!function)
        return DLFW_OK;
    ctx.phase = phase;
    ctx.now_ns = kit_now_ns();
    if (run->ops->ends_block && (phase == DLFW_PHASE_STEP || phase == DLFW_PHASE_EPOCH)) {
        int32_t ends = run->ops->ends_block(run->hook, &ctx);

        KIT_CHECK(run->kit, ends == 0 || ends == 1, "ends_block gives %d", ends);
    }
    st = function(run->hook, &ctx, &err);
    KIT_CHECK(run->kit, st <= 0 || st == DLFW_STOP, "%s returns %d", name, st);
    kit_check_error(run->kit, st, &err, name);
    run->stopped = run->stopped || st == DLFW_STOP;
    return st;
}

/* The first failure, or OK. fail_after: the run itself ends with an error after that many steps; 0: a good run. */
static dlfw_status whole_run(struct run *run, uint32_t fail_after)
{
    dlfw_status st = call(run, run->ops->initialize, DLFW_PHASE_INITIALIZE, "initialize"), end;

    if (st < 0)
        return st; /* no finalize after a failed initialize */
    for (uint32_t epoch = 1; epoch <= EPOCHS && st >= 0 && !run->stopped; epoch++) {
        run->ctx.epoch = epoch;
        for (uint32_t step = 1; step <= STEPS && st >= 0 && !run->stopped; step++) {
            run->ctx.step = step;
            run->ctx.global_step++;
            run->ctx.samples += 4;
            run->ctx.bytes += 4096;
            run->ctx.load_ns = 1000 * step;
            run->ctx.compute_ns = 2000;
            st = call(run, run->ops->after_step, DLFW_PHASE_STEP, "after_step");
            if (fail_after && run->ctx.global_step == fail_after && st >= 0) {
                run->ctx.last_status = DLFW_E_IO;
                end = call(run, run->ops->finalize, DLFW_PHASE_FINALIZE, "finalize");
                return end;
            }
        }
        if (st >= 0)
            st = call(run, run->ops->after_epoch, DLFW_PHASE_EPOCH, "after_epoch");
    }
    run->ctx.last_status = st < 0 ? st : DLFW_OK;
    end = call(run, run->ops->finalize, DLFW_PHASE_FINALIZE, "finalize");
    return st < 0 ? st : end;
}

static void finish(struct run *run)
{
    run->ops->destroy(run->hook);
    KIT_CHECK(run->kit, run->services->writers_open == 0, "%u writers were neither committed nor aborted",
              run->services->writers_open);
    KIT_CHECK(run->kit, run->services->sources_open == 0, "%u sources were not closed", run->services->sources_open);
    fake_services_free(run->services);
}

static void good_run(struct kit *kit)
{
    struct run run = start(kit);
    dlfw_status st = whole_run(&run, 0);

    KIT_CHECK(kit, st >= 0, "a run without trouble fails: %s", run.text);
    finish(&run);
}

static void failed_run(struct kit *kit)
{
    for (uint32_t after = 1; after <= EPOCHS * STEPS; after++) {
        struct run run = start(kit);
        dlfw_status st = whole_run(&run, after);

        KIT_CHECK(kit, st >= 0, "finalize after a failed run fails itself: %s", run.text);
        finish(&run);
    }
}

/* Created and destroyed without a call in between, as `validate` does. */
static void unused(struct kit *kit)
{
    struct run run = start(kit);

    finish(&run);
}

/* Each call of the services fails once: the failure must come out of some call of the hook, with nothing left open. */
static void failing_services(struct kit *kit)
{
    struct run probe = start(kit);
    uint64_t calls;

    whole_run(&probe, 0);
    calls = probe.services->calls;
    finish(&probe);
    if (!calls)
        kit_skip(kit, "the hook uses no service that can fail");
    for (uint64_t nth = 1; nth <= calls; nth++) {
        struct run run = start(kit);
        dlfw_status st;

        run.services->fail_at = nth;
        st = whole_run(&run, 0);
        KIT_CHECK(kit, st < 0, "call %llu of a service fails, the hook says nothing", (unsigned long long)nth);
        finish(&run);
    }
}

/* A run that trains nothing. */
static dlfw_status workload_run(struct run *run)
{
    dlfw_status st = call(run, run->ops->initialize, DLFW_PHASE_INITIALIZE, "initialize"), end;

    if (st < 0)
        return st;
    if (st != DLFW_STOP)
        st = call(run, run->ops->workload, DLFW_PHASE_WORKLOAD, "workload");
    run->ctx.last_status = st < 0 ? st : DLFW_OK;
    end = call(run, run->ops->finalize, DLFW_PHASE_FINALIZE, "finalize");
    return st < 0 ? st : end;
}

static void good_workload(struct kit *kit)
{
    struct run run;
    dlfw_status st;

    if (!kit->iface->ops.hook.workload)
        kit_skip(kit, "the hook has no workload of its own");
    run = start(kit);
    st = workload_run(&run);
    KIT_CHECK(kit, st >= 0, "a workload without trouble fails: %s", run.text);
    finish(&run);
}

/* Each call of the services fails once during a workload. */
static void failing_workload(struct kit *kit)
{
    struct run probe;
    uint64_t calls;

    if (!kit->iface->ops.hook.workload)
        kit_skip(kit, "the hook has no workload of its own");
    probe = start(kit);
    workload_run(&probe);
    calls = probe.services->calls;
    finish(&probe);
    if (!calls)
        kit_skip(kit, "the hook uses no service that can fail");
    for (uint64_t nth = 1; nth <= calls; nth++) {
        struct run run = start(kit);
        dlfw_status st;

        run.services->fail_at = nth;
        st = workload_run(&run);
        KIT_CHECK(kit, st < 0, "call %llu of a service fails, the hook says nothing", (unsigned long long)nth);
        finish(&run);
    }
}

/* What a plan said, in a form that two plans can be compared by. */
struct planned {
    struct kit *kit;
    uint64_t files, payload, bytes, figures, hash;
    char last[256];
};

static void plan_file(void *ctx, const char *name, uint64_t payload_bytes, uint64_t file_bytes)
{
    struct planned *p = ctx;
    size_t len = name ? strlen(name) : 0;

    KIT_CHECK(p->kit, len > 0 && len < sizeof p->last && name[0] != '/' && name[len - 1] != '/' && !strstr(name, ".."),
              "plan names a file '%s', which is no name below a folder", name ? name : "(null)");
    KIT_CHECK(p->kit, file_bytes >= payload_bytes, "the file '%s' of %llu bytes shall hold %llu", name,
              (unsigned long long)file_bytes, (unsigned long long)payload_bytes);
    KIT_CHECK(p->kit, strcmp(name, p->last) != 0, "plan names the file '%s' twice", name);
    memcpy(p->last, name, len + 1);
    for (size_t i = 0; i < len; i++)
        p->hash = (p->hash ^ (unsigned char)name[i]) * 0x100000001b3u;
    p->files++;
    p->payload += payload_bytes;
    p->bytes += file_bytes;
}

static void plan_figure(void *ctx, const char *name, const char *unit, uint64_t value)
{
    struct planned *p = ctx;

    KIT_CHECK(p->kit, name && *name && unit, "plan gives a figure without name or unit");
    p->figures += value;
}

static dlfw_status plan_rank(struct run *run, uint32_t rank, uint32_t ranks, struct planned *ret)
{
    const dlfw_plan_sink sink = {
        .struct_size = (uint32_t)sizeof sink, .ctx = ret, .file = plan_file, .figure = plan_figure};
    dlfw_error err = FAKE_ERROR(run->text);
    dlfw_status st;

    *ret = (struct planned){.kit = run->kit};
    st = run->ops->plan(run->hook, rank, ranks, &sink, &err);
    KIT_CHECK(run->kit, st <= 0, "plan returns %d", st);
    kit_check_error(run->kit, st, &err, "plan");
    return st;
}

/* Plans say the same each time, for the first and the last rank, and fail only with CONFIG. */
static void plans(struct kit *kit)
{
    static const uint32_t worlds[] = {1, 2, 7, 64, 4096};
    struct run run;

    if (!kit->iface->ops.hook.plan)
        kit_skip(kit, "the hook does not plan");
    run = start(kit);
    for (size_t i = 0; i < 2 * sizeof worlds / sizeof *worlds; i++) {
        uint32_t ranks = worlds[i / 2], rank = i % 2 ? ranks - 1 : 0;
        struct planned first, again;
        dlfw_status st = plan_rank(&run, rank, ranks, &first);

        KIT_CHECK(kit, st >= 0 || st == DLFW_E_CONFIG, "plan for rank %u of %u fails with %d", rank, ranks, st);
        KIT_CHECK(kit, plan_rank(&run, rank, ranks, &again) == st, "plan for rank %u of %u fails now and then", rank,
                  ranks);
        KIT_CHECK(kit,
                  first.files == again.files && first.payload == again.payload && first.bytes == again.bytes &&
                      first.hash == again.hash && first.figures == again.figures,
                  "two plans for rank %u of %u differ", rank, ranks);
    }
    KIT_CHECK(kit, run.services->calls == 0, "plan uses services");
    finish(&run);
}

const struct kit_case kit_cases_hook[] = {
    {"hook.run", DLFW_KIND_HOOK, 0, good_run},
    {"hook.failed_run", DLFW_KIND_HOOK, 0, failed_run},
    {"hook.unused", DLFW_KIND_HOOK, 0, unused},
    {"hook.failing_services", DLFW_KIND_HOOK, 0, failing_services},
    {"hook.workload", DLFW_KIND_HOOK, 0, good_workload},
    {"hook.failing_workload", DLFW_KIND_HOOK, 0, failing_workload},
    {"hook.plan", DLFW_KIND_HOOK, 0, plans},
    {0},
};
