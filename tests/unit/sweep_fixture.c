/* SPDX-License-Identifier: Apache-2.0 */
#include "sweep_fixture.h"

#include <check.h>
#include <math.h>
#include <stdio.h>

struct sweep_figures fixture_figures(double au)
{
    struct sweep_figures f = {.au = au,
                              .strict_au = au,
                              .first_au = NAN,
                              .slowest_au = au,
                              .samples_per_second = 4 * au,
                              .bytes_per_second = 1e6 * au,
                              .wait_p99_ns = 1.5e6,
                              .lost_storage = 100 - au,
                              .cpu_machine = 20,
                              .cpu_run = 10,
                              .seconds = 3,
                              .epochs = 1,
                              .window_steps = 29};

    snprintf(f.limited_by, sizeof f.limited_by, "%s", au < 99 ? "storage" : "compute");
    return f;
}

static dlfw_status make_run(void *ctx, uint32_t n, uint32_t k, struct sweep_run *ret, dlfw_error *err)
{
    struct fixture_storage *storage = ctx;

    storage->runs++;
    if (n == storage->fails_at)
        return dlfw_fail(err, DLFW_E_IO, "the run with %u accelerators failed: no space left", n);
    if (n == storage->stops_at)
        return dlfw_fail(err, DLFW_E_CANCELLED, "interrupted");
    *ret = (struct sweep_run){.figures = fixture_figures(fmin(100, 100 * storage->feeds / n))};
    ret->figures.bytes_per_second = 1e8 * fmin(n, storage->feeds);
    if (storage->change)
        storage->change(&ret->figures, n, k);
    return DLFW_OK;
}

static dlfw_status told(void *ctx, const struct sweep *s, const struct sweep_point *latest, dlfw_error *err)
{
    struct fixture_storage *storage = ctx;

    (void)err;
    ck_assert(!latest == (s->state != SWEEP_RUNNING));
    storage->told++;
    return DLFW_OK;
}

void fixture_init(struct sweep *s, const char *text)
{
    struct sweep_range range = {0};

    ck_assert_int_eq(sweep_range_parse(text, &range, NULL), DLFW_OK);
    sweep_init(s, &range);
    s->threshold = 90;
    s->name = "unet3d_h100";
}

dlfw_status fixture_go(struct sweep *s, struct fixture_storage *storage)
{
    const struct sweep_calls calls = {.make_run = make_run, .told = told, .ctx = storage};

    return sweep_execute(s, &calls, NULL);
}

dlfw_status fixture_sweep(struct sweep *s, struct fixture_storage *storage, const char *range)
{
    fixture_init(s, range);
    return fixture_go(s, storage);
}
