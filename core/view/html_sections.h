/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of the page. Each adds nothing when the run has nothing for it, so that no empty heading stands there.
 */
#ifndef DLFW_CORE_VIEW_HTML_SECTIONS_H
#define DLFW_CORE_VIEW_HTML_SECTIONS_H

#include "view/chart_scale.h"
#include "view/compare.h"

extern const char html_style[];

void html_section_compare(struct str *out, const struct comparison *c);
void html_section_limits(struct str *out, const struct run_view *v);
void html_section_time(struct str *out, const struct run_view *v);
void html_section_epochs(struct str *out, const struct run_view *v);
void html_section_stages(struct str *out, const struct run_view *v);
void html_section_ranks(struct str *out, const struct run_view *v);
void html_section_cache(struct str *out, const struct run_view *v);
void html_section_checkpoints(struct str *out, const struct run_view *v);
void html_section_config(struct str *out, const struct run_view *v);
void html_section_host(struct str *out, const struct run_view *v);
void html_section_files(struct str *out, const struct run_view *v);

/* Values on a line: dots, or beyond 64 of them a box (quartiles) with whiskers (extremes). */
#define ROW_HEIGHT 58.0
struct value_row {
    const char *label;
    enum figure_unit unit;
    const struct scale *scale;
    bool is_shared; /* other rows have the same scale, so that its ends are not this row's extremes */
    const double *values;
    uint32_t count;
    struct figure_text (*name)(const void *ctx, uint32_t index); /* of a value: "rank 3" */
    const void *ctx;
};
void html_value_row(struct str *out, double top, const struct value_row *row);

#endif
