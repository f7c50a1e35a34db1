/* SPDX-License-Identifier: Apache-2.0 */
/* A run, or two, as one page of HTML: style and charts inside, nothing from outside, no script. */
#ifndef DLFW_CORE_VIEW_HTML_REPORT_H
#define DLFW_CORE_VIEW_HTML_REPORT_H

#include "view/compare.h"

/* c may be NULL. */
void html_report(struct str *out, const struct run_view *v, const struct comparison *c);

#endif
