/* SPDX-License-Identifier: Apache-2.0 */
/* Which rank of which run this process is: said on the command line, or by the launcher (mpirun, srun) in its
 * environment. */
#ifndef DLFW_CORE_RANKS_IDENTITY_H
#define DLFW_CORE_RANKS_IDENTITY_H

#include "dlfw/draft/coordinator.h"

/* What the command line says. */
struct rank_request {
    const char *coordinator; /* NULL: chosen */
    const char *run_id;      /* NULL: made up */
    uint32_t rank;           /* DLFW_RANK_UNKNOWN: not given */
    uint32_t world_size;     /* 0: not given */
};
#define RANK_REQUEST_NONE                                                                                              \
    {                                                                                                                  \
        .rank = DLFW_RANK_UNKNOWN                                                                                      \
    }

#define RUN_ID_CAP 64

struct rank_identity {
    char coordinator[48]; /* "single", "shm", or the name of a coordinator plugin: "openmpi", "mpich" */
    char run_id[RUN_ID_CAP];
    uint32_t rank;       /* DLFW_RANK_UNKNOWN: the coordinator knows */
    uint32_t world_size; /* 0: the coordinator knows */
};

/*
 * In this order: what was asked for; a launcher with more than one process; one rank. A request that contradicts itself
 * (a rank without a world size, a rank outside of it, a coordinator that cannot do it) or the launcher is an error.
 * Without a run id, ranks joined by hand are of the same run when they have the same parent process.
 */
dlfw_status rank_identity_find(const struct rank_request *asked, struct rank_identity *ret, dlfw_error *err);

#endif
