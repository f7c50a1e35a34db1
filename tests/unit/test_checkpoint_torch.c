/* SPDX-License-Identifier: Apache-2.0 */
/* PyTorch's container: its structure as written, and what reading refuses. That torch.load() takes it is an end-to-end
 * test. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file_container.h"
#include "host/crc.h"
#include "pickle_stream.h"
#include "test_checkpoint_files_fixture.h"
#include "torch_layout.h"

#define URI "x/file.pt"

struct torch_fixture {
    struct checkpoint_fixture *base;
    struct model_config config;
    struct model_plan plan;
    struct plan_file file;
    struct tensor_content content;
    char text[512];
};

/* What a task does when the pool runs it. */
struct task {
    struct torch_fixture *f;
    const char *uri;
    bool compare;
};

static uint64_t explicit_layers[] = {33, 5}, explicit_groups[] = {70, 3};

enum { MODEL, OPTIMIZER, SHARED_LAYERS, GROUPS, BLOB, KINDS };

static void open_fixture(struct torch_fixture *f, int kind)
{
    *f = (struct torch_fixture){.base = checkpoint_fixture_new()};
    f->config = (struct model_config){.vocab = 11,
                                      .hidden = 7,
                                      .ffn = 5,
                                      .heads = 1,
                                      .kv_heads = 1,
                                      .layers = 3,
                                      .tensor_parallel = 1,
                                      .pipeline_parallel = 1,
                                      .model_type = TENSOR_FP16,
                                      .optimizer_type = TENSOR_FP32};
    if (kind == SHARED_LAYERS || kind == GROUPS) {
        f->config.layer_parameters = explicit_layers;
        f->config.layer_parameter_count = 2;
        f->config.optimization_groups = explicit_groups;
        f->config.optimization_group_count = 2;
    }
    if (kind == BLOB)
        f->config.blob_bytes = 1000;
    ck_assert_int_eq(model_plan_init(&f->plan, &f->config, 0, 1, NULL), DLFW_OK);
    model_plan_file(&f->plan, kind == OPTIMIZER || kind == GROUPS ? f->plan.file_count - 1 : 0, &f->file);
    f->content = (struct tensor_content){.host = &f->base->host.table, .seed = 4, .random = true};
}

static void close_fixture(struct torch_fixture *f)
{
    model_plan_free(&f->plan);
    checkpoint_fixture_free(f->base);
}

static dlfw_status write_task(void *ctx, struct file_pool *pool, uint64_t index, dlfw_error *err)
{
    struct torch_fixture *f = ((struct task *)ctx)->f;
    struct out_stream out = {
        .host = &f->base->host.table, .host_ctx = &f->base->host, .services = &f->base->services.table, .pool = pool};
    dlfw_status st = out_open(&out, &f->base->services, URI, 0, 0, err);

    (void)index;
    if (st >= 0)
        st = torch_write(&out, &f->plan, &f->file, &f->content, err);
    if (st >= 0)
        return out_commit(&out, err);
    out_abort(&out);
    return st;
}

static const struct fake_object *write_file(struct torch_fixture *f)
{
    struct task task = {.f = f};
    dlfw_error err = FAKE_ERROR(f->text);
    const struct fake_object *object;

    ck_assert_msg(file_pool_run(1, 1, write_task, &task, &err) >= 0, "%s", f->text);
    object = fake_services_object(&f->base->services, URI);
    ck_assert_ptr_nonnull(object);
    return object;
}

static dlfw_status read_task(void *ctx, struct file_pool *pool, uint64_t index, dlfw_error *err)
{
    struct task *t = ctx;
    struct torch_fixture *f = t->f;
    struct file_check check = {.host = &f->base->host.table,
                               .host_ctx = &f->base->host,
                               .services = &f->base->services.table,
                               .pool = pool,
                               .plan = &f->plan,
                               .file = &f->file,
                               .content = t->compare ? &f->content : NULL,
                               .uri = t->uri};
    dlfw_status st = check.services->source_open(&f->base->services, t->uri, &check.source, &check.size, err);

    (void)index;
    if (st < 0)
        return st;
    st = torch_check(&check, err);
    check.services->source_close(check.source);
    return st;
}

static dlfw_status read_file(struct torch_fixture *f, const char *uri, bool compare)
{
    struct task task = {.f = f, .uri = uri, .compare = compare};
    dlfw_error err = FAKE_ERROR(f->text);

    f->text[0] = '\0';
    return file_pool_run(1, 1, read_task, &task, &err);
}

START_TEST(size_is_known_beforehand)
{
    struct torch_fixture f;
    const struct fake_object *object;

    open_fixture(&f, _i);
    object = write_file(&f);
    ck_assert_uint_eq(object->len, container_file_bytes(CONTAINER_TORCH, &f.plan, &f.file));
    ck_assert_uint_gt(object->len, f.file.payload_bytes);
    ck_assert_uint_eq(container_file_bytes(CONTAINER_RAW, &f.plan, &f.file), f.file.payload_bytes);
    ck_assert_msg(read_file(&f, URI, true) >= 0, "%s", f.text);
    close_fixture(&f);
}
END_TEST

