/* SPDX-License-Identifier: Apache-2.0 */
/* When a checkpoint is due, under which name, and the values of its tensors. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/payload_stream.h"
#include "common/tensor_content.h"
#include "common/trigger.h"
#include "test_checkpoint_files_fixture.h"

struct due_case {
    const char *name;
    struct checkpoint_trigger trigger;
    uint32_t epochs, steps; /* of the run */
    const char *taken;      /* names in order */
};

static const struct due_case due[] = {
    {"every epoch; the name has the step after the last",
     {1, 1, -1},
     3,
     2,
     "global_epoch1_step3 global_epoch2_step3 global_epoch3_step3 "},
    {"from the fifth epoch every second",
     {5, 2, -1},
     10,
     24,
     "global_epoch5_step25 global_epoch7_step25 global_epoch9_step25 "},
    {"upstream: 8 epochs, every second",
     {1, 2, -1},
     8,
     1,
     "global_epoch1_step2 global_epoch3_step2 global_epoch5_step2 global_epoch7_step2 "},
    {"first epoch never reached", {4, 1, -1}, 3, 2, ""},
    {"steps begin anew in every epoch",
     {1, 1, 2},
     2,
     5,
     "global_epoch1_step2 global_epoch1_step4 global_epoch2_step2 global_epoch2_step4 "},
    {"steps do not wait for the first epoch", {9, 9, 3}, 1, 3, "global_epoch1_step3 "},
    {"fewer steps than between", {1, 1, 250}, 3, 249, ""},
    {"0 never matches, and epochs do not count then", {1, 1, 0}, 3, 4, ""},
};

static void ask(const struct due_case *c, uint32_t phase, uint32_t epoch, uint64_t step, char *taken, size_t cap)
{
    dlfw_hook_ctx ctx = {.struct_size = sizeof ctx, .phase = phase, .epoch = epoch, .step = step};
    struct checkpoint_moment moment;
    size_t len = strlen(taken);

    if (!checkpoint_due(&c->trigger, &ctx, &moment))
        return;
    ck_assert_uint_eq(moment.epoch, epoch);
    ck_assert_uint_eq(moment.step, step);
    ck_assert_uint_ge(moment.number, 1);
    snprintf(taken + len, cap - len, "%s ", moment.name);
}

START_TEST(checkpoints_of_a_run)
{
    const struct due_case *c = &due[_i];
    char taken[1024] = "";

    for (uint32_t epoch = 1; epoch <= c->epochs; epoch++) {
        for (uint64_t step = 1; step <= c->steps; step++)
            ask(c, DLFW_PHASE_STEP, epoch, step, taken, sizeof taken);
        ask(c, DLFW_PHASE_EPOCH, epoch, c->steps, taken, sizeof taken);
    }
    ask(c, DLFW_PHASE_FINALIZE, c->epochs, c->steps, taken, sizeof taken);
    ck_assert_msg(strcmp(taken, c->taken) == 0, "%s: %s", c->name, taken);
}
END_TEST

START_TEST(checkpoints_without_training)
{
    struct checkpoint_moment m;

    checkpoint_moment_of(7, &m);
    ck_assert_str_eq(m.name, "global_epoch1_step7");
    ck_assert_uint_eq(m.number, 7);
}
END_TEST

/* ---- values ---- */

enum { BYTES = 3 * 65536 };

static double value_of(enum tensor_type type, const uint8_t *p)
{
    uint64_t w = 0;
    uint32_t exponent, mantissa;
    float f;
    double d;

    memcpy(&w, p, tensor_type_bytes(type));
    switch (type) {
    case TENSOR_FP16: /* no negative, infinite or denormal values occur */
        exponent = (uint32_t)w >> 10;
        mantissa = (uint32_t)w & 0x3ff;
        ck_assert(exponent > 0 || mantissa == 0);
        return exponent ? ldexp(1024 + mantissa, (int)exponent - 25) : 0;
    case TENSOR_BF16:
        w <<= 16;
        __attribute__((fallthrough));
    case TENSOR_FP32:
        memcpy(&f, &w, sizeof f);
        return (double)f;
    case TENSOR_FP64:
        memcpy(&d, &w, sizeof d);
        return d;
    case TENSOR_INT8:
        return (int8_t)w;
    case TENSOR_UINT8:
        return (double)w;
    }
    return 0;
}

