/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests, names and places of stored checkpoints: what is written reads back, what others wrote reads, what makes no
 * sense is refused with the reason. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake_host.h"
#include "manifest.h"

#define SHARD                                                                                                          \
    "{\"rank\":0,\"key\":\"shards/ckpt-5-20260101-120000/rank-0.bin\",\"size\":300,\"etag\":null,\"checksum\":null}"
#define HEAD                                                                                                           \
    "{\"format_version\":1,\"framework\":\"pytorch\",\"global_step\":5,\"epoch\":2,\"wall_time\":\"2026-01-01T12:00:"  \
    "00Z\","
#define TAIL ",\"status\":\"complete\",\"user_meta\":null}"

static char text[400];

static dlfw_status parse(const char *json, struct manifest *m)
{
    dlfw_error err = FAKE_ERROR(text);

    text[0] = '\0';
    return manifest_parse(json, strlen(json), m, &err);
}

START_TEST(what_is_printed_reads_back)
{
    struct part_entry parts[2][3] = {{{1048576, 900000, 0xdeadbeef}, {1048576, 910000, 1}, {17, 26, 0xffffffff}},
                                     {{0, 12, 0}}};
    struct manifest_shard shards[2] = {{.rank = 0,
                                        .key = "shards/ckpt-7-20260101-120000/rank-0.bin.zst",
                                        .size = 1810026,
                                        .has_crc = true,
                                        .crc = 0x0000abcd,
                                        .codec = CODEC_ZSTD,
                                        .raw_bytes = 2097169,
                                        .parts = parts[0],
                                        .part_count = 3},
                                       {.rank = 1,
                                        .key = "shards/ckpt-7-20260101-120000/rank-1.bin.zst",
                                        .size = 12,
                                        .has_crc = false,
                                        .codec = CODEC_ZSTD,
                                        .raw_bytes = 0,
                                        .parts = parts[1],
                                        .part_count = 1}};
    struct manifest m = {.step = 7,
                         .epoch = 3,
                         .world_size = 2,
                         .complete = true,
                         .framework = (char *)(uintptr_t) "a\"b",
                         .wall_time = (char *)(uintptr_t) "2026-01-01T12:00:00Z",
                         .user_meta = (char *)(uintptr_t) "{\"run\":\"x\"}",
                         .shards = shards,
                         .shard_count = 2};
    struct manifest back;
    char *json = NULL;
    uint64_t len = 0;

    ck_assert_int_eq(manifest_print(&m, &json, &len, NULL), DLFW_OK);
    ck_assert_uint_eq(len, strlen(json));
    ck_assert_ptr_nonnull(strstr(json, "\"checksum\": \"crc32c:0000abcd\""));
    ck_assert_msg(parse(json, &back) == DLFW_OK, "%s\n%s", text, json);
    ck_assert_uint_eq(back.step, 7);
    ck_assert_uint_eq(back.epoch, 3);
    ck_assert_uint_eq(back.world_size, 2);
    ck_assert(back.complete);
    ck_assert_str_eq(back.framework, "a\"b");
    ck_assert_str_eq(back.user_meta, "{\"run\":\"x\"}");
    ck_assert_uint_eq(back.shard_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct manifest_shard *a = &shards[i], *b = manifest_shard_of(&back, i);

        ck_assert_ptr_nonnull(b);
        ck_assert_str_eq(a->key, b->key);
        ck_assert_uint_eq(a->size, b->size);
        ck_assert_uint_eq(a->raw_bytes, b->raw_bytes);
        ck_assert_int_eq(a->codec, b->codec);
        ck_assert_int_eq(a->has_crc, b->has_crc);
        ck_assert_uint_eq(a->crc, b->crc);
        ck_assert_uint_eq(a->part_count, b->part_count);
        ck_assert_int_eq(memcmp(a->parts, b->parts, a->part_count * sizeof *a->parts), 0);
    }
    ck_assert_ptr_null(manifest_shard_of(&back, 2));
    manifest_free(&back);
    free(json);
}
END_TEST

