/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is it one of the benchmarks, and unchanged but for what its division may change? Overrides are judged by their keys
 * alone, as MLCommons' checker does, also when they repeat the stock value; everything else by its value.
 */
#include <string.h>

#include "rules/definition.h"
#include "rules/judge.h"
#include "rules/override_rule.h"

static void judge_benchmark(const struct rule_book *book, struct subject *s)
{
    const struct rule_version *v = book->version;
    struct arena *arena = &s->findings.arena;
    const char *name = subject_value(book, s, "model.name");
    const char *models = s->kind == KIND_CHECKPOINTING ? v->checkpoint_models : v->training_models;
    const struct benchmark *b = s->benchmark;
    bool generates = s->kind == KIND_GENERATION;
    const char *what;

    if (!b) {
        const char *reason = name ? model_outside(name) : NULL;

        finding_add(&s->findings, LEVEL_INVALID, RULE_BENCHMARK,
                    arena_format(arena, "model.name is '%s'", name ? name : ""), models,
                    reason ? reason : "no benchmark of these rules has this name");
        return;
    }
    what = b->accelerator && !generates ? arena_format(arena, "%s on %s", b->model, b->accelerator) : b->model;
    if (b->versions & RULES_BIT(v->index))
        finding_add(&s->findings, LEVEL_OK, RULE_BENCHMARK, what, NULL, NULL);
    else
        finding_add(&s->findings, LEVEL_INVALID, RULE_BENCHMARK, what, models,
                    "it belongs to another version of the rules");
}

static void judge_phase(const struct rule_book *book, struct subject *s)
{
    bool generate = subject_flag(book, s, "workflow.generate_data"), train = subject_flag(book, s, "workflow.train");

    if (s->kind == KIND_GENERATION && train)
        finding_add(&s->findings, LEVEL_NOTE, RULE_PHASE, "generation, with workflow.train in its configuration",
                    "workflow.train=false and workflow.generate_data=true",
                    "MLCommons' tools take it for a training run");
    else if (s->kind == KIND_TRAINING && !train)
        finding_add(&s->findings, LEVEL_INVALID, RULE_PHASE, "the run neither trains nor checkpoints nor generates",
                    "workflow.train, or workflow.checkpoint alone", NULL);
    else if (generate && train)
        finding_add(&s->findings, LEVEL_INVALID, RULE_PHASE, "generation and training in one run",
                    "two runs: first generation, then workflow.generate_data=false",
                    "a combined run counts as generation");
    else if (train && subject_flag(book, s, "workflow.evaluation"))
        finding_add(&s->findings, LEVEL_INVALID, RULE_PHASE, "workflow.evaluation is on", "training alone",
                    "no benchmark has an evaluation");
    else
        finding_add(&s->findings, LEVEL_OK, RULE_PHASE,
                    s->kind == KIND_TRAINING     ? "training"
                    : s->kind == KIND_GENERATION ? "generation"
                                                 : "checkpoints",
                    NULL, NULL);
}

/* Why a key that people do change is refused, and what to do instead. */
static const char *refusal(const char *key)
{
    static const struct {
        const char *key, *why;
    } known[] = {
        {"output.folder", "neither CLOSED nor OPEN lists it; ++hydra.run.dir=DIR names the folder without an override"},
        {"train.seed", "the text of the rules wants another seed for each run, but their checker lists no train.seed"},
        {"train.computation_time", "it is the accelerator; choose the workload of another one instead"},
        {"reader.batch_size", "it belongs to the accelerator; choose the workload of another one instead"},
        {"metric.au", "the utilization that passes is fixed"},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].key, key) == 0)
            return known[i].why;
    return "neither CLOSED nor OPEN lists it";
}

static void judge_override(const struct rule_book *book, struct subject *s, const char *text, struct str *closed)
{
    struct arena *arena = &s->findings.arena;
    const char *key = override_key_of(arena, text), *value = strchr(text, '=');
    uint32_t change = override_rule_of(key, s->kind, book->version);

    if (change == CHANGE_CLOSED || change == CHANGE_ELSEWHERE) {
        str_add_format(closed, "%s%s", closed->len ? ", " : "", key);
    } else {
        finding_add(&s->findings, change == CHANGE_OPEN ? LEVEL_OPEN : LEVEL_INVALID, RULE_OVERRIDES,
                    arena_format(arena, "%s", text), arena_format(arena, "no override of %s", key),
                    change == CHANGE_OPEN ? "only OPEN may change it" : refusal(key));
    }
    if (value && strchr(value + 1, '='))
        finding_add(&s->findings, LEVEL_NOTE, RULE_OVERRIDES, arena_format(arena, "%s", text), "a value without '='",
                    "MLCommons' checker fails on it");
}

