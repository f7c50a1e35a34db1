/* SPDX-License-Identifier: Apache-2.0 */
/* A run in Prometheus' text exposition format, for the textfile collector of node_exporter and the like. */
#ifndef DLFW_CORE_VIEW_PROMETHEUS_H
#define DLFW_CORE_VIEW_PROMETHEUS_H

#include "view/figures.h"

void prometheus_report(struct str *out, const struct run_view *v);

/* Text between the quotes of a label. Bytes that are not UTF-8 and controls are escaped for people first. */
void prometheus_label(struct str *out, const char *text);

#endif
