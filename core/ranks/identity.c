/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Launchers tell a process its place in environment variables of their own. Invariant: what this file hands on was said
 * by somebody; where two speakers disagree, or one of them says half of it, the run does not start. A process that
 * wrongly took itself for the only one would read and write what its peers read and write.
 */
#include "ranks/identity.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Slurm numbers the steps of batch scripts, interactive shells and such from here on. */
#define SLURM_FIRST_SPECIAL_STEP 0xfffffff0u

/* What a launcher says. */
struct launched {
    const char *by;          /* NULL: by none */
    const char *coordinator; /* NULL: it offers nothing that a coordinator could use */
    bool one_mpi;            /* it starts processes of one kind of MPI only */
    uint32_t rank;           /* DLFW_RANK_UNKNOWN: MPI knows */
    uint32_t world_size;     /* 0: MPI knows */
    uint32_t here;           /* processes on this host; 0: not said */
};

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* *ret stays as it is when the variable is not set. */
static dlfw_status read_number(const char *name, uint32_t *ret, dlfw_error *err)
{
    const char *text = variable(name);
    unsigned long long value;
    char *end;

    if (!text)
        return DLFW_OK;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno || value > UINT32_MAX)
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "environment variable %s is '%s', which is no number of a launcher; unset it", name, text);
    *ret = (uint32_t)value;
    return DLFW_OK;
}

/* Both or none; whether there are any is for the caller to ask. */
static dlfw_status read_place(const char *rank_name, const char *size_name, struct launched *ret, dlfw_error *err)
{
    dlfw_status st = read_number(rank_name, &ret->rank, err);

    if (st >= 0)
        st = read_number(size_name, &ret->world_size, err);
    if (st < 0)
        return st;
    if (!variable(rank_name) || !variable(size_name))
        return dlfw_fail(err, DLFW_E_CONFIG, "environment variable %s is set, but not %s; launchers set both",
                         variable(rank_name) ? rank_name : size_name, variable(rank_name) ? size_name : rank_name);
    if (ret->rank >= ret->world_size)
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "environment variables %s=%" PRIu32 " and %s=%" PRIu32 " contradict each other", rank_name,
                         ret->rank, size_name, ret->world_size);
    return DLFW_OK;
}

/* Whether srun started this process. The shell of sbatch or salloc has variables of a rank, too, but is no step. */
static dlfw_status in_slurm_step(bool *ret, dlfw_error *err)
{
    const char *step = variable("SLURM_STEP_ID");
    uint32_t number = UINT32_MAX;
    dlfw_status st = DLFW_OK;

    *ret = false;
    if (!step || !variable("SLURM_PROCID") || strcmp(step, "batch") == 0)
        return DLFW_OK;
    st = read_number("SLURM_STEP_ID", &number, err);
    *ret = st >= 0 && number < SLURM_FIRST_SPECIAL_STEP;
    return st;
}

static dlfw_status find_slurm(struct launched *ret, dlfw_error *err)
{
    const char *size = variable("SLURM_STEP_NUM_TASKS") ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS";
    uint32_t hosts = 0;
    dlfw_status st = read_place("SLURM_PROCID", size, ret, err);

    if (st >= 0)
        st = read_number(variable("SLURM_STEP_NUM_NODES") ? "SLURM_STEP_NUM_NODES" : "SLURM_NNODES", &hosts, err);
    if (st < 0)
        return st;
    ret->by = "srun";
    ret->here = hosts == 1 ? ret->world_size : 0;
    if (variable("PMIX_RANK"))
        ret->coordinator = "openmpi";
    else if (variable("PMI_FD"))
        ret->coordinator = "mpich";
    return DLFW_OK;
}

