/* SPDX-License-Identifier: Apache-2.0 */
/* What a judgement found, rule by rule, and the verdict that follows from it. */
#ifndef DLFW_CORE_RULES_FINDINGS_H
#define DLFW_CORE_RULES_FINDINGS_H

#include "rules/rule_version.h"

/* From good to bad. A note is told and changes nothing: it cannot be judged from here, or no rule asks for it. */
enum { LEVEL_OK = 0, LEVEL_NOTE, LEVEL_OPEN, LEVEL_INVALID };
/* Ordered like the levels, and the same for the divisions that are asked for. */
enum { VERDICT_CLOSED = 0, VERDICT_OPEN, VERDICT_INVALID };

struct finding {
    uint32_t level;
    uint32_t rule;      /* RULE_* */
    const char *found;  /* what is there */
    const char *wanted; /* what the rule wants; NULL: nothing in particular */
    const char *why;    /* the arithmetic, the reason, the remedy; NULL: the rule says it all */
};

/* Zeroed: empty. Texts live in the arena. */
struct finding_list {
    struct arena arena;
    struct finding *items;
    uint32_t count;
    uint32_t cap;
};

void finding_add(struct finding_list *list, uint32_t level, uint32_t rule, const char *found, const char *wanted,
                 const char *why);
uint32_t findings_verdict(const struct finding_list *list);
void findings_free(struct finding_list *list);

const char *finding_level_name(uint32_t level); /* "ok", "note", "OPEN", "INVALID" */
const char *judged_name(uint32_t verdict);      /* "CLOSED", "OPEN", "INVALID" */

#endif
