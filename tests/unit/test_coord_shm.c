/* SPDX-License-Identifier: Apache-2.0 */
/* What ranks do together through coordinator shm: each collective, and random sequences of them against a model. */
#include <math.h>
#include <pthread.h>
#include <sys/mman.h>

#include "test_coord_shm_fixture.h"

static const dlfw_coordinator_ops *const ops = &coordinator_shm;
static const uint32_t worlds[] = {1, 2, 3, 7, 16};
#define WORLD_COUNT (sizeof worlds / sizeof *worlds)

/* What element i is on rank in collective number round. */
static uint64_t element(uint64_t seed, uint64_t round, uint32_t rank, uint64_t i)
{
    return hash_mix(seed * 1000003 + round * 7919 + rank * 101 + hash_mix(i + 1));
}

static double as_f64(uint64_t x)
{
    return ldexp((double)(x >> 11), (int)(x % 90) - 60) * (x & 1 ? 1 : -1);
}

static void fill(uint8_t *buf, uint64_t len, uint64_t seed, uint64_t round, uint32_t rank)
{
    for (uint64_t at = 0; at < len; at += 8) {
        uint64_t x = element(seed, round, rank, at);

        memcpy(buf + at, &x, len - at < 8 ? len - at : 8);
    }
}

static void one_broadcast(struct rank_case *r, uint64_t seed, uint64_t round, uint32_t root, uint64_t len)
{
    uint8_t *buf = xcalloc(len + 1, 1), *expected = xcalloc(len + 1, 1);

    fill(buf, len, seed, round, r->rank);
    fill(expected, len, seed, round, root);
    RANK_OK(ops->broadcast(r->c, root, buf, len, 0, &r->slot.e));
    RANK_CHECK(memcmp(buf, expected, len + 1) == 0);
    free(expected);
    free(buf);
}

static void one_gather(struct rank_case *r, uint64_t seed, uint64_t round, uint64_t len)
{
    uint8_t *mine = xcalloc(len + 1, 1), *all = xcalloc(r->world * len + 1, 1), *expected = xcalloc(len + 1, 1);

    fill(mine, len, seed, round, r->rank);
    RANK_OK(ops->gather(r->c, mine, all, len, 0, &r->slot.e));
    for (uint32_t k = 0; k < r->world; k++) {
        fill(expected, len, seed, round, k);
        RANK_CHECK(memcmp(all + k * len, expected, len) == 0);
    }
    RANK_CHECK(all[r->world * len] == 0);
    free(expected);
    free(all);
    free(mine);
}

static uint64_t model_u64(uint32_t how, uint64_t a, uint64_t b)
{
    if (how == DLFW_REDUCE_SUM)
        return a + b;
    return how == DLFW_REDUCE_MIN ? (a < b ? a : b) : (a > b ? a : b);
}

static double model_f64(uint32_t how, double a, double b)
{
    if (how == DLFW_REDUCE_SUM)
        return a + b;
    return how == DLFW_REDUCE_MIN ? (a < b ? a : b) : (a > b ? a : b);
}

static void one_reduce_u64(struct rank_case *r, uint64_t seed, uint64_t round, uint32_t how, uint32_t count)
{
    uint64_t *values = xcalloc(count + 1, sizeof *values);

    for (uint32_t i = 0; i < count; i++)
        values[i] = element(seed, round, r->rank, i);
    RANK_OK(ops->reduce_u64(r->c, how, values, count, 0, &r->slot.e));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t expected = element(seed, round, 0, i);

        for (uint32_t k = 1; k < r->world; k++)
            expected = model_u64(how, expected, element(seed, round, k, i));
        RANK_CHECK(values[i] == expected);
    }
    RANK_CHECK(values[count] == 0);
    free(values);
}

static void one_reduce_f64(struct rank_case *r, uint64_t seed, uint64_t round, uint32_t how, uint32_t count)
{
    double *values = xcalloc(count + 1, sizeof *values);

    for (uint32_t i = 0; i < count; i++)
        values[i] = as_f64(element(seed, round, r->rank, i));
    RANK_OK(ops->reduce_f64(r->c, how, values, count, 0, &r->slot.e));
    for (uint32_t i = 0; i < count; i++) {
        double expected = as_f64(element(seed, round, 0, i));

        for (uint32_t k = 1; k < r->world; k++)
            expected = model_f64(how, expected, as_f64(element(seed, round, k, i)));
        RANK_CHECK(memcmp(&values[i], &expected, sizeof expected) == 0); /* the same bits, not only nearly */
    }
    free(values);
}

