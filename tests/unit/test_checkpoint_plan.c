/* SPDX-License-Identifier: Apache-2.0 */
/* DLIO's sizes: what each rank and all ranks write for the models people run, to the byte, and the names of the files.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/model_plan.h"
#include "test_checkpoint_files_fixture.h"

#define LLAMA_7B .vocab = 32000, .hidden = 4096, .ffn = 11008, .heads = 32, .kv_heads = 32, .layers = 32
#define LLAMA_8B .vocab = 128256, .hidden = 4096, .ffn = 14336, .heads = 32, .kv_heads = 8, .layers = 32
#define LLAMA_70B .vocab = 128256, .hidden = 8192, .ffn = 28672, .heads = 128, .kv_heads = 8, .layers = 80
#define LLAMA_405B .vocab = 128256, .hidden = 16384, .ffn = 53248, .heads = 128, .kv_heads = 8, .layers = 126
#define LLAMA_1T .vocab = 128256, .hidden = 25872, .ffn = 98304, .heads = 192, .kv_heads = 32, .layers = 128
#define SMALL .vocab = 1000, .hidden = 64, .ffn = 128, .heads = 8, .kv_heads = 8, .layers = 4
#define GRID(tp, pp, zero) .tensor_parallel = (tp), .pipeline_parallel = (pp), .zero_stage = (zero), FP16_FP32
#define SUBSET(dp) .mode = CHECKPOINT_MODE_SUBSET, .data_parallel = (dp)
#define FP16_FP32 .model_type = TENSOR_FP16, .optimizer_type = TENSOR_FP32

/* GiB of all ranks, rounded to four digits as published; 0: not published. */
struct size_case {
    const char *name;
    struct model_config config;
    uint32_t ranks;
    uint64_t parameters;
    double model_gib, optimizer_gib, total_gib;
    uint64_t first_model, first_optimizer, last_model;
};

static const struct size_case sizes[] = {
    {"llama 7b, 1 rank",
     {LLAMA_7B, GRID(1, 1, 1)},
     1,
     6738415616,
     12.5513,
     75.3079,
     87.8592,
     13476831232,
     80861233152,
     13476831232},
    {"llama 7b, 8 ranks",
     {LLAMA_7B, GRID(1, 1, 1)},
     8,
     6738415616,
     12.5513,
     75.3095,
     87.8608,
     13476831232,
     10107869184,
     0},
    {"llama 7b zero 3, 8 ranks",
     {LLAMA_7B, GRID(1, 1, 3)},
     8,
     6738415616,
     12.5513,
     75.3095,
     87.8608,
     1684603904,
     10107869184,
     1684603904},
    {"llama 8b zero 3, 8 ranks",
     {LLAMA_8B, GRID(1, 1, 3)},
     8,
     8030261248,
     14.9575,
     89.7470,
     104.7045,
     2007565312,
     12045637632,
     2007565312},
    {"llama 8b zero 3, 1 rank",
     {LLAMA_8B, GRID(1, 1, 3)},
     1,
     8030261248,
     14.9575,
     89.7454,
     104.7029,
     16060522496,
     96363380736,
     16060522496},
    {"llama 8b zero 3, 2 of 1024",
     {LLAMA_8B, GRID(1, 1, 3), SUBSET(1024)},
     2,
     8030261248,
     0.0292,
     0.1757,
     0.2050,
     15684104,
     94350384,
     15684104},
    {"llama 70b zero 3, 64 ranks",
     {LLAMA_70B, GRID(8, 1, 3)},
     64,
     69882617856,
     130.1837,
     781.0284,
     911.2121,
     2184120320,
     13103482368,
     2184120320},
    {"llama 70b zero 3, 8 of 64",
     {LLAMA_70B, GRID(8, 1, 3), SUBSET(8)},
     8,
     69882617856,
     16.2730,
     97.6286,
     113.9015,
     2184120320,
     13103482368,
     2184120320},
    {"llama 70b, 32 ranks",
     {LLAMA_70B, GRID(8, 4, 1)},
     32,
     69882617856,
     130.1837,
     781.0138,
     911.1975,
     4499570688,
     26206473216,
     4499587072},
    {"llama 405b, 512 ranks",
     {LLAMA_405B, GRID(8, 32, 1)},
     512,
     405853388800,
     756.0149,
     4536.2338,
     5292.2487,
     3713269760,
     9513171840,
     0},
    {"llama 405b, 8 of 512",
     {LLAMA_405B, GRID(8, 32, 1), SUBSET(2)},
     8,
     405853388800,
     27.6660,
     70.8787,
     98.5447,
     3713269760,
     9513171840,
     3713269760},
    {"llama 1t, 1024 ranks",
     {LLAMA_1T, GRID(8, 64, 1)},
     1024,
     1183035102480,
     2203.6613,
     13222.9280,
     15426.5893,
     5425047936,
     13865244924,
     0},
    {"llama 1t, 8 of 1024",
     {LLAMA_1T, GRID(8, 64, 1), SUBSET(2)},
     8,
     1183035102480,
     40.4198,
     103.3041,
     143.7239,
     5425047936,
     13865244924,
     5425047936},
    {"small zero 0", {SMALL, GRID(2, 2, 0)}, 4, 292416, 0, 0, 0, 146432, 881088, 146560},
    {"small zero 1", {SMALL, GRID(2, 2, 1)}, 8, 292416, 0, 0, 0, 146432, 442464, 0},
    {"small zero 2", {SMALL, GRID(2, 1, 2)}, 4, 292416, 0, 0, 0, 292992, 881088, 0},
    {"small zero 3", {SMALL, GRID(2, 1, 3)}, 4, 292416, 0, 0, 0, 146496, 881088, 146496},
};

