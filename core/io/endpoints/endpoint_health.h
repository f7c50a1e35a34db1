/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of each endpoint of a storage, shared by all its queues, and the choice of one for a request.
 * Everything is a relaxed atomic: the choice may rest on figures that are a moment old, but never waits.
 */
#ifndef DLFW_CORE_IO_ENDPOINT_HEALTH_H
#define DLFW_CORE_IO_ENDPOINT_HEALTH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define ENDPOINTS_MAX 32u
#define ENDPOINT_BOOTSTRAP_NS 1000000u /* assumed service time of an endpoint that has not answered yet */
#define ENDPOINT_FAILURES_MAX 3u       /* in a row, then it is set aside */
#define ENDPOINT_ASIDE_NS 250000000u   /* the first time; doubles */
#define ENDPOINT_ASIDE_MAX_NS 30000000000u

enum endpoint_strategy { ENDPOINTS_ROUND_ROBIN, ENDPOINTS_LEAST_CONNECTIONS, ENDPOINTS_LATENCY };
extern const char *const endpoint_strategy_names[]; /* NULL-terminated */

struct endpoint_health {
    _Alignas(64) _Atomic uint32_t in_flight;
    _Atomic uint32_t failures;    /* in a row */
    _Atomic uint32_t times_aside; /* since it worked last; the exponent of the next time */
    _Atomic uint64_t aside_until; /* 0: in use */
    _Atomic uint64_t rest_over;  /* when it is to be tried again: what was sent before says nothing new when it fails */
    _Atomic uint64_t service_ns; /* EMA of the time from submission to completion */
    _Atomic uint64_t last_done_ns;
    _Atomic uint64_t requests, bytes_read, bytes_written, errors, set_aside;
};

struct endpoint_choice {
    enum endpoint_strategy strategy;
    uint32_t count;
    _Atomic uint32_t turn; /* round robin, and where scans begin, so that ties are spread */
    struct endpoint_health *health;
};

void endpoint_choice_init(struct endpoint_choice *c, enum endpoint_strategy strategy, uint32_t count);
void endpoint_choice_free(struct endpoint_choice *c);
/* avoid: endpoints that failed for this request, as bits; taken only when nothing else is left. last: the one that
 * failed last, which is taken only when it is the only one. */
uint32_t endpoint_choose(struct endpoint_choice *c, uint32_t avoid, uint32_t last, uint64_t now);

void endpoint_begin(struct endpoint_choice *c, uint32_t i);
/* It answered, well or with an error of its own. True: it was set aside and is in use again. */
bool endpoint_answered(struct endpoint_choice *c, uint32_t i, uint64_t service_ns, uint64_t now);
/* It could not be reached, or broke off. *ret_aside_ns: it is set aside from now on for so long; 0: not now. */
void endpoint_failed(struct endpoint_choice *c, uint32_t i, uint64_t sent_ns, uint64_t now, uint64_t *ret_aside_ns);
bool endpoint_is_aside(const struct endpoint_choice *c, uint32_t i);
/* Neither: cancelled, throttled. */
void endpoint_passed(struct endpoint_choice *c, uint32_t i);

#endif
