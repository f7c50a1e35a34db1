/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sdk/host: what every host of plugins needs (the program and dlfw-conform), and no plugin.
 *
 * option_parse: from the text of a value to the member that an option row binds. One parser for the user's values and
 * for the defaults, minima and maxima written in the tables.
 */
#ifndef DLFW_SDK_HOST_OPTION_PARSE_H
#define DLFW_SDK_HOST_OPTION_PARSE_H

#include "dlfw/option.h"

/* Text to number. *ret is untouched on failure; messages name the text, not the option. */
dlfw_status text_bool(const char *text, uint8_t *ret, dlfw_error *err);
dlfw_status text_i64(const char *text, int64_t *ret, dlfw_error *err);
dlfw_status text_u64(const char *text, uint64_t *ret, dlfw_error *err);
dlfw_status text_f64(const char *text, double *ret, dlfw_error *err);
dlfw_status text_size(const char *text, uint64_t *ret_bytes, dlfw_error *err);
dlfw_status text_duration(const char *text, uint64_t *ret_ns, dlfw_error *err);
dlfw_status text_rate(const char *text, uint64_t *ret_bytes_per_s, dlfw_error *err);

/* The row-th row of a table whose rows may be longer than ours. */
const dlfw_option *option_row(const dlfw_option *rows, uint32_t index);
const dlfw_option *option_find(const dlfw_option *rows, uint32_t count, const char *name); /* NULL: none */

/*
 * Checks text against row (type, min, max, choices) and stores it into base + row->offset. Strings are stored as the
 * pointer text itself, so it must outlive base; a secret is resolved first (env:NAME, file:PATH) into memory from
 * keep(). DLFW_TYPE_LIST_STR and DLFW_TYPE_NODE are stored by the caller (they need a tree). base NULL: check only.
 */
typedef void *option_keep(void *ctx, size_t bytes); /* memory that lives as long as the options; NULL: none left */
dlfw_status option_store(const dlfw_option *row, const char *text, void *base, option_keep *keep, void *keep_ctx,
                         dlfw_error *err);
/* Stores every row's default. */
dlfw_status option_store_defaults(const dlfw_option *rows, uint32_t count, void *base, option_keep *keep,
                                  void *keep_ctx, dlfw_error *err);
/* The stored value as text, as a user would write it ("8MiB", "true"); secrets as "***". Returns its length. */
uint32_t option_print(const dlfw_option *row, const void *base, char *buf, uint32_t cap);
const char *option_type_name(uint16_t type); /* "size", "duration" ...; never NULL */

/*
 * A table checked for mistakes of its author: struct_size, names, help present, offsets inside options_size, field_size
 * fits the type, defaults parse and lie in range. The message names the row.
 */
dlfw_status option_table_check(const dlfw_option *rows, uint32_t count, uint32_t options_size, dlfw_error *err);

/* Edit distance with transpositions, capped; for "did you mean". */
uint32_t text_distance(const char *a, const char *b, uint32_t cap);

#endif
