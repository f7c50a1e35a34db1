/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page's frame and its first screen. The policy in its head forbids scripts and every request, so that also a
 * hostile text in a results folder could not do anything.
 */
#include "view/html_report.h"

#include <stdio.h>
#include <string.h>

#include "report/result_read.h"
#include "view/html_sections.h"
#include "view/html_text.h"
#include "view/text_report.h"

static const char head[] = "<!doctype html>\n"
                           "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                           "'unsafe-inline'; img-src data:\">\n"
                           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                           "<meta name=\"generator\" content=\"dlfw report\">\n"
                           "<link rel=\"icon\" href=\"data:,\">\n<title>";

static void add_tile(struct str *out, const char *label, const char *value, const char *note, const char *class)
{
    str_add(out, "<div><dt>");
    html_text(out, label);
    str_add_format(out, "</dt><dd class=\"%s\">", class);
    html_text(out, value);
    str_add(out, "</dd>");
    if (note) {
        str_add(out, "<dd class=\"note\">");
        html_text(out, note);
        str_add(out, "</dd>");
    }
    str_add(out, "</div>\n");
}

static void add_au_tile(struct str *out, const struct run_view *v, double au)
{
    bool meets = is_known(v->threshold_percent) && au >= v->threshold_percent;
    char note[64];

    snprintf(note, sizeof note, "as DLIO defines it; %s %.4g %%", meets ? "meets" : "below", v->threshold_percent);
    add_tile(out, "AU", figure_text(FIGURE_PERCENT, au).text,
             is_known(v->threshold_percent) ? note : "as DLIO defines it",
             !is_known(v->threshold_percent) ? ""
             : meets                         ? "good"
                                             : "bad");
}

static void add_tiles(struct str *out, const struct run_view *v)
{
    static const struct {
        const char *key, *note;
    } rows[] = {{"strict_au_percent", "asked-for compute over the slowest rank's time"},
                {"samples_per_second", "training, all ranks"},
                {"read_bytes_per_second", "delivered to training"},
                {"batch_wait_p99_ns", "99 of 100 steps waited less"},
                {"eval_au_percent", NULL},
                {"generation_bytes_per_second", "written by generation"},
                {"save_bytes_per_second", "checkpoints, mean"},
                {"load_bytes_per_second", "checkpoints, mean"},
                {"errors", "requests that failed for good"},
                {"retries", "requests tried again"}};
    double au = run_figure_value(v, run_figure_find("au_percent"));

    str_add(out, "<dl class=\"tiles\">\n");
    if (is_known(au))
        add_au_tile(out, v, au);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct run_figure *f = run_figure_find(rows[i].key);
        double value = run_figure_value(v, f);

        if (figure_is_news(f->unit, value))
            add_tile(out, f->label, figure_text(f->unit, value).text, rows[i].note,
                     f->unit == FIGURE_COUNT ? "bad" : "");
    }
    str_add(out, "</dl>\n");
}

/* "2 ranks on 1 host, file:///data, 2026-01-31T12:00:00 to ..., dlfw 0.3.0" */
static void add_what_ran(struct str *out, const struct run_view *v)
{
    const char *start = result_text(v->summary, "start", NULL), *end = result_text(v->summary, "end", NULL);
    const char *version = result_text(v->dlfw, "version", NULL),
               *scheme = result_text(v->dlfw, "storage", "scheme", NULL);
    struct str line = STR_EMPTY;

    if (is_known(v->ranks))
        text_add_count(&line, v->ranks, "rank");
    if (is_known(v->hosts)) {
        str_add(&line, " on ");
        text_add_count(&line, v->hosts, "host");
    }
    if (v->storage_uri)
        str_add_format(&line, " \xc2\xb7 %s", v->storage_uri);
    if (v->storage_uri && scheme)
        str_add_format(&line, " (%s)", scheme);
    if (start && end)
        str_add_format(&line, " \xc2\xb7 %s to %s", start, end);
    str_add_format(&line, version ? " \xc2\xb7 dlfw %s" : " \xc2\xb7 not written by dlfw", version);
    str_add(out, "<p class=\"soft\">");
    html_text(out, line.data);
    str_add(out, "</p>\n");
    str_free(&line);
}

static void add_failure(struct str *out, const struct run_view *v)
{
    const char *status = result_text(v->dlfw, "status", NULL), *text = result_text(v->dlfw, "failure", "text", NULL);

    if (v->ok)
        return;
    str_add(out, "<div class=\"notice\" role=\"note\"><p><strong>The run ended early (");
    html_text(out, status);
    str_add(out, ").</strong> ");
    html_text(out, text);
    str_add(out, ". What is shown is what was measured until then.</p></div>\n");
}

/* Links to the sections that are there: the page is made first and then looked through. */
static void add_links(struct str *out, const struct str *sections)
{
    static const char mark[] = "<h2 id=\"";

    str_add(out, "<nav aria-label=\"Sections\"><ul>\n");
    for (const char *at = strstr(sections->data, mark); at; at = strstr(at, mark)) {
        const char *end;

        at += sizeof mark - 1;
        end = strstr(at, "</h2>");
        str_add_format(out, "<li><a href=\"#%.*s</a></li>\n", (int)(end - at), at);
    }
    str_add(out, "</ul></nav>\n");
}

static void add_header(struct str *out, const struct run_view *v, const struct str *sections)
{
    str_add(out, "<header>\n<h1>");
    html_text(out, v->model ? v->model : v->folder);
    str_add(out, "</h1>\n");
    add_what_ran(out, v);
    add_failure(out, v);
    add_tiles(out, v);
    add_links(out, sections);
    str_add(out, "</header>\n");
}

static void add_sections(struct str *out, const struct run_view *v, const struct comparison *c)
{
    if (c)
        html_section_compare(out, c);
    html_section_limits(out, v);
    html_section_time(out, v);
    html_section_epochs(out, v);
    html_section_stages(out, v);
    html_section_ranks(out, v);
    html_section_cache(out, v);
    html_section_checkpoints(out, v);
    html_section_config(out, v);
    html_section_host(out, v);
    html_section_files(out, v);
}

void html_report(struct str *out, const struct run_view *v, const struct comparison *c)
{
    struct str sections = STR_EMPTY;

    add_sections(&sections, v, c);
    str_add(out, head);
    html_text(out, v->model ? v->model : "A run");
    str_add(out, c ? ": comparison of two runs</title>\n<style>\n" : ": results of a run</title>\n<style>\n");
    str_add(out, html_style);
    str_add(out, "</style>\n</head>\n<body>\n");
    add_header(out, v, &sections);
    str_add(out, "<main>\n");
    str_add_len(out, sections.data, sections.len);
    str_add(out, "</main>\n<footer><p>Made by dlfw report from <code>");
    html_text(out, v->folder);
    str_add(out, "</code>. A pointer over a bar, a dot or a line shows its figures.</p></footer>\n</body>\n</html>\n");
    str_free(&sections);
}
