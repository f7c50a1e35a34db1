/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rank without a job, for tests that kill ranks: joins over shared memory, meets the others again and again, checks
 * what it gets from them, and at times waits for "storage", where only its watch can notice what happens to the others.
 * Prints "joined" and, after the last meeting, "done". `rank_toy --ranks N` starts N of them.
 */
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/str.h"
#include "plugin/host_table.h"
#include "ranks/coordinator.h"
#include "ranks/launch.h"
#include "ranks/watch.h"

#define MS 1000000ull
#define STORAGE_WAIT_NS (5000 * MS)
#define BYTES 200000u
#define INTERRUPTED 130

struct toy {
    uint32_t ranks; /* to start; 0: this is one */
    uint32_t world_size;
    uint32_t rank;
    const char *run_id;
    uint64_t join_ms;
    uint64_t steps;
    uint64_t seed;
    uint64_t waits; /* one step in so many is a wait for storage; 0: none is */
    uint64_t begin_ns;
    dlfw_coordinator *c;
    struct rank_watch *watch;
};

static const dlfw_coordinator_ops *const ops = &coordinator_shm;

static void on_stop_signal(int number)
{
    (void)number;
    if (atomic_fetch_add(&host_cancel_level, 1) >= 1)
        _exit(INTERRUPTED);
}

static bool is_cancelled(void)
{
    return atomic_load(&host_cancel_level) != 0;
}

/* The same number on all ranks. */
static uint64_t common(const struct toy *t, uint64_t step, uint64_t what)
{
    return hash_mix(t->seed ^ hash_mix(step * 16 + what));
}

static uint64_t own(const struct toy *t, uint64_t step)
{
    return hash_mix(common(t, step, 0) + t->rank);
}

static void sleep_ns(uint64_t ns)
{
    struct timespec ts = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};

    while (nanosleep(&ts, &ts) != 0)
        ;
}

/* Storage that does not answer: either it can be given up, or the rank is stuck in it. */
static dlfw_status wait_for_storage(bool can_give_up, dlfw_error *err)
{
    uint64_t end = clock_now_ns() + STORAGE_WAIT_NS;

    while (clock_now_ns() < end) {
        sleep_ns(10 * MS);
        if (can_give_up && is_cancelled())
            return dlfw_fail(err, DLFW_E_CANCELLED, "stopped while waiting for storage");
    }
    return DLFW_OK;
}

static dlfw_status wrong(uint64_t step, const char *what, dlfw_error *err)
{
    return dlfw_fail(err, DLFW_E_CORRUPT, "step %lu: the %s went wrong", step, what);
}

static dlfw_status reduce(struct toy *t, uint64_t step, dlfw_error *err)
{
    uint64_t values[2] = {t->rank, step}, sum = (uint64_t)t->world_size * (t->world_size - 1) / 2;
    dlfw_status st = ops->reduce_u64(t->c, DLFW_REDUCE_SUM, values, 2, 0, err);

    if (st >= 0 && (values[0] != sum || values[1] != step * t->world_size))
        st = wrong(step, "sum", err);
    return st;
}

static dlfw_status broadcast(struct toy *t, uint64_t step, dlfw_error *err)
{
    uint32_t root = (uint32_t)(common(t, step, 2) % t->world_size), len = (uint32_t)(common(t, step, 3) % BYTES);
    unsigned char *bytes = xcalloc(1, BYTES), want = (unsigned char)common(t, step, 4);
    dlfw_status st;

    if (t->rank == root)
        memset(bytes, want, len);
    st = ops->broadcast(t->c, root, bytes, len, 0, err);
    for (uint32_t i = 0; st >= 0 && i < len; i++)
        if (bytes[i] != want)
            st = wrong(step, "broadcast", err);
    free(bytes);
    return st;
}

static dlfw_status gather(struct toy *t, uint64_t step, dlfw_error *err)
{
    uint64_t mine = own(t, step), *all = xcalloc(t->world_size, sizeof *all);
    dlfw_status st = ops->gather(t->c, &mine, all, sizeof mine, 0, err);
    struct toy other = *t;

    for (other.rank = 0; st >= 0 && other.rank < t->world_size; other.rank++)
        if (all[other.rank] != own(&other, step))
            st = wrong(step, "gather", err);
    free(all);
    return st;
}

