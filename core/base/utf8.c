/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text from files and command lines ends up in terminals, JSON and YAML. Invariant: what utf8_add_escaped appends is
 * valid UTF-8 on one line, whatever it was given.
 */
#include "base/utf8.h"

size_t utf8_decode(const char *text, size_t len, uint32_t *ret)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = len ? (unsigned char)text[0] : 0xff;
    size_t n = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    uint32_t c = n > 1 ? first & (0x7fu >> n) : first;

    if (!n || n > len)
        return 0;
    for (size_t i = 1; i < n; i++) {
        unsigned char next = (unsigned char)text[i];

        if ((next & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (next & 0x3f);
    }
    if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *ret = c;
    return n;
}

size_t utf8_valid(const char *text, size_t len)
{
    size_t at = 0, n;
    uint32_t c = 0;

    while ((n = utf8_decode(text + at, len - at, &c)))
        at += n;
    return at;
}

bool utf8_is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f);
}

static bool is_hidden(uint32_t c)
{
    return utf8_is_control(c) || c == 0x2028 || c == 0x2029 || c == 0xfeff || (c >= 0xfdd0 && c <= 0xfdef) ||
           (c & 0xfffe) == 0xfffe;
}

static void add_escape(struct str *s, uint32_t c)
{
    if (c == '\n' || c == '\t')
        str_add(s, c == '\n' ? "\\n" : "\\t");
    else
        str_add_format(s, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
}

void utf8_add_escaped(struct str *s, const char *text, size_t len)
{
    while (len) {
        uint32_t c = 0;
        size_t n = utf8_decode(text, len, &c);

        if (!n)
            add_escape(s, (unsigned char)text[0]);
        else if (is_hidden(c))
            add_escape(s, c);
        else
            str_add_len(s, text, n);
        n += !n;
        text += n;
        len -= n;
    }
}