static void each_collective(struct rank_case *r, const void *arg)
{
    /* 1 MiB / world is one piece: below, at and above it, and several */
    const uint64_t piece = ((1u << 20) / r->world) & ~127u;
    const uint64_t lens[] = {0, 1, 7, 4096, piece - 1, piece, piece + 1, 3 * piece + 5};
    uint64_t round = 0;

    (void)arg;
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        one_broadcast(r, 1, round++, (uint32_t)i % r->world, lens[i]);
        one_gather(r, 1, round++, lens[i] > 4096 && r->world > 3 ? lens[i] / 64 : lens[i]);
        RANK_OK(ops->barrier(r->c, 0, &r->slot.e));
    }
    one_broadcast(r, 1, round++, r->world - 1, 3 * (1u << 20) + 1);
    for (uint32_t how = DLFW_REDUCE_SUM; how <= DLFW_REDUCE_MAX; how++) {
        static const uint32_t counts[] = {0, 1, 5, 10000};

        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            one_reduce_u64(r, 1, round++, how, counts[i]);
            one_reduce_f64(r, 1, round++, how, counts[i]);
        }
    }
}

START_TEST(collectives)
{
    run_ranks(worlds[_i], run_id_of("all"), each_collective, NULL);
}
END_TEST

static void random_sequence(struct rank_case *r, const void *arg)
{
    const uint64_t seed = *(const uint64_t *)arg;

    for (uint64_t round = 0; round < 120; round++) {
        uint64_t dice = hash_mix(seed * 65537 + round), len = dice >> 20;
        uint32_t how = 1 + (uint32_t)(dice >> 8) % 3;

        len = dice & 0x100 ? len % 300 : len % 20000;
        switch (dice % 5) {
        case 0:
            RANK_OK(ops->barrier(r->c, 0, &r->slot.e));
            break;
        case 1:
            one_broadcast(r, seed, round, (uint32_t)(dice >> 40) % r->world, 8 * len);
            break;
        case 2:
            one_gather(r, seed, round, len / r->world);
            break;
        case 3:
            one_reduce_u64(r, seed, round, how, (uint32_t)len / r->world);
            break;
        default:
            one_reduce_f64(r, seed, round, how, (uint32_t)len / r->world);
            break;
        }
    }
}

START_TEST(random_sequences)
{
    for (uint64_t seed = 1; seed <= 2; seed++) {
        uint64_t own = seed * 100 + worlds[_i];

        run_ranks(worlds[_i], run_id_of("random"), random_sequence, &own);
    }
}
END_TEST

/* No rank goes on before all have come: a counter that each rank adds to before the barrier is complete after it. */
static void count_between_barriers(struct rank_case *r, const void *arg)
{
    _Atomic uint64_t *counter = (_Atomic uint64_t *)(uintptr_t)arg;

    for (uint64_t i = 1; i <= 500; i++) {
        if (i % 50 == r->rank)
            sleep_ms(2);
        atomic_fetch_add(counter, 1);
        RANK_OK(ops->barrier(r->c, 0, &r->slot.e));
        RANK_CHECK(atomic_load(counter) == i * r->world);
        RANK_OK(ops->barrier(r->c, 0, &r->slot.e));
    }
}

START_TEST(a_barrier_holds_everyone)
{
    void *counter = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert(counter != MAP_FAILED);
    run_ranks(worlds[_i], run_id_of("count"), count_between_barriers, counter);
    munmap(counter, 4096);
}
END_TEST

static void not_a_number(struct rank_case *r, const void *arg)
{
    double values[2] = {r->rank == 1 ? (double)NAN : (double)r->rank, r->rank == 0 ? (double)NAN : 5};

    (void)arg;
    RANK_OK(ops->reduce_f64(r->c, DLFW_REDUCE_MIN, values, 2, 0, &r->slot.e));
    RANK_CHECK(isnan(values[0]) && isnan(values[1]));
    values[0] = r->rank == 1 ? (double)NAN : (double)r->rank;
    RANK_OK(ops->reduce_f64(r->c, DLFW_REDUCE_MAX, values, 1, 0, &r->slot.e));
    RANK_CHECK(isnan(values[0]));
}

START_TEST(nan_is_not_lost)
{
    run_ranks(3, run_id_of("nan"), not_a_number, NULL);
}
END_TEST

static void wrong_arguments(struct rank_case *r, const void *arg)
{
    uint64_t value = 3;
    double number = 1;

    (void)arg;
    RANK_FAILS(ops->broadcast(r->c, r->world, &value, 8, 0, &r->slot.e), DLFW_E_INVALID, "there is no rank 2");
    RANK_FAILS(ops->reduce_u64(r->c, 0, &value, 1, 0, &r->slot.e), DLFW_E_INVALID, "no reduction 0");
    RANK_FAILS(ops->reduce_f64(r->c, 4, &number, 1, 0, &r->slot.e), DLFW_E_INVALID, "no reduction 4");
    RANK_OK(ops->reduce_u64(r->c, DLFW_REDUCE_SUM, &value, 1, 0, &r->slot.e)); /* nobody is out of step */
    RANK_CHECK(value == 6);
}

