/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both MPIs start a process without a launcher as a world of its own, silently. A run of which every process takes
 * itself for the only one destroys what its peers write, so that is refused here, before MPI has done anything.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "coordinator.h"

#define AWAKE_ROUNDS 1024u /* some 100 us: longer than a barrier, shorter than what a reader thread would miss */
#define AWAKE_ROUNDS_CROWDED 16u

static bool any_set(const char *const *names)
{
    for (; *names; names++)
        if (getenv(*names))
            return true;
    return false;
}

dlfw_status launcher_check(dlfw_error *err)
{
#ifdef OPEN_MPI
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", NULL};
    static const char remedy[] = "mpirun of Open MPI or srun --mpi=pmix";
#else
    static const char *const names[] = {"PMI_RANK", "PMI_FD", "PMI_PORT", "PMIX_RANK", NULL};
    static const char remedy[] = "mpirun of MPICH or srun --mpi=pmi2";
#endif

    if (any_set(names))
        return DLFW_OK;
    return dlfw_fail(err, DLFW_E_UNAVAILABLE,
                     "coordinator '" MPI_NAME "': no launcher started this process; use %s, or --ranks N on one host",
                     remedy);
}

/* What a user has set stays. */
void launcher_prepare(void)
{
#ifdef OPEN_MPI
    Dl_info info;

    /* Open MPI before 3.0 loads components that look for its symbols in the global scope; a plugin's libraries are not
     * there. */
    if (dladdr((void *)&ompi_mpi_comm_world, &info) && info.dli_fname)
        dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
    setenv("OMPI_MCA_btl_base_warn_component_unused", "0", 0);
    /* reading a peer's memory is forbidden in many containers, and complains there; nothing here is large */
    setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0);
#endif
}

uint32_t launcher_awake_rounds(int ranks_here)
{
    cpu_set_t allowed;

    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) >= ranks_here)
        return AWAKE_ROUNDS;
    return AWAKE_ROUNDS_CROWDED;
}

/* mpirun of Open MPI ties processes to cores unless told otherwise, and with them every thread that reads. */
void launcher_warn_of_binding(const dlfw_host *host, void *host_ctx)
{
    cpu_set_t allowed;
    long online = sysconf(_SC_NPROCESSORS_ONLN);

    if (getenv("OMPI_MCA_orte_bound_at_launch") && online > 1 && sched_getaffinity(0, sizeof allowed, &allowed) == 0 &&
        CPU_COUNT(&allowed) == 1)
        dlfw_log(host, host_ctx, DLFW_LOG_WARNING,
                 "mpirun has tied this rank and all its readers to one of %ld CPUs; mpirun --bind-to none does not",
                 online);
}