struct value_case {
    enum tensor_type type;
    double low, high, step; /* values are multiples of step in [low, high) */
};

static const struct value_case values[] = {
    {TENSOR_FP16, 0, 1, 0x1p-11}, {TENSOR_BF16, 0, 1, 0x1p-8}, {TENSOR_FP32, 0, 1, 0x1p-24},
    {TENSOR_FP64, 0, 1, 0x1p-52}, {TENSOR_INT8, -128, 128, 1}, {TENSOR_UINT8, 0, 256, 1},
};

START_TEST(random_values)
{
    const struct value_case *c = &values[_i];
    struct checkpoint_fixture *f = checkpoint_fixture_new();
    struct tensor_content content = {.host = &f->host.table, .seed = 1, .random = true};
    uint8_t *buf = malloc(BYTES);
    uint32_t width = tensor_type_bytes(c->type), count = BYTES / width;
    double sum = 0, least = c->high, most = c->low;

    tensor_content_fill(&content, 42, c->type, 0, buf, BYTES);
    for (uint32_t i = 0; i < count; i++) {
        double v = value_of(c->type, buf + (size_t)i * width);

        ck_assert_msg(v >= c->low && v < c->high && fmod(v, c->step) == 0, "element %u is %.17g", i, v);
        sum += v;
        least = fmin(least, v);
        most = fmax(most, v);
    }
    ck_assert_double_eq_tol(sum / count, (c->low + c->high - c->step) / 2, 0.01 * (c->high - c->low));
    ck_assert_double_le(least, c->low + 0.01 * (c->high - c->low));
    ck_assert_double_ge(most, c->high - 0.01 * (c->high - c->low) - c->step);
    free(buf);
    checkpoint_fixture_free(f);
}
END_TEST

START_TEST(ones)
{
    static const double one = 1;
    struct checkpoint_fixture *f = checkpoint_fixture_new();
    struct tensor_content content = {.host = &f->host.table, .seed = 1, .random = false};
    uint32_t width = tensor_type_bytes((enum tensor_type)_i);
    uint8_t buf[1000];

    tensor_content_fill(&content, 42, (enum tensor_type)_i, 8, buf, sizeof buf);
    for (uint32_t i = 0; i < sizeof buf / width; i++)
        ck_assert_double_eq(value_of((enum tensor_type)_i, buf + i * width), one);
    tensor_content_fill(&content, 42, (enum tensor_type)_i, 3, buf, 7);
    ck_assert_uint_eq(tensor_content_check(&content, 42, (enum tensor_type)_i, 3, buf, 7), 7);
    checkpoint_fixture_free(f);
}
END_TEST

