/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences beside the figures: what to distrust, what was done on the user's behalf. */
#ifndef DLFW_CORE_SWEEP_NOTES_H
#define DLFW_CORE_SWEEP_NOTES_H

#include <stdint.h>

struct sweep_notes {
    char **lines; /* owned */
    uint32_t count;
};

void sweep_note(struct sweep_notes *n, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sweep_notes_free(struct sweep_notes *n);

#endif
