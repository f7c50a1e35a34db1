/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notices that a peer died or aborted while this rank's main thread is busy elsewhere (waiting for storage, computing,
 * generating): a thread that asks the coordinator. What it finds stops the run like Ctrl-C does, and is the reason that
 * is reported; a rank whose main thread has not stopped the watch a second later is ended by force (status 1), with the
 * same line.
 *
 * How a main thread ends then: it notices the cancellation, asks rank_watch_found() for the reason, stops the watch,
 * and only then prints the reason; so the line comes once.
 */
#ifndef DLFW_CORE_RANKS_WATCH_H
#define DLFW_CORE_RANKS_WATCH_H

#include <stdbool.h>

#include "dlfw/draft/coordinator.h"

struct rank_watch;

/* A coordinator without check(), and a run with one rank, need no watch: *ret is NULL then. [main] */
dlfw_status rank_watch_start(const dlfw_coordinator_ops *ops, dlfw_coordinator *c, struct rank_watch **ret,
                             dlfw_error *err);
/* Whether a peer's end stopped this rank; err then says so. False when the run was already stopping (Ctrl-C) as the
 * peer ended. NULL is fine. [any] */
bool rank_watch_found(struct rank_watch *w, dlfw_error *err);
/* Before leave(). Never waits for the next look. NULL is fine. [main] */
void rank_watch_stop(struct rank_watch *w);

#endif
