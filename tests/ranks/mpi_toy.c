/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mpi_toy PLUGIN SCENE: one rank of a run that does nothing but coordinate, for mpi_plugin.py. Prints lines "RANK WORD
 * ..."; exit status 0: the scene went as it should on this rank. A scene that ends with an error of the coordinator
 * prints "RANK ended STATUS MILLISECONDS MESSAGE" and exits with 3.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <time.h>

#include "fake_host.h"
#include "host/plugin_load.h"

#define MS 1000000ull

static struct fake_host host;
static const dlfw_coordinator_ops *ops;
static dlfw_coordinator *c;
static uint32_t me, ranks;
static char text[512];
static dlfw_error err = FAKE_ERROR(text);

static _Noreturn void wrong(const char *what)
{
    printf("%u wrong %s: %s\n", me, what, text);
    fflush(NULL);
    _exit(4);
}
#define CHECK(condition) ((condition) ? (void)0 : wrong(#condition))

static void pause_ms(unsigned ms)
{
    const struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    nanosleep(&ts, NULL);
}

/* Prints how the call ended, and that the next one ends so, too. */
static int ended(dlfw_status st, uint64_t begin_ns)
{
    uint64_t ms = (host.table.now_ns() - begin_ns) / MS;
    char first[sizeof text];

    /* a call that all ranks have begun may still succeed for one that came late to it */
    if (st == DLFW_OK)
        st = ops->barrier(c, 0, &err);
    CHECK(st < 0);
    memcpy(first, text, sizeof first);
    text[0] = '\0';
    CHECK(ops->barrier(c, 0, &err) == st && strcmp(first, text) == 0);
    printf("%u ended %s %" PRIu64 " %s\n", me, dlfw_status_name(st), ms, text);
    fflush(NULL);
    ops->leave(c);
    return 3;
}

static int finish(void)
{
    ops->leave(c);
    printf("%u done\n", me);
    return 0;
}

/* What byte i of a message should be. */
static unsigned char byte_of(uint64_t message, uint64_t i)
{
    return (unsigned char)((message * 0x9e3779b97f4a7c15u + i * 131u) >> 13);
}

static void model_broadcast(uint64_t len, uint32_t root)
{
    unsigned char *buf = malloc(len + 1);

    buf[len] = 0xa5;
    for (uint64_t i = 0; i < len; i++)
        buf[i] = me == root ? byte_of(len + root, i) : 0;
    CHECK(ops->broadcast(c, root, buf, len, 0, &err) == DLFW_OK);
    for (uint64_t i = 0; i < len; i++)
        CHECK(buf[i] == byte_of(len + root, i));
    CHECK(buf[len] == 0xa5);
    free(buf);
}

static void model_gather(uint64_t len)
{
    unsigned char *mine = malloc(len + 1), *all = malloc(len * ranks + 1);

    for (uint64_t i = 0; i < len; i++)
        mine[i] = byte_of(len + me, i);
    all[len * ranks] = 0xa5;
    CHECK(ops->gather(c, mine, all, len, 0, &err) == DLFW_OK);
    for (uint64_t r = 0; r < ranks; r++)
        for (uint64_t i = 0; i < len; i++)
            CHECK(all[r * len + i] == byte_of(len + r, i));
    CHECK(all[len * ranks] == 0xa5);
    free(mine);
    free(all);
}

static uint64_t u64_of(uint64_t rank, uint64_t i)
{
    return (rank + 1) * 0x9e3779b97f4a7c15u + i * i;
}

static void model_u64(uint32_t count, uint32_t how)
{
    uint64_t *values = malloc((count + 1ull) * sizeof *values);

    for (uint32_t i = 0; i < count; i++)
        values[i] = u64_of(me, i);
    CHECK(ops->reduce_u64(c, how, values, count, 0, &err) == DLFW_OK);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t want = u64_of(0, i);

        for (uint64_t r = 1; r < ranks; r++) {
            uint64_t other = u64_of(r, i);

            if (how == DLFW_REDUCE_SUM)
                want += other;
            else if ((how == DLFW_REDUCE_MIN) == (other < want))
                want = other;
        }
        CHECK(values[i] == want);
    }
    free(values);
}

/* Sums depend on their order: large and small, both signs. */
static double f64_of(uint64_t rank, uint64_t i)
{
    static const double scale[] = {1e16, 1.0, -1e16, 1e-3};

    return scale[(rank + i) % 4] * (1.0 + (double)rank / 3.0 + (double)i / 7.0);
}