static dlfw_status find_launcher(struct launched *ret, dlfw_error *err)
{
    bool step = false;
    dlfw_status st = DLFW_OK;

    *ret = (struct launched){.rank = DLFW_RANK_UNKNOWN};
    if (variable("OMPI_COMM_WORLD_RANK") || variable("OMPI_COMM_WORLD_SIZE")) {
        ret->by = "Open MPI's mpirun";
        ret->coordinator = "openmpi";
        ret->one_mpi = true;
        st = read_place("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", ret, err);
        return st < 0 ? st : read_number("OMPI_COMM_WORLD_LOCAL_SIZE", &ret->here, err);
    }
    if (variable("PMI_RANK") || variable("PMI_SIZE")) {
        /* Slurm's pmi2 speaks to other MPIs as well */
        ret->one_mpi = variable("MPI_LOCALNRANKS") != NULL;
        ret->by = ret->one_mpi ? "MPICH's mpirun" : "a launcher with PMI";
        ret->coordinator = "mpich";
        st = read_place("PMI_RANK", "PMI_SIZE", ret, err);
        return st < 0 ? st : read_number("MPI_LOCALNRANKS", &ret->here, err);
    }
    st = in_slurm_step(&step, err);
    if (st >= 0 && step)
        return find_slurm(ret, err);
    if (st >= 0 && variable("PMIX_RANK")) {
        ret->by = "a launcher with PMIx";
        ret->coordinator = "openmpi";
        st = read_number("PMIX_RANK", &ret->rank, err);
    }
    return st;
}

static dlfw_status check_run_id(const char *run_id, dlfw_error *err)
{
    size_t len = strlen(run_id);

    if (len == 0 || len >= RUN_ID_CAP || run_id[0] == '.')
        return dlfw_fail(err, DLFW_E_INVALID, "--run-id '%s' must have 1 to %d characters and not begin with a dot",
                         run_id, RUN_ID_CAP - 1);
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)run_id[i]) && !strchr("._-", run_id[i]))
            return dlfw_fail(err, DLFW_E_INVALID, "--run-id '%s' may only have letters, digits, '.', '_' and '-'",
                             run_id);
    return DLFW_OK;
}

static dlfw_status check_request(const struct rank_request *asked, dlfw_error *err)
{
    bool placed = asked->rank != DLFW_RANK_UNKNOWN;

    if (placed && !asked->world_size)
        return dlfw_fail(err, DLFW_E_INVALID, "--rank %" PRIu32 " needs --world-size, the number of ranks",
                         asked->rank);
    if (placed && asked->rank >= asked->world_size)
        return dlfw_fail(err, DLFW_E_INVALID,
                         "--rank %" PRIu32 " is outside of --world-size %" PRIu32 "; ranks begin with 0", asked->rank,
                         asked->world_size);
    if (asked->coordinator && strlen(asked->coordinator) >= sizeof((struct rank_identity *)NULL)->coordinator)
        return dlfw_fail(err, DLFW_E_INVALID, "coordinator '%s' does not exist", asked->coordinator);
    if (asked->coordinator && strcmp(asked->coordinator, "single") == 0 && asked->world_size > 1)
        return dlfw_fail(err, DLFW_E_INVALID, "coordinator 'single' is for one rank, not for %" PRIu32,
                         asked->world_size);
    return asked->run_id ? check_run_id(asked->run_id, err) : DLFW_OK;
}

static bool is_mpi(const char *coordinator)
{
    return strcmp(coordinator, "openmpi") == 0 || strcmp(coordinator, "mpich") == 0;
}

static dlfw_status check_place(const struct rank_request *asked, const struct launched *by, dlfw_error *err)
{
    if (asked->rank != DLFW_RANK_UNKNOWN && (asked->rank != by->rank || asked->world_size != by->world_size))
        return dlfw_fail(err, DLFW_E_INVALID,
                         "rank %" PRIu32 " of %" PRIu32 " was asked for, but %s started this process as rank %" PRIu32
                         " of %" PRIu32 "; leave out --ranks, --rank and --world-size, or start without it",
                         asked->rank, asked->world_size, by->by, by->rank, by->world_size);
    if (asked->world_size && asked->world_size != by->world_size)
        return dlfw_fail(err, DLFW_E_INVALID,
                         "--world-size %" PRIu32 " was asked for, but %s started %" PRIu32 " processes",
                         asked->world_size, by->by, by->world_size);
    return DLFW_OK;
}

/* name: of a coordinator that was asked for */
static dlfw_status check_coordinator(const char *name, const struct launched *by, dlfw_error *err)
{
    if (strcmp(name, "single") == 0 && by->world_size)
        return dlfw_fail(err, DLFW_E_INVALID,
                         "coordinator 'single' is for one rank, but %s started %" PRIu32 " processes", by->by,
                         by->world_size);
    if (by->one_mpi && is_mpi(name) && strcmp(name, by->coordinator) != 0)
        return dlfw_fail(err, DLFW_E_INVALID, "coordinator '%s' cannot join processes that %s started; use '%s'", name,
                         by->by, by->coordinator);
    if (strcmp(name, "shm") == 0 && by->here && by->here != by->world_size)
        return dlfw_fail(err, DLFW_E_INVALID,
                         "coordinator 'shm' needs all ranks on one host, but %s started %" PRIu32 " of %" PRIu32
                         " here",
                         by->by, by->here, by->world_size);
    return DLFW_OK;
}

