/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Charts as inline SVG that need no script. A chart is as wide as the page lets it be: places along x are parts of that
 * width (0 to 1), places along y are pixels, so that text has the same size on every screen. The labels of axes stand
 * outside of the svg element, in the margins that its class gives it.
 */
#ifndef DLFW_CORE_VIEW_CHART_H
#define DLFW_CORE_VIEW_CHART_H

#include "base/str.h"
#include "view/chart_scale.h"
#include "view/figures.h"

/* title and description (its text alternative) may hold text from files. form: "plot" has margins for axes, "bars" also
 * for names at the left, "list" for these alone, "wide" has none. */
void chart_begin(struct str *out, const char *form, double height, const char *title, const char *description);
void chart_end(struct str *out);

enum chart_side { CHART_LEFT, CHART_RIGHT };

/* Numbers along y at the ticks of scale, value * factor in the unit; the left side also draws the grid. */
void chart_axis_y(struct str *out, const struct scale *scale, double height, enum figure_unit unit, double factor,
                  enum chart_side side);
/* Numbers along x below height, with grid lines. */
void chart_axis_x(struct str *out, const struct scale *scale, double height, enum figure_unit unit);
void chart_axis_time(struct str *out, const struct scale *seconds, double height);

/* A line of steps: values[i] holds from x i * width on; unknown ones are gaps. filled: also the area below. */
void chart_steps(struct str *out, const char *class, const struct scale *y, const double *values, uint32_t count,
                 double width, double height, bool filled);
/* A line through the middles of count equal parts. */
void chart_line(struct str *out, const char *class, const struct scale *y, const double *values, uint32_t count,
                double height);

/* class may be several words. hover: what a pointer sees; may hold text from files; NULL: nothing. */
void chart_rect(struct str *out, const char *class, double x, double y, double width, double height, const char *hover);
void chart_dot(struct str *out, const char *class, double x, double y, const char *hover);
void chart_tick(struct str *out, const char *class, double x, double y1, double y2); /* a line along y */
void chart_rule(struct str *out, const char *class, double y);                       /* a line along x */
/* anchor: "start", "middle" or "end" */
void chart_text(struct str *out, const char *class, const char *anchor, double x, double y, const char *text);

#endif
