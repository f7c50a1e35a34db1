/* SPDX-License-Identifier: Apache-2.0 */
/* How the parts of the ranks come together. Collective: every rank calls these at the same points of its run. */
#ifndef DLFW_CORE_REPORT_WORLD_GATHER_H
#define DLFW_CORE_REPORT_WORLD_GATHER_H

#include "ranks/ranks.h"
#include "report/run_record.h"

/* At the beginning: who is where. */
dlfw_status world_meet(struct ranks *ranks, struct world *ret, dlfw_error *err);
/*
 * At the end of a run that went well on every rank: the figures of all of them; histograms and counters of the record
 * become those of the whole run, exactly, on every rank. What is only this rank's (steps, blocks) stays.
 */
dlfw_status world_gather(struct ranks *ranks, struct run_record *rec, dlfw_error *err);

#endif
