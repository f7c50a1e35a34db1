/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the endpoints' queue share: endpoint_queue.c (lines, waiting) and endpoint_item.c (one
 * request: where it goes, what its failure says). Private to core/io/endpoints. */
#ifndef DLFW_CORE_IO_ENDPOINT_QUEUE_H
#define DLFW_CORE_IO_ENDPOINT_QUEUE_H

#include "io/endpoints/endpoints.h"
#include "io/wake.h"

#define CAUSE_CAP 200

enum item_place { ITEM_PENDING, ITEM_BELOW, ITEM_READY };

/* At the start of a request's scratch; the scratch of the level below follows. failed, first and cause outlive one try:
 * they tell the next one of the same request (same deadline_ns) where it has been. */
struct endpoint_item {
    dlfw_req lower; /* first: the request of a completion is its item */
    dlfw_req *upper;
    struct endpoint_item *next, *previous; /* of the line */
    dlfw_comp comp;                        /* while it is ready */
    enum item_place place;
    uint32_t endpoint;
    uint64_t sent_ns;
    uint64_t deadline_ns;  /* whose history this is */
    uint32_t failed;       /* endpoints that could not serve it, as bits */
    uint32_t last, first;  /* of them */
    char cause[CAUSE_CAP]; /* of the first failure */
};
#define ENDPOINT_ITEM_BYTES ((uint32_t)((sizeof(struct endpoint_item) + 63) & ~(size_t)63))

struct endpoint_line {
    struct io_adapter *below;
    dlfw_req **pending;          /* lower requests, oldest first */
    struct endpoint_item *items; /* pending and below */
    uint32_t pending_count;
    uint32_t below_count;
    dlfw_status dead; /* what it said when its queue died; 0: it lives */
};

struct endpoint_queue {
    struct endpoints *e;
    uint32_t depth;
    struct endpoint_line lines[ENDPOINTS_MAX];
    uint32_t dead_lines;
    uint32_t first_look;          /* the line that is asked first, in turn */
    struct endpoint_item **ready; /* a ring */
    uint32_t ready_head, ready_count;
    int wake_fd;
    struct wake wake;
};

/* Chooses the endpoint of a request and makes the copy that goes there. */
struct endpoint_item *endpoint_item_begin(struct endpoint_queue *q, dlfw_req *req, uint64_t now);
/* From the completion of the copy to that of the request, in place. */
void endpoint_item_end(struct endpoint_queue *q, struct endpoint_item *item, dlfw_comp *comp, uint64_t now);
/* item failed at its endpoint, which is remembered for its next try, and its error tells so. */
void endpoint_note_failure(struct endpoint_queue *q, struct endpoint_item *item);
/* Could another endpoint do what this one did not, whether or not it began with it? */
bool endpoint_item_may_move(const struct endpoint_queue *q, const struct endpoint_item *item);

#endif
