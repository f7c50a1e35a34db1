/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coordinator.*: ranks that meet, agree and part. The kit plays the ranks itself, as processes forked after the plugin
 * was loaded; a coordinator that only a launcher can join has to say so, and most cases are skipped for it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kit.h"

#define RANKS 3u
#define BIG 3000001u /* bytes of a large message */
#define SOON_NS 300000000u
#define LONG_NS 20000000000u
#define REASON "cannot write 'x': No space left on device"

struct rank {
    struct kit *kit;
    const dlfw_coordinator_ops *ops;
    dlfw_coordinator *c;
    uint32_t rank, ranks;
    long run; /* process of the case: other kits on this machine have other runs */
    char text[400];
    dlfw_error err;
    char *wrong; /* what is wrong, for the process of the case; of WRONG_BYTES, empty while nothing is */
};

#define WRONG_BYTES 512u

/* Says what is wrong and leaves the process of the rank. */
#define RANK_CHECK(r, condition, ...)                                                                                  \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            snprintf((r)->wrong, WRONG_BYTES, __VA_ARGS__);                                                            \
            _exit(1);                                                                                                  \
        }                                                                                                              \
    } while (0)

static dlfw_status join(struct rank *r, uint64_t limit_ns)
{
    dlfw_create_args args = kit_create_args(r->kit);
    char run_id[48];
    const dlfw_join where = {.struct_size = (uint32_t)sizeof where,
                             .rank = r->rank,
                             .world_size = r->ranks,
                             .run_id = run_id,
                             .deadline_ns = kit_now_ns() + limit_ns};

    snprintf(run_id, sizeof run_id, "conform-%ld", r->run);
    r->ops = &r->kit->iface->ops.coordinator;
    r->err = (dlfw_error){
        .struct_size = (uint32_t)sizeof r->err, .message = r->text, .message_cap = (uint32_t)sizeof r->text};
    return r->ops->join(&args, &where, &r->c, &r->err);
}

static double f64_of(uint32_t rank, uint32_t i)
{
    static const double scale[] = {1e16, 1.0, -1e16, 1e-3};

    return scale[(rank + i) % 4] * (1.0 + rank / 3.0 + i / 7.0);
}

static unsigned char byte_of(uint32_t rank, uint64_t i)
{
    return (unsigned char)((rank + 1) * 37u + i * 131u + (i >> 8));
}

static void check_reductions(struct rank *r)
{
    static const uint32_t how[] = {DLFW_REDUCE_SUM, DLFW_REDUCE_MIN, DLFW_REDUCE_MAX};

    for (uint32_t k = 0; k < 3; k++) {
        uint64_t u = UINT64_MAX - r->rank, want = UINT64_MAX; /* a signed comparison would find others */
        double f = f64_of(r->rank, k), wanted = f64_of(0, k);

        for (uint32_t i = 1; i < r->ranks; i++) {
            double other = f64_of(i, k);

            want = k == 0 ? want + (UINT64_MAX - i) : k == 1 ? UINT64_MAX - i : UINT64_MAX;
            if (k == 0 || (k == 1 ? other < wanted : other > wanted))
                wanted = k == 0 ? wanted + other : other;
        }
        RANK_CHECK(r, r->ops->reduce_u64(r->c, how[k], &u, 1, 0, &r->err) == DLFW_OK, "reduce_u64 fails: %s", r->text);
        RANK_CHECK(r, u == want, "reduction %u of u64 gives %llu, not %llu", how[k], (unsigned long long)u,
                   (unsigned long long)want);
        RANK_CHECK(r, r->ops->reduce_f64(r->c, how[k], &f, 1, 0, &r->err) == DLFW_OK, "reduce_f64 fails: %s", r->text);
        RANK_CHECK(r, f == wanted, "reduction %u of f64 gives %.17g, not %.17g; sums are made in rank order", how[k], f,
                   wanted);
    }
}

