/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where encode() of a format puts an object in tests: into memory, with windows of a chosen size, and failing on
 * request.
 */
#ifndef DLFW_MOCK_FAKE_SINK_H
#define DLFW_MOCK_FAKE_SINK_H

#include <stdbool.h>

#include "dlfw/format.h"

struct fake_sink {
    dlfw_sink table;
    unsigned char *data; /* the object so far */
    uint64_t len;
    uint64_t cap;
    uint64_t window;  /* bytes of each window */
    uint64_t fail_at; /* the call of that number (from 1) fails; 0: none */
    uint64_t calls;
    uint64_t offered;   /* bytes of the last window, until advance() */
    const char *misuse; /* what encode() did wrong, else NULL */
    /* of fake_sink_sides(); their calls count, fail and are judged here, in their owner */
    struct fake_sink *sides;
    uint32_t side_count;
    const dlfw_sink *side_tables[DLFW_MAX_SIDES];
    struct fake_sink *owner; /* of a side: the sink of its object */
};

void fake_sink_init(struct fake_sink *sink, uint64_t window);
/* Gives it side_count sinks of side objects, once after init; false: out of memory. */
bool fake_sink_sides(struct fake_sink *sink, uint32_t side_count);
void fake_sink_reset(struct fake_sink *sink); /* empties it; window and fail_at stay */
void fake_sink_free(struct fake_sink *sink);

#endif
