/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/verdict_print.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "report/json_put.h"

static const char *const kinds[KIND_COUNT] = {
    [KIND_TRAINING] = "training", [KIND_CHECKPOINTING] = "checkpointing", [KIND_GENERATION] = "generation"};

uint32_t judgement_verdict(const struct judgement *j)
{
    uint32_t worst = findings_verdict(&j->together);

    for (uint32_t i = 0; i < j->count; i++) {
        uint32_t verdict = findings_verdict(&j->subjects[i].findings);

        worst = verdict > worst ? verdict : worst;
    }
    return worst;
}

static void add_escaped(struct str *out, const char *text)
{
    utf8_add_escaped(out, text, strlen(text));
}

static void text_findings(struct finding_list *list, const struct rule_version *version, struct str *out)
{
    bool judges = false; /* notes alone are no verdict */

    for (uint32_t i = 0; i < list->count; i++) {
        const struct finding *f = &list->items[i];

        judges = judges || f->level != LEVEL_NOTE;
        str_add_format(out, "  %-7s  %s: ", finding_level_name(f->level), rule_name(f->rule));
        add_escaped(out, f->found);
        if (f->wanted) {
            str_add(out, "; wanted: ");
            add_escaped(out, f->wanted);
        }
        if (f->why) {
            str_add(out, "; ");
            add_escaped(out, f->why);
        }
        str_add_format(out, " (%s)\n", rule_source(&list->arena, f->rule, version));
    }
    if (judges)
        str_add_format(out, "  %s\n", judged_name(findings_verdict(list)));
}

void judgement_text(struct judgement *j, struct str *out)
{
    for (uint32_t i = 0; i < j->count; i++) {
        add_escaped(out, j->subjects[i].name);
        str_add(out, "\n");
        text_findings(&j->subjects[i].findings, j->version, out);
    }
    if (j->together.count) {
        str_add(out, "all of them together\n");
        text_findings(&j->together, j->version, out);
    }
    str_add_format(out, "verdict: %s; %s was asked for, by our reading of the MLPerf Storage v%s rules\n",
                   judged_name(judgement_verdict(j)), judged_name(j->division), j->version->name);
}

static json_t *findings_json(struct finding_list *list, const struct rule_version *version)
{
    json_t *all = json_array();

    for (uint32_t i = 0; i < list->count; i++) {
        const struct finding *f = &list->items[i];
        json_t *o = json_object();

        put_text(o, "level", finding_level_name(f->level));
        put_text(o, "rule", rule_name(f->rule));
        put_text(o, "found", f->found);
        put_text(o, "wanted", f->wanted);
        put_text(o, "why", f->why);
        put_text(o, "source", rule_source(&list->arena, f->rule, version));
        json_array_append_new(all, o);
    }
    return all;
}

static json_t *subject_json(struct subject *s, const struct rule_version *version)
{
    json_t *o = json_object();

    put_text(o, "name", s->name);
    put_flag(o, "finished", s->finished);
    if (s->has_config)
        put_text(o, "kind", kinds[s->kind]);
    put_text(o, "model", s->benchmark ? s->benchmark->model : NULL);
    put_text(o, "accelerator", s->benchmark ? s->benchmark->accelerator : NULL);
    if (s->accelerators)
        put_u64(o, "accelerators", s->accelerators);
    if (s->hosts)
        put_u64(o, "hosts", s->hosts);
    if (s->memory_bytes)
        put_u64(o, "memory_bytes", s->memory_bytes);
    put_text(o, "verdict", judged_name(findings_verdict(&s->findings)));
    put_value(o, "findings", findings_json(&s->findings, version));
    return o;
}

void judgement_json(struct judgement *j, struct str *out)
{
    json_t *root = json_object(), *list = json_array();
    char *text;

    put_text(root, "version", j->version->name);
    put_text(root, "division", judged_name(j->division));
    put_text(root, "verdict", judged_name(judgement_verdict(j)));
    put_flag(root, "ok", judgement_verdict(j) <= j->division);
    for (uint32_t i = 0; i < j->count; i++)
        json_array_append_new(list, subject_json(&j->subjects[i], j->version));
    put_value(root, "subjects", list);
    put_value(root, "together", findings_json(&j->together, j->version));
    text = json_dumps(root, JSON_INDENT(2));
    str_add(out, text);
    str_add(out, "\n");
    free(text);
    json_decref(root);
}
