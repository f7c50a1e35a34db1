/* SPDX-License-Identifier: Apache-2.0 */
/* Coordinators that live in core, behind the same draft ops table that plugins use. */
#ifndef DLFW_CORE_RANKS_COORDINATOR_H
#define DLFW_CORE_RANKS_COORDINATOR_H

#include "dlfw/draft/coordinator.h"

extern const dlfw_coordinator_ops coordinator_single; /* one rank: every call returns at once */
extern const dlfw_coordinator_ops coordinator_shm;    /* the ranks of one host, in shared memory */

#endif
