/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Arrow schema of a generated file as its writers put it into the footer: a FlatBuffers message in base64. Parquet
 * itself has no lists of fixed size; with it Arrow's readers see them as such.
 */
#ifndef DLFW_PARQUET_ARROW_SCHEMA_H
#define DLFW_PARQUET_ARROW_SCHEMA_H

#include "layout.h"

struct arrow_text {
    char *text; /* base64, not NUL-terminated */
    uint32_t len;
};

dlfw_status arrow_schema_text(const struct layout *l, struct arrow_text *ret, dlfw_error *err);
void arrow_text_free(struct arrow_text *t);

#endif
