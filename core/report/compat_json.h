/* SPDX-License-Identifier: Apache-2.0 */
/* The switches of the run file's section compat in the report: figures of a run that has one on are not those of a run
 * that has none, and who reads them must see it. */
#ifndef DLFW_CORE_REPORT_COMPAT_JSON_H
#define DLFW_CORE_REPORT_COMPAT_JSON_H

#include <jansson.h>

#include "report/results.h"

/* dlfw.compat of summary.json: {switch: what it does} of those that are on; empty when none is. */
json_t *compat_json(const struct run_record *rec);
/* A line of dlio.log for each; after log_run_begin. */
void log_compat(struct results *r, const struct run_config *cfg);

#endif