static struct model_plan plan_of(const struct model_config *config, uint32_t rank, uint32_t world)
{
    char text[512] = "";
    dlfw_error err = FAKE_ERROR(text);
    struct model_plan plan = {0};

    ck_assert_msg(model_plan_init(&plan, config, rank, world, &err) >= 0, "%s", text);
    return plan;
}

static struct model_totals totals_of(const struct model_config *config, uint32_t world)
{
    char text[512] = "";
    dlfw_error err = FAKE_ERROR(text);
    struct model_totals totals = {0};

    ck_assert_msg(model_plan_totals(config, world, &totals, &err) >= 0, "%s", text);
    return totals;
}

static void check_rank(const struct size_case *c, uint32_t rank, uint64_t model, uint64_t optimizer)
{
    struct model_plan plan = plan_of(&c->config, rank, c->ranks);
    uint64_t have_model, have_optimizer;

    model_plan_rank_bytes(&plan, &have_model, &have_optimizer);
    ck_assert_msg(have_model == model, "%s: rank %u has %" PRIu64 " model bytes, not %" PRIu64, c->name, rank,
                  have_model, model);
    ck_assert_msg(have_optimizer == optimizer, "%s: rank %u has %" PRIu64 " optimizer bytes, not %" PRIu64, c->name,
                  rank, have_optimizer, optimizer);
    model_plan_free(&plan);
}

static void check_gib(const struct size_case *c, const char *what, uint64_t bytes, double gib)
{
    char have[32], want[32];

    snprintf(have, sizeof have, "%.4f", (double)bytes / (1u << 30));
    snprintf(want, sizeof want, "%.4f", gib);
    ck_assert_msg(gib == 0 || strcmp(have, want) == 0, "%s: %s is %s GiB, not %s", c->name, what, have, want);
}

START_TEST(published_sizes)
{
    const struct size_case *c = &sizes[_i];
    struct model_totals t = totals_of(&c->config, c->ranks);

    ck_assert_msg(t.parameters == c->parameters, "%s: %" PRIu64 " parameters", c->name, t.parameters);
    check_gib(c, "the model", t.model_bytes, c->model_gib);
    check_gib(c, "the optimizer", t.optimizer_bytes, c->optimizer_gib);
    check_gib(c, "all", t.model_bytes + t.optimizer_bytes, c->total_gib);
    check_rank(c, 0, c->first_model, c->first_optimizer);
    check_rank(c, c->ranks - 1, c->last_model, c->first_optimizer);
    ck_assert_uint_eq(t.subset_ranks, c->config.mode == CHECKPOINT_MODE_SUBSET ? c->ranks : 0);
}
END_TEST

