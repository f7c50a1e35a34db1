/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors from numpy.random.RandomState; each row names the calls that gave them. */
#include "workload/legacy_random.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* repr() gives the shortest text that reads back as the same double, so equality is exact up to libm's last bit. */
static void check_double(double got, double expected)
{
    ck_assert_msg(fabs(got - expected) <= 4e-16 * fabs(expected), "got %.17g, expected %.17g", got, expected);
}

START_TEST(words)
{
    static const uint32_t expected[] = {327741615, 976413892, 3349725721u, 1369975286};
    struct legacy_random r;
    uint32_t last = 0;

    legacy_seed(&r, 7); /* RandomState(7).randint(0, 2**32, dtype=uint32) */
    for (unsigned i = 0; i < COUNT(expected); i++)
        ck_assert_uint_eq(legacy_u32(&r), expected[i]);
    legacy_seed(&r, 5489); /* the generator's own published check: its 10000th output */
    for (int i = 0; i < 10000; i++)
        last = legacy_u32(&r);
    ck_assert_uint_eq(last, 4123659995u);
}
END_TEST

START_TEST(doubles)
{
    static const double expected[] = {0.07630828937395717, 0.7799187922401146, 0.4384092314408935};
    struct legacy_random r;

    legacy_seed(&r, 7); /* .random_sample(3) */
    for (unsigned i = 0; i < COUNT(expected); i++)
        check_double(legacy_double(&r), expected[i]);
    legacy_seed(&r, 4294967295u);
    check_double(legacy_double(&r), 0.0976320289940138);
}
END_TEST

START_TEST(normals)
{
    static const double expected[] = {1.331586504129518,     0.7152789743984055, -1.5454002921112682,
                                      -0.008383849928522256, 0.6213359738904805, -0.7200855607188968};
    struct legacy_random r;

    legacy_seed(&r, 10); /* .normal(0, 1, 6) */
    for (unsigned i = 0; i < COUNT(expected); i++)
        check_double(legacy_normal(&r, 0, 1), expected[i]);
}
END_TEST

START_TEST(dimension_series)
{
    static const struct {
        double mean, stdev;
        int dims[8];
    } rows[] = {
        {12107, 2822.205, {15865, 14125, 7745, 12083, 13860, 10074, 12856, 12413}}, /* unet3d */
        {1681, 21.2007, {1709, 1696, 1648, 1680, 1694, 1665, 1686, 1683}},          /* cosmoflow */
    };

    for (unsigned i = 0; i < COUNT(rows); i++) {
        struct legacy_random r;

        legacy_seed(&r, 10);
        for (unsigned k = 0; k < 8; k++)
            ck_assert_int_eq((int)legacy_normal(&r, rows[i].mean, rows[i].stdev), rows[i].dims[k]);
    }
}
END_TEST

START_TEST(exponentials)
{
    static const double expected[] = {0.19844227380361126, 3.784396686396967, 1.4424546603912893};
    struct legacy_random r;

    legacy_seed(&r, 7); /* .exponential(2.5, 3) */
    for (unsigned i = 0; i < COUNT(expected); i++)
        check_double(legacy_exponential(&r, 2.5), expected[i]);
}
END_TEST

START_TEST(gammas)
{
    static const struct {
        double shape, expected[5];
    } rows[] = {
        {0.5,
         {0.008734432540769378, 0.28830398131889234, 0.10808922905719917, 0.7818000856549956, 0.12454182960084416}},
        {1.0, {0.11906536428216677, 2.27063801183818, 0.8654727962347737, 1.928127790231216, 5.724354317692631}},
        {2.0, {1.7019120075971697, 1.2623265308760492, 2.5040020984075215, 5.033853440108064, 3.8524779578127433}},
        {9.0, {21.985271067786144, 11.049116195009955, 9.818143728683495, 13.009123456440678, 18.03155871111794}},
        {0.0, {0, 0, 0, 0, 0}},
    };
    struct legacy_random r;
    double sum_large = 0, sum_small = 0;

    for (unsigned i = 0; i < COUNT(rows); i++) {
        legacy_seed(&r, 7); /* .gamma(shape, 1.5, 5) */
        for (unsigned k = 0; k < 5; k++)
            check_double(legacy_gamma(&r, rows[i].shape, 1.5), rows[i].expected[k]);
    }
    legacy_seed(
        &r, 7); /* .gamma(2.0, 1.5, 20000).sum(), then .gamma(0.5, 1.5, 20000).sum(): all rejections on the way agree */
    for (int i = 0; i < 20000; i++)
        sum_large += legacy_gamma(&r, 2.0, 1.5);
    for (int i = 0; i < 20000; i++)
        sum_small += legacy_gamma(&r, 0.5, 1.5);
    ck_assert_double_eq_tol(sum_large, 59497.38291910563, 1e-6);
    ck_assert_double_eq_tol(sum_small, 15044.931227778905, 1e-6);
}
END_TEST

