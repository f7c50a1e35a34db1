/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one case in a process of its own, and says what came of it. */
#ifndef DLFW_CONFORM_REPORT_H
#define DLFW_CONFORM_REPORT_H

#include <stdio.h>

#include "kit.h"

enum case_outcome { CASE_PASSED, CASE_FAILED, CASE_SKIPPED };

struct case_result {
    enum case_outcome outcome;
    char text[1024];  /* why it failed or was skipped */
    char notes[4096]; /* lines of kit_note, each with its newline */
    uint64_t wall_ns;
};

/* iface: index into note->ifaces, ignored for KIT_FILE cases. */
void case_run(const struct kit_settings *settings, const struct plugin_note *note, const struct kit_case *test,
              uint32_t iface, struct case_result *ret);

/* Verdict lines of a case that runs in this process. */
void report_in_process(char letter, const char *text, size_t len);

struct report {
    bool json;
    uint32_t total;
    uint32_t passed;
    uint32_t failed;
    uint32_t skipped;
    void *cases; /* JSON only */
};

void report_begin(struct report *report, const struct kit_settings *settings, uint32_t planned);
void report_case(struct report *report, const char *name, const char *iface, const struct case_result *result);
/* True when nothing failed and something passed. */
bool report_end(struct report *report, const struct kit_settings *settings);

#endif