/* The request against what a launcher of several processes says. */
static dlfw_status check_launcher(const struct rank_request *asked, const struct launched *by, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    if (!by->by || by->world_size == 1)
        return DLFW_OK;
    if (by->world_size)
        st = check_place(asked, by, err);
    return st >= 0 && asked->coordinator ? check_coordinator(asked->coordinator, by, err) : st;
}

/* Start time of a process in ticks since boot: the 22nd field, counted behind the name, which may hold anything. */
static dlfw_status start_ticks(pid_t pid, unsigned long long *ret, dlfw_error *err)
{
    char path[48], text[1024], *at;
    ssize_t n = -1;
    int fd;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, text, sizeof text - 1);
        close(fd);
    }
    if (n <= 0)
        return dlfw_fail(err, DLFW_E_UNAVAILABLE, "cannot read '%s' to make up a run id; give --run-id", path);
    text[n] = '\0';
    at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    *ret = at ? strtoull(at, NULL, 10) : 0;
    if (!at)
        return dlfw_fail(err, DLFW_E_UNAVAILABLE, "'%s' has no start time to make up a run id; give --run-id", path);
    return DLFW_OK;
}

/* Ranks that were started by the same process are of the same run. */
static dlfw_status run_id_of_parent(char *ret, dlfw_error *err)
{
    unsigned long long ticks = 0;
    pid_t parent = getppid();
    dlfw_status st;

    if (parent <= 0)
        return dlfw_fail(err, DLFW_E_UNAVAILABLE, "cannot see the process that started this one; give --run-id");
    st = start_ticks(parent, &ticks, err);
    if (st >= 0)
        snprintf(ret, RUN_ID_CAP, "parent-%ld-%llu", (long)parent, ticks);
    return st;
}

static dlfw_status choose_coordinator(const struct rank_request *asked, const struct launched *by, const char **ret,
                                      dlfw_error *err)
{
    bool alone = !by->by || by->world_size == 1;

    if (asked->coordinator)
        *ret = asked->coordinator;
    else if (asked->rank != DLFW_RANK_UNKNOWN || (alone && asked->world_size))
        *ret = asked->world_size > 1 ? "shm" : "single";
    else if (alone)
        *ret = "single";
    else
        *ret = by->coordinator;
    if (!*ret)
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "srun started %" PRIu32 " processes without a way to find each other; use srun --mpi=pmix for "
                         "Open MPI or srun --mpi=pmi2 for MPICH",
                         by->world_size);
    return DLFW_OK;
}

dlfw_status rank_identity_find(const struct rank_request *asked, struct rank_identity *ret, dlfw_error *err)
{
    struct launched by;
    const char *name = NULL;
    dlfw_status st = check_request(asked, err);

    *ret = (struct rank_identity){.rank = DLFW_RANK_UNKNOWN};
    if (st >= 0)
        st = find_launcher(&by, err);
    if (st >= 0)
        st = check_launcher(asked, &by, err);
    if (st >= 0)
        st = choose_coordinator(asked, &by, &name, err);
    if (st < 0)
        return st;
    snprintf(ret->coordinator, sizeof ret->coordinator, "%s", name);
    ret->rank = asked->rank != DLFW_RANK_UNKNOWN ? asked->rank : by.rank;
    ret->world_size = asked->world_size ? asked->world_size : by.world_size;
    if (strcmp(name, "single") == 0) {
        ret->rank = 0;
        ret->world_size = 1;
    }
    if (asked->run_id)
        snprintf(ret->run_id, sizeof ret->run_id, "%s", asked->run_id);
    if (strcmp(name, "shm") != 0)
        return DLFW_OK;
    if (ret->rank == DLFW_RANK_UNKNOWN || !ret->world_size)
        return dlfw_fail(err, DLFW_E_INVALID,
                         "coordinator 'shm' needs --world-size and --rank; --ranks N starts N ranks");
    return asked->run_id ? DLFW_OK : run_id_of_parent(ret->run_id, err);
}
