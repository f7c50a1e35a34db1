/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules say about a training run, or the generation of its data, apart from the definition. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "rules/dataset_size.h"
#include "rules/judge.h"

/* Batches of generation are those of the run that will read the files. */
static uint64_t batch_size(const struct rule_book *book, struct subject *s)
{
    if (s->kind == KIND_GENERATION && s->benchmark) {
        const char *text = benchmark_value(s->benchmark, "reader.batch_size");
        unsigned long n = 1;

        if (text)
            sscanf(text, "%lu", &n);
        return n;
    }
    (void)book;
    return s->cfg.reader.batch_size;
}

static const char *explain(struct subject *s, const struct size_request *r, const struct size_answer *a)
{
    struct arena *arena = &s->findings.arena;
    const char *memory, *steps;

    memory =
        arena_format(arena,
                     "%u x %lu bytes of client memory (%s) / (%lu samples x %.15g bytes per file) = %.2Lf, rounded "
                     "%s to %lu",
                     SIZE_MEMORY_FACTOR, r->memory_bytes, s->memory_from, r->samples_per_file, r->record_bytes,
                     a->memory_quotient, r->rounds_up ? "up" : "down", a->files_for_memory);
    if (!r->accelerators)
        return arena_format(arena, "%s; the %u steps per epoch of the run count too, and need --accelerators", memory,
                            SIZE_STEPS);
    steps = arena_format(arena, "%u steps x %lu accelerators x batch of %lu / %lu samples per file = %lu", SIZE_STEPS,
                         r->accelerators, r->batch_size, r->samples_per_file, a->files_for_steps);
    return arena_format(arena, "%s; %s; the larger one counts", memory, steps);
}

static void judge_size(const struct rule_book *book, struct subject *s)
{
    struct arena *arena = &s->findings.arena;
    uint64_t files = s->cfg.dataset.num_files_train;
    struct size_request r = {.memory_bytes = s->memory_bytes,
                             .accelerators = s->kind == KIND_GENERATION && s->finished ? 0 : s->accelerators,
                             .batch_size = batch_size(book, s),
                             .samples_per_file = s->cfg.dataset.num_samples_per_file,
                             .record_bytes = s->cfg.dataset.record_length_bytes,
                             .rounds_up = book->version->rounds_up};
    struct size_answer a;
    struct error_slot err;
    bool enough;

    error_slot_init(&err);
    if (!s->memory_bytes || (!s->accelerators && s->kind == KIND_TRAINING)) {
        finding_add(&s->findings, LEVEL_INVALID, RULE_SIZE,
                    arena_format(arena, "%lu files; memory or accelerators of the hosts are not known", files),
                    "host_memory_GB and num_accelerators in summary.json", "without them the size cannot be judged");
        return;
    }
    if (dataset_size_required(&r, &a, &err.e) < 0) {
        finding_add(&s->findings, LEVEL_INVALID, RULE_SIZE, arena_format(arena, "%lu files", files), NULL,
                    arena_format(arena, "%s", err.text));
        return;
    }
    enough = files >= a.files;
    finding_add(&s->findings, enough ? LEVEL_OK : LEVEL_INVALID, RULE_SIZE,
                arena_format(arena, "dataset.num_files_train is %lu", files),
                arena_format(arena, "at least %lu", a.files), explain(s, &r, &a));
}

static void judge_odirect(const struct rule_book *book, struct subject *s)
{
    bool is_unet3d = s->benchmark && strcmp(s->benchmark->model, "unet3d") == 0;

    (void)book;
    if (s->cfg.reader.odirect)
        finding_add(&s->findings, is_unet3d ? LEVEL_OK : LEVEL_INVALID, RULE_ODIRECT, "reader.odirect is on",
                    is_unet3d ? NULL : "off", is_unet3d ? "unet3d may use it" : "only unet3d may use it");
}

static void judge_prefetch(const struct rule_book *book, struct subject *s)
{
    struct arena *arena = &s->findings.arena;
    uint64_t prefetch = s->cfg.reader.prefetch_size;

    (void)book;
    if (prefetch > 2)
        finding_add(&s->findings, LEVEL_INVALID, RULE_OVERRIDES,
                    arena_format(arena, "reader.prefetch_size is %lu", prefetch), "0, 1 or 2",
                    "the list of what CLOSED may set names these values");
}

static void judge_unet3d_checkpoints(const struct rule_book *book, struct subject *s)
{
    bool on = s->cfg.workflow.checkpoint;

    if (!book->version->unet3d_checkpoints || !s->benchmark || strcmp(s->benchmark->model, "unet3d") != 0)
        return;
    finding_add(&s->findings, on ? LEVEL_OK : LEVEL_INVALID, RULE_UNET3D_CHECKPOINTS,
                on ? "workflow.checkpoint is on" : "workflow.checkpoint is off", on ? NULL : "on",
                on ? NULL : "training of unet3d takes checkpoints; set ++workload.workflow.checkpoint=true");
}

void judge_training(const struct rule_book *book, struct subject *s)
{
    /* one accelerator per host is the least that makes sense */
    if (!s->finished && s->kind == KIND_TRAINING && !s->accelerators)
        s->accelerators = s->hosts;
    judge_size(book, s);
    if (s->kind == KIND_GENERATION)
        return;
    judge_odirect(book, s);
    judge_prefetch(book, s);
    judge_unet3d_checkpoints(book, s);
    if (!s->finished)
        finding_add(&s->findings, s->accelerators % s->hosts ? LEVEL_INVALID : LEVEL_OK, RULE_HOSTS,
                    arena_format(&s->findings.arena, "%lu accelerators on %lu hosts", s->accelerators, s->hosts),
                    "the same number on each host", NULL);
}