static void model_f64(uint32_t count, uint32_t how)
{
    double *values = malloc((count + 1ull) * sizeof *values);

    for (uint32_t i = 0; i < count; i++)
        values[i] = f64_of(me, i);
    CHECK(ops->reduce_f64(c, how, values, count, 0, &err) == DLFW_OK);
    for (uint32_t i = 0; i < count; i++) {
        double want = f64_of(0, i);

        for (uint64_t r = 1; r < ranks; r++) {
            double other = f64_of(r, i);

            if (how == DLFW_REDUCE_SUM)
                want += other;
            else if (how == DLFW_REDUCE_MIN ? other < want : other > want)
                want = other;
        }
        CHECK(memcmp(&values[i], &want, sizeof want) == 0);
    }
    free(values);
}

/* Every operation against what it should give, lengths around the size of a piece (1 MiB) among them. */
static int model(void)
{
    static const uint64_t lengths[] = {0, 1, 4096, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 9000001};
    static const uint32_t counts[] = {0, 1, 7, 131072, 131073, 300000};

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        model_broadcast(lengths[i], (uint32_t)i % ranks);
        model_gather(lengths[i] / 4);
        CHECK(ops->barrier(c, 0, &err) == DLFW_OK);
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (uint32_t how = DLFW_REDUCE_SUM; how <= DLFW_REDUCE_MAX; how++) {
            model_u64(counts[i], how);
            model_f64(counts[i], how);
        }
    CHECK(ops->broadcast(c, ranks, text, 1, 0, &err) == DLFW_E_INVALID && strstr(text, "there is no rank"));
    CHECK(ops->reduce_u64(c, 4, NULL, 0, 0, &err) == DLFW_E_INVALID && strstr(text, "does not exist"));
    CHECK(ops->barrier(c, 0, &err) == DLFW_OK);
    return finish();
}

/* Nobody may leave a barrier before the last one has come. */
static int order(void)
{
    for (uint32_t slow = 0; slow < ranks; slow++) {
        uint64_t came, last;

        CHECK(ops->barrier(c, 0, &err) == DLFW_OK);
        if (me == slow)
            pause_ms(60);
        came = last = host.table.now_ns();
        CHECK(ops->barrier(c, 0, &err) == DLFW_OK);
        CHECK(host.table.now_ns() > came);
        came = host.table.now_ns();
        /* one clock for all: these ranks are on one host */
        CHECK(ops->reduce_u64(c, DLFW_REDUCE_MAX, &last, 1, 0, &err) == DLFW_OK);
        CHECK(came >= last);
    }
    return finish();
}

/* Rank 0 does not come. The others' deadline is in 200 ms. */
static int deadline(void)
{
    uint64_t begin = host.table.now_ns();

    if (me == 0) {
        pause_ms(600);
        return ended(ops->barrier(c, 0, &err), begin);
    }
    return ended(ops->barrier(c, begin + 200 * MS, &err), begin);
}

static void *cancel_soon(void *arg)
{
    (void)arg;
    pause_ms(100);
    host.cancel = 1;
    return NULL;
}

static void *abort_soon(void *arg)
{
    (void)arg;
    pause_ms(100);
    ops->abort(c, "cannot write 'x': No space left on device\nsecond line");
    ops->abort(c, "another reason");
    return NULL;
}

/* Rank 1 is cancelled, or another thread of it aborts, while all wait for rank 0, which is busy for a while. */
static int disturbed(void *(*by)(void *))
{
    uint64_t begin;
    pthread_t thread;
    dlfw_status st;

    if (me == 1)
        CHECK(pthread_create(&thread, NULL, by, NULL) == 0);
    if (me == 0)
        pause_ms(400);
    begin = host.table.now_ns();
    st = ops->barrier(c, 0, &err);
    if (me == 1)
        pthread_join(thread, NULL);
    return ended(st, begin);
}

static int cancel(void)
{
    return disturbed(cancel_soon);
}

static int abort_in_thread(void)
{
    return disturbed(abort_soon);
}

/* Rank 1 aborts instead of broadcasting. */
static int abort_in_main(void)
{
    static unsigned char buf[5000000];
    uint64_t begin = host.table.now_ns();

    if (me == 1)
        ops->abort(c, "cannot write 'x': No space left on device");
    return ended(ops->broadcast(c, 1, buf, sizeof buf, 0, &err), begin);
}

