/* SPDX-License-Identifier: Apache-2.0 */
/* The coordinator of one rank: all that several would do together is done already. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "ranks/coordinator.h"

static const dlfw_coordinator_ops *const ops = &coordinator_single;
static dlfw_coordinator *c;
static struct error_slot slot;

static void join(void)
{
    const dlfw_create_args args = {.struct_size = sizeof args};
    const dlfw_join place = {.struct_size = sizeof place, .rank = 0, .world_size = 1};

    error_slot_init(&slot);
    ck_assert_int_eq(ops->join(&args, &place, &c, &slot.e), DLFW_OK);
    ck_assert_uint_eq(ops->rank(c), 0);
    ck_assert_uint_eq(ops->world_size(c), 1);
}

START_TEST(every_call_is_done_at_once)
{
    uint64_t integers[3] = {1, UINT64_MAX, 7}, expected[3] = {1, UINT64_MAX, 7};
    double numbers[2] = {-0.5, 1e300};
    char all[8] = "abcdefg";

    join();
    ck_assert_int_eq(ops->barrier(c, 1, &slot.e), DLFW_OK); /* also with a deadline that is long over */
    ck_assert_int_eq(ops->broadcast(c, 0, integers, sizeof integers, 0, &slot.e), DLFW_OK);
    for (uint32_t how = DLFW_REDUCE_SUM; how <= DLFW_REDUCE_MAX; how++) {
        ck_assert_int_eq(ops->reduce_u64(c, how, integers, 3, 0, &slot.e), DLFW_OK);
        ck_assert_int_eq(ops->reduce_f64(c, how, numbers, 2, 0, &slot.e), DLFW_OK);
    }
    ck_assert_mem_eq(integers, expected, sizeof expected);
    ck_assert(numbers[0] == -0.5 && numbers[1] == 1e300);
    ck_assert_int_eq(ops->gather(c, "xyz", all, 3, 0, &slot.e), DLFW_OK);
    ck_assert_str_eq(all, "xyzdefg");
    ops->leave(c);
}
END_TEST

START_TEST(there_is_no_other_rank)
{
    char byte = 1;

    join();
    ck_assert_int_eq(ops->broadcast(c, 1, &byte, 1, 0, &slot.e), DLFW_E_INVALID);
    ck_assert_str_eq(slot.text, "there is no rank 1 in a run with one rank");
    ops->abort(c, "nobody hears this");
    ck_assert_int_eq(ops->barrier(c, 0, &slot.e), DLFW_OK);
    ck_assert(ops->check == NULL); /* nobody to look after */
    ops->leave(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("coord_single");
    TCase *tc = tcase_create("single");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, every_call_is_done_at_once);
    tcase_add_test(tc, there_is_no_other_rank);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