START_TEST(manifests_of_others_read)
{
    struct manifest m;

    ck_assert_msg(parse(HEAD "\"world_size\":1,\"shards\":[" SHARD "]" TAIL, &m) == DLFW_OK, "%s", text);
    ck_assert(m.complete);
    ck_assert_uint_eq(m.shards[0].raw_bytes, 300);
    ck_assert_ptr_null(m.shards[0].parts);
    manifest_free(&m);

    /* zstd without anything of ours, an etag, a checksum of another kind, fields nobody knows */
    ck_assert_msg(
        parse(HEAD "\"world_size\":1,\"later\":{},\"shards\":[{\"rank\":0,\"key\":\"shards/bin/0000/ckpt-5-20260101-"
                   "120000/rank-0.bin.zst\",\"size\":30,\"etag\":\"\\\"abc\\\"\",\"checksum\":\"sha256:00\","
                   "\"x\":1}],\"status\":\"complete\",\"user_meta\":{\"a\":[1]}}",
              &m) == DLFW_OK,
        "%s", text);
    ck_assert_int_eq(m.shards[0].codec, CODEC_ZSTD);
    ck_assert_uint_eq(m.shards[0].raw_bytes, UINT64_MAX);
    ck_assert(!m.shards[0].has_crc);
    ck_assert_str_eq(m.user_meta, "{\"a\":[1]}");
    manifest_free(&m);

    /* one shard of two ranks, marked complete: it can be listed, not loaded */
    ck_assert_int_eq(parse(HEAD "\"world_size\":2,\"shards\":[" SHARD "]" TAIL, &m), DLFW_OK);
    ck_assert(!m.complete);
    manifest_free(&m);
    ck_assert_int_eq(parse(HEAD "\"world_size\":1,\"shards\":[" SHARD "],\"status\":\"incomplete\"}", &m), DLFW_OK);
    ck_assert(!m.complete);
    manifest_free(&m);
}
END_TEST

#define ONE(fields) HEAD "\"world_size\":1,\"shards\":[{" fields "}]" TAIL
#define KEYED(key) ONE("\"rank\":0,\"size\":3,\"key\":\"" key "\"")
#define CODED(fields) ONE("\"rank\":0,\"key\":\"shards/a/rank-0.bin.zst\",\"codec\":\"zstd\"," fields)
#define DEEP "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["

