/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of HTML. Text from files comes into a page only through html_text. */
#ifndef DLFW_CORE_VIEW_HTML_TEXT_H
#define DLFW_CORE_VIEW_HTML_TEXT_H

#include "base/str.h"

/* Escaped for text and for quoted attributes; bytes that are not UTF-8, controls and line ends become visible. NULL
 * adds nothing. */
void html_text(struct str *out, const char *text);
/* The same, at most cap characters and "..." behind them. */
void html_text_cut(struct str *out, const char *text, size_t cap);

/* <section> with its heading; id is also where links of the page go. */
void html_section_begin(struct str *out, const char *id, const char *heading);
void html_section_end(struct str *out);
/* A table with a caption for those who cannot see where it stands; columns are separated by '|', those beginning with
 * '#' hold numbers. */
void html_table_begin(struct str *out, const char *caption, const char *columns);
void html_table_end(struct str *out);
void html_cell(struct str *out, const char *text);   /* text from files is fine */
void html_number(struct str *out, const char *text); /* aligned at the right */
void html_row_head(struct str *out, const char *text);

#endif