/* DLIO counts the layers of ZeRO 2 on every rank that holds them; written they are once. */
START_TEST(zero_2_is_counted_once)
{
    struct model_totals t = totals_of(&sizes[15].config, 4);

    ck_assert_uint_eq(t.model_bytes, 2 * 292992);
    ck_assert_uint_eq(t.dlio_model_bytes, 4 * 292992);
    ck_assert_uint_eq(t.dlio_optimizer_bytes, t.optimizer_bytes);
    t = totals_of(&sizes[14].config, 8);
    ck_assert_uint_eq(t.model_bytes, t.dlio_model_bytes);
}
END_TEST

static uint64_t megatron_groups[] = {1009254400, 865075200, 793600};
static uint64_t megatron_layers[] = {52583936, 209715200};
static const struct model_config megatron = {.blob_bytes = 10240,
                                             .layers = 40,
                                             .layer_parameters = megatron_layers,
                                             .layer_parameter_count = 2,
                                             .optimization_groups = megatron_groups,
                                             .optimization_group_count = 3,
                                             .vocab = 32000,
                                             .hidden = 2048,
                                             .ffn = 8192,
                                             .heads = 32,
                                             .kv_heads = 8,
                                             GRID(4, 8, 1)};

static void check_file(const struct model_plan *plan, uint64_t index, const char *name, uint64_t tensors,
                       uint64_t bytes)
{
    struct plan_file f;

    ck_assert_uint_lt(index, plan->file_count);
    model_plan_file(plan, index, &f);
    ck_assert_str_eq(f.name, name);
    ck_assert_msg(f.tensor_count == tensors, "%s: %" PRIu64 " tensors", name, f.tensor_count);
    ck_assert_msg(f.payload_bytes == bytes, "%s: %" PRIu64 " bytes", name, f.payload_bytes);
}

/* Blob, five layers of the stage, optimizer, in that order; embedding and head are not part of explicit layers. */
START_TEST(explicit_layers_and_groups)
{
    struct model_plan plan = plan_of(&megatron, 31, 32);
    struct model_totals t = totals_of(&megatron, 32);
    struct plan_tensor tensor;
    struct plan_file f;
    char name[64];

    ck_assert_uint_eq(plan.file_count, 7);
    check_file(&plan, 0, "model_states-31", 1, 10240);
    for (unsigned i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "layer_%u-model_31_model_states", 36 + i);
        check_file(&plan, 1 + i, name, 2, 65574784);
    }
    check_file(&plan, 6, "zero_pp_rank_0_mp_rank_31_optim_states", 7, 5625369600);
    model_plan_file(&plan, 6, &f);
    model_plan_tensor(&plan, &f, 3, &tensor);
    ck_assert_str_eq(tensor.group, "1");
    ck_assert_str_eq(tensor.key, "b");
    ck_assert_uint_eq(tensor.bytes, 865075200);
    model_plan_tensor(&plan, &f, 6, &tensor);
    ck_assert_str_eq(tensor.group, "");
    ck_assert_str_eq(tensor.key, "combined");
    ck_assert_uint_eq(tensor.bytes, 1875123200);
    ck_assert_int_eq(tensor.type, TENSOR_INT8);
    ck_assert_uint_eq(t.model_bytes, 32ull * (5 * 65574784 + 10240));
    ck_assert_uint_eq(t.optimizer_bytes, 32 * 5625369600ull);
    ck_assert_uint_eq(t.dlio_model_bytes, 10240);
    ck_assert_uint_eq(t.dlio_optimizer_bytes, 0);
    model_plan_free(&plan);
}
END_TEST

