/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many deletes may be in flight. The limit doubles as long as that makes it faster by more than a twentieth, stays
 * where it does not, is tried again after a while, and halves when the service says that it is too much.
 */
#ifndef DLFW_CORE_TRANSFER_REMOVAL_GATE_H
#define DLFW_CORE_TRANSFER_REMOVAL_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct removal_gate {
    pthread_mutex_t lock;
    pthread_cond_t room;
    uint32_t limit, max;
    uint32_t used;
    bool was_full;        /* somebody wanted more in this window */
    bool grew;            /* this window is the first with a larger limit */
    uint64_t window_ns;   /* its beginning */
    uint64_t window_done; /* deletes that ended in it */
    double rate;          /* per second, of the last window with the limit before */
    uint64_t hold_ns;     /* no growth before */
};

void gate_init(struct removal_gate *g, uint32_t first, uint32_t max, uint64_t now_ns);
void gate_destroy(struct removal_gate *g);
/* How many may begin, at most want. wait: at least one, for who has nothing in flight, which would have to end first.
 */
uint32_t gate_enter(struct removal_gate *g, uint32_t want, bool wait);
/* n have ended; throttled: the service has said so since the last call. */
void gate_leave(struct removal_gate *g, uint32_t n, bool throttled, uint64_t now_ns);

#endif
