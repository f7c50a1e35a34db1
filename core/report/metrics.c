/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic that turns steps into AU and samples/s (docs/metrics.md). Invariant: a window without steps or
 * without time gives zeros, never a division by zero and never an infinity.
 */
#include "report/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define MIB 1048576.0
#define GIB 1073741824.0

/* The steps of a block that count: indices [first, end). */
struct window {
    uint64_t first, end;
};

static struct window window_of(const struct block_record *b, uint64_t expected_steps, const struct run_config *cfg)
{
    uint64_t skipped_end = cfg->output.exclude_end_steps;
    struct window w = {.first = cfg->output.exclude_start_steps, .end = 0};

    if (expected_steps > skipped_end)
        w.end = expected_steps - skipped_end;
    if (w.end > b->step_count)
        w.end = b->step_count;
    if (w.first > w.end)
        w.first = w.end;
    return w;
}

static uint64_t wall_of(const struct block_record *b)
{
    return b->end_ns > b->start_ns ? b->end_ns - b->start_ns : 0;
}

/* The block's wall time without the load and compute of the steps outside the window; barriers stay in. */
static uint64_t window_ns(const struct block_record *b, struct window w)
{
    uint64_t outside = 0;
    uint64_t wall = wall_of(b);

    for (uint64_t i = 0; i < b->step_count; i++)
        if (i < w.first || i >= w.end)
            outside += b->steps[i].load_ns + b->steps[i].compute_ns;
    return wall > outside ? wall - outside : 0;
}

static uint64_t compute_ns(const struct block_record *b, struct window w)
{
    uint64_t sum = 0;

    for (uint64_t i = w.first; i < w.end; i++)
        sum += b->steps[i].compute_ns;
    return sum;
}

static bool is_dlio2(const struct run_config *cfg)
{
    return cfg->output.formula && strcmp(cfg->output.formula, "dlio2") == 0;
}

struct block_metrics block_metrics_train(const struct block_record *b, uint64_t expected_steps, uint64_t batch,
                                         const struct run_config *cfg)
{
    struct window w = window_of(b, expected_steps, cfg);
    struct block_metrics m = {.window_steps = w.end - w.first};
    uint64_t time = window_ns(b, w);
    double steps = (double)m.window_steps;

    if (!m.window_steps || !time)
        return m;
    if (is_dlio2(cfg))
        steps = (double)b->step_count - 2.0;
    m.au_percent = 100.0 * (double)compute_ns(b, w) / (double)time;
    m.samples_per_second = steps * (double)batch * (double)NS_PER_S / (double)time;
    return m;
}

struct block_metrics block_metrics_eval(const struct block_record *b, uint64_t expected_steps, uint64_t batch,
                                        const struct run_config *cfg)
{
    struct window w = window_of(b, expected_steps, cfg);
    struct block_metrics m = {.window_steps = w.end - w.first};
    uint64_t time = window_ns(b, w);
    uint64_t wall = wall_of(b);

    if (m.window_steps && time)
        m.au_percent = 100.0 * (double)compute_ns(b, w) / (double)time;
    if (wall)
        m.samples_per_second = (double)b->step_count * (double)batch * (double)NS_PER_S / (double)wall;
    return m;
}

struct block_metrics epoch_metrics_train(const struct epoch_record *e, uint64_t batch, const struct run_config *cfg)
{
    struct block_metrics mean = {0};
    double steps = (double)epoch_steps(e);

    for (uint32_t i = 0; i < e->block_count; i++) {
        const struct block_record *b = &e->blocks[i];
        struct block_metrics m = block_metrics_train(b, e->expected_steps, batch, cfg);

        if (!b->step_count)
            continue;
        mean.au_percent += m.au_percent * (double)b->step_count / steps;
        mean.samples_per_second += m.samples_per_second * (double)b->step_count / steps;
        mean.window_steps += m.window_steps;
    }
    return mean;
}

bool run_generated(const struct run_record *rec)
{
    return rec->cfg->workflow.generate_data || rec->generate.done || rec->generate.elapsed_ns;
}

uint64_t epoch_steps(const struct epoch_record *e)
{
    uint64_t steps = 0;

    for (uint32_t i = 0; i < e->block_count; i++)
        steps += e->blocks[i].step_count;
    return steps;
}

bool epoch_counts(const struct run_record *rec, const struct epoch_record *e)
{
    if (!e->block_count || !e->blocks[e->block_count - 1].end_ns)
        return false;
    return rec->status >= 0 || epoch_steps(e) == e->expected_steps;
}

bool eval_counts(const struct run_record *rec, const struct epoch_record *e)
{
    if (!e->has_eval || !e->eval.end_ns)
        return false;
    return rec->status >= 0 || e->eval.step_count == e->eval_expected_steps;
}

struct spread spread_of(const double *values, uint64_t count)
{
    struct spread s = {0};
    double squares = 0;

    if (!count)
        return s;
    for (uint64_t i = 0; i < count; i++)
        s.mean += values[i] / (double)count;
    for (uint64_t i = 0; i < count; i++)
        squares += (values[i] - s.mean) * (values[i] - s.mean);
    s.stdev = sqrt(squares / (double)count);
    return s;
}

static void phase_add(struct phase_metrics *p, double au_percent, double samples_per_second)
{
    p->au[p->epochs] = au_percent;
    p->throughput[p->epochs] = samples_per_second;
    p->epochs++;
}

static void phase_finish(struct phase_metrics *p, const struct run_record *rec)
{
    double sample_mib = (double)rec->sample_bytes_nominal / MIB;

    p->au_spread = spread_of(p->au, p->epochs);
    p->throughput_spread = spread_of(p->throughput, p->epochs);
    p->mib_per_second.mean = p->throughput_spread.mean * sample_mib;
    p->mib_per_second.stdev = p->throughput_spread.stdev * sample_mib;
    p->meets = p->epochs > 0 && p->au_spread.mean >= 100.0 * rec->cfg->metric.au;
}