static const struct {
    const char *json, *says;
} refused[] = {
    {"", "no JSON"},
    {"[1", "no JSON"},
    {DEEP DEEP, "no JSON"},
    {"[]", "format_version"},
    {"{}", "format_version"},
    {"{\"format_version\":1,\"format_version\":1}", "no JSON"},
    {"{\"format_version\":2}", "format version 2"},
    {"{\"format_version\":\"1\"}", "format_version"},
    {"{\"format_version\":1}", "global_step"},
    {"{\"format_version\":1,\"global_step\":-1}", "global_step"},
    {"{\"format_version\":1,\"global_step\":1e3}", "global_step"},
    {HEAD "\"world_size\":0,\"shards\":[]" TAIL, "world_size"},
    {HEAD "\"world_size\":1099511627776,\"shards\":[]" TAIL, "world_size"},
    {HEAD "\"world_size\":1,\"shards\":[" SHARD "]}", "status"},
    {HEAD "\"world_size\":1,\"shards\":{}" TAIL, "shards"},
    {HEAD "\"world_size\":1,\"shards\":[" SHARD "," SHARD "]" TAIL, "more than one"},
    {HEAD "\"world_size\":2,\"shards\":[" SHARD "," SHARD "]" TAIL, "rank 0 has two shards"},
    {HEAD "\"world_size\":1,\"shards\":[7]" TAIL, "rank"},
    {ONE("\"rank\":1,\"key\":\"shards/a/rank-1.bin\",\"size\":1"), "rank"},
    {ONE("\"rank\":0,\"size\":1"), "key"},
    {ONE("\"rank\":0,\"key\":\"shards/a/rank-0.bin\""), "size"},
    {ONE("\"rank\":0,\"key\":\"shards/a/rank-0.bin\",\"size\":-5"), "size"},
    {KEYED("../etc/passwd"), "key"},
    {KEYED("/etc/passwd"), "key"},
    {KEYED("shards/../../x"), "key"},
    {KEYED("shards//x"), "key"},
    {KEYED("shards/.x"), "key"},
    {KEYED("shards/a/"), "key"},
    {KEYED("shards/a b"), "key"},
    {KEYED("s3://b/shards/x"), "key"},
    {ONE("\"rank\":0,\"key\":\"shards/a/r.bin\",\"size\":3,\"checksum\":\"crc32c:12\""), "CRC-32C"},
    {ONE("\"rank\":0,\"key\":\"shards/a/r.bin\",\"size\":3,\"checksum\":\"crc32c:0x123456\""), "CRC-32C"},
    {ONE("\"rank\":0,\"key\":\"shards/a/r.bin\",\"size\":3,\"codec\":\"zstd\""), "does not go with its key"},
    {CODED("\"size\":3,\"raw_size\":-1"), "raw_size"},
    {CODED("\"size\":3,\"raw_size\":3,\"parts\":{}"), "parts"},
    {CODED("\"size\":3,\"raw_size\":3,\"parts\":{\"raw_size\":[[1,3]],\"crc32c\":\"0000000\"}"), "crc32c"},
    {CODED("\"size\":3,\"raw_size\":3,\"parts\":{\"raw_size\":[[1,3]],\"crc32c\":\"\"}"), "crc32c"},
    {CODED("\"size\":3,\"raw_size\":3,\"parts\":{\"raw_size\":[[1,3]],\"crc32c\":\"00000000\"}"), "stored_size"},
    {CODED("\"size\":3,\"raw_size\":3,\"parts\":{\"raw_size\":[[1,3]],\"crc32c\":\"0000000g\",\"stored_size\":"
           "\"00000003\"}"),
     "hexadecimal"},
    {CODED("\"size\":3,\"raw_size\":3,\"parts\":{\"raw_size\":[[2,3]],\"crc32c\":\"00000000\",\"stored_size\":"
           "\"00000003\"}"),
     "raw_size"},
    {CODED("\"size\":3,\"raw_size\":4,\"parts\":{\"raw_size\":[[1,3]],\"crc32c\":\"00000000\",\"stored_size\":"
           "\"00000003\"}"),
     "add up"},
    {CODED("\"size\":4,\"raw_size\":3,\"parts\":{\"raw_size\":[[1,3]],\"crc32c\":\"00000000\",\"stored_size\":"
           "\"00000003\"}"),
     "add up"},
    {CODED("\"size\":0,\"raw_size\":3,\"parts\":{\"raw_size\":[[1,3]],\"crc32c\":\"00000000\",\"stored_size\":"
           "\"00000000\"}"),
     "no bytes"},
    {CODED("\"size\":4294967295,\"raw_size\":3,\"parts\":{\"raw_size\":[[1,3]],\"crc32c\":\"00000000\",\"stored_size\":"
           "\"ffffffff\"}"),
     "more than it can need"},
    {CODED("\"size\":3,\"raw_size\":99999999999,\"parts\":{\"raw_size\":[[1,99999999999]],\"crc32c\":\"00000000\","
           "\"stored_size\":\"00000003\"}"),
     "raw_size"},
    {CODED("\"size\":3,\"raw_size\":3,\"parts\":{\"raw_size\":[[9223372036854775807,3]],\"crc32c\":\"00000000\","
           "\"stored_size\":\"00000003\"}"),
     "raw_size"},
};

START_TEST(nonsense_is_refused)
{
    struct manifest m;

    ck_assert_msg(parse(refused[_i].json, &m) < 0, "%s", refused[_i].json);
    ck_assert_msg(strstr(text, refused[_i].says), "'%s' does not say '%s'", text, refused[_i].says);
    ck_assert_ptr_null(m.shards);
}
END_TEST

static const struct {
    const char *text;
    uint64_t step;
    int64_t time; /* -1: no name */
} names[] = {
    {"ckpt-0-19700101-000000", 0, 0},
    {"ckpt-250-20260102-030405", 250, 1767323045},
    {"ckpt-9223372036854775790-20260102-030405", 9223372036854775790u, 1767323045},
    {"ckpt-99999999999999999999-20260102-030405", 0, -1},
    {"ckpt--20260102-030405", 0, -1},
    {"ckpt-1-20261302-030405", 0, -1},
    {"ckpt-1-20260102-240405", 0, -1},
    {"ckpt-1-20260102_030405", 0, -1},
    {"ckpt-1-2026010-2030405", 0, -1},
    {"ckpt-1", 0, -1},
    {"ckpt-x-20260102-030405", 0, -1},
    {"ckpt-1-20260102-030405x", 0, -1},
    {"other-1-20260102-030405", 0, -1},
    {"", 0, -1},
};

START_TEST(names_say_step_and_time)
{
    struct checkpoint_id id, again;
    bool is_name = checkpoint_id_parse(names[_i].text, strlen(names[_i].text), &id);

    ck_assert_int_eq(is_name, names[_i].time >= 0);
    if (!is_name)
        return;
    ck_assert_uint_eq(id.step, names[_i].step);
    ck_assert_int_eq(id.time, names[_i].time);
    checkpoint_id_make(id.step, id.time, &again);
    ck_assert_str_eq(again.name, names[_i].text);
}
END_TEST

