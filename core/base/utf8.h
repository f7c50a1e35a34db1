/* SPDX-License-Identifier: Apache-2.0 */
/* Characters of UTF-8 text: which bytes are one, and how those look that a line of output cannot show. */
#ifndef DLFW_CORE_BASE_UTF8_H
#define DLFW_CORE_BASE_UTF8_H

#include <stdbool.h>

#include "base/str.h"

/* Bytes of the character at text, of which len are left, and its code point; 0: not valid UTF-8, or nothing left. */
size_t utf8_decode(const char *text, size_t len, uint32_t *ret);
/* Bytes at the beginning of text that are valid; len: all of them. */
size_t utf8_valid(const char *text, size_t len);
bool utf8_is_control(uint32_t c); /* C0, delete, C1 */
/* Appends text as one line: controls, line separators, byte order marks and noncharacters become \n, \t, \xNN, \uNNNN
 * or \UNNNNNNNN, bytes that are not UTF-8 become \xNN. A backslash stays as it is. */
void utf8_add_escaped(struct str *s, const char *text, size_t len);

#endif
