/* SPDX-License-Identifier: Apache-2.0 */
#include "view/chart.h"

#include "view/html_text.h"

void chart_begin(struct str *out, const char *form, double height, const char *title, const char *description)
{
    str_add_format(out, "<svg class=\"%s\" role=\"img\" height=\"%.0f\" aria-label=\"", form, height);
    html_text(out, title);
    str_add(out, ": ");
    html_text(out, description);
    str_add(out, "\"><desc>");
    html_text(out, description);
    str_add(out, "</desc>\n");
}

void chart_end(struct str *out)
{
    str_add(out, "</svg>\n");
}

static void add_hover(struct str *out, const char *element, const char *hover)
{
    if (!hover) {
        str_add(out, "/>\n");
        return;
    }
    str_add(out, "><title>");
    html_text(out, hover);
    str_add_format(out, "</title></%s>\n", element);
}

void chart_rect(struct str *out, const char *class, double x, double y, double width, double height, const char *hover)
{
    str_add_format(out, "<rect class=\"%s\" x=\"%.2f%%\" y=\"%.1f\" width=\"%.2f%%\" height=\"%.1f\"", class, 100 * x,
                   y, 100 * width, height);
    add_hover(out, "rect", hover);
}

void chart_dot(struct str *out, const char *class, double x, double y, const char *hover)
{
    str_add_format(out, "<circle class=\"%s\" cx=\"%.2f%%\" cy=\"%.1f\" r=\"4\"", class, 100 * x, y);
    add_hover(out, "circle", hover);
}

void chart_tick(struct str *out, const char *class, double x, double y1, double y2)
{
    str_add_format(out, "<line class=\"%s\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%.1f\" y2=\"%.1f\"/>\n", class, 100 * x,
                   100 * x, y1, y2);
}

void chart_rule(struct str *out, const char *class, double y)
{
    str_add_format(out, "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>\n", class, y, y);
}

void chart_text(struct str *out, const char *class, const char *anchor, double x, double y, const char *text)
{
    str_add_format(out, "<text class=\"%s\" text-anchor=\"%s\" x=\"%.2f%%\" y=\"%.1f\">", class, anchor, 100 * x, y);
    html_text(out, text);
    str_add(out, "</text>\n");
}

/* Lines bend only in a system of coordinates; this one is stretched over the chart. */
static void begin_path(struct str *out, const char *class, double height)
{
    str_add_format(out,
                   "<svg x=\"0\" y=\"0\" width=\"100%%\" height=\"%.0f\" viewBox=\"0 0 10000 1000\" "
                   "preserveAspectRatio=\"none\"><path class=\"%s\" d=\"",
                   height, class);
}

static void end_path(struct str *out)
{
    str_add(out, "\"/></svg>\n");
}

static double down(const struct scale *y, double value)
{
    return 1000 - 1000 * scale_at(y, value);
}

static void add_steps(struct str *out, const struct scale *y, const double *values, uint32_t count, double width,
                      bool closed)
{
    for (uint32_t i = 0; i < count; i++) {
        bool begins = is_known(values[i]) && (!i || !is_known(values[i - 1]));
        bool ends = i + 1 == count || !is_known(values[i + 1]);
        double right = 10000 * width * (i + 1);

        if (!is_known(values[i]))
            continue;
        if (begins && closed)
            str_add_format(out, "M%.0f 1000", 10000 * width * i);
        str_add_format(out, begins && !closed ? "M%.0f %.0f" : "L%.0f %.0f", 10000 * width * i, down(y, values[i]));
        str_add_format(out, "H%.0f", right > 10000 ? 10000 : right);
        if (ends && closed)
            str_add(out, "V1000Z");
    }
}

void chart_steps(struct str *out, const char *class, const struct scale *y, const double *values, uint32_t count,
                 double width, double height, bool filled)
{
    char fill[64];

    if (filled) {
        snprintf(fill, sizeof fill, "area %s", class);
        begin_path(out, fill, height);
        add_steps(out, y, values, count, width, true);
        end_path(out);
    }
    snprintf(fill, sizeof fill, "line %s", class);
    begin_path(out, fill, height);
    add_steps(out, y, values, count, width, false);
    end_path(out);
}

void chart_line(struct str *out, const char *class, const struct scale *y, const double *values, uint32_t count,
                double height)
{
    char line[64];

    snprintf(line, sizeof line, "line %s", class);
    begin_path(out, line, height);
    for (uint32_t i = 0; i < count; i++)
        if (is_known(values[i]))
            str_add_format(out, i && is_known(values[i - 1]) ? "L%.0f %.0f" : "M%.0f %.0f", 10000 * (i + 0.5) / count,
                           down(y, values[i]));
    end_path(out);
}
