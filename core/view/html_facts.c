/* SPDX-License-Identifier: Apache-2.0 */
/* What the run was made of: configuration, host, files, all figures, and what the folder does not hold. */
#include <stdio.h>
#include <string.h>

#include "report/result_read.h"
#include "report/units.h"
#include "view/html_sections.h"
#include "view/html_text.h"

#define KEYS_SHOWN 1000u
#define FILES_SHOWN 200u
#define VALUE_SHOWN 300u

void html_section_config(struct str *out, const struct run_view *v)
{
    if (!v->config.count)
        return;
    html_section_begin(out, "configuration", "Configuration");
    str_add(
        out,
        "<p class=\"soft\">As stored with the results; keys that are not set have their defaults, secrets are ***.</p>"
        "<details><summary>");
    str_add_format(out, "%u keys</summary>\n", v->config.count);
    html_table_begin(out, "Keys of the configuration", "Key|Value");
    for (uint32_t i = 0; i < v->config.count && i < KEYS_SHOWN; i++) {
        str_add(out, "<tr><th scope=\"row\" class=\"long\">");
        html_text_cut(out, v->config.items[i].key, VALUE_SHOWN);
        str_add(out, "</th><td class=\"long\">");
        html_text_cut(out, v->config.items[i].value, VALUE_SHOWN);
        str_add(out, "</td></tr>\n");
    }
    html_table_end(out);
    if (v->config.count > KEYS_SHOWN)
        str_add_format(out, "<p class=\"soft\">%u more are in the file.</p>\n", v->config.count - KEYS_SHOWN);
    str_add(out, "</details>\n");
    html_section_end(out);
}

static void add_fact(struct str *out, const char *label, const char *text)
{
    if (!text || !*text)
        return;
    html_row_head(out, label);
    str_add(out, "<td class=\"long\">");
    html_text_cut(out, text, VALUE_SHOWN);
    str_add(out, "</td></tr>\n");
}

static void add_hosts(struct str *out, const struct run_view *v)
{
    const json_t *hosts = json_object_get(json_object_get(v->dlfw, "ranks"), "hosts"), *item;
    struct str list = STR_EMPTY;
    size_t i;

    json_array_foreach(hosts, i, item) if (json_is_string(item) && list.len < VALUE_SHOWN)
        str_add_format(&list, "%s%s", i ? ", " : "", json_string_value(item));
    add_fact(out, "all hosts", list.len ? list.data : NULL);
    str_free(&list);
}

static void add_number(struct str *out, const char *label, double value, enum figure_unit unit)
{
    if (is_known(value))
        add_fact(out, label, figure_text(unit, value).text);
}

static double first_number(const struct run_view *v, const char *key)
{
    const json_t *item = json_array_get(json_object_get(v->summary, key), 0);

    return json_is_number(item) ? json_number_value(item) : VIEW_UNKNOWN;
}

void html_section_host(struct str *out, const struct run_view *v)
{
    static const char *const memory[] = {"MemTotal", "MemAvailable", "Cached", "Dirty", "SwapTotal"};

    html_section_begin(out, "host", "Host");
    html_table_begin(out, "The host of rank 0", "Fact|Value");
    add_fact(out, "name", result_text(v->summary, "hostname", NULL));
    add_hosts(out, v);
    add_fact(out, "coordinator", result_text(v->dlfw, "ranks", "coordinator", NULL));
    add_fact(out, "processor", result_text(v->summary, "host_processor_name", NULL));
    add_number(out, "logical CPUs", first_number(v, "host_cpu_count"), FIGURE_COUNT);
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        add_fact(out, memory[i], result_text(v->summary, "host_meminfo", memory[i], NULL));
    html_table_end(out);
    html_section_end(out);
}

static void add_figure_list(struct str *out, const struct run_view *v)
{
    html_table_begin(out, "All figures of the run", "Figure|#Value");
    for (uint32_t i = 0; i < run_figure_count; i++) {
        double value = run_figure_value(v, &run_figures[i]);

        if (!is_known(value))
            continue;
        html_row_head(out, run_figures[i].label);
        html_number(out, figure_text(run_figures[i].unit, value).text);
        str_add(out, "</tr>\n");
    }
    html_table_end(out);
}

static void add_missing(struct str *out, const struct run_view *v)
{
    if (!v->missing_count)
        return;
    str_add(out, "<h3>What is not there</h3>\n<ul class=\"lines\">\n");
    for (uint32_t i = 0; i < v->missing_count; i++) {
        str_add(out, "<li>");
        html_text(out, v->missing[i]);
        str_add(out, "</li>\n");
    }
    str_add(out, "</ul>\n");
}

void html_section_files(struct str *out, const struct run_view *v)
{
    html_section_begin(out, "files", "Figures and files");
    add_missing(out, v);
    str_add(out, "<details><summary>All figures of the run</summary>\n");
    add_figure_list(out, v);
    str_add_format(out, "</details>\n<details><summary>%u files</summary>\n", v->files.count);
    html_table_begin(out, "Files of the results folder", "File|#Size");
    for (uint32_t i = 0; i < v->files.count && i < FILES_SHOWN; i++) {
        str_add(out, "<tr><th scope=\"row\" class=\"long\">");
        html_text_cut(out, v->files.entries[i].name, VALUE_SHOWN);
        str_add(out, "</th>");
        html_number(out, unit_bytes((double)v->files.entries[i].bytes).text);
        str_add(out, "</tr>\n");
    }
    html_table_end(out);
    if (v->files.count > FILES_SHOWN)
        str_add_format(out, "<p class=\"soft\">%u more are not listed.</p>\n", v->files.count - FILES_SHOWN);
    str_add(out, "</details>\n");
    html_section_end(out);
}
