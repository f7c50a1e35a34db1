/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mistakes, collected. A problem owns its text and its place's file name in one block, because a list may outlive the
 * tree.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "config/schema.h"

#define PROBLEMS_MAX 1000u /* each new one is compared with all before */

static void add(struct problem_list *list, bool is_error, struct node_place place, const char *what)
{
    struct str text = STR_EMPTY;
    struct problem *p;
    size_t prefix, file;

    if (list->count > PROBLEMS_MAX) {
        list->errors += is_error;
        return;
    }
    if (list->count == PROBLEMS_MAX) {
        place = (struct node_place){0};
        what = "more problems are not listed; mend these first";
    }
    if (place.file)
        utf8_add_escaped(&text, place.file, strlen(place.file));
    if (place.file && place.line)
        str_add_format(&text, ":%u:%u", place.line, place.column);
    if (place.file)
        str_add(&text, ": ");
    prefix = text.len;
    utf8_add_escaped(&text, what, strlen(what));
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].text, text.data) == 0) {
            list->errors += is_error;
            str_free(&text);
            return;
        }
    file = text.len + 1;
    if (place.file) {
        str_add_len(&text, "", 1);
        str_add(&text, place.file);
    }
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 16;
        list->items = xrealloc(list->items, list->cap * sizeof *list->items);
    }
    p = &list->items[list->count++];
    *p = (struct problem){.is_error = is_error, .text = xmalloc(text.len + 1), .place = place};
    memcpy(p->text, text.data, text.len + 1);
    p->what = p->text + prefix;
    if (place.file)
        p->place.file = p->text + file;
    list->errors += is_error;
    str_free(&text);
}

void problem_add_at(struct problem_list *list, bool is_error, struct node_place place, const char *format, ...)
{
    char what[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    add(list, is_error, place, what);
}

void problem_add(struct problem_list *list, bool is_error, const dlfw_node *at, const char *format, ...)
{
    char what[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    add(list, is_error, at ? at->place : (struct node_place){0}, what);
}

/* ":12" at text: the number, and *end behind it; 0 when there is none. */
static uint32_t colon_number(const char *text, const char **end)
{
    unsigned long number;
    char *stop;

    if (text[0] != ':' || text[1] < '1' || text[1] > '9')
        return 0;
    number = strtoul(text + 1, &stop, 10);
    *end = stop;
    return number > UINT32_MAX ? 0 : (uint32_t)number;
}

/* "file:3:5: rest": fills place (its file name of len characters at text) and returns rest; NULL when there is no such
 * beginning. */
static const char *split_place(const char *text, struct node_place *place, size_t *len)
{
    const char *rest = NULL;

    for (const char *colon = strchr(text, ':'); colon; colon = strchr(colon + 1, ':')) {
        uint32_t line = colon_number(colon, &rest);
        uint32_t column = line ? colon_number(rest, &rest) : 0;

        if (column && rest[0] == ':' && rest[1] == ' ') {
            *place = (struct node_place){.line = line, .column = column};
            *len = (size_t)(colon - text);
            return rest + 2;
        }
    }
    rest = strncmp(text, "override ", 9) == 0 ? strstr(text, "'): ") : NULL;
    if (!rest)
        return NULL;
    *place = (struct node_place){0};
    *len = (size_t)(rest + 2 - text);
    return rest + 4;
}

void problem_add_error_at(struct problem_list *list, const dlfw_error *err, struct node_place place)
{
    const char *text = err->message && err->message[0] ? err->message : dlfw_status_text(err->status);
    struct node_place own = {0};
    size_t len = 0;
    const char *what = split_place(text, &own, &len);
    char *file = what ? xstrndup(text, len) : NULL;

    own.file = file;
    add(list, true, what ? own : place, what ? what : text);
    free(file);
}

void problem_add_error(struct problem_list *list, const dlfw_error *err)
{
    problem_add_error_at(list, err, (struct node_place){0});
}

void problem_list_merge(struct problem_list *list, struct problem_list *from)
{
    for (uint32_t i = 0; i < from->count; i++)
        add(list, from->items[i].is_error, from->items[i].place, from->items[i].what);
    problem_list_free(from);
}

void problem_list_free(struct problem_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        free(list->items[i].text);
    free(list->items);
    *list = (struct problem_list){.strict = list->strict};
}