/* In one file the layers are one dict, which is stored once; in files of their own each is whole. */
START_TEST(explicit_layers_share_their_dict)
{
    struct model_config c = megatron;
    struct model_plan plan;
    struct plan_file f;

    c.pipeline_parallel = 1;
    plan = plan_of(&c, 0, 4);
    check_file(&plan, 1, "model_0_model_states", 2, 65574784);
    model_plan_file(&plan, 1, &f);
    ck_assert_uint_eq(model_plan_shared_layers(&plan, &f), 39);
    model_plan_free(&plan);
}
END_TEST

struct name_case {
    const char *name;
    uint32_t tp, pp, zero, rank, ranks;
    uint64_t files;
    const char *first, *last; /* model file and optimizer */
};

static const struct name_case names[] = {
    {"zero 0", 2, 2, 0, 3, 4, 2, "zero_pp_rank_0_mp_rank_3_model_states", "zero_pp_rank_0_mp_rank_3_optim_states"},
    {"zero 1 pp 1", 2, 1, 1, 1, 4, 2, "model_1_model_states", "zero_pp_rank_0_mp_rank_1_optim_states"},
    {"zero 1 pp 1, not the first of its group", 2, 1, 1, 3, 4, 1, "zero_pp_rank_1_mp_rank_1_optim_states",
     "zero_pp_rank_1_mp_rank_1_optim_states"},
    {"zero 2 pp 2, first stage", 2, 2, 2, 1, 8, 4, "layer_0-model_1_model_states",
     "zero_pp_rank_0_mp_rank_1_optim_states"},
    {"zero 2 pp 2, last stage", 2, 2, 2, 2, 8, 5, "layer_3-model_2_model_states",
     "zero_pp_rank_0_mp_rank_2_optim_states"},
    {"zero 3", 2, 1, 3, 3, 4, 2, "zero_pp_rank_1_mp_rank_1_model_states", "zero_pp_rank_1_mp_rank_1_optim_states"},
};

START_TEST(file_names)
{
    const struct name_case *c = &names[_i];
    struct model_config config = {SMALL, GRID(c->tp, c->pp, c->zero)};
    struct model_plan plan = plan_of(&config, c->rank, c->ranks);
    struct plan_file f;

    ck_assert_msg(plan.file_count == c->files, "%s: %" PRIu64 " files", c->name, plan.file_count);
    model_plan_file(&plan, 0, &f);
    ck_assert_str_eq(f.name, c->first);
    model_plan_file(&plan, plan.file_count - 1, &f);
    ck_assert_str_eq(f.name, c->last);
    model_plan_free(&plan);
}
END_TEST

/* ZeRO 0: only the first data-parallel group writes, not even the blob is written by others. */
START_TEST(ranks_that_write_nothing)
{
    struct model_config config = {SMALL, GRID(1, 1, 0), .blob_bytes = 10240};
    struct model_plan plan = plan_of(&config, 1, 2);

    ck_assert_uint_eq(plan.file_count, 0);
    model_plan_free(&plan);
    plan = plan_of(&config, 0, 2);
    ck_assert_uint_eq(plan.file_count, 3);
    check_file(&plan, 0, "model_states-0", 1, 10240);
    model_plan_free(&plan);
}
END_TEST

/* The upstream test: blob, groups and explicit layers with ZeRO 0 or 3 and TP = ranks are three files per rank. */
START_TEST(three_files_per_rank)
{
    uint64_t groups[] = {1024, 128}, layers[] = {16};
    struct model_config config = {SMALL,
                                  GRID(4, 1, (uint32_t)_i),
                                  .blob_bytes = 1024,
                                  .layer_parameters = layers,
                                  .layer_parameter_count = 1,
                                  .optimization_groups = groups,
                                  .optimization_group_count = 2};

    for (uint32_t rank = 0; rank < 4; rank++) {
        struct model_plan plan = plan_of(&config, rank, 4);

        ck_assert_uint_eq(plan.file_count, 3);
        model_plan_free(&plan);
    }
}
END_TEST

