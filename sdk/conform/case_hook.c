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

const struct kit_case kit_cases_hook[] = {
    {"hook.run", DLFW_KIND_HOOK, 0, good_run},
    {"hook.failed_run", DLFW_KIND_HOOK, 0, failed_run},
    {"hook.unused", DLFW_KIND_HOOK, 0, unused},
    {"hook.failing_services", DLFW_KIND_HOOK, 0, failing_services},
    {0},
};