static void judge_overrides(const struct rule_book *book, struct subject *s)
{
    struct arena *arena = &s->findings.arena;
    struct str closed = STR_EMPTY;
    uint32_t before = s->findings.count, unseen = 0;

    for (const char *const *o = s->overrides; o && *o; o++) {
        if (strncmp(*o + strspn(*o, "+"), "workload=", 9) == 0)
            continue;
        judge_override(book, s, *o, &closed);
        unseen += strncmp(*o, "++workload.", 11) != 0;
    }
    if (closed.len)
        finding_add(&s->findings, LEVEL_OK, RULE_OVERRIDES, arena_format(arena, "%s", closed.data), NULL,
                    "CLOSED may set them");
    else if (s->findings.count == before)
        finding_add(&s->findings, LEVEL_OK, RULE_OVERRIDES, "none", NULL, NULL);
    if (unseen)
        finding_add(&s->findings, LEVEL_NOTE, RULE_OVERRIDES, arena_format(arena, "%u of them in another form", unseen),
                    "++workload.KEY=VALUE", "MLCommons' tools look at that form only");
    str_free(&closed);
}

struct differences {
    const struct rule_book *book;
    struct subject *s;
    struct str closed; /* changed in the file where an override would do */
    uint32_t reported;
};

/* An override of a key, or of a section above it, has been judged already. */
static bool is_overridden(struct subject *s, const char *key)
{
    for (const char *const *o = s->overrides; o && *o; o++) {
        const char *named = override_key_of(&s->findings.arena, *o);
        size_t len = strlen(named);

        if (strncmp(key, named, len) == 0 && (key[len] == '\0' || key[len] == '.'))
            return true;
    }
    return false;
}

static void report_difference(void *ctx, const char *key, const char *value, const char *stock)
{
    struct differences *d = ctx;
    struct subject *s = d->s;
    struct arena *arena = &s->findings.arena;
    uint32_t change = override_rule_of(key, s->kind, d->book->version);

    if (change == CHANGE_ELSEWHERE || is_overridden(s, key))
        return;
    if (change == CHANGE_CLOSED) {
        str_add_format(&d->closed, "%s%s", d->closed.len ? ", " : "", key);
        return;
    }
    d->reported++;
    finding_add(&s->findings, change == CHANGE_OPEN ? LEVEL_OPEN : LEVEL_INVALID, RULE_DEFINITION,
                arena_format(arena, "%s is %s", key, value ? value : "not set"),
                stock ? arena_format(arena, "%s", stock) : "not set",
                change == CHANGE_OPEN ? "only OPEN may change it" : refusal(key));
}

static void judge_values(const struct rule_book *book, struct subject *s)
{
    struct differences d = {.book = book, .s = s, .closed = STR_EMPTY};
    struct arena *arena = &s->findings.arena;

    definition_compare(book, s, s->benchmark, report_difference, &d);
    if (d.closed.len)
        finding_add(&s->findings, LEVEL_NOTE, RULE_DEFINITION,
                    arena_format(arena, "changed in the file: %s", d.closed.data), "overrides on the command line",
                    "CLOSED may change them, and overrides are what puts it on record");
    if (!d.reported)
        finding_add(&s->findings, LEVEL_OK, RULE_DEFINITION, "every other value is the published one", NULL, NULL);
    str_free(&d.closed);
}

void judge_definition(const struct rule_book *book, struct subject *s)
{
    judge_benchmark(book, s);
    judge_phase(book, s);
    judge_overrides(book, s);
    if (s->benchmark)
        judge_values(book, s);
}

void judge_subject(const struct rule_book *book, struct subject *s)
{
    if (!s->has_config)
        return; /* that it is missing has been found */
    subject_classify(book, s);
    judge_definition(book, s);
    if (s->kind == KIND_CHECKPOINTING)
        judge_checkpointing(book, s);
    else
        judge_training(book, s);
    judge_place(book, s);
    if (s->finished)
        judge_results(book, s);
}