static void checkpoint_add(struct checkpoint_metrics *m, const struct checkpoint_record *c, double seconds, double rate)
{
    bool is_first = m->count == 0;

    m->seconds_min = is_first || seconds < m->seconds_min ? seconds : m->seconds_min;
    m->seconds_max = is_first || seconds > m->seconds_max ? seconds : m->seconds_max;
    m->gib_per_second_min = is_first || rate < m->gib_per_second_min ? rate : m->gib_per_second_min;
    m->gib_per_second_max = is_first || rate > m->gib_per_second_max ? rate : m->gib_per_second_max;
    m->bytes += c->bytes;
    m->stored_bytes += c->stored_bytes;
    m->duration_ns += c->duration_ns;
    m->stall_ns += c->stall_ns;
    m->count++;
}

static void checkpoints_init(const struct run_record *rec, bool is_load, struct checkpoint_metrics *ret)
{
    double *rates, *seconds;
    uint32_t total = 0;

    for (uint32_t i = 0; i < rec->epoch_count; i++)
        total += rec->epochs[i].checkpoint_count;
    rates = xcalloc(total, sizeof *rates);
    seconds = xcalloc(total, sizeof *seconds);
    for (uint32_t i = 0; i < rec->epoch_count; i++) {
        const struct epoch_record *e = &rec->epochs[i];

        for (uint32_t k = 0; k < e->checkpoint_count; k++) {
            const struct checkpoint_record *c = &e->checkpoints[k];

            if (c->is_load != is_load || !c->duration_ns)
                continue;
            seconds[ret->count] = (double)c->duration_ns / (double)NS_PER_S;
            ret->size_gib = (double)c->bytes / GIB;
            rates[ret->count] = ret->size_gib / seconds[ret->count];
            checkpoint_add(ret, c, seconds[ret->count], rates[ret->count]);
        }
    }
    ret->gib_per_second = spread_of(rates, ret->count);
    ret->seconds = spread_of(seconds, ret->count);
    free(rates);
    free(seconds);
}

void run_metrics_init(const struct run_record *rec, struct run_metrics *ret)
{
    struct phase_metrics *phases[] = {&ret->train, &ret->eval};

    *ret = (struct run_metrics){0};
    for (uint32_t i = 0; i < 2; i++) {
        phases[i]->au = xcalloc(rec->epoch_count, sizeof(double));
        phases[i]->throughput = xcalloc(rec->epoch_count, sizeof(double));
    }
    for (uint32_t i = 0; i < rec->epoch_count; i++) {
        struct epoch_sum e;

        world_epoch(rec, i, &e);
        if (e.counts)
            phase_add(&ret->train, e.au_percent, e.samples_per_second);
        if (e.eval_counts)
            phase_add(&ret->eval, e.eval_au_percent, e.eval_samples_per_second);
    }
    phase_finish(&ret->train, rec);
    phase_finish(&ret->eval, rec);
    checkpoints_init(rec, false, &ret->save);
    checkpoints_init(rec, true, &ret->load);
}

void run_metrics_free(struct run_metrics *m)
{
    free(m->train.au);
    free(m->train.throughput);
    free(m->eval.au);
    free(m->eval.throughput);
    *m = (struct run_metrics){0};
}

static void shares_add(struct time_shares *s, const struct block_record *b, struct window w)
{
    struct time_shares add = {.window_ns = window_ns(b, w),
                              .window_steps = w.end - w.first,
                              .compute_ns = compute_ns(b, w),
                              .hook_ns = b->hook_ns};
    uint64_t known;

    for (uint64_t i = w.first; i < w.end; i++) {
        const struct step_record *step = &b->steps[i];

        add.load_ns += step->load_ns;
        add.overshoot_ns += step->compute_ns > step->asked_ns ? step->compute_ns - step->asked_ns : 0;
    }
    for (uint64_t i = 0; i < b->step_count; i++)
        add.barrier_ns += b->steps[i].barrier_ns;
    known = add.compute_ns + add.load_ns + add.barrier_ns + add.hook_ns;
    add.other_ns = add.window_ns > known ? add.window_ns - known : 0;
    time_shares_add(s, &add);
}

struct time_shares epoch_time_shares(const struct run_record *rec, const struct epoch_record *e)
{
    struct time_shares s = {0};

    for (uint32_t k = 0; k < e->block_count; k++) {
        struct window w = window_of(&e->blocks[k], e->expected_steps, rec->cfg);

        if (w.end > w.first && wall_of(&e->blocks[k]))
            shares_add(&s, &e->blocks[k], w);
    }
    return s;
}

struct time_shares train_time_shares(const struct run_record *rec)
{
    struct time_shares s = {0};

    for (uint32_t r = 0; r < rec->world.reporting; r++)
        time_shares_add(&s, &rec->world.figures[r].shares);
    for (uint32_t i = 0; !rec->world.reporting && i < rec->epoch_count; i++) {
        struct time_shares e = epoch_time_shares(rec, &rec->epochs[i]);

        time_shares_add(&s, &e);
    }
    return s;
}

double train_bytes_per_second(const struct run_record *rec)
{
    uint64_t wall = 0;

    for (uint32_t i = 0; i < rec->epoch_count; i++)
        for (uint32_t k = 0; k < rec->epochs[i].block_count; k++)
            wall += wall_of(&rec->epochs[i].blocks[k]);
    return wall ? (double)rec->train_stats.io.bytes_read * (double)NS_PER_S / (double)wall : 0.0;
}
