/* SPDX-License-Identifier: Apache-2.0 */
/* A run, or two, as text for a terminal. */
#ifndef DLFW_CORE_VIEW_TEXT_REPORT_H
#define DLFW_CORE_VIEW_TEXT_REPORT_H

#include "view/compare.h"

void text_report(struct str *out, const struct run_view *v);
void text_comparison(struct str *out, const struct comparison *c);

/* Text from a file as one line. */
void text_add(struct str *out, const char *text);
/* "1 rank", "2 ranks" */
void text_add_count(struct str *out, double count, const char *thing);

#endif
