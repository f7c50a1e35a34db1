/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines that ranks have printed, and who was first. */
#ifndef DLFW_CORE_RANKS_LAUNCH_SEEN_H
#define DLFW_CORE_RANKS_LAUNCH_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAUNCH_SEEN_LINES 512

/* Zeroed at first. */
struct launch_seen {
    struct launch_line {
        uint64_t hash;
        uint32_t rank;
        size_t len;
        char *text;
    } lines[LAUNCH_SEEN_LINES];
    uint32_t next;
};

/* Whether another rank was the first to print this line, be it as its own error or as that of a peer; else remembers it
 * as this rank's. Empty lines and very long ones are nobody's. */
bool launch_seen_elsewhere(struct launch_seen *seen, uint32_t rank, const char *text, size_t len);
/* Whether an error line says itself which rank it is about: "dlfw: error: rank 2: no memory", "... rank 2 (process
 * 4711) died". */
bool launch_names_rank(const char *text, size_t len);
void launch_seen_free(struct launch_seen *seen);

#endif
