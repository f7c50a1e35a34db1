/* SPDX-License-Identifier: Apache-2.0 */
/* Members of JSON objects with the rules of our reports: numbers are finite or absent, text is valid UTF-8, order is
 * the order of the calls. */
#ifndef DLFW_CORE_REPORT_JSON_PUT_H
#define DLFW_CORE_REPORT_JSON_PUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "dlfw/base.h"

/* Makes jansson allocate like the rest of the program (out of memory ends it), so that building a document cannot fail.
 * Called once before. */
void put_begin(void);

json_t *put_new_text(const char *text); /* bytes that are no UTF-8 become \xNN */
json_t *put_new_reals(const double *values, uint64_t count);
json_t *put_new_u64(uint64_t value);

void put_value(json_t *object, const char *key, json_t *value);   /* takes value over */
void put_text(json_t *object, const char *key, const char *text); /* NULL: left out */
void put_u64(json_t *object, const char *key, uint64_t value);
void put_real(json_t *object, const char *key, double value); /* left out unless finite */
void put_flag(json_t *object, const char *key, bool value);
/* {count, mean, p50, p90, p99, p999, max}; an empty one has only its count. */
void put_histogram(json_t *object, const char *key, const struct histogram *h);

/* Writes the document as DLIO does, indented by 4, and drops it. */
dlfw_status put_file(json_t *root, const char *folder, const char *name, dlfw_error *err);

#endif
