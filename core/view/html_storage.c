/* SPDX-License-Identifier: Apache-2.0 */
/* The page cache as far as it is known, and checkpoints. */
#include <stdio.h>

#include "report/result_read.h"
#include "view/cache_facts.h"
#include "view/chart.h"
#include "view/html_sections.h"
#include "view/html_text.h"

#define BAR_ROW 26.0
#define BAR_HEIGHT 14.0
#define CHECKPOINTS_SHOWN 200u
#define RESIDENT_SHOWN 12u

static void add_cache_chart(struct str *out, const struct cache_facts *f)
{
    const struct {
        const char *label, *class;
        double bytes;
    } rows[] = {{"host memory", "memory", f->memory_bytes},
                {"data per host", "storage", f->data_bytes},
                {"cache, first", "au", f->first_cache},
                {"cache, last", "au", f->last_cache}};
    struct str text = STR_EMPTY;
    double most = 0, top = 0, height = 0;
    struct scale x;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        most = rows[i].bytes > most ? rows[i].bytes : most;
        if (!is_known(rows[i].bytes))
            continue;
        height += BAR_ROW;
        str_add_format(&text, "%s%s %s", text.len ? ", " : "", rows[i].label,
                       figure_text(FIGURE_BYTES, rows[i].bytes).text);
    }
    x = (struct scale){.max = most};
    str_add(out, "<figure>\n");
    chart_begin(out, "list", height, "Memory and data of a host", text.data);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!is_known(rows[i].bytes))
            continue;
        str_add_format(out, "<text text-anchor=\"end\" x=\"0\" dx=\"-8\" y=\"%.1f\">%s</text>\n", top + BAR_HEIGHT - 2,
                       rows[i].label);
        chart_rect(out, rows[i].class, 0, top, scale_at(&x, rows[i].bytes), BAR_HEIGHT, NULL);
        str_add_format(out, "<text text-anchor=\"start\" x=\"100%%\" dx=\"8\" y=\"%.1f\">%s</text>\n",
                       top + BAR_HEIGHT - 2, figure_text(FIGURE_BYTES, rows[i].bytes).text);
        top += BAR_ROW;
    }
    chart_end(out);
    str_add(
        out,
        "<figcaption>Data is what a host reads per epoch, nominal. Cache is the page cache of rank 0's host, of all "
        "programs, when the first and the last epoch began.</figcaption></figure>\n");
    str_free(&text);
}

/* A bar for each epoch where it was measured, the first ones. */
static void add_resident_chart(struct str *out, const struct run_view *v)
{
    const struct view_epoch *shown[RESIDENT_SHOWN];
    struct str text = STR_EMPTY;
    uint32_t count = 0, known = 0;

    for (uint32_t i = 0; i < v->epoch_count; i++) {
        const struct view_epoch *e = &v->epochs[i];

        if (!is_known(e->resident_percent))
            continue;
        if (known++ < RESIDENT_SHOWN) {
            str_add_format(&text, "%sepoch %lu %.1f %%", count ? ", " : "", e->epoch, e->resident_percent);
            shown[count++] = e;
        }
    }
    str_add(out, "<figure>\n");
    chart_begin(out, "list", BAR_ROW * count, "Data in the page cache when epochs began", text.data);
    for (uint32_t i = 0; i < count; i++) {
        double top = BAR_ROW * i, share = fmin(fmax(shown[i]->resident_percent, 0), 100) / 100;

        str_add_format(out, "<text text-anchor=\"end\" x=\"0\" dx=\"-8\" y=\"%.1f\">epoch %lu</text>\n",
                       top + BAR_HEIGHT - 2, shown[i]->epoch);
        chart_rect(out, "track", 0, top, 1, BAR_HEIGHT, NULL);
        chart_rect(out, "au", 0, top, share, BAR_HEIGHT, NULL);
        str_add_format(out, "<text text-anchor=\"start\" x=\"100%%\" dx=\"8\" y=\"%.1f\">%s</text>\n",
                       top + BAR_HEIGHT - 2, figure_text(FIGURE_PERCENT, shown[i]->resident_percent).text);
    }
    chart_end(out);
    str_add(out, "<figcaption>Share of what rank 0's host was to read in the epoch that lay in its page cache when the "
                 "epoch began, by the files that were looked at");
    if (known > count)
        str_add_format(out, "; %u further epochs are in the table of epochs", known - count);
    str_add(out, ".</figcaption></figure>\n");
    str_free(&text);
}