/* Each member by its local header: stored, data at a multiple of 64, CRC and size behind it. */
START_TEST(members_in_order)
{
    struct torch_fixture f;
    const struct fake_object *object;
    const uint8_t *p;
    uint64_t members;

    open_fixture(&f, _i);
    object = write_file(&f);
    members = torch_member_count(&f.file);
    p = object->data;
    for (uint64_t i = 0; i < members; i++) {
        struct torch_member m;
        uint32_t name_len = zip_get16(p + 26);
        const uint8_t *data = p + ZIP_LOCAL_FIXED + name_len + zip_get16(p + 28);

        torch_member_at(&f.plan, &f.file, pickle_size(&f.plan, &f.file), i, &m);
        ck_assert_uint_eq(zip_get32(p), ZIP_LOCAL_SIGNATURE);
        ck_assert_uint_eq(zip_get16(p + 8), 0);
        ck_assert_uint_eq(name_len, strlen(m.name));
        ck_assert_mem_eq(p + ZIP_LOCAL_FIXED, m.name, name_len);
        ck_assert_uint_eq((uint64_t)(data - object->data) % 64, 0);
        p = data + m.bytes;
        ck_assert_uint_eq(zip_get32(p), ZIP_DESCRIPTOR_SIGNATURE);
        ck_assert_uint_eq(zip_get32(p + 4), crc32_update(0, data, m.bytes));
        ck_assert_uint_eq(zip_get32(p + 8), m.bytes);
        ck_assert_uint_eq(zip_get32(p + 12), m.bytes);
        p += 16;
    }
    ck_assert_uint_eq(zip_get32(p), ZIP_DIR_SIGNATURE);
    close_fixture(&f);
}
END_TEST

/* The dict of explicit layers is written once and referred to by the others. */
START_TEST(shared_layers_are_references)
{
    static const uint8_t reference[] = {'X', 1, 0, 0, 0, '2', 'h', 5, 's', 'X', 1, 0, 0, 0, '3', 'h', 5, 's', '.'};
    struct torch_fixture f;
    uint8_t pickle[4096], chunk[PICKLE_CHUNK_MAX];
    struct pickle_stream s;
    uint32_t len = 0, n;

    open_fixture(&f, SHARED_LAYERS);
    pickle_open(&s, &f.plan, &f.file);
    while ((n = pickle_next(&s, chunk)) > 0) {
        ck_assert_uint_le(len + n, sizeof pickle);
        memcpy(pickle + len, chunk, n);
        len += n;
    }
    ck_assert_uint_eq(len, pickle_size(&f.plan, &f.file));
    ck_assert_uint_gt(len, sizeof reference);
    ck_assert_mem_eq(pickle + len - sizeof reference, reference, sizeof reference);
    close_fixture(&f);
}
END_TEST

/* A file cut anywhere is refused. */
START_TEST(truncated)
{
    struct torch_fixture f;
    const struct fake_object *object;
    uint64_t len;

    open_fixture(&f, MODEL);
    object = write_file(&f);
    len = object->len;
    for (uint64_t n = 0; n < len; n += n + 200 < len ? 37 : 1) {
        fake_services_put(&f.base->services, "x/cut", object->data, n);
        ck_assert_msg(read_file(&f, "x/cut", false) == DLFW_E_CORRUPT, "%lu of %lu bytes: %s", (unsigned long)n,
                      (unsigned long)len, f.text);
        ck_assert_msg(strstr(f.text, "x/cut"), "%s", f.text);
    }
    close_fixture(&f);
}
END_TEST

/* Every bit of data that counts is under a checksum; nothing else that is flipped does harm. */
START_TEST(flipped)
{
    struct torch_fixture f;
    const struct fake_object *object;
    uint8_t *copy;
    uint64_t refused = 0;

    open_fixture(&f, MODEL);
    object = write_file(&f);
    copy = malloc(object->len);
    for (uint64_t i = 0; i < object->len; i++) {
        dlfw_status st;

        memcpy(copy, object->data, object->len);
        copy[i] ^= (uint8_t)(1u << i % 8);
        fake_services_put(&f.base->services, "x/flip", copy, object->len);
        st = read_file(&f, "x/flip", true);
        ck_assert_msg(st == DLFW_OK || st == DLFW_E_CORRUPT, "byte %lu: %s", (unsigned long)i, f.text);
        refused += st < 0;
    }
    ck_assert_uint_gt(refused, f.file.payload_bytes);
    free(copy);
    close_fixture(&f);
}
END_TEST