/* Rank 1 aborts, but rank 0 never asks: the launcher must end it. */
static int abort_unheard(void)
{
    if (me == 0) {
        printf("0 busy\n");
        fflush(NULL);
        pause_ms(30000);
        wrong("30 seconds later");
    }
    return abort_in_main();
}

/* The last rank leaves, the others expect it. */
static int leave_early(void)
{
    uint64_t begin;

    CHECK(ops->barrier(c, 0, &err) == DLFW_OK);
    begin = host.table.now_ns();
    if (me == ranks - 1)
        return finish();
    return ended(ops->barrier(c, 0, &err), begin);
}

/* All but rank 0 leave long before it; rank 2 comes late to a broadcast that others have long made and left after. */
static int leave_late(void)
{
    uint64_t value = me == 1 ? 4711 : 0;

    if (me == 2)
        pause_ms(1500);
    CHECK(ops->broadcast(c, 1, &value, sizeof value, 0, &err) == DLFW_OK);
    CHECK(value == 4711);
    if (me == 0)
        pause_ms(1500);
    return finish();
}

static int killed(void)
{
    if (me == 1) {
        pause_ms(200);
        raise(SIGKILL);
    }
    return ended(ops->barrier(c, 0, &err), 0);
}

static dlfw_status join(uint32_t rank, uint32_t world_size)
{
    const dlfw_create_args args = {
        .struct_size = sizeof args, .host = &host.table, .host_ctx = &host, .instance = "toy", .numa_node = -1};
    const dlfw_join where = {.struct_size = sizeof where,
                             .rank = rank,
                             .world_size = world_size,
                             .deadline_ns = host.table.now_ns() + 20000 * MS};

    return ops->join(&args, &where, &c, &err);
}

static int again(void)
{
    ops->leave(c);
    printf("%u joins again: %s %s\n", me, dlfw_status_name(join(DLFW_RANK_UNKNOWN, 0)), text);
    return 0;
}

static double us_per_barrier(int count)
{
    uint64_t begin;

    CHECK(ops->barrier(c, 0, &err) == DLFW_OK);
    begin = host.table.now_ns();
    for (int i = 0; i < count; i++)
        CHECK(ops->barrier(c, 0, &err) == DLFW_OK);
    return (double)(host.table.now_ns() - begin) / 1e3 / count;
}

static int speed(void)
{
    double us = us_per_barrier(us_per_barrier(100) > 100 ? 500 : 20000);

    if (me == 0)
        printf("0 barrier of %u ranks: %.2f us\n", ranks, us);
    return finish();
}

static int place(void)
{
    char name[64] = "";

    gethostname(name, sizeof name - 1);
    printf("%u of %u on %s\n", me, ranks, name);
    CHECK(ops->barrier(c, 0, &err) == DLFW_OK);
    return finish();
}

static const struct {
    const char *name;
    int (*run)(void);
} scenes[] = {
    {"model", model},
    {"order", order},
    {"deadline", deadline},
    {"cancel", cancel},
    {"abort_in_thread", abort_in_thread},
    {"abort_in_main", abort_in_main},
    {"abort_unheard", abort_unheard},
    {"leave_early", leave_early},
    {"leave_late", leave_late},
    {"killed", killed},
    {"again", again},
    {"speed", speed},
    {"place", place},
};

static int run_scene(const char *name)
{
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        if (strcmp(scenes[i].name, name) == 0)
            return scenes[i].run();
    return 2;
}

/* mpi_toy PLUGIN SCENE [RANK WORLD_SIZE]: the last two are what the host expects. */
int main(int argc, char **argv)
{
    struct plugin_file *file = NULL;
    uint32_t rank = DLFW_RANK_UNKNOWN, world_size = 0;
    int status;

    if (argc != 3 && argc != 5)
        return 2;
    if (argc == 5) {
        rank = (uint32_t)strtoul(argv[3], NULL, 10);
        world_size = (uint32_t)strtoul(argv[4], NULL, 10);
    }
    fake_host_init(&host);
    host.log_level = DLFW_LOG_WARNING;
    if (plugin_file_load(argv[1], &host.table, &file, &err) < 0) {
        printf("no plugin: %s\n", text);
        return 2;
    }
    ops = &file->ifaces[0].ops.coordinator;
    if (join(rank, world_size) < 0) {
        printf("cannot join: %s\n", text);
        return 3;
    }
    me = ops->rank(c);
    ranks = ops->world_size(c);
    if (host.log_len)
        printf("%u log %s", me, host.log);
    status = run_scene(argv[2]);
    plugin_file_unload(file);
    return status;
}