static dlfw_status take_step(struct toy *t, uint64_t step, dlfw_error *err)
{
    uint64_t pause = own(t, step) % (4 * MS);
    dlfw_status st;

    if (t->waits && common(t, step, 1) % t->waits == 0 && own(t, step) % 2) {
        st = wait_for_storage(own(t, step) % 4 == 1, err);
        if (st < 0)
            return st;
    }
    if (pause > MS)
        sleep_ns(pause);
    switch (common(t, step, 5) % 4) {
    case 0:
        return reduce(t, step, err);
    case 1:
        return broadcast(t, step, err);
    case 2:
        return gather(t, step, err);
    default:
        return ops->barrier(t->c, 0, err);
    }
}

static void say(const char *text)
{
    printf("%s\n", text);
    fflush(stdout);
}

static dlfw_status work(struct toy *t, struct error_slot *err)
{
    dlfw_status st = rank_watch_start(ops, t->c, &t->watch, &err->e);

    if (st >= 0 && t->begin_ns) {
        st = ops->barrier(t->c, 0, &err->e);
        if (t->rank == 0 && st >= 0)
            printf("%u ranks after %.1f ms\n", t->world_size, (double)(clock_now_ns() - t->begin_ns) / 1e6);
    }
    for (uint64_t step = 0; st >= 0 && step < t->steps; step++)
        st = take_step(t, step, &err->e);
    if (st >= 0)
        say("done");
    if (st == DLFW_E_CANCELLED && rank_watch_found(t->watch, &err->e))
        st = err->e.status;
    rank_watch_stop(t->watch);
    return st;
}

static int be_rank(struct toy *t)
{
    dlfw_create_args args = {.struct_size = sizeof args, .host = host_table(), .instance = "shm", .numa_node = -1};
    dlfw_join join = {.struct_size = sizeof join,
                      .rank = t->rank,
                      .world_size = t->world_size,
                      .run_id = t->run_id,
                      .deadline_ns = clock_now_ns() + t->join_ms * MS};
    struct error_slot err;
    dlfw_status st;

    error_slot_init(&err);
    st = ops->join(&args, &join, &t->c, &err.e);
    if (st >= 0) {
        say("joined");
        st = work(t, &err);
        ops->leave(t->c);
    }
    if (st == DLFW_E_CANCELLED)
        return INTERRUPTED;
    if (st < 0)
        log_error("%s", err.text);
    return st < 0;
}

static int launch(const struct toy *t, char **argv)
{
    char begin[24], steps[24];
    char *rank_argv[] = {argv[0], (char *)"--begin", begin, (char *)"--steps", steps, NULL};
    const struct launch_args args = {.ranks = t->ranks, .argv = rank_argv, .insert_at = 1};
    struct error_slot err;
    int status = 1;

    snprintf(begin, sizeof begin, "%lu", clock_now_ns());
    snprintf(steps, sizeof steps, "%lu", t->steps);
    error_slot_init(&err);
    if (ranks_launch(&args, &status, &err.e) < 0)
        log_error("%s", err.text);
    return status;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"ranks", required_argument, NULL, 'n'},   {"world-size", required_argument, NULL, 'w'},
        {"rank", required_argument, NULL, 'r'},    {"run-id", required_argument, NULL, 'i'},
        {"join-ms", required_argument, NULL, 'j'}, {"steps", required_argument, NULL, 's'},
        {"seed", required_argument, NULL, 'e'},    {"waits", required_argument, NULL, 'a'},
        {"begin", required_argument, NULL, 'b'},   {NULL, 0, NULL, 0}};
    const struct sigaction stop = {.sa_handler = on_stop_signal};
    struct toy t = {.run_id = "toy", .join_ms = 10000};
    uint64_t value;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        value = c == 'i' ? 0 : strtoull(optarg ? optarg : "0", NULL, 10);
        if (c == 'n')
            t.ranks = (uint32_t)value;
        else if (c == 'w')
            t.world_size = (uint32_t)value;
        else if (c == 'r')
            t.rank = (uint32_t)value;
        else if (c == 'i')
            t.run_id = optarg;
        else if (c == 'j')
            t.join_ms = value;
        else if (c == 's')
            t.steps = value;
        else if (c == 'e')
            t.seed = value;
        else if (c == 'a')
            t.waits = value;
        else if (c == 'b')
            t.begin_ns = value;
        else
            return 2;
    }
    if (t.ranks)
        return launch(&t, argv);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    return be_rank(&t);
}
