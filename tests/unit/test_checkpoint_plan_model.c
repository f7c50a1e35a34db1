/* SPDX-License-Identifier: Apache-2.0 */
/* The run file's section `model`: defaults, what is read, what is refused. */
#include <check.h>
#include <string.h>

#include "common/model_config.h"
#include "test_checkpoint_files_fixture.h"

#define TEXT(k, value)                                                                                                 \
    {                                                                                                                  \
        .kind = DLFW_NODE_SCALAR, .key = (k), .text = (value)                                                          \
    }
#define MAP(k, list)                                                                                                   \
    {                                                                                                                  \
        .kind = DLFW_NODE_MAP, .key = (k), .count = sizeof(list) / sizeof *(list), .items = (list)                     \
    }

static dlfw_status read_model(const struct dlfw_node *items, uint32_t count, uint32_t mode, struct model_config *ret,
                              char *text, uint32_t cap)
{
    struct dlfw_node model = {.kind = DLFW_NODE_MAP, .count = count, .items = items};
    dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = cap};
    static struct fake_host host;

    fake_host_init(&host);
    return model_config_read(&host.table, items ? &model : NULL, mode, ret, &err);
}

START_TEST(model_defaults)
{
    struct model_config c = {0};
    char text[256];

    ck_assert_int_eq(read_model(NULL, 0, CHECKPOINT_MODE_DEFAULT, &c, text, sizeof text), DLFW_OK);
    ck_assert_uint_eq(c.blob_bytes, 10240);
    ck_assert_uint_eq(c.layers, 0);
    ck_assert_int_eq(c.model_type, TENSOR_FP16);
    ck_assert_int_eq(c.optimizer_type, TENSOR_FP32);
    ck_assert_uint_eq(c.hidden, 2048);
    ck_assert_uint_eq(c.data_parallel, 0);
    ck_assert_uint_eq(c.zero_stage, 0);
}
END_TEST

START_TEST(model_section)
{
    static const struct dlfw_node parallel[] = {TEXT("tensor", "8"), TEXT("pipeline", "4"), TEXT("zero_stage", "1"),
                                                TEXT("data", "2")};
    static const struct dlfw_node shape[] = {TEXT("vocab_size", "128256"), TEXT("hidden_size", "8192")};
    static const struct dlfw_node groups[] = {TEXT(NULL, "10"), TEXT(NULL, "20")};
    static const struct dlfw_node items[] = {
        TEXT("name", "llama"),
        TEXT("type", "transformer"),
        TEXT("num_layers", "80"),
        TEXT("model_datatype", "bf16"),
        MAP("parallelism", parallel),
        MAP("transformer", shape),
        {.kind = DLFW_NODE_LIST, .key = "optimization_groups", .count = 2, .items = groups}};
    struct model_config c = {0};
    char text[256];

    ck_assert_int_eq(read_model(items, sizeof items / sizeof *items, CHECKPOINT_MODE_SUBSET, &c, text, sizeof text),
                     DLFW_OK);
    ck_assert_uint_eq(c.blob_bytes, 0); /* a transformer has none */
    ck_assert_uint_eq(c.layers, 80);
    ck_assert_int_eq(c.model_type, TENSOR_BF16);
    ck_assert_uint_eq(c.tensor_parallel * 100 + c.pipeline_parallel * 10 + c.zero_stage, 841);
    ck_assert_uint_eq(c.data_parallel, 2);
    ck_assert_uint_eq(c.vocab, 128256);
    ck_assert_uint_eq(c.ffn, 8192);
    ck_assert_uint_eq(c.optimization_group_count, 2);
    ck_assert_uint_eq(c.optimization_groups[1], 20);
    model_config_free(&c);
}
END_TEST

static const struct dlfw_node pipeline_zero3[] = {TEXT("pipeline", "2"), TEXT("zero_stage", "3")};
static const struct dlfw_node pipeline_9[] = {TEXT("pipeline", "9")};
static const struct dlfw_node data_2[] = {TEXT("data", "2")};
static const struct dlfw_node zero_4[] = {TEXT("zero_stage", "4")};

static const struct {
    struct dlfw_node items[2];
    uint32_t mode;
    const char *text;
} wrong_models[] = {
    {{TEXT("num_layers", "8"), MAP("parallelism", pipeline_9)}, CHECKPOINT_MODE_DEFAULT, "num_layers"},
    {{TEXT("num_layers", "8"), MAP("parallelism", pipeline_zero3)}, CHECKPOINT_MODE_DEFAULT, "zero_stage 3"},
    {{TEXT("num_layers", "8"), MAP("parallelism", data_2)}, CHECKPOINT_MODE_DEFAULT, "checkpoint.mode subset"},
    {{TEXT("num_layers", "8"), TEXT("name", "x")}, CHECKPOINT_MODE_SUBSET, "parallelism.data"},
    {{TEXT("num_layers", "8"), MAP("parallelism", zero_4)}, CHECKPOINT_MODE_DEFAULT, "between 0 and 3"},
    {{TEXT("num_layers", "-2"), TEXT("name", "x")}, CHECKPOINT_MODE_DEFAULT, "num_layers"},
    {{TEXT("model_datatype", "fp8"), TEXT("name", "x")}, CHECKPOINT_MODE_DEFAULT, "bf16"},
    {{TEXT("layer_parameters", "5"), TEXT("name", "x")}, CHECKPOINT_MODE_DEFAULT, "needs model.num_layers"},
    {{TEXT("parallelism", "5"), TEXT("name", "x")}, CHECKPOINT_MODE_DEFAULT, "mapping"},
    {{TEXT("model_size_bytes", "-5"), TEXT("name", "x")}, CHECKPOINT_MODE_DEFAULT, "model_size_bytes"},
};

START_TEST(wrong_model_sections)
{
    struct model_config c = {0};
    char text[256] = "";

    ck_assert_int_eq(read_model(wrong_models[_i].items, 2, wrong_models[_i].mode, &c, text, sizeof text),
                     DLFW_E_CONFIG);
    ck_assert_msg(strstr(text, wrong_models[_i].text), "%s", text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint_plan_model");
    TCase *tc = tcase_create("model");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tc, model_defaults);
    tcase_add_test(tc, model_section);
    tcase_add_loop_test(tc, wrong_model_sections, 0, sizeof wrong_models / sizeof *wrong_models);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
