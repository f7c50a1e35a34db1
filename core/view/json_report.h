/* SPDX-License-Identifier: Apache-2.0 */
/* What a report shows, for programs. */
#ifndef DLFW_CORE_VIEW_JSON_REPORT_H
#define DLFW_CORE_VIEW_JSON_REPORT_H

#include "view/compare.h"

/* c may be NULL. put_begin() was called before. */
json_t *json_report(const struct run_view *v, const struct comparison *c);

#endif