/* Every rank of every grid: files add up to the rank, tensors to the file, ranks to the totals, and no name or content
 * occurs twice. */
struct grid_sum {
    uint64_t model, optimizer;
    uint64_t names[4096], objects[16384];
    uint32_t name_count, object_count;
};

static uint64_t hash(const char *text)
{
    uint64_t h = 1469598103934665603ull;

    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 1099511628211ull;
    return h;
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void check_unique(uint64_t *list, uint32_t count)
{
    qsort(list, count, sizeof *list, compare);
    for (uint32_t i = 1; i < count; i++)
        ck_assert_uint_ne(list[i - 1], list[i]);
}

static void add_file(struct grid_sum *sum, const struct model_plan *plan, uint64_t index)
{
    struct plan_file f;
    uint64_t bytes = 0;

    model_plan_file(plan, index, &f);
    ck_assert_uint_eq(f.index, index);
    sum->names[sum->name_count++] = hash(f.name);
    for (uint64_t i = 0; i < f.tensor_count; i++) {
        struct plan_tensor t;

        model_plan_tensor(plan, &f, i, &t);
        ck_assert_uint_gt(t.elements, 0);
        ck_assert_uint_eq(t.bytes, t.elements * tensor_type_bytes(t.type));
        sum->objects[sum->object_count++] = t.object;
        bytes += t.bytes;
    }
    ck_assert_uint_eq(bytes, f.payload_bytes);
    *(f.kind == PLAN_FILE_OPTIMIZER ? &sum->optimizer : &sum->model) += bytes;
}

static void check_grid(const struct model_config *config, uint32_t ranks)
{
    struct grid_sum *sum = calloc(1, sizeof *sum);
    struct model_totals totals = totals_of(config, ranks);

    for (uint32_t rank = 0; rank < ranks; rank++) {
        struct model_plan plan = plan_of(config, rank, ranks);
        uint64_t model = sum->model, optimizer = sum->optimizer, rank_model, rank_optimizer;

        for (uint64_t i = 0; i < plan.file_count; i++)
            add_file(sum, &plan, i);
        model_plan_rank_bytes(&plan, &rank_model, &rank_optimizer);
        ck_assert_uint_eq(rank_model, sum->model - model);
        ck_assert_uint_eq(rank_optimizer, sum->optimizer - optimizer);
        model_plan_free(&plan);
    }
    ck_assert_uint_eq(sum->model, totals.model_bytes);
    ck_assert_uint_eq(sum->optimizer, totals.optimizer_bytes);
    check_unique(sum->names, sum->name_count);
    check_unique(sum->objects, sum->object_count);
    free(sum);
}

START_TEST(every_grid_adds_up)
{
    const uint32_t zero = (uint32_t)_i, tp_max = 3, pp_max = zero == 3 ? 1 : 3;
    uint64_t explicit_layers[] = {1000, 0, 2, 77};

    for (uint32_t tp = 1; tp <= tp_max; tp++)
        for (uint32_t pp = 1; pp <= pp_max; pp++)
            for (uint32_t dp = 1; dp <= 3; dp++) {
                struct model_config c = {SMALL, GRID(tp, pp, zero), .blob_bytes = dp == 2 ? 99 : 0};

                c.layers = 7;
                check_grid(&c, tp * pp * dp);
                c.mode = CHECKPOINT_MODE_SUBSET;
                c.data_parallel = dp;
                for (uint32_t ranks = 1; ranks <= tp * pp * dp; ranks++)
                    check_grid(&c, ranks);
                c.layer_parameters = explicit_layers;
                c.layer_parameter_count = 4;
                check_grid(&c, tp * pp * dp);
            }
}
END_TEST

START_TEST(tensors_that_a_rank_has_no_part_of_are_left_out)
{
    struct model_config c = {.vocab = 4, .hidden = 2, .ffn = 1, .heads = 1, .kv_heads = 1, .layers = 1, GRID(1, 1, 3)};
    struct model_plan plan = plan_of(&c, 0, 4);
    struct plan_file f;
    struct plan_tensor t;

    /* h/4 = 0, 2*6/4 = 3, 4/4 = 1, 0, 4/4 = 1, 2/4 = 0; embedding and output 8/4 = 2; norm 0 */
    model_plan_file(&plan, 0, &f);
    ck_assert_uint_eq(f.tensor_count, 5);
    model_plan_tensor(&plan, &f, 3, &t);
    ck_assert_str_eq(t.group, "1");
    ck_assert_str_eq(t.key, "4");
    model_plan_tensor(&plan, &f, 4, &t);
    ck_assert_str_eq(t.group, "2");
    ck_assert_str_eq(t.key, "0");
    ck_assert_uint_eq(t.elements, 2);
    model_plan_free(&plan);
}
END_TEST

struct refused_case {
    const char *name;
    struct model_config config;
    uint32_t ranks;
    const char *text;
};

static const struct refused_case refused[] = {
    {"ranks that do not fill the grid", {LLAMA_70B, GRID(8, 4, 1)}, 1, "no multiple of"},
    {"more ranks than the grid", {SMALL, GRID(2, 1, 1), SUBSET(2)}, 5, "describes 4 ranks"},
    {"more parameters than can be counted",
     {.vocab = 1, .hidden = 1u << 24, .ffn = UINT32_MAX, .heads = 1, .kv_heads = 1, .layers = 1000000, GRID(1, 1, 1)},
     1,
     "2^56"},
    {"attention that wraps around",
     {.vocab = 1, .hidden = 1u << 24, .ffn = 1, .heads = 1, .kv_heads = 1u << 20, .layers = 1, GRID(1, 1, 1)},
     1,
     "2^56"},
};

START_TEST(refused_plans)
{
    const struct refused_case *c = &refused[_i];
    char text[512] = "";
    dlfw_error err = FAKE_ERROR(text);
    struct model_plan plan = {0};
    struct model_totals totals;

    ck_assert_int_eq(model_plan_init(&plan, &c->config, 0, c->ranks, &err), DLFW_E_CONFIG);
    ck_assert_msg(strstr(text, c->text), "%s: %s", c->name, text);
    ck_assert_int_eq(model_plan_totals(&c->config, c->ranks, &totals, &err), DLFW_E_CONFIG);
}
END_TEST

/* A million layers: any tensor is found at once. */
START_TEST(a_large_plan_needs_no_list)
{
    struct model_config c = {SMALL, GRID(1, 1, 0)};
    struct model_plan plan;
    struct plan_file f;
    struct plan_tensor t;

    c.layers = 1000000;
    plan = plan_of(&c, 0, 1);
    model_plan_file(&plan, 0, &f);
    ck_assert_uint_eq(f.tensor_count, 6000003);
    model_plan_tensor(&plan, &f, 6000002, &t);
    ck_assert_str_eq(t.group, "1000002");
    model_plan_tensor(&plan, &f, 5999999, &t);
    ck_assert_str_eq(t.group, "1000000");
    ck_assert_str_eq(t.key, "4");
    model_plan_free(&plan);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint_plan");
    TCase *tc = tcase_create("plan");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, published_sizes, 0, sizeof sizes / sizeof *sizes);
    tcase_add_test(tc, zero_2_is_counted_once);
    tcase_add_test(tc, explicit_layers_and_groups);
    tcase_add_test(tc, explicit_layers_share_their_dict);
    tcase_add_loop_test(tc, file_names, 0, sizeof names / sizeof *names);
    tcase_add_test(tc, ranks_that_write_nothing);
    tcase_add_loop_test(tc, three_files_per_rank, 0, 4);
    tcase_add_loop_test(tc, every_grid_adds_up, 0, 4);
    tcase_add_test(tc, tensors_that_a_rank_has_no_part_of_are_left_out);
    tcase_add_loop_test(tc, refused_plans, 0, sizeof refused / sizeof *refused);
    tcase_add_test(tc, a_large_plan_needs_no_list);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
