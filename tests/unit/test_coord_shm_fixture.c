/* SPDX-License-Identifier: Apache-2.0 */
#include "test_coord_shm_fixture.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

volatile int fixture_cancelled;

static int32_t host_cancelled(void *ctx)
{
    (void)ctx;
    return fixture_cancelled;
}

uint64_t in_ms(uint64_t ms)
{
    return clock_now_ns() + ms * 1000000;
}

void sleep_ms(uint32_t ms)
{
    const struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    nanosleep(&ts, NULL);
}

const char *run_id_of(const char *name)
{
    static char id[64];

    snprintf(id, sizeof id, "%s-%d", name, (int)getpid());
    return id;
}

bool segment_exists(const char *run_id)
{
    char path[160];

    snprintf(path, sizeof path, "/dev/shm/dlfw-%u-%s", (unsigned)geteuid(), run_id);
    return access(path, F_OK) == 0;
}

struct shm_segment *map_segment(const char *run_id, size_t *ret_size)
{
    struct shm_segment *seg = NULL;
    char name[SHM_NAME_CAP];
    int fd;

    ck_assert_int_eq(shm_name(run_id, name, NULL), DLFW_OK);
    fd = shm_open(name, O_RDWR, 0);
    if (fd < 0)
        return NULL;
    shm_map(fd, name, &seg, ret_size, NULL);
    close(fd);
    return seg;
}

void await_joined(const char *run_id, uint32_t rank)
{
    uint64_t deadline = in_ms(10000);
    bool joined = false;

    while (!joined && clock_now_ns() < deadline) {
        size_t size;
        struct shm_segment *seg = map_segment(run_id, &size);

        joined = seg && atomic_load(&seg->slots[rank].state) == SHM_SLOT_JOINED;
        if (seg)
            munmap(seg, size);
        sleep_ms(1);
    }
    ck_assert_msg(joined, "rank %u of run '%s' does not come", rank, run_id);
}

dlfw_status join_rank(struct rank_case *r, uint64_t deadline_ns)
{
    static const dlfw_host host = {.struct_size = sizeof host, .cancelled = host_cancelled};
    const dlfw_create_args args = {.struct_size = sizeof args, .host = &host};
    const dlfw_join join = {.struct_size = sizeof join,
                            .rank = r->rank,
                            .world_size = r->world,
                            .run_id = r->run_id,
                            .deadline_ns = deadline_ns};

    error_slot_init(&r->slot);
    return coordinator_shm.join(&args, &join, &r->c, &r->slot.e);
}

pid_t fork_rank(uint32_t rank, uint32_t world, const char *run_id, rank_fn *fn, const void *arg)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct rank_case r = {.rank = rank, .world = world, .run_id = run_id};

        error_slot_init(&r.slot);
        fn(&r, arg);
        _exit(0);
    }
    return pid;
}

void fork_ranks(struct rank_group *g, uint32_t world, const char *run_id, rank_fn *fn, const void *arg)
{
    g->count = world;
    for (uint32_t i = 0; i < world; i++)
        g->pids[i] = fork_rank(i, world, run_id, fn, arg);
}

void await_rank(pid_t pid)
{
    int status = 0;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "process %d ended with status %#x", (int)pid, status);
}

void await_ranks(struct rank_group *g)
{
    for (uint32_t i = 0; i < g->count; i++)
        await_rank(g->pids[i]);
}

struct joined_fn {
    rank_fn *fn;
    const void *arg;
};

static void join_and_run(struct rank_case *r, const void *arg)
{
    const struct joined_fn *joined = arg;

    RANK_OK(join_rank(r, in_ms(30000)));
    RANK_CHECK(coordinator_shm.rank(r->c) == r->rank && coordinator_shm.world_size(r->c) == r->world);
    RANK_CHECK(!segment_exists(r->run_id));
    joined->fn(r, joined->arg);
    coordinator_shm.leave(r->c);
}

void run_ranks(uint32_t world, const char *run_id, rank_fn *fn, const void *arg)
{
    const struct joined_fn joined = {fn, arg};
    struct rank_group g;

    fork_ranks(&g, world, run_id, join_and_run, &joined);
    await_ranks(&g);
    ck_assert(!segment_exists(run_id));
}
