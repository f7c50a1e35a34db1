/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the headers of an answer that has been parsed: the grammar was checked when it came. */
#include <string.h>
#include <strings.h>

#include "http.h"
#include "parse.h"

bool http_header_next(const struct http_exchange *x, size_t *cursor, const char **name, size_t *name_len,
                      const char **value, size_t *value_len)
{
    const char *line, *colon;
    size_t len;

    if (!x->code || !x->answer_head.len)
        return false;
    if (*cursor == 0 && !http_line_next(x->answer_head.data, x->answer_head.len, cursor, &line, &len))
        return false;
    if (!http_line_next(x->answer_head.data, x->answer_head.len, cursor, &line, &len))
        return false;
    colon = memchr(line, ':', len);
    if (!colon)
        return false;
    *name = line;
    *name_len = (size_t)(colon - line);
    *value = colon + 1;
    *value_len = len - *name_len - 1;
    while (*value_len && (**value == ' ' || **value == '\t')) {
        (*value)++;
        (*value_len)--;
    }
    while (*value_len && ((*value)[*value_len - 1] == ' ' || (*value)[*value_len - 1] == '\t'))
        (*value_len)--;
    return true;
}

const char *http_header(const struct http_exchange *x, const char *name, size_t *ret_len)
{
    size_t cursor = 0, len = strlen(name), line_name_len, value_len;
    const char *line_name, *value;

    while (http_header_next(x, &cursor, &line_name, &line_name_len, &value, &value_len)) {
        if (line_name_len != len || strncasecmp(line_name, name, len) != 0)
            continue;
        *ret_len = value_len;
        return value;
    }
    return NULL;
}

bool http_header_copy(const struct http_exchange *x, const char *name, char *buf, size_t cap)
{
    size_t len = 0;
    const char *value = http_header(x, name, &len);

    if (!value || len >= cap)
        return false;
    memcpy(buf, value, len);
    buf[len] = '\0';
    return true;
}

void http_exchange_free(struct http_exchange *x)
{
    text_free(&x->head);
    text_free(&x->answer_head);
    text_free(&x->reply);
}
