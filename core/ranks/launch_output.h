/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ranks print, on its way through the launcher. Lines come out whole, those of ranks above 0 with "rank 3: "
 * in front, and a line on stderr that another rank has printed with the same text is left out: what goes wrong for all
 * is said once ("dlfw: error: rank 2: no memory" of rank 0 is "dlfw: error: no memory" of rank 2). A rank's own
 * repetitions stay.
 *
 * Rank 0's bytes are passed on unchanged, but for a newline where the line of another rank would else end up in its
 * own: a line of more than 64 KiB, or one at its end that lacks its newline. Where the launcher has a terminal, rank 0
 * has one too.
 *
 * Nothing here blocks: the launcher polls the descriptors and calls launch_output_serve(). While what is to be written
 * waits for its reader nothing more is read, so ranks wait as they would without a launcher.
 */
#ifndef DLFW_CORE_RANKS_LAUNCH_OUTPUT_H
#define DLFW_CORE_RANKS_LAUNCH_OUTPUT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "dlfw/base.h"

struct launch_output;

struct launch_output *launch_output_create(uint32_t ranks);
void launch_output_free(struct launch_output *o); /* NULL is fine */

/* ret[0], ret[1]: what the rank is to have as stdout and stderr; the caller closes them after the fork. */
dlfw_status launch_output_open(struct launch_output *o, uint32_t rank, int ret[2], dlfw_error *err);

/* How many places launch_output_wanted() fills; no more than 2 + 2 * ranks. */
uint32_t launch_output_places(const struct launch_output *o);
void launch_output_wanted(const struct launch_output *o, struct pollfd *fds);
/* After poll(). Whether anything moved. */
bool launch_output_serve(struct launch_output *o, const struct pollfd *fds);
/* Whether something is still to be written. */
bool launch_output_is_waiting(const struct launch_output *o);

/* The terminal's window has changed. */
void launch_output_resize(struct launch_output *o);
/* All ranks have ended and what they printed has been read: last lines that lack their newline are passed on, and what
 * a process that outlived its rank may still print is not waited for. */
void launch_output_end(struct launch_output *o);
/* Whether all could be written. A reader that has gone away (EPIPE) wanted no more. */
dlfw_status launch_output_status(const struct launch_output *o, dlfw_error *err);

#endif
