/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the JSON files of a results directory again: what reports, rules and sweeps begin with. */
#ifndef DLFW_CORE_REPORT_RESULT_READ_H
#define DLFW_CORE_REPORT_RESULT_READ_H

#include <jansson.h>

#include "dlfw/base.h"

/* <folder>/<name> as one JSON object; the caller drops it with json_decref. NOT_FOUND, or CORRUPT with the place. */
dlfw_status result_read_json(const char *folder, const char *name, json_t **ret, dlfw_error *err);
/* A number below keys ("metric", "train_au_mean_percentage", NULL); fallback when it is absent or no number. */
double result_number(const json_t *root, double fallback, ...) __attribute__((sentinel));
/* A text below keys; NULL when absent or no text. Lives as long as root. */
const char *result_text(const json_t *root, ...) __attribute__((sentinel));

#endif
