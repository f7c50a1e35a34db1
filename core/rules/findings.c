/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/findings.h"

#include <stdlib.h>

void finding_add(struct finding_list *list, uint32_t level, uint32_t rule, const char *found, const char *wanted,
                 const char *why)
{
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 32;
        list->items = xrealloc(list->items, list->cap * sizeof *list->items);
    }
    list->items[list->count++] =
        (struct finding){.level = level, .rule = rule, .found = found, .wanted = wanted, .why = why};
}

uint32_t findings_verdict(const struct finding_list *list)
{
    uint32_t worst = LEVEL_OK;

    for (uint32_t i = 0; i < list->count; i++)
        worst = list->items[i].level > worst ? list->items[i].level : worst;
    return worst == LEVEL_INVALID ? VERDICT_INVALID : worst == LEVEL_OPEN ? VERDICT_OPEN : VERDICT_CLOSED;
}

void findings_free(struct finding_list *list)
{
    free(list->items);
    arena_free(&list->arena);
    *list = (struct finding_list){0};
}

const char *finding_level_name(uint32_t level)
{
    static const char *const names[] = {
        [LEVEL_OK] = "ok", [LEVEL_NOTE] = "note", [LEVEL_OPEN] = "OPEN", [LEVEL_INVALID] = "INVALID"};

    return names[level];
}

const char *judged_name(uint32_t verdict)
{
    static const char *const names[] = {
        [VERDICT_CLOSED] = "CLOSED", [VERDICT_OPEN] = "OPEN", [VERDICT_INVALID] = "INVALID"};

    return names[verdict];
}
