/* SPDX-License-Identifier: Apache-2.0 */
/* Judgements for people, one line per finding, and for machines. */
#ifndef DLFW_CORE_RULES_VERDICT_PRINT_H
#define DLFW_CORE_RULES_VERDICT_PRINT_H

#include "rules/subject.h"

struct judgement {
    const struct rule_version *version;
    uint32_t division; /* VERDICT_CLOSED or VERDICT_OPEN: what was asked for */
    struct subject *subjects;
    uint32_t count;
    struct finding_list together; /* empty when there is nothing to judge together */
};

/* The worst of all. */
uint32_t judgement_verdict(const struct judgement *j);
void judgement_text(struct judgement *j, struct str *out);
void judgement_json(struct judgement *j, struct str *out);

#endif
