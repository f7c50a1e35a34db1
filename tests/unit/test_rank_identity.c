/* SPDX-License-Identifier: Apache-2.0 */
/* Which rank a process is, from its command line and from what launchers put into the environment. */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ranks/identity.h"

#define UNKNOWN DLFW_RANK_UNKNOWN
#define VARIABLES 8

static char text[480];
static dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};

/* Everything that is looked at, so that the launcher of the tests does not matter. */
static const char *const known[] = {
    "OMPI_COMM_WORLD_RANK",
    "OMPI_COMM_WORLD_SIZE",
    "OMPI_COMM_WORLD_LOCAL_SIZE",
    "PMI_RANK",
    "PMI_SIZE",
    "PMI_FD",
    "PMIX_RANK",
    "MPI_LOCALNRANKS",
    "SLURM_PROCID",
    "SLURM_NTASKS",
    "SLURM_NNODES",
    "SLURM_STEP_ID",
    "SLURM_STEP_NUM_TASKS",
    "SLURM_STEP_NUM_NODES",
};

struct given {
    const char *name;
    const char *environment[VARIABLES]; /* "NAME=value", up to NULL */
    struct rank_request asked;
};

static dlfw_status find(const struct given *given, struct rank_identity *ret)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        unsetenv(known[i]);
    for (size_t i = 0; i < VARIABLES && given->environment[i]; i++) {
        char *copy = strdup(given->environment[i]), *value = strchr(copy, '=');

        *value = '\0';
        setenv(copy, value + 1, 1);
        free(copy);
    }
    text[0] = '\0';
    return rank_identity_find(&given->asked, ret, &err);
}

#define NOTHING_ASKED .asked = RANK_REQUEST_NONE
#define OMPI(rank, size, here)                                                                                         \
    "OMPI_COMM_WORLD_RANK=" rank, "OMPI_COMM_WORLD_SIZE=" size, "OMPI_COMM_WORLD_LOCAL_SIZE=" here
#define HYDRA(rank, size, here) "PMI_RANK=" rank, "PMI_SIZE=" size, "PMI_FD=6", "MPI_LOCALNRANKS=" here
#define STEP(rank, size) "SLURM_PROCID=" rank, "SLURM_NTASKS=" size, "SLURM_STEP_ID=0"