START_TEST(latest_reads_back_and_only_names_manifests)
{
    static const char *const wrong[] = {"",
                                        "{}",
                                        "[]",
                                        "{\"manifest_key\":7}",
                                        "{\"manifest_key\":\"manifests/../x.json\"}",
                                        "{\"manifest_key\":\"ckpt-1-20260102-030405.json\"}"};
    struct checkpoint_id id, back;
    char *json = NULL;
    uint64_t len = 0;

    checkpoint_id_make(12, 1767323045, &id);
    ck_assert_int_eq(latest_print(&id, &json, &len, NULL), DLFW_OK);
    ck_assert_ptr_nonnull(strstr(json, "\"manifest_key\": \"manifests/ckpt-12-20260102-030405.json\""));
    ck_assert_ptr_nonnull(strstr(json, "\"ts\": \"20260102-030405\""));
    ck_assert_int_eq(latest_parse(json, len, &back, NULL), DLFW_OK);
    ck_assert_str_eq(back.name, id.name);
    free(json);
    for (uint32_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(latest_parse(wrong[i], strlen(wrong[i]), &back, NULL), DLFW_E_CORRUPT);
}
END_TEST

START_TEST(shards_are_where_the_layout_says)
{
    static const struct {
        enum layout_strategy strategy;
        uint32_t rank;
        enum codec codec;
        const char *key;
    } rows[] = {
        {LAYOUT_FLAT, 0, CODEC_NONE, "shards/N/rank-0.bin"},
        {LAYOUT_FLAT, 1023, CODEC_ZSTD, "shards/N/rank-1023.bin.zst"},
        {LAYOUT_ROUND_ROBIN, 3, CODEC_NONE, "shards/rr/03/N/rank-3.bin"},
        {LAYOUT_ROUND_ROBIN, 31, CODEC_FLOAT, "shards/rr/0f/N/rank-31.bin.dlf"},
        {LAYOUT_BINARY, 0, CODEC_NONE, "shards/bin/0000/N/rank-0.bin"},
        {LAYOUT_BINARY, 1, CODEC_NONE, "shards/bin/1000/N/rank-1.bin"},
        {LAYOUT_BINARY, 6, CODEC_NONE, "shards/bin/0110/N/rank-6.bin"},
        {LAYOUT_BINARY, 18, CODEC_NONE, "shards/bin/0100/N/rank-18.bin"},
    };

    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char key[STORE_KEY_MAX];
        enum codec codec;

        layout_shard_key(rows[i].strategy, "N", rows[i].rank, rows[i].codec, key);
        ck_assert_str_eq(key, rows[i].key);
        ck_assert(layout_is_shard_key(key, &codec));
        ck_assert_int_eq(codec, rows[i].codec);
    }
}
END_TEST

/* s3dlio's rule puts ranks 0 to 15 below one prefix; neighbours must not share theirs, and all are used alike. */
START_TEST(binary_spreads_neighbours)
{
    uint32_t used[16] = {0};

    for (uint32_t rank = 0; rank < 64; rank++) {
        char key[STORE_KEY_MAX], next[STORE_KEY_MAX];

        layout_shard_key(LAYOUT_BINARY, "N", rank, CODEC_NONE, key);
        layout_shard_key(LAYOUT_BINARY, "N", rank + 1, CODEC_NONE, next);
        ck_assert_int_ne(key[11], next[11]); /* the first digit: other half of the names */
        used[strtoul(key + 11, NULL, 2)]++;
    }
    for (uint32_t i = 0; i < 16; i++)
        ck_assert_uint_eq(used[i], 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint_store_manifest");
    TCase *t = tcase_create("manifest");
    SRunner *runner;
    int failed;

    tcase_add_test(t, what_is_printed_reads_back);
    tcase_add_test(t, manifests_of_others_read);
    tcase_add_loop_test(t, nonsense_is_refused, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_loop_test(t, names_say_step_and_time, 0, (int)(sizeof names / sizeof *names));
    tcase_add_test(t, latest_reads_back_and_only_names_manifests);
    tcase_add_test(t, shards_are_where_the_layout_says);
    tcase_add_test(t, binary_spreads_neighbours);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
