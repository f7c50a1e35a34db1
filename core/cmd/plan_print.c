/* SPDX-License-Identifier: Apache-2.0 */
/* The two ways in which `dlfw plan` prints: tables for people, one JSON object for programs. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/plan.h"
#include "report/json_put.h"
#include "report/units.h"

#define LABEL "  %-14s "

static void print_split(const char *label, const struct plan_split *s)
{
    printf(LABEL "%lu files, %lu samples, %s (%lu bytes%s)\n", label, s->files, s->samples,
           unit_bytes((double)s->bytes).text, s->bytes,
           s->exact ? "" : " of samples; only writing the files tells theirs");
}

static void print_dataset(const struct run_plan *plan)
{
    const struct plan_memory *m = &plan->memory;

    printf("dataset %s, %s\n", plan->dataset_uri, plan->cfg->dataset.format);
    print_split("train", &plan->train);
    if (plan->eval.files)
        print_split("eval", &plan->eval);
    if (m->streamed)
        printf(LABEL "samples are streamed, none is kept\n", "memory");
    else
        printf(LABEL "%s per rank for samples%s: %lu batches of up to %s\n", "memory",
               unit_bytes((double)m->budget_bytes).text, m->is_set ? ", by reader.memory_budget" : "", m->batches,
               unit_bytes((double)m->batch_bytes).text);
}

static void print_steps(const struct run_plan *plan)
{
    printf("\n%8s %14s %16s", "ranks", "steps/epoch", "samples left out");
    if (plan->eval.files)
        printf(" %12s", "eval steps");
    putchar('\n');
    for (uint32_t i = 0; i < plan->rank_count; i++) {
        const struct plan_ranks *r = &plan->ranks[i];

        printf("%8u %14lu %16lu", r->ranks, r->steps, r->dropped);
        if (plan->eval.files)
            printf(" %12lu", r->eval_steps);
        puts(r->steps || !plan->cfg->workflow.train ? "" : "  no full batch for every rank");
    }
}

static void print_share(const char *who, uint32_t rank, const struct plan_share *s)
{
    printf("  %-12s %8u %8lu %22lu ", who, rank, s->files, s->payload_bytes);
    if (s->exact)
        printf("%22lu\n", s->file_bytes);
    else
        printf("%22s\n", "not known before");
}

static void print_figures(const struct checkpoint_plan *c)
{
    for (uint32_t i = 0; i < c->figure_count; i++) {
        const struct plan_figure *f = &c->figures[i];

        if (f->unit[0] == 'b')
            printf(LABEL "%s (%lu bytes)\n", f->name, unit_bytes((double)f->value).text, f->value);
        else
            printf(LABEL "%lu%s%s\n", f->name, f->value, *f->unit ? " " : "", f->unit);
    }
}

static void print_files(const struct plan_ranks *r)
{
    for (uint64_t i = 0; i < r->file_count; i++) {
        const struct plan_file_line *f = &r->files[i];

        printf("    rank %-6u %20lu ", f->rank, f->payload_bytes);
        if (f->file_bytes == UINT64_MAX)
            printf("%20s", "not known before");
        else
            printf("%20lu", f->file_bytes);
        printf("  %s\n", f->name);
    }
}

static void print_checkpoint(const struct plan_ranks *r)
{
    const struct checkpoint_plan *c = &r->checkpoint;

    printf("\neach checkpoint of %u rank%s\n", r->ranks, r->ranks == 1 ? "" : "s");
    if (c->failure.e.status < 0) {
        printf("  not possible: %s\n", c->failure.text);
        return;
    }
    print_figures(c);
    printf(LABEL "%u of %u ranks write %lu files\n", "files", c->writing_ranks, c->ranks, c->total.files);
    printf("  %-12s %8s %8s %22s %22s\n", "", "rank", "files", "payload bytes", "file bytes");
    print_share("first", 0, &c->first);
    if (r->ranks > 1) {
        print_share("last", r->ranks - 1, &c->last);
        print_share("least", c->least_rank, &c->least);
        print_share("most", c->most_rank, &c->most);
    }
    printf("  %-12s %8s %8lu %22lu ", "all", "", c->total.files, c->total.payload_bytes);
    if (c->total.exact)
        printf("%22lu\n", c->total.file_bytes);
    else
        printf("%22s\n", "not known before");
    print_files(r);
}

void plan_print_text(const struct run_plan *plan)
{
    if (plan->has_dataset) {
        print_dataset(plan);
        print_steps(plan);
    }
    if (!plan->checkpoint_hook)
        return;
    printf("%scheckpoints %s, by %s\n", plan->has_dataset ? "\n" : "", plan->checkpoint_uri, plan->checkpoint_hook);
    for (uint32_t i = 0; i < plan->rank_count; i++)
        print_checkpoint(&plan->ranks[i]);
}

static json_t *split_json(const struct plan_split *s)
{
    json_t *o = json_object();

    put_u64(o, "files", s->files);
    put_u64(o, "samples", s->samples);
    put_u64(o, "bytes", s->bytes);
    put_flag(o, "exact", s->exact);
    return o;
}

static json_t *dataset_json(const struct run_plan *plan)
{
    json_t *o = json_object();

    put_text(o, "uri", plan->dataset_uri);
    put_text(o, "format", plan->cfg->dataset.format);
    put_value(o, "train", split_json(&plan->train));
    put_value(o, "eval", split_json(&plan->eval));
    return o;
}

static json_t *memory_json_of(const struct plan_memory *m)
{
    json_t *o = json_object();

    put_flag(o, "streamed", m->streamed);
    put_u64(o, "batches", m->batches);
    put_u64(o, "batch_bytes", m->batch_bytes);
    put_u64(o, "budget_bytes", m->budget_bytes);
    put_flag(o, "budget_is_set", m->is_set);
    return o;
}

static json_t *share_json(const struct plan_share *s)
{
    json_t *o = json_object();

    put_u64(o, "files", s->files);
    put_u64(o, "payload_bytes", s->payload_bytes);
    if (s->exact)
        put_u64(o, "file_bytes", s->file_bytes);
    return o;
}

static json_t *ranked_share_json(const struct plan_share *s, uint32_t rank)
{
    json_t *o = share_json(s);

    put_u64(o, "rank", rank);
    return o;
}

static json_t *files_json(const struct plan_ranks *r)
{
    json_t *list = json_array();

    for (uint64_t i = 0; i < r->file_count; i++) {
        const struct plan_file_line *f = &r->files[i];
        json_t *o = json_object();

        put_u64(o, "rank", f->rank);
        put_text(o, "name", f->name);
        put_u64(o, "payload_bytes", f->payload_bytes);
        if (f->file_bytes != UINT64_MAX)
            put_u64(o, "file_bytes", f->file_bytes);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *checkpoint_json(const struct plan_ranks *r, bool list_files)
{
    const struct checkpoint_plan *c = &r->checkpoint;
    json_t *o = json_object(), *figures;

    if (c->failure.e.status < 0) {
        put_text(o, "error", c->failure.text);
        return o;
    }
    figures = json_object();
    for (uint32_t i = 0; i < c->figure_count; i++)
        put_u64(figures, c->figures[i].name, c->figures[i].value);
    put_value(o, "figures", figures);
    put_u64(o, "writing_ranks", c->writing_ranks);
    put_value(o, "total", share_json(&c->total));
    put_value(o, "first", ranked_share_json(&c->first, 0));
    put_value(o, "last", ranked_share_json(&c->last, c->ranks - 1));
    put_value(o, "least", ranked_share_json(&c->least, c->least_rank));
    put_value(o, "most", ranked_share_json(&c->most, c->most_rank));
    if (list_files)
        put_value(o, "files", files_json(r));
    return o;
}

static json_t *ranks_json(const struct run_plan *plan)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < plan->rank_count; i++) {
        const struct plan_ranks *r = &plan->ranks[i];
        json_t *o = json_object();

        put_u64(o, "ranks", r->ranks);
        if (plan->has_dataset) {
            put_u64(o, "steps_per_epoch", r->steps);
            put_u64(o, "samples_left_out", r->dropped);
            put_u64(o, "eval_steps", r->eval_steps);
            put_u64(o, "eval_samples_left_out", r->eval_dropped);
        }
        if (plan->checkpoint_hook)
            put_value(o, "checkpoint", checkpoint_json(r, plan->list_files));
        json_array_append_new(list, o);
    }
    return list;
}

void plan_print_json(const struct run_plan *plan)
{
    json_t *root;
    char *text;

    put_begin();
    root = json_object();
    if (plan->has_dataset) {
        put_value(root, "dataset", dataset_json(plan));
        put_value(root, "memory", memory_json_of(&plan->memory));
        put_u64(root, "epochs", plan->cfg->train.epochs);
    }
    if (plan->checkpoint_hook) {
        json_t *o = json_object();

        put_text(o, "hook", plan->checkpoint_hook);
        put_text(o, "folder", plan->checkpoint_uri);
        put_value(root, "checkpoint", o);
    }
    put_value(root, "ranks", ranks_json(plan));
    text = json_dumps(root, JSON_INDENT(2));
    puts(text);
    free(text);
    json_decref(root);
}