START_TEST(wrong_arguments_are_refused)
{
    run_ranks(2, run_id_of("wrong"), wrong_arguments, NULL);
}
END_TEST

struct different_call {
    uint32_t op[2];
    uint32_t arg[2];
    uint32_t len[2];
    const char *says;
};

static dlfw_status make_call(struct rank_case *r, const struct different_call *d)
{
    uint64_t values[8] = {0}, all[8 * 3];
    uint32_t which = r->rank == 1;

    switch (d->op[which]) {
    case SHM_BARRIER:
        return ops->barrier(r->c, 0, &r->slot.e);
    case SHM_BROADCAST:
        return ops->broadcast(r->c, d->arg[which], values, d->len[which], 0, &r->slot.e);
    case SHM_REDUCE_U64:
        return ops->reduce_u64(r->c, d->arg[which], values, d->len[which], 0, &r->slot.e);
    case SHM_REDUCE_F64:
        return ops->reduce_f64(r->c, d->arg[which], (double *)(void *)values, d->len[which], 0, &r->slot.e);
    default:
        return ops->gather(r->c, values, all, d->len[which], 0, &r->slot.e);
    }
}

static void call_differently(struct rank_case *r, const void *arg)
{
    const struct different_call *d = arg;

    RANK_OK(ops->barrier(r->c, 0, &r->slot.e));
    RANK_FAILS(make_call(r, d), DLFW_E_INTERNAL, "the ranks make different calls: rank ");
    RANK_CHECK(strstr(r->slot.text, d->says));
    RANK_FAILS(ops->barrier(r->c, 0, &r->slot.e), DLFW_E_INTERNAL, d->says);
}

START_TEST(different_calls_are_told)
{
    static const struct different_call cases[] = {
        {{SHM_BARRIER, SHM_GATHER}, {0, 0}, {0, 8}, "rank 1 gather of 8 bytes"},
        {{SHM_BARRIER, SHM_BROADCAST}, {0, 2}, {0, 0}, "rank 1 broadcast of 0 bytes from rank 2"},
        {{SHM_BROADCAST, SHM_BROADCAST}, {0, 0}, {8, 9}, "rank 1 broadcast of 9 bytes from rank 0"},
        {{SHM_BROADCAST, SHM_BROADCAST}, {0, 1}, {8, 8}, "rank 1 broadcast of 8 bytes from rank 1"},
        {{SHM_GATHER, SHM_GATHER}, {0, 0}, {0, 1}, "rank 1 gather of 1 bytes"},
        {{SHM_REDUCE_U64, SHM_REDUCE_U64}, {1, 2}, {4, 4}, "rank 1 min of 4 integers"},
        {{SHM_REDUCE_U64, SHM_REDUCE_U64}, {1, 1}, {4, 5}, "rank 1 sum of 5 integers"},
        {{SHM_REDUCE_U64, SHM_REDUCE_F64}, {3, 3}, {4, 4}, "rank 1 max of 4 floating point numbers"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_ranks(3, run_id_of("differ"), call_differently, &cases[i]);
}
END_TEST

static void *run_thread(void *arg)
{
    struct rank_case *r = arg;

    RANK_OK(join_rank(r, in_ms(10000)));
    random_sequence(r, &(const uint64_t){77});
    for (int i = 0; i < 2000; i++)
        RANK_OK(ops->barrier(r->c, 0, &r->slot.e));
    RANK_OK(ops->check(r->c, &r->slot.e));
    ops->leave(r->c);
    return NULL;
}

START_TEST(ranks_may_be_threads)
{
    struct rank_case ranks[4];
    const char *id = run_id_of("threads");
    pthread_t threads[4];

    for (uint32_t i = 0; i < 4; i++) {
        ranks[i] = (struct rank_case){.rank = i, .world = 4, .run_id = id};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_thread, &ranks[i]), 0);
    }
    for (uint32_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("coord_shm");
    TCase *tc = tcase_create("collectives");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, collectives, 0, WORLD_COUNT);
    tcase_add_loop_test(tc, random_sequences, 0, WORLD_COUNT);
    tcase_add_loop_test(tc, a_barrier_holds_everyone, 0, WORLD_COUNT);
    tcase_add_test(tc, nan_is_not_lost);
    tcase_add_test(tc, wrong_arguments_are_refused);
    tcase_add_test(tc, different_calls_are_told);
    tcase_add_test(tc, ranks_may_be_threads);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