START_TEST(damaged_tensor_is_named)
{
    struct torch_fixture f;
    const struct fake_object *object;
    uint8_t *copy;
    struct torch_member m;
    uint64_t at = 0;

    open_fixture(&f, MODEL);
    object = write_file(&f);
    copy = malloc(object->len);
    memcpy(copy, object->data, object->len);
    torch_member_at(&f.plan, &f.file, pickle_size(&f.plan, &f.file), 2, &m);
    while (memcmp(copy + at, m.name, strlen(m.name)) != 0)
        at++;
    at += strlen(m.name);
    at = (at + 63) / 64 * 64;
    copy[at + 9] ^= 1;
    fake_services_put(&f.base->services, "x/bad", copy, object->len);
    ck_assert_int_eq(read_file(&f, "x/bad", false), DLFW_E_CORRUPT);
    ck_assert_msg(strstr(f.text, "CRC-32"), "%s", f.text);
    ck_assert_int_eq(read_file(&f, "x/bad", true), DLFW_E_CORRUPT);
    ck_assert_msg(strstr(f.text, "byte 9 of tensor 0"), "%s", f.text);
    free(copy);
    close_fixture(&f);
}
END_TEST

/* Another model's file, or another seed's. */
START_TEST(wrong_model)
{
    struct torch_fixture f;

    open_fixture(&f, MODEL);
    write_file(&f);
    f.content.seed++;
    ck_assert_int_eq(read_file(&f, URI, false), DLFW_OK);
    ck_assert_int_eq(read_file(&f, URI, true), DLFW_E_CORRUPT);
    model_plan_free(&f.plan);
    f.config.layers = 2;
    ck_assert_int_eq(model_plan_init(&f.plan, &f.config, 0, 1, NULL), DLFW_OK);
    model_plan_file(&f.plan, 0, &f.file);
    ck_assert_int_eq(read_file(&f, URI, false), DLFW_E_CORRUPT);
    ck_assert_msg(strstr(f.text, "model"), "%s", f.text);
    close_fixture(&f);
}
END_TEST

/* Beyond 4 GiB: sizes, offsets and counts move into the 64-bit records, in all records alike. */
START_TEST(zip64_records)
{
    const struct zip_member large = {"archive/data/0", 3ull << 32, 5ull << 32, 7};
    uint8_t r[ZIP_RECORD_MAX];
    uint32_t n = zip_put_local(r, &large);

    ck_assert_uint_eq((large.offset + n) % 64, 0);
    ck_assert_uint_eq(zip_get32(r + 22), UINT32_MAX);
    ck_assert_uint_eq(zip_get16(r + ZIP_LOCAL_FIXED + 14), 1);
    ck_assert_uint_eq(zip_put_descriptor(r, &large), ZIP_DESCRIPTOR_MAX);
    ck_assert_uint_eq(zip_get64(r + 8), large.bytes);
    n = zip_put_dir(r, &large);
    ck_assert_uint_eq(n, ZIP_DIR_FIXED + 14 + 4 + 24);
    ck_assert_uint_eq(zip_get64(r + ZIP_DIR_FIXED + 14 + 4), large.bytes);
    ck_assert_uint_eq(zip_get64(r + ZIP_DIR_FIXED + 14 + 20), large.offset);
    n = zip_put_end(r, 3, 9ull << 32, 100);
    ck_assert_uint_eq(n, ZIP_END64_BYTES + ZIP_LOCATOR_BYTES + ZIP_END_BYTES);
    ck_assert_uint_eq(zip_get64(r + 48), 9ull << 32);
    ck_assert_uint_eq(zip_put_end(r, 65535, 10, 100), n);
    ck_assert_uint_eq(zip_put_end(r, 65534, 10, 100), ZIP_END_BYTES);
}
END_TEST

/* Hostile directories: the end record of a good file with one field changed. */
struct hostile_case {
    const char *name;
    uint32_t back; /* from the end of the file */
    uint32_t value;
};

static const struct hostile_case hostile[] = {
    {"more members than the model explains", 12, 0xfffffff0},
    {"a directory larger than the file", 10, 0x7fffffff},
    {"a directory beyond the file", 6, 0xfffffff0},
    {"a directory in the middle of the data", 6, 100},
    {"an empty directory", 10, 0},
};

START_TEST(hostile_end)
{
    struct torch_fixture f;
    const struct fake_object *object;
    uint8_t *copy, value[4];

    open_fixture(&f, MODEL);
    object = write_file(&f);
    copy = malloc(object->len);
    memcpy(copy, object->data, object->len);
    for (int i = 0; i < 4; i++)
        value[i] = (uint8_t)(hostile[_i].value >> 8 * i);
    memcpy(copy + object->len - hostile[_i].back, value, sizeof value);
    fake_services_put(&f.base->services, "x/hostile", copy, object->len);
    ck_assert_msg(read_file(&f, "x/hostile", false) == DLFW_E_CORRUPT, "%s: %s", hostile[_i].name, f.text);
    free(copy);
    close_fixture(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint_torch");
    TCase *tc = tcase_create("torch");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, size_is_known_beforehand, 0, KINDS);
    tcase_add_loop_test(tc, members_in_order, 0, KINDS);
    tcase_add_test(tc, shared_layers_are_references);
    tcase_add_test(tc, truncated);
    tcase_add_test(tc, flipped);
    tcase_add_test(tc, damaged_tensor_is_named);
    tcase_add_test(tc, wrong_model);
    tcase_add_test(tc, zip64_records);
    tcase_add_loop_test(tc, hostile_end, 0, sizeof hostile / sizeof *hostile);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
