/* SPDX-License-Identifier: Apache-2.0 */
/* Run files and results folders for the tests of the rules. */
#ifndef DLFW_TEST_RULES_FIXTURE_H
#define DLFW_TEST_RULES_FIXTURE_H

#include "rules/judge.h"

/* A finding of rule at level whose found, wanted or why holds text (NULL: any). */
bool has_finding(const struct finding_list *list, uint32_t rule, uint32_t level, const char *text);
/* All findings, for messages of failed checks. */
char *findings_text(const struct finding_list *list);

/* A results folder of a good CLOSED run, as files; what a case changes is in the members. */
struct results_folder {
    char path[128];
};
struct results_shape {
    const char *example;   /* the stored configuration is this one of examples/dlio; NULL: unet3d_h100 */
    const char *files;     /* dataset.num_files_train, "3500" */
    const char *overrides; /* lines of overrides.yaml */
    const char *summary;   /* members of summary.json in front of the usual ones, "\"epochs\": 4," */
    const char *dlfw;      /* members of its object dlfw, in front of the usual ones */
    const char *metric;    /* the whole object, "{}" */
    const char *start, *end;
    const char *config_edit[2]; /* text of the configuration and what stands there instead */
    const char *leave_out;      /* a file that is missing */
    const char *subdir;         /* NULL: dlio_config */
    unsigned ranks;             /* 0: 1 */
};
void results_make(struct results_folder *folder, const struct results_shape *shape);
void results_remove(struct results_folder *folder);

#endif
