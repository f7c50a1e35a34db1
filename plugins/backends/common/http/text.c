/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_clear(struct text *t)
{
    t->len = 0;
    t->failed = false;
    if (t->data)
        t->data[0] = '\0';
}

void text_free(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}

char *text_room(struct text *t, size_t len)
{
    size_t room = t->room ? t->room : 512;
    char *data;

    if (len >= SIZE_MAX / 4 || t->len >= SIZE_MAX / 4) {
        t->failed = true;
        return NULL;
    }
    if (t->len + len < t->room)
        return t->data + t->len;
    while (room <= t->len + len)
        room *= 2;
    data = realloc(t->data, room);
    if (!data) {
        t->failed = true;
        return NULL;
    }
    t->data = data;
    t->room = room;
    return data + t->len;
}

void text_grown(struct text *t, size_t len)
{
    t->len += len;
    t->data[t->len] = '\0';
}

void text_add(struct text *t, const void *data, size_t len)
{
    char *to = text_room(t, len);

    if (!to)
        return;
    if (len)
        memcpy(to, data, len);
    text_grown(t, len);
}

void text_str(struct text *t, const char *s)
{
    text_add(t, s, strlen(s));
}

void text_char(struct text *t, char c)
{
    text_add(t, &c, 1);
}

void text_printf(struct text *t, const char *format, ...)
{
    va_list args;
    int len;
    char *to;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    to = len < 0 ? NULL : text_room(t, (size_t)len);
    if (!to) {
        t->failed = true;
        return;
    }
    va_start(args, format);
    (void)vsnprintf(to, (size_t)len + 1, format, args);
    va_end(args);
    text_grown(t, (size_t)len);
}

void text_u64(struct text *t, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    text_add(t, digits + at, sizeof digits - at);
}

static bool is_plain(unsigned char c, bool keep_slash)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '~' || (keep_slash && c == '/');
}

void text_encoded(struct text *t, const char *data, size_t len, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    char *to;
    size_t n = 0;

    to = len < SIZE_MAX / 8 ? text_room(t, len * 3) : NULL;
    if (!to) {
        t->failed = true;
        return;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];

        if (is_plain(c, keep_slash)) {
            to[n++] = (char)c;
            continue;
        }
        to[n++] = '%';
        to[n++] = digits[c >> 4];
        to[n++] = digits[c & 15];
    }
    text_grown(t, n);
}
