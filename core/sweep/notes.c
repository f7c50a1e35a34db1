/* SPDX-License-Identifier: Apache-2.0 */
#include "sweep/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

#define NOTE_CAP 480

void sweep_note(struct sweep_notes *n, const char *format, ...)
{
    char text[NOTE_CAP];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    n->lines = xrealloc(n->lines, (n->count + 1) * sizeof *n->lines);
    n->lines[n->count++] = xstrdup(text);
}

void sweep_notes_free(struct sweep_notes *n)
{
    for (uint32_t i = 0; i < n->count; i++)
        free(n->lines[i]);
    free(n->lines);
    *n = (struct sweep_notes){0};
}
