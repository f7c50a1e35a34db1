/* SPDX-License-Identifier: Apache-2.0 */
/* What is judged: a run file before its run, or the results folder of a finished one. Both become the same facts, so
 * that a rule is written once. */
#ifndef DLFW_CORE_RULES_SUBJECT_H
#define DLFW_CORE_RULES_SUBJECT_H

#include <jansson.h>

#include "rules/findings.h"
#include "rules/stock.h"
#include "workload/run_config.h"

/* The rules asked for, and the values that keys have when nobody sets them. */
struct rule_book {
    const struct rule_version *version;
    json_t *defaults; /* as run_config_show prints them */
};
void rule_book_open(const struct rule_version *version, struct rule_book *ret);
void rule_book_close(struct rule_book *book);

/* What the command line says about a run that is still to come; 0: not given. */
struct run_size {
    uint64_t hosts;
    uint64_t accelerators;
    uint64_t memory_per_host; /* bytes */
};

struct subject {
    const char *name; /* as the user named it */
    bool finished;
    struct run_config cfg;
    struct problem_list problems; /* of cfg */
    bool has_config;
    const char *const *overrides;      /* NULL-terminated, without hydra.* */
    const char *config_folder;         /* below a results folder, where the configuration is stored; NULL: nowhere */
    json_t *summary;                   /* NULL: there is none */
    uint32_t kind;                     /* KIND_* */
    const struct benchmark *benchmark; /* NULL: not one of the rules' */
    uint64_t hosts;
    uint64_t accelerators;             /* 0: not known */
    uint64_t memory_bytes;             /* of all hosts; 0: not known */
    const char *memory_from;           /* who says so, for people */
    double start_seconds, end_seconds; /* local time of day; 0: not known */
    struct finding_list findings;      /* its arena holds the texts of all of this */
};

/* CONFIG when the run file has errors, which are in ret->problems then. */
dlfw_status subject_read_config(const struct run_config_args *args, const struct run_size *size, const char *name,
                                struct subject *ret);
/* Never fails: what cannot be read becomes a finding. */
void subject_read_results(const char *folder, struct subject *ret);
void subject_free(struct subject *s);

/* Which of its sections the run uses decides its kind; the benchmark is the definition that it differs least from. */
void subject_classify(const struct rule_book *book, struct subject *s);

/* What the configuration says about a key; NULL: nothing. */
const dlfw_node *subject_node(const struct subject *s, const char *key);
/* The effective value of a key as text; NULL: it has none. Lives as long as the subject and the book. */
const char *subject_value(const struct rule_book *book, struct subject *s, const char *key);
uint64_t subject_number(const struct rule_book *book, struct subject *s, const char *key); /* 0 when it is none */
bool subject_flag(const struct rule_book *book, struct subject *s, const char *key);

#endif