START_TEST(places)
{
    static const struct {
        struct given given;
        const char *coordinator;
        uint32_t rank, world_size;
    } cases[] = {
        {{"nothing", {0}, NOTHING_ASKED}, "single", 0, 1},
        {{"by hand", {0}, {.rank = 2, .world_size = 3}}, "shm", 2, 3},
        {{"by hand, alone", {0}, {.rank = 0, .world_size = 1}}, "single", 0, 1},
        {{"a world of one", {0}, {.rank = UNKNOWN, .world_size = 1}}, "single", 0, 1},
        {{"single by name", {0}, {.coordinator = "single", .rank = UNKNOWN}}, "single", 0, 1},
        {{"shm of one by name", {0}, {.coordinator = "shm", .rank = 0, .world_size = 1}}, "shm", 0, 1},
        {{"foreign coordinator", {0}, {.coordinator = "raft", .rank = UNKNOWN}}, "raft", UNKNOWN, 0},
        {{"foreign coordinator, placed", {0}, {.coordinator = "raft", .rank = 1, .world_size = 2}}, "raft", 1, 2},
        {{"openmpi", {OMPI("1", "4", "4")}, NOTHING_ASKED}, "openmpi", 1, 4},
        {{"openmpi over hosts", {OMPI("2", "3", "1"), "PMIX_RANK=2"}, NOTHING_ASKED}, "openmpi", 2, 3},
        {{"openmpi, one process", {OMPI("0", "1", "1")}, NOTHING_ASKED}, "single", 0, 1},
        {{"openmpi, same size said", {OMPI("1", "4", "4")}, {.rank = UNKNOWN, .world_size = 4}}, "openmpi", 1, 4},
        {{"openmpi, same place said", {OMPI("1", "4", "4")}, {.rank = 1, .world_size = 4}}, "shm", 1, 4},
        {{"openmpi, but shm", {OMPI("1", "4", "4")}, {.coordinator = "shm", .rank = UNKNOWN}}, "shm", 1, 4},
        {{"local ranks of the one process of mpirun", {OMPI("0", "1", "1")}, {.rank = 3, .world_size = 4}},
         "shm",
         3,
         4},
        {{"openmpi inside a Slurm job", {OMPI("5", "8", "4"), STEP("1", "2")}, NOTHING_ASKED}, "openmpi", 5, 8},
        {{"mpich", {HYDRA("3", "4", "4")}, NOTHING_ASKED}, "mpich", 3, 4},
        {{"mpich, one process", {HYDRA("0", "1", "1")}, NOTHING_ASKED}, "single", 0, 1},
        {{"mpich, by name", {HYDRA("3", "4", "2")}, {.coordinator = "mpich", .rank = UNKNOWN}}, "mpich", 3, 4},
        {{"foreign MPI with MPICH's launcher", {HYDRA("3", "4", "2")}, {.coordinator = "other", .rank = UNKNOWN}},
         "other",
         3,
         4},
        {{"mpich inside a Slurm job", {HYDRA("5", "8", "4"), STEP("1", "2")}, NOTHING_ASKED}, "mpich", 5, 8},
        {{"srun --mpi=pmix", {STEP("6", "8"), "PMIX_RANK=6"}, NOTHING_ASKED}, "openmpi", 6, 8},
        {{"srun --mpi=pmi2", {STEP("6", "8"), "PMI_RANK=6", "PMI_SIZE=8", "PMI_FD=9"}, NOTHING_ASKED}, "mpich", 6, 8},
        {{"srun --mpi=pmi2, but openmpi",
          {STEP("6", "8"), "PMI_RANK=6", "PMI_SIZE=8", "PMI_FD=9"},
          {.coordinator = "openmpi", .rank = UNKNOWN}},
         "openmpi",
         6,
         8},
        {{"srun, PMI by its socket only", {STEP("6", "8"), "PMI_FD=9"}, NOTHING_ASKED}, "mpich", 6, 8},
        {{"a step smaller than its job", {STEP("1", "8"), "SLURM_STEP_NUM_TASKS=2", "PMIX_RANK=1"}, NOTHING_ASKED},
         "openmpi",
         1,
         2},
        {{"srun of one task", {STEP("0", "1")}, NOTHING_ASKED}, "single", 0, 1},
        {{"srun without PMI, placed by hand", {STEP("1", "2"), "SLURM_NNODES=1"}, {.rank = 1, .world_size = 2}},
         "shm",
         1,
         2},
        {{"srun without PMI, but shm", {STEP("1", "2"), "SLURM_NNODES=1"}, {.coordinator = "shm", .rank = UNKNOWN}},
         "shm",
         1,
         2},
        {{"the shell of sbatch", {"SLURM_PROCID=0", "SLURM_NTASKS=8"}, NOTHING_ASKED}, "single", 0, 1},
        {{"the shell of sbatch, named", {"SLURM_PROCID=0", "SLURM_NTASKS=8", "SLURM_STEP_ID=batch"}, NOTHING_ASKED},
         "single",
         0,
         1},
        {{"the shell of sbatch, numbered",
          {"SLURM_PROCID=0", "SLURM_NTASKS=8", "SLURM_STEP_ID=4294967291"},
          NOTHING_ASKED},
         "single",
         0,
         1},
        {{"the shell of salloc", {"SLURM_NTASKS=8", "SLURM_NNODES=2"}, NOTHING_ASKED}, "single", 0, 1},
        {{"local ranks in the shell of sbatch", {"SLURM_PROCID=0", "SLURM_NTASKS=8"}, {.rank = 3, .world_size = 8}},
         "shm",
         3,
         8},
        {{"PMIx without a size", {"PMIX_RANK=3"}, NOTHING_ASKED}, "openmpi", 3, 0},
        {{"empty variables are none", {"OMPI_COMM_WORLD_RANK=", "OMPI_COMM_WORLD_SIZE="}, NOTHING_ASKED},
         "single",
         0,
         1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rank_identity me;

        ck_assert_msg(find(&cases[i].given, &me) == DLFW_OK, "%s: %s", cases[i].given.name, text);
        ck_assert_msg(strcmp(me.coordinator, cases[i].coordinator) == 0, "%s: coordinator '%s'", cases[i].given.name,
                      me.coordinator);
        ck_assert_msg(me.rank == cases[i].rank && me.world_size == cases[i].world_size, "%s: rank %u of %u",
                      cases[i].given.name, me.rank, me.world_size);
    }
}
END_TEST

START_TEST(refusals)
{
    static const struct {
        struct given given;
        const char *says;
        dlfw_status status;
    } cases[] = {
        {{"rank alone", {0}, {.rank = 0}}, "--rank 0 needs --world-size", DLFW_E_INVALID},
        {{"rank outside", {0}, {.rank = 4, .world_size = 4}}, "--rank 4 is outside of --world-size 4", DLFW_E_INVALID},
        {{"no rank", {0}, {.rank = UNKNOWN, .world_size = 4}}, "'shm' needs --world-size and --rank", DLFW_E_INVALID},
        {{"shm of nothing", {0}, {.coordinator = "shm", .rank = UNKNOWN}}, "--ranks N starts N ranks", DLFW_E_INVALID},
        {{"single of two", {0}, {.coordinator = "single", .rank = 0, .world_size = 2}},
         "'single' is for one rank, not for 2",
         DLFW_E_INVALID},
        {{"another rank than mpirun's", {OMPI("1", "4", "4")}, {.rank = 2, .world_size = 4}},
         "rank 2 of 4 was asked for, but Open MPI's mpirun started this process as rank 1 of 4",
         DLFW_E_INVALID},
        {{"local ranks in every process of mpirun", {OMPI("0", "2", "2")}, {.rank = 0, .world_size = 4}},
         "leave out --ranks",
         DLFW_E_INVALID},
        {{"another size than mpirun's", {HYDRA("0", "2", "2")}, {.rank = UNKNOWN, .world_size = 4}},
         "--world-size 4 was asked for, but MPICH's mpirun started 2",
         DLFW_E_INVALID},
        {{"single in mpirun", {OMPI("0", "2", "2")}, {.coordinator = "single", .rank = UNKNOWN}},
         "but Open MPI's mpirun started 2 processes",
         DLFW_E_INVALID},
        {{"the other MPI", {OMPI("0", "2", "2")}, {.coordinator = "mpich", .rank = UNKNOWN}},
         "'mpich' cannot join processes that Open MPI's mpirun started; use 'openmpi'",
         DLFW_E_INVALID},
        {{"the other MPI", {HYDRA("0", "2", "2")}, {.coordinator = "openmpi", .rank = UNKNOWN}},
         "use 'mpich'",
         DLFW_E_INVALID},
        {{"shm over hosts", {OMPI("0", "3", "2")}, {.coordinator = "shm", .rank = UNKNOWN}},
         "needs all ranks on one host, but Open MPI's mpirun started 2 of 3 here",
         DLFW_E_INVALID},
        {{"srun without PMI", {STEP("1", "2")}, NOTHING_ASKED},
         "use srun --mpi=pmix for Open MPI or srun --mpi=pmi2",
         DLFW_E_CONFIG},
        {{"no number", {OMPI("one", "2", "2")}, NOTHING_ASKED},
         "OMPI_COMM_WORLD_RANK is 'one', which is no number",
         DLFW_E_CONFIG},
        {{"number and text", {HYDRA("1", "2x", "2")}, NOTHING_ASKED}, "PMI_SIZE is '2x'", DLFW_E_CONFIG},
        {{"negative", {STEP("-1", "2")}, NOTHING_ASKED}, "SLURM_PROCID is '-1'", DLFW_E_CONFIG},
        {{"leading blank", {"PMIX_RANK= 1"}, NOTHING_ASKED}, "PMIX_RANK is ' 1'", DLFW_E_CONFIG},
        {{"too large", {OMPI("1", "4294967296", "2")}, NOTHING_ASKED},
         "OMPI_COMM_WORLD_SIZE is '4294967296'",
         DLFW_E_CONFIG},
        {{"malformed step", {"SLURM_PROCID=0", "SLURM_NTASKS=2", "SLURM_STEP_ID=?"}, NOTHING_ASKED},
         "SLURM_STEP_ID is '?'",
         DLFW_E_CONFIG},
        {{"size is missing", {"OMPI_COMM_WORLD_RANK=0"}, NOTHING_ASKED},
         "OMPI_COMM_WORLD_RANK is set, but not OMPI_COMM_WORLD_SIZE",
         DLFW_E_CONFIG},
        {{"rank is missing", {"PMI_SIZE=2"}, NOTHING_ASKED}, "PMI_SIZE is set, but not PMI_RANK", DLFW_E_CONFIG},
        {{"rank outside of the launcher's size", {OMPI("2", "2", "2")}, NOTHING_ASKED},
         "contradict each other",
         DLFW_E_CONFIG},
        {{"empty run id", {0}, {.run_id = "", .rank = 0, .world_size = 2}}, "1 to 63 characters", DLFW_E_INVALID},
        {{"run id is a path", {0}, {.run_id = "a/b", .rank = 0, .world_size = 2}},
         "may only have letters",
         DLFW_E_INVALID},
        {{"run id of dots", {0}, {.run_id = "..", .rank = 0, .world_size = 2}}, "not begin with a dot", DLFW_E_INVALID},
        {{"long run id",
          {0},
          {.run_id = "0123456789012345678901234567890123456789012345678901234567890123", .rank = 0, .world_size = 2}},
         "1 to 63 characters",
         DLFW_E_INVALID},
        {{"long coordinator",
          {0},
          {.coordinator = "012345678901234567890123456789012345678901234567", .rank = 0, .world_size = 2}},
         "does not exist",
         DLFW_E_INVALID},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rank_identity me;
        dlfw_status st = find(&cases[i].given, &me);

        ck_assert_msg(st == cases[i].status, "%s: status %d: %s", cases[i].given.name, st, text);
        ck_assert_msg(strstr(text, cases[i].says), "%s: message '%s' lacks '%s'", cases[i].given.name, text,
                      cases[i].says);
    }
}
END_TEST

START_TEST(a_given_run_id_is_kept)
{
    const struct given given = {"", {0}, {.run_id = "Night_7.a-b", .rank = 0, .world_size = 2}};
    const struct given of_mpi = {"", {OMPI("0", "2", "2")}, {.run_id = "x", .rank = UNKNOWN}};
    const struct given of_launcher = {"", {OMPI("0", "2", "2")}, NOTHING_ASKED};
    struct rank_identity me;

    ck_assert_int_eq(find(&given, &me), DLFW_OK);
    ck_assert_str_eq(me.run_id, "Night_7.a-b");
    ck_assert_int_eq(find(&of_mpi, &me), DLFW_OK);
    ck_assert_str_eq(me.run_id, "x");
    ck_assert_int_eq(find(&of_launcher, &me), DLFW_OK);
    ck_assert_str_eq(me.run_id, "");
}
END_TEST

/* The run id that a child of this process makes up. grandchild: the child's child does. */
static void made_up(bool grandchild, char *ret)
{
    const struct given given = {"", {0}, {.rank = 0, .world_size = 2}};
    int fds[2], status;
    pid_t pid;

    ck_assert_int_eq(pipe(fds), 0);
    pid = fork();
    if (pid == 0 && grandchild) {
        pid_t inner = fork();

        if (inner != 0) {
            waitpid(inner, &status, 0);
            _exit(0);
        }
    }
    if (pid == 0) {
        struct rank_identity me = {0};

        _exit(find(&given, &me) < 0 || write(fds[1], me.run_id, RUN_ID_CAP) != RUN_ID_CAP);
    }
    close(fds[1]);
    ck_assert_int_eq(read(fds[0], ret, RUN_ID_CAP), RUN_ID_CAP);
    close(fds[0]);
    waitpid(pid, &status, 0);
}

START_TEST(children_of_one_process_are_of_one_run)
{
    char first[RUN_ID_CAP], second[RUN_ID_CAP], other[RUN_ID_CAP];

    made_up(false, first);
    made_up(false, second);
    made_up(true, other);
    ck_assert_str_ne(first, "");
    ck_assert_str_eq(first, second);
    ck_assert_str_ne(first, other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rank identity");
    TCase *tcase = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tcase, places);
    tcase_add_test(tcase, refusals);
    tcase_add_test(tcase, a_given_run_id_is_kept);
    tcase_add_test(tcase, children_of_one_process_are_of_one_run);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
