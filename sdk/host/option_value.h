/* SPDX-License-Identifier: Apache-2.0 */
/* Inside sdk/host: what option_parse.c, option_table.c and option_value.c share. */
#ifndef DLFW_SDK_HOST_OPTION_VALUE_H
#define DLFW_SDK_HOST_OPTION_VALUE_H

#include <stdbool.h>

#include "option_parse.h"

/* A user's text as it may stand in a one-line message: clipped, control characters replaced. */
struct shown {
    char text[72];
};
struct shown shown_text(const char *text);

/* Bytes of the member that an option type is stored in; 0: no such type. */
uint32_t option_field_size(uint16_t type);
/* Types whose values have an order, so that min and max mean something. */
bool option_type_is_ordered(uint16_t type);

/* A stored value of any type but LIST_STR and NODE. */
union option_value {
    uint8_t b;
    int64_t i;
    uint64_t u;
    double f;
    uint32_t choice;
    const char *s;
};
/* Text to value by type, choices included, without range check. A secret's text is taken as it is. */
dlfw_status option_value_parse(const dlfw_option *row, const char *text, union option_value *ret, dlfw_error *err);
/* The same with min and max. */
dlfw_status option_value_check(const dlfw_option *row, const char *text, union option_value *ret, dlfw_error *err);

/* env:NAME and file:PATH to the secret itself, in memory from keep(); *ret is text itself when it is neither. Messages
 * never hold the secret. */
dlfw_status secret_resolve(const char *text, option_keep *keep, void *keep_ctx, const char **ret, dlfw_error *err);

#endif