/* The same bytes however the range is cut and wherever it lies in memory; a change is found where it is. */
START_TEST(any_window)
{
    const enum tensor_type type = (enum tensor_type)(_i % 6);
    struct checkpoint_fixture *f = checkpoint_fixture_new();
    struct tensor_content content = {.host = &f->host.table, .seed = 9, .random = _i < 6};
    static const uint32_t cuts[] = {1, 7, 64, 255, 256, 257, 4096, 65535, 65536, 65537, 100000};
    uint8_t *whole = malloc(BYTES), *part = malloc(BYTES + 64);

    tensor_content_fill(&content, 5, type, 0, whole, BYTES);
    for (uint32_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
        for (uint64_t offset = 65536 - 20; offset <= 65536 + 20; offset += 3) {
            uint8_t *at = part + offset % 13;

            memset(part, 0xa5, cuts[i] + 64);
            tensor_content_fill(&content, 5, type, offset, at, cuts[i]);
            ck_assert_mem_eq(at, whole + offset, cuts[i]);
            ck_assert_uint_eq(at[cuts[i]], 0xa5);
            ck_assert_uint_eq(tensor_content_check(&content, 5, type, offset, at, cuts[i]), cuts[i]);
            at[cuts[i] / 2] ^= 4;
            ck_assert_uint_eq(tensor_content_check(&content, 5, type, offset, at, cuts[i]), cuts[i] / 2);
        }
    free(part);
    free(whole);
    checkpoint_fixture_free(f);
}
END_TEST

START_TEST(tensors_differ_by_seed_and_object)
{
    struct checkpoint_fixture *f = checkpoint_fixture_new();
    struct tensor_content a = {.host = &f->host.table, .seed = 1, .random = true}, b = a;
    uint8_t one[64], other[64];

    b.seed = 2;
    tensor_content_fill(&a, 1, TENSOR_FP32, 0, one, sizeof one);
    tensor_content_fill(&b, 1, TENSOR_FP32, 0, other, sizeof other);
    ck_assert_mem_ne(one, other, sizeof one);
    tensor_content_fill(&a, 2, TENSOR_FP32, 0, other, sizeof other);
    ck_assert_mem_ne(one, other, sizeof one);
    checkpoint_fixture_free(f);
}
END_TEST

/* A file's payload is its tensors in order, from any offset. */
START_TEST(payload_as_one_stream)
{
    struct checkpoint_fixture *f = checkpoint_fixture_new();
    struct tensor_content content = {.host = &f->host.table, .seed = 3, .random = true};
    struct model_config config = {.vocab = 11,
                                  .hidden = 7,
                                  .ffn = 5,
                                  .heads = 1,
                                  .kv_heads = 1,
                                  .layers = 3,
                                  .tensor_parallel = 1,
                                  .pipeline_parallel = 1,
                                  .model_type = TENSOR_FP16};
    struct model_plan plan = {0};
    struct payload_stream s;
    uint8_t whole[4096], part[4096];
    uint64_t at = 0, bytes;

    ck_assert_int_eq(model_plan_init(&plan, &config, 0, 1, NULL), DLFW_OK);
    payload_stream_open(&s, &plan, 0, &content);
    bytes = s.file.payload_bytes;
    ck_assert_uint_lt(bytes, sizeof whole);
    for (uint64_t i = 0; i < s.file.tensor_count; i++) {
        struct plan_tensor t;

        model_plan_tensor(&plan, &s.file, i, &t);
        tensor_content_fill(&content, t.object, t.type, 0, whole + at, t.bytes);
        at += t.bytes;
    }
    ck_assert_uint_eq(at, bytes);
    for (uint64_t offset = 0; offset < bytes; offset += 13) {
        payload_stream_seek(&s, offset);
        payload_stream_fill(&s, part, (bytes - offset) / 2);
        payload_stream_fill(&s, part + (bytes - offset) / 2, bytes - offset - (bytes - offset) / 2);
        ck_assert_mem_eq(part, whole + offset, bytes - offset);
        payload_stream_seek(&s, offset);
        ck_assert_uint_eq(payload_stream_check(&s, part, bytes - offset), bytes - offset);
        part[(bytes - offset) / 2] ^= 1;
        payload_stream_seek(&s, offset);
        ck_assert_uint_eq(payload_stream_check(&s, part, bytes - offset), (bytes - offset) / 2);
    }
    model_plan_free(&plan);
    checkpoint_fixture_free(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint_trigger");
    TCase *tc = tcase_create("trigger");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, checkpoints_of_a_run, 0, sizeof due / sizeof *due);
    tcase_add_test(tc, checkpoints_without_training);
    tcase_add_loop_test(tc, random_values, 0, sizeof values / sizeof *values);
    tcase_add_loop_test(tc, ones, 0, 6);
    tcase_add_loop_test(tc, any_window, 0, 12);
    tcase_add_test(tc, tensors_differ_by_seed_and_object);
    tcase_add_test(tc, payload_as_one_stream);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
