/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys of a benchmark may be changed, per version and division. */
#ifndef DLFW_CORE_RULES_OVERRIDE_RULE_H
#define DLFW_CORE_RULES_OVERRIDE_RULE_H

#include "rules/stock.h"

enum {
    CHANGE_REFUSED = 0, /* what is not in the table */
    CHANGE_CLOSED,
    CHANGE_OPEN,
    CHANGE_ELSEWHERE /* allowed here; the value is judged by a rule of its own */
};

uint32_t override_rule_of(const char *key, uint32_t kind, const struct rule_version *version);
/* A key whose value does not change what the benchmark asks of the storage: where results go, what identifies the
 * storage, what is only read elsewhere. It may differ in a file; an override of it is still judged by the table. */
bool override_is_neutral(const char *key);
/* "++workload.reader.read_threads=8" -> "reader.read_threads"; in arena. */
char *override_key_of(struct arena *arena, const char *text);

#endif
