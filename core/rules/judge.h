/* SPDX-License-Identifier: Apache-2.0 */
/* The judges: each looks at one part of the rules and adds what it found. docs/rules.md lists them all. */
#ifndef DLFW_CORE_RULES_JUDGE_H
#define DLFW_CORE_RULES_JUDGE_H

#include "rules/subject.h"

/* Everything that one run file or one results folder can be judged by. */
void judge_subject(const struct rule_book *book, struct subject *s);
/* What several results folders have to be together: runs in a row, or the two halves of a checkpoint benchmark. */
void judge_together(const struct rule_book *book, struct subject *subjects, uint32_t count, struct finding_list *ret);

/* The parts of judge_subject. */
void judge_definition(const struct rule_book *book, struct subject *s);
void judge_training(const struct rule_book *book, struct subject *s);
void judge_checkpointing(const struct rule_book *book, struct subject *s);
void judge_place(const struct rule_book *book, struct subject *s);
void judge_results(const struct rule_book *book, struct subject *s);

#endif
