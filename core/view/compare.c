/* SPDX-License-Identifier: Apache-2.0 */
#include "view/compare.h"

#include <stdlib.h>
#include <string.h>

const char compare_method[] =
    "Judged by Welch's t-test at 95 % over the epochs that count. Epochs of one run are more alike than runs are (same "
    "files, same hour, a cache that is warm after the first), so repeat both runs before a small difference is "
    "believed.";

static bool is_judged(const struct run_figure *f)
{
    return strcmp(f->key, "au_percent") == 0 || strcmp(f->key, "strict_au_percent") == 0 ||
           strcmp(f->key, "samples_per_second") == 0;
}

double compare_epoch_value(const struct run_figure *f, const struct view_epoch *e)
{
    if (!e->in_means)
        return VIEW_UNKNOWN;
    if (strcmp(f->key, "au_percent") == 0)
        return e->au_percent;
    return strcmp(f->key, "strict_au_percent") == 0 ? e->strict_au_percent : e->samples_per_second;
}

static struct judgement judge_epochs(const struct run_figure *f, const struct run_view *a, const struct run_view *b)
{
    double *values = xcalloc((size_t)a->epoch_count + b->epoch_count, sizeof *values);
    struct judgement j;

    for (uint32_t i = 0; i < a->epoch_count; i++)
        values[i] = compare_epoch_value(f, &a->epochs[i]);
    for (uint32_t i = 0; i < b->epoch_count; i++)
        values[a->epoch_count + i] = compare_epoch_value(f, &b->epochs[i]);
    j = judge(values, a->epoch_count, values + a->epoch_count, b->epoch_count);
    free(values);
    return j;
}

static void compare_figures(struct arena *arena, struct comparison *c)
{
    c->rows = arena_alloc(arena, run_figure_count * sizeof *c->rows);
    for (uint32_t i = 0; i < run_figure_count; i++) {
        const struct run_figure *f = &run_figures[i];
        struct compare_row row = {.figure = f, .ratio = VIEW_UNKNOWN};

        row.a = run_figure_value(c->a, f);
        row.b = run_figure_value(c->b, f);
        if (!is_known(row.a) && !is_known(row.b))
            continue;
        if (is_known(row.a) && is_known(row.b) && row.a > 0)
            row.ratio = row.b / row.a;
        row.judged = is_judged(f) && is_known(row.a) && is_known(row.b);
        if (row.judged)
            row.judgement = judge_epochs(f, c->a, c->b);
        row.judged = row.judged && row.judgement.a_count + row.judgement.b_count > 0;
        c->rows[c->row_count++] = row;
    }
}

/* Where the results go differs between any two runs. */
static bool is_ignored(const char *key)
{
    return strcmp(key, "output.folder") == 0;
}

static void add_key(struct comparison *c, const char *key, const char *a, const char *b)
{
    if (!is_ignored(key) && !(a && b && strcmp(a, b) == 0))
        c->keys[c->key_count++] = (struct compare_key){key, a, b};
}

/* Both lists are sorted by key. */
static void compare_keys(struct arena *arena, struct comparison *c)
{
    const struct stored_keys *a = &c->a->config, *b = &c->b->config;
    uint32_t i = 0, k = 0;

    c->keys_known = c->a->files.config_folder && c->b->files.config_folder;
    c->keys = arena_alloc(arena, ((size_t)a->count + b->count + 1) * sizeof *c->keys);
    while (c->keys_known && (i < a->count || k < b->count)) {
        int order = i == a->count ? 1 : k == b->count ? -1 : strcmp(a->items[i].key, b->items[k].key);

        if (order < 0)
            add_key(c, a->items[i].key, a->items[i].value, NULL);
        else if (order > 0)
            add_key(c, b->items[k].key, NULL, b->items[k].value);
        else
            add_key(c, a->items[i].key, a->items[i].value, b->items[k].value);
        i += order <= 0;
        k += order >= 0;
    }
}

void compare_runs(struct arena *arena, const struct run_view *a, const struct run_view *b, struct comparison *ret)
{
    *ret = (struct comparison){.a = a, .b = b};
    compare_figures(arena, ret);
    compare_keys(arena, ret);
}

void compare_add_verdict(struct str *out, const struct compare_row *row)
{
    const struct judgement *j = &row->judgement;
    enum figure_unit unit = row->figure->unit;

    str_add_format(out, "%s: %s and %s", row->figure->label, figure_text(unit, row->a).text,
                   figure_text(unit, row->b).text);
    if (is_known(row->ratio))
        str_add_format(out, ", ratio %.4g", row->ratio);
    if (j->verdict == VERDICT_UNKNOWN)
        str_add_format(out, "; cannot be judged with %u and %u epochs that count", j->a_count, j->b_count);
    else
        str_add_format(out, "; the difference is %s (up to %s may be chance, %u and %u epochs)",
                       j->verdict == VERDICT_LARGER ? "larger than the spread of the epochs"
                                                    : "within the spread of the epochs",
                       figure_text(unit, j->noise).text, j->a_count, j->b_count);
}