START_TEST(poissons)
{
    static const struct {
        double lam;
        uint64_t expected[8];
    } rows[] = {
        {0, {0}},
        {0.5, {0, 1, 2, 0, 0, 0, 0, 1}},
        {4.2, {5, 2, 4, 5, 5, 5, 5, 5}},
        {10, {9, 10, 8, 9, 8, 7, 16, 7}},
        {123.456, {104, 121, 123, 116, 129, 120, 116, 113}},
        {1e6, {998230, 999826, 1000003, 999306, 1000524, 999659, 999371, 999106}},
    };
    struct legacy_random r;
    uint64_t sum = 0;

    for (unsigned i = 0; i < COUNT(rows); i++) {
        legacy_seed(&r, 7); /* .poisson(lam, 8) */
        for (unsigned k = 0; k < 8; k++)
            ck_assert_uint_eq(legacy_poisson(&r, rows[i].lam), rows[i].expected[k]);
    }
    legacy_seed(&r, 7);
    for (int i = 0; i < 40000; i++) /* gammas first, as when the sums were taken */
        legacy_gamma(&r, i < 20000 ? 2.0 : 0.5, 1.5);
    for (int i = 0; i < 20000; i++)
        sum += legacy_poisson(&r, 50.0);
    ck_assert_uint_eq(sum, 1000842);
    for (int i = 0; i < 20000; i++)
        sum += legacy_poisson(&r, 3.0);
    ck_assert_uint_eq(sum, 1000842 + 60100);
}
END_TEST

/* The second normal of a pair waits while other distributions draw. */
START_TEST(distributions_mixed)
{
    struct legacy_random r;

    legacy_seed(&r, 99);
    check_double(legacy_normal(&r, 5, 2), 4.715282314596104);
    check_double(legacy_gamma(&r, 2.0, 1.0), 5.983027505577722);
    check_double(legacy_normal(&r, 5, 2), 1.4827095414434703);
    check_double(legacy_exponential(&r, 1.0), 0.047821140356997575);
    ck_assert_uint_eq(legacy_poisson(&r, 20), 24);
    check_double(legacy_normal(&r, 5, 2), 6.140420859202085);
}
END_TEST

START_TEST(intervals)
{
    static const uint64_t small[] = {175, 196, 537}, large[] = {752595690692, 108744157686, 291964244179};
    struct legacy_random r;

    legacy_seed(&r, 7); /* .randint(0, 1000) */
    for (unsigned i = 0; i < COUNT(small); i++)
        ck_assert_uint_eq(legacy_interval(&r, 999), small[i]);
    legacy_seed(&r, 7); /* .randint(0, 2**40 - 7) */
    for (unsigned i = 0; i < COUNT(large); i++)
        ck_assert_uint_eq(legacy_interval(&r, (1ull << 40) - 8), large[i]);
    legacy_seed(&r, 7);
    ck_assert_uint_eq(legacy_interval(&r, 0), 0);
    ck_assert_uint_eq(legacy_u32(&r), 327741615); /* 0 of 0 draws nothing */
}
END_TEST

static void check_shuffle(struct legacy_random *r, uint64_t first, uint64_t n, const uint64_t *expected)
{
    uint64_t values[16];

    for (uint64_t i = 0; i < n; i++)
        values[i] = first + i;
    legacy_shuffle(r, values, n);
    for (uint64_t i = 0; i < n; i++)
        ck_assert_uint_eq(values[i], expected[i]);
}

START_TEST(shuffles)
{
    struct legacy_random r;

    legacy_seed(&r, 124);
    check_shuffle(&r, 0, 10, (const uint64_t[]){6, 8, 3, 5, 4, 0, 9, 2, 7, 1});
    legacy_seed(&r, 123);
    check_shuffle(&r, 0, 10, (const uint64_t[]){4, 0, 7, 5, 8, 3, 1, 6, 9, 2});
    legacy_seed(&r, 124);
    check_shuffle(&r, 3, 6, (const uint64_t[]){3, 8, 5, 6, 4, 7});
    legacy_seed(&r, 124); /* two lists from one generator */
    check_shuffle(&r, 0, 8, (const uint64_t[]){3, 7, 0, 5, 2, 1, 4, 6});
    check_shuffle(&r, 0, 4, (const uint64_t[]){1, 2, 3, 0});
    check_shuffle(&r, 5, 1, (const uint64_t[]){5});
    legacy_shuffle(&r, NULL, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("legacy_random");
    TCase *t = tcase_create("legacy_random");
    SRunner *r;
    int failed;

    tcase_add_test(t, words);
    tcase_add_test(t, doubles);
    tcase_add_test(t, normals);
    tcase_add_test(t, dimension_series);
    tcase_add_test(t, exponentials);
    tcase_add_test(t, gammas);
    tcase_add_test(t, poissons);
    tcase_add_test(t, distributions_mixed);
    tcase_add_test(t, intervals);
    tcase_add_test(t, shuffles);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