static void check_messages(struct rank *r, uint64_t len)
{
    unsigned char *buf = malloc(len * (r->ranks + 1) + 1), *all = buf + len;

    RANK_CHECK(r, buf, "out of memory");
    for (uint32_t root = 0; root < r->ranks; root++) {
        for (uint64_t i = 0; i < len; i++)
            buf[i] = r->rank == root ? byte_of(root, i) : 0;
        RANK_CHECK(r, r->ops->broadcast(r->c, root, buf, len, 0, &r->err) == DLFW_OK, "broadcast fails: %s", r->text);
        for (uint64_t i = 0; i < len; i++)
            RANK_CHECK(r, buf[i] == byte_of(root, i), "a broadcast of %llu bytes is wrong at byte %llu",
                       (unsigned long long)len, (unsigned long long)i);
    }
    for (uint64_t i = 0; i < len; i++)
        buf[i] = byte_of(r->rank, i);
    RANK_CHECK(r, r->ops->gather(r->c, buf, all, len, 0, &r->err) == DLFW_OK, "gather fails: %s", r->text);
    for (uint32_t from = 0; from < r->ranks; from++)
        for (uint64_t i = 0; i < len; i++)
            RANK_CHECK(r, all[from * len + i] == byte_of(from, i),
                       "gather of %llu bytes is wrong at byte %llu of rank %u", (unsigned long long)len,
                       (unsigned long long)i, from);
    free(buf);
}

static void check_everything(struct rank *r)
{
    unsigned char byte = 0;

    RANK_CHECK(r, r->ops->rank(r->c) == r->rank && r->ops->world_size(r->c) == r->ranks, "rank %u of %u is %u of %u",
               r->rank, r->ranks, r->ops->rank(r->c), r->ops->world_size(r->c));
    RANK_CHECK(r, r->ops->barrier(r->c, 0, &r->err) == DLFW_OK, "barrier fails: %s", r->text);
    check_reductions(r);
    check_messages(r, 0);
    check_messages(r, 5);
    check_messages(r, BIG);
    RANK_CHECK(r, r->ops->broadcast(r->c, r->ranks, &byte, 1, 0, &r->err) < 0, "rank %u of %u may broadcast", r->ranks,
               r->ranks);
    RANK_CHECK(r, r->ops->barrier(r->c, 0, &r->err) == DLFW_OK, "barrier fails: %s", r->text);
}

