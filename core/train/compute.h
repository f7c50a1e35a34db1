/* SPDX-License-Identifier: Apache-2.0 */
/* The accelerator that is not there: computing for a given time, to an absolute deadline, with little more than clock
 * resolution of error. */
#ifndef DLFW_CORE_TRAIN_COMPUTE_H
#define DLFW_CORE_TRAIN_COMPUTE_H

#include <stdint.h>

/* Once per process, before the first compute_until: minimal timer slack. */
void compute_prepare(void);
/* Sleeps until deadline_ns, the last SPIN_NS awake; returns when it is over. Ends early when the run is
 * cancelled. */
uint64_t compute_until(uint64_t deadline_ns);

#endif