void html_section_cache(struct str *out, const struct run_view *v)
{
    struct cache_facts f;

    cache_facts_of(v, &f);
    if (!f.count)
        return;
    html_section_begin(out, "cache", "Page cache residency");
    str_add(out, "<ul class=\"lines\">\n");
    for (uint32_t i = 0; i < f.count; i++) {
        str_add(out, "<li>");
        html_text(out, f.lines[i]);
        str_add(out, "</li>\n");
    }
    str_add(out, "</ul>\n");
    if (is_known(f.most_resident))
        add_resident_chart(out, v);
    if (f.memory_bytes > 0 && is_known(f.data_bytes))
        add_cache_chart(out, &f);
    html_section_end(out);
}

static void add_sum(struct str *out, const struct run_view *v, const char *kind, const char *label)
{
    const json_t *o = json_object_get(json_object_get(v->dlfw, "checkpoints"), kind);
    double count = result_number(o, 0, "count", NULL);

    if (count <= 0)
        return;
    html_row_head(out, label);
    html_number(out, figure_text(FIGURE_COUNT, count).text);
    html_number(out, figure_text(FIGURE_BYTES, result_number(o, VIEW_UNKNOWN, "bytes", NULL)).text);
    html_number(out, figure_text(FIGURE_BYTES, result_number(o, VIEW_UNKNOWN, "stored_bytes", NULL)).text);
    html_number(out, figure_text(FIGURE_SECONDS, result_number(o, VIEW_UNKNOWN, "seconds_min", NULL)).text);
    html_number(out, figure_text(FIGURE_SECONDS, result_number(o, VIEW_UNKNOWN, "seconds_max", NULL)).text);
    html_number(out, figure_text(FIGURE_SECONDS,
                                 v->epoch_count ? result_number(o, VIEW_UNKNOWN, "stall_seconds", NULL) : VIEW_UNKNOWN)
                         .text);
    html_number(out, figure_text(FIGURE_PERCENT, result_number(o, VIEW_UNKNOWN, "overlap_percent", NULL)).text);
    str_add(out, "</tr>\n");
}

static void add_list(struct str *out, const struct run_view *v)
{
    str_add(out, "<details><summary>Every checkpoint</summary>\n");
    html_table_begin(out, "Every checkpoint", "Kind|#Epoch|#Step|Name|#Time|#Bytes|#Rate|#Training waited");
    for (uint32_t i = 0; i < v->checkpoint_count && i < CHECKPOINTS_SHOWN; i++) {
        const struct view_checkpoint *c = &v->checkpoints[i];

        html_row_head(out, c->is_load ? "load" : "save");
        html_number(out, figure_text(FIGURE_COUNT, c->epoch).text);
        html_number(out, figure_text(FIGURE_COUNT, c->step).text);
        html_cell(out, c->name);
        html_number(out, c->finished ? figure_text(FIGURE_SECONDS, c->seconds).text : "did not end");
        html_number(out, figure_text(FIGURE_BYTES, c->bytes).text);
        html_number(out, figure_text(FIGURE_BYTES_RATE, c->seconds > 0 ? c->bytes / c->seconds : VIEW_UNKNOWN).text);
        html_number(out, figure_text(FIGURE_NS, v->epoch_count ? c->stall_ns : VIEW_UNKNOWN).text);
        str_add(out, "</tr>\n");
    }
    html_table_end(out);
    if (v->checkpoint_count > CHECKPOINTS_SHOWN)
        str_add_format(out, "<p class=\"soft\">%u more are in summary.json.</p>\n",
                       v->checkpoint_count - CHECKPOINTS_SHOWN);
    str_add(out, "</details>\n");
}

void html_section_checkpoints(struct str *out, const struct run_view *v)
{
    const char *hook = result_text(v->dlfw, "checkpoints", "hook", NULL);
    const char *folder = result_text(v->dlfw, "checkpoints", "folder", NULL);

    if (!v->checkpoint_count)
        return;
    html_section_begin(out, "checkpoints", "Checkpoints");
    if (folder) {
        struct arena arena = {0};

        str_add(out, "<p>In <code>");
        html_text(out, without_uri_password(&arena, folder));
        str_add(out, "</code>, by ");
        html_text(out, hook ? hook : "a hook that is not named");
        str_add(out, ".</p>\n");
        arena_free(&arena);
    }
    html_table_begin(out, "Checkpoints in sum",
                     "Kind|#Count|#Bytes|#Stored by rank 0|#Shortest|#Longest|#Training waited|#Overlap");
    add_sum(out, v, "save", "saves");
    add_sum(out, v, "load", "loads");
    html_table_end(out);
    add_list(out, v);
    html_section_end(out);
}
