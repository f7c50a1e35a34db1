/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration beside the definition of a benchmark: what differs, and who may change it. Private to rules/. */
#ifndef DLFW_CORE_RULES_DEFINITION_H
#define DLFW_CORE_RULES_DEFINITION_H

#include "rules/subject.h"

/* One key that is not as the definition has it. */
typedef void definition_visit(void *ctx, const char *key, const char *value, const char *stock);

/* Calls visit for each difference that matters to this kind of run; value or stock NULL: it has none. */
void definition_compare(const struct rule_book *book, struct subject *s, const struct benchmark *benchmark,
                        definition_visit *visit, void *ctx);
/* Numbers by value, booleans by meaning, folders without their last slash. */
bool definition_equal(const char *a, const char *b);

#endif
