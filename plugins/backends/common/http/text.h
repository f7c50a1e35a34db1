/* SPDX-License-Identifier: Apache-2.0 */
/* A growable byte string that remembers running out of memory, so that a message is composed without checking each
 * step. */
#ifndef DLFW_PLUGIN_HTTP_TEXT_H
#define DLFW_PLUGIN_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *data; /* NUL-terminated once something was added */
    size_t len;
    size_t room;
    bool failed; /* out of memory; what was added since is missing */
};

void text_clear(struct text *t); /* keeps the memory */
void text_free(struct text *t);
void text_add(struct text *t, const void *data, size_t len);
void text_str(struct text *t, const char *s);
void text_char(struct text *t, char c);
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_u64(struct text *t, uint64_t value);
/* Percent-encodes everything but A-Z a-z 0-9 - _ . ~ and, when keep_slash, '/'. */
void text_encoded(struct text *t, const char *data, size_t len, bool keep_slash);
/* Room for len more bytes; NULL: out of memory. text_grown() says how many were filled. */
char *text_room(struct text *t, size_t len);
void text_grown(struct text *t, size_t len);

#endif