/* One process per rank; the first thing that is wrong fails the case. */
static void play(struct kit *kit, uint32_t ranks, void (*scene)(struct rank *r))
{
    char *wrong = mmap(NULL, RANKS * WRONG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pids[RANKS];
    const long run = getpid();

    KIT_CHECK(kit, wrong != MAP_FAILED, "cannot share memory with the ranks");
    for (uint32_t i = 0; i < ranks; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct rank r = {.kit = kit, .rank = i, .ranks = ranks, .run = run, .wrong = wrong + i * WRONG_BYTES};

            prctl(PR_SET_PDEATHSIG, SIGKILL); /* a case that takes too long is killed with its ranks */
            RANK_CHECK(&r, join(&r, LONG_NS) == DLFW_OK, "join fails: %s", r.text);
            scene(&r);
            r.ops->leave(r.c);
            _exit(0);
        }
        KIT_CHECK(kit, pids[i] > 0, "cannot fork");
    }
    for (uint32_t i = 0; i < ranks; i++) {
        int status = 0;

        waitpid(pids[i], &status, 0);
        if (!wrong[i * WRONG_BYTES] && status != 0 && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
            snprintf(wrong + i * WRONG_BYTES, WRONG_BYTES, "its process ended with status 0x%x", (unsigned)status);
    }
    for (uint32_t i = 0; i < ranks; i++)
        KIT_CHECK(kit, !wrong[i * WRONG_BYTES], "rank %u of %u: %s", i, ranks, wrong + i * WRONG_BYTES);
}

/* Whether ranks can join without a launcher; the case is over when not. */
static void need_free_join(struct kit *kit)
{
    struct rank r = {.kit = kit, .rank = 0, .ranks = 1, .run = getpid()};
    dlfw_status st = join(&r, LONG_NS);

    kit_check_error(kit, st, &r.err, "join");
    if (st < 0)
        kit_skip(kit, "cannot be joined from here: %s", r.text);
    r.ops->leave(r.c);
}

/* A world of one, and one in which nobody else comes: it succeeds, or fails in time and says why. */
static void lonely(struct kit *kit)
{
    uint32_t threads = kit_thread_count(kit), fds = kit_fd_count(kit);

    for (uint32_t ranks = 1; ranks <= 2; ranks++) {
        struct rank r = {.kit = kit, .rank = 0, .ranks = ranks, .run = getpid()};
        uint64_t begin = kit_now_ns();
        dlfw_status st = join(&r, SOON_NS);

        kit_check_error(kit, st, &r.err, "join");
        if (st >= 0) {
            KIT_CHECK(kit, ranks == 1, "join succeeds though rank 1 of 2 never comes");
            r.ops->leave(r.c);
            continue;
        }
        kit_note(kit, "join as rank 0 of %u: %s", ranks, r.text);
        KIT_CHECK(kit, kit_now_ns() - begin < 10 * (uint64_t)SOON_NS, "join takes %llu ms to miss a deadline of %u ms",
                  (unsigned long long)((kit_now_ns() - begin) / 1000000u), SOON_NS / 1000000u);
        KIT_CHECK(kit, kit_thread_count(kit) == threads && kit_fd_count(kit) == fds,
                  "a join that failed leaves threads or file descriptors behind");
    }
}

static void together(struct kit *kit)
{
    need_free_join(kit);
    for (uint32_t ranks = 1; ranks <= RANKS; ranks++)
        play(kit, ranks, check_everything);
}

/* This and every further call fails so. */
static void expect_end(struct rank *r, dlfw_status status, const char *says)
{
    for (int i = 0; i < 2; i++) {
        dlfw_status st = DLFW_OK;

        /* the call that was under way may still succeed for a rank that others waited for */
        for (int k = 0; st >= 0 && k < 2; k++)
            st = r->ops->barrier(r->c, kit_now_ns() + LONG_NS, &r->err);
        RANK_CHECK(r, st == status, "status %s, not %s: %s", dlfw_status_name(st), dlfw_status_name(status), r->text);
        RANK_CHECK(r, strstr(r->text, says), "the message '%s' lacks '%s'", r->text, says);
    }
}

static void scene_abort(struct rank *r)
{
    if (r->rank == 1)
        r->ops->abort(r->c, REASON);
    expect_end(r, DLFW_E_UNAVAILABLE, REASON);
}

static void aborts(struct kit *kit)
{
    need_free_join(kit);
    play(kit, RANKS, scene_abort);
}

static void scene_deadline(struct rank *r)
{
    const struct timespec late = {.tv_nsec = 2 * (long)SOON_NS};
    dlfw_status st;

    if (r->rank == 0) {
        nanosleep(&late, NULL);
        return;
    }
    st = r->ops->barrier(r->c, kit_now_ns() + SOON_NS, &r->err);
    /* a rank that timed out a moment earlier may be the reason that the other is given */
    RANK_CHECK(r, st == DLFW_E_TIMEOUT || st == DLFW_E_UNAVAILABLE, "a barrier that rank 0 does not come to gives %s",
               dlfw_status_name(st));
}

static void deadlines(struct kit *kit)
{
    need_free_join(kit);
    play(kit, RANKS, scene_deadline);
}

static void scene_cancel(struct rank *r)
{
    if (r->rank == 0)
        return; /* leaves */
    r->kit->host.cancel = r->rank == 1;
    r->ops->barrier(r->c, r->rank == 1 ? 0 : kit_now_ns() + LONG_NS, &r->err);
    RANK_CHECK(r, r->err.status == DLFW_E_CANCELLED || r->err.status == DLFW_E_UNAVAILABLE,
               "a barrier in a run that is stopped gives %s", dlfw_status_name(r->err.status));
}

static void cancels(struct kit *kit)
{
    need_free_join(kit);
    play(kit, RANKS, scene_cancel);
}

/* Rank 1 dies without a word. Who watches is free: the barrier, or check(). */
static void scene_death(struct rank *r)
{
    uint64_t begin = kit_now_ns();

    RANK_CHECK(r, r->ops->barrier(r->c, 0, &r->err) == DLFW_OK, "barrier fails: %s", r->text);
    if (r->rank == 1)
        raise(SIGKILL);
    expect_end(r, DLFW_E_UNAVAILABLE, "rank 1");
    RANK_CHECK(r, kit_now_ns() - begin < 5000000000u, "the death of a rank is noticed after more than 5 s");
}

static void deaths(struct kit *kit)
{
    need_free_join(kit);
    play(kit, RANKS, scene_death);
}

const struct kit_case kit_cases_coordinator[] = {
    {"coordinator.lonely", DLFW_KIND_COORDINATOR, 0, lonely},
    {"coordinator.together", DLFW_KIND_COORDINATOR, 0, together},
    {"coordinator.abort", DLFW_KIND_COORDINATOR, 0, aborts},
    {"coordinator.deadline", DLFW_KIND_COORDINATOR, 0, deadlines},
    {"coordinator.cancel", DLFW_KIND_COORDINATOR, 0, cancels},
    {"coordinator.death", DLFW_KIND_COORDINATOR, 0, deaths},
    {0},
};
