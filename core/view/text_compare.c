/* SPDX-License-Identifier: Apache-2.0 */
#include "view/text_report.h"

#include <string.h>

#include "report/result_read.h"

static void add_side(struct str *out, const char *name, const struct run_view *v)
{
    const char *start = result_text(v->summary, "start", NULL);

    str_add_format(out, "  %s: ", name);
    text_add(out, v->folder);
    str_add(out, ", ");
    text_add(out, v->model ? v->model : "a run");
    if (is_known(v->ranks)) {
        str_add(out, ", ");
        text_add_count(out, v->ranks, "rank");
    }
    if (start) {
        str_add(out, ", ");
        text_add(out, start);
    }
    str_add(out, v->ok ? "\n" : ", ENDED EARLY\n");
}

void text_comparison(struct str *out, const struct comparison *c)
{
    str_add(out, "\ncomparison\n");
    add_side(out, "A", c->a);
    add_side(out, "B", c->b);
    str_add_format(out, "\n  %-18s %15s %15s %9s\n", "", "A", "B", "B / A");
    for (uint32_t i = 0; i < c->row_count; i++) {
        const struct compare_row *row = &c->rows[i];

        str_add_format(out, "  %-18s %15s %15s ", row->figure->label, figure_text(row->figure->unit, row->a).text,
                       figure_text(row->figure->unit, row->b).text);
        if (is_known(row->ratio))
            str_add_format(out, "%9.4g\n", row->ratio);
        else
            str_add_format(out, "%9s\n", "-");
    }
    str_add(out, "\n");
    for (uint32_t i = 0; i < c->row_count; i++)
        if (c->rows[i].judged) {
            str_add(out, "  ");
            compare_add_verdict(out, &c->rows[i]);
            str_add(out, "\n");
        }
    str_add_format(out, "  %s\n\n", compare_method);
    if (!c->keys_known)
        str_add(out, "  configurations were not compared: one of the runs has none stored\n");
    else
        str_add_format(out, "  %u keys of the configurations differ%s\n", c->key_count, c->key_count ? ":" : "");
    for (uint32_t i = 0; i < c->key_count; i++) {
        str_add(out, "    ");
        text_add(out, c->keys[i].key);
        str_add(out, ": ");
        text_add(out, c->keys[i].a ? c->keys[i].a : "(not set)");
        str_add(out, " -> ");
        text_add(out, c->keys[i].b ? c->keys[i].b : "(not set)");
        str_add(out, "\n");
    }
    for (uint32_t i = 0; i < c->b->missing_count; i++) {
        str_add(out, "  missing in B: ");
        text_add(out, c->b->missing[i]);
        str_add(out, "\n");
    }
}
