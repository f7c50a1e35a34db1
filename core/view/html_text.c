/* SPDX-License-Identifier: Apache-2.0 */
#include "view/html_text.h"

#include <string.h>

#include "base/utf8.h"

static void add_escaped(struct str *out, const char *line)
{
    while (*line) {
        size_t n = strcspn(line, "&<>\"'");

        str_add_len(out, line, n);
        line += n;
        if (*line) {
            str_add(out, *line == '&'   ? "&amp;"
                         : *line == '<' ? "&lt;"
                         : *line == '>' ? "&gt;"
                         : *line == '"' ? "&quot;"
                                        : "&#39;");
            line++;
        }
    }
}

void html_text_cut(struct str *out, const char *text, size_t cap)
{
    struct str line = STR_EMPTY;

    if (!text)
        return;
    utf8_add_escaped(&line, text, strlen(text));
    if (line.len > cap) {
        while (cap && ((unsigned char)line.data[cap] & 0xc0) == 0x80) /* cut between characters */
            cap--;
        line.data[cap] = '\0';
        add_escaped(out, line.data);
        str_add(out, "...");
    } else {
        add_escaped(out, line.data);
    }
    str_free(&line);
}

void html_text(struct str *out, const char *text)
{
    html_text_cut(out, text, SIZE_MAX);
}

void html_section_begin(struct str *out, const char *id, const char *heading)
{
    str_add_format(out, "<section aria-labelledby=\"%s\"><h2 id=\"%s\">", id, id);
    html_text(out, heading);
    str_add(out, "</h2>\n");
}

void html_section_end(struct str *out)
{
    str_add(out, "</section>\n");
}

void html_table_begin(struct str *out, const char *caption, const char *columns)
{
    str_add(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    html_text(out, caption);
    str_add(out, "\"><table><caption>");
    html_text(out, caption);
    str_add(out, "</caption><thead><tr>");
    for (const char *at = columns; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
        size_t len = strcspn(at, "|");
        bool number = at[0] == '#';

        str_add_format(out, "<th scope=\"col\"%s>%.*s</th>", number ? " class=\"n\"" : "", (int)(len - number),
                       at + number);
    }
    str_add(out, "</tr></thead><tbody>\n");
}

void html_table_end(struct str *out)
{
    str_add(out, "</tbody></table></div>\n");
}

void html_cell(struct str *out, const char *text)
{
    str_add(out, "<td>");
    html_text(out, text);
    str_add(out, "</td>");
}

void html_number(struct str *out, const char *text)
{
    str_add(out, "<td class=\"n\">");
    html_text(out, text);
    str_add(out, "</td>");
}

void html_row_head(struct str *out, const char *text)
{
    str_add(out, "<tr><th scope=\"row\">");
    html_text(out, text);
    str_add(out, "</th>");
}
