/* SPDX-License-Identifier: Apache-2.0 */
/* Generated content that the format compares itself: all of it, whatever the layout, the unit and the pieces, and the
 * first byte that differs. Readers of several threads share one instance. */
#include "unit/hdf5_fixture.h"

#include <pthread.h>

#define SAMPLES 6u
#define SIDE 20u
#define BYTES (SAMPLES * SIDE * SIDE)

struct layout {
    const char *name;
    struct hdf5_setting settings[4];
    bool plain; /* the host compares */
};

static const struct layout layouts[] = {
    {"contiguous", {{0}}, true},
    {"two sets", {{"num_dset_per_record", "2"}}, false},
    {"chunks", {{"chunk_dims", "1,7,20"}}, false},
    {"chunks over rows", {{"chunk_dims", "4,20,20"}}, false},
    {"tiles", {{"chunk_dims", "4,7,9"}}, false},
    {"tiles of two sets", {{"chunk_dims", "4,7,9"}, {"num_dset_per_record", "2"}}, false},
    {"gzip", {{"chunk_dims", "4,7,9"}, {"compression", "gzip"}}, false},
    {"gzip of two sets", {{"chunk_dims", "4,7,9"}, {"compression", "gzip"}, {"num_dset_per_record", "2"}}, false},
    {"lzf", {{"chunk_dims", "4,7,9"}, {"compression", "lzf"}}, false},
    {"through the library",
     {{"chunk_dims", "4,7,9"}, {"compression", "gzip"}, {"max_shape", "unlimited,unlimited"}},
     false},
};
#define LAYOUTS ((int)(sizeof layouts / sizeof layouts[0]))

static const uint64_t dims[] = {SIDE, SIDE};
static const dlfw_encode_spec spec = {.struct_size = sizeof spec,
                                      .dtype = DLFW_DTYPE_UINT8,
                                      .dims = dims,
                                      .ndim = 2,
                                      .samples = SAMPLES,
                                      .seed = 5,
                                      .object = 9};

/* One reading that compares; what it verified, or the failure. */
struct reading {
    uint64_t verified;
    dlfw_status status;
    char message[256];
};

static void consume_range(const struct format_driver *d, dlfw_reader *reader, uint64_t unit, const uint8_t *data,
                          const dlfw_range *range, uint64_t piece_bytes, struct reading *ret)
{
    dlfw_error err = {.struct_size = sizeof err, .message = ret->message, .message_cap = sizeof ret->message};

    for (uint64_t at = 0; at < range->length && ret->status >= 0; at += piece_bytes) {
        uint64_t n = range->length - at < piece_bytes ? range->length - at : piece_bytes;
        dlfw_span piece = {.data = data + range->offset + at, .offset = range->offset + at, .length = n};
        dlfw_payload payload = {0};

        ret->status = d->ops->consume(reader, unit, &piece, &payload, &err);
        if (ret->status >= 0 && payload.data)
            ck_assert_uint_eq(hdf5_content_check(5, 9, payload.content_offset, payload.data, payload.length),
                              payload.length);
        ret->verified += payload.length;
    }
}

static void read_units(const struct format_driver *d, dlfw_reader *reader, const uint8_t *data, uint64_t size,
                       uint64_t piece_bytes, bool whole, struct reading *ret)
{
    dlfw_error err = {.struct_size = sizeof err, .message = ret->message, .message_cap = sizeof ret->message};

    for (uint64_t unit = 0; unit < d->ops->unit_count(reader) && ret->status >= 0; unit++) {
        dlfw_range want[64] = {{.offset = 0, .length = size}};
        uint32_t n = 1;

        if (!whole)
            ret->status = d->ops->step(reader, unit, NULL, 0, want, 64, &n, &err);
        for (uint32_t i = 0; i < n && ret->status >= 0; i++)
            consume_range(d, reader, unit, data, &want[i], piece_bytes, ret);
    }
}

static void read_comparing(const struct format_driver *d, const uint8_t *data, uint64_t size, uint64_t unit_samples,
                           uint64_t piece_bytes, bool whole, struct reading *ret)
{
    const dlfw_object object = {.struct_size = sizeof object,
                                .flags = DLFW_OBJECT_VERIFY | DLFW_OBJECT_VERIFY_CONTENT,
                                .name = "file",
                                .name_len = 4,
                                .samples = SAMPLES,
                                .size = size,
                                .unit_samples = unit_samples,
                                .content_seed = 5,
                                .content_object = 9};
    const dlfw_span all = {.data = data, .length = size};
    dlfw_reader *reader = NULL;
    uint32_t n = 0;
    dlfw_range want[64];
    dlfw_error err = {.struct_size = sizeof err, .message = ret->message, .message_cap = sizeof ret->message};

    *ret = (struct reading){0};
    err.message = ret->message;
    ck_assert_int_eq(posix_memalign((void **)&reader, 64, (d->ops->reader_size + 63) / 64 * 64), 0);
    memset(reader, 0, d->ops->reader_size);
    ck_assert_int_eq(d->ops->reader_open(d->fmt, reader, &object, &err), DLFW_OK);
    ret->status = d->ops->step(reader, DLFW_GOAL_METADATA, &all, 1, want, 64, &n, &err);
    if (ret->status >= 0)
        read_units(d, reader, data, size, piece_bytes, whole, ret);
    d->ops->reader_close(reader);
    free(reader);
}

static void make(const struct layout *l, struct format_driver *d, struct memory_sink *sink)
{
    ck_assert_int_eq(hdf5_load(d, l->settings, NULL), DLFW_OK);
    memory_sink_init(sink);
    ck_assert_int_eq(d->ops->encode(d->fmt, &spec, &sink->sink, NULL), DLFW_OK);
}

START_TEST(all_of_it_is_compared)
{
    static const uint64_t pieces[] = {1, 13, 1u << 20}, units[] = {0, 1, 2, 4, 6};
    const struct layout *l = &layouts[_i];
    struct format_driver d;
    struct memory_sink sink;

    make(l, &d, &sink);
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++)
        for (size_t u = 0; u < sizeof units / sizeof units[0]; u++)
            for (int whole = 0; whole < 2; whole++) {
                struct reading r;

                read_comparing(&d, sink.data, sink.len, units[u], pieces[p], whole, &r);
                ck_assert_msg(r.status >= 0, "%s: %s", l->name, r.message);
                ck_assert_msg(r.verified == BYTES, "%s, units of %lu: %lu bytes verified", l->name, units[u],
                              r.verified);
            }
    memory_sink_free(&sink);
    format_driver_close(&d);
}
END_TEST

/* A byte of the data that is wrong is found, also where no checksum covers it. */
START_TEST(a_wrong_byte_is_found)
{
    const struct layout *l = &layouts[_i];
    struct format_driver d;
    struct memory_sink sink;
    uint32_t found = 0, tried = 0;

    make(l, &d, &sink);
    for (uint64_t at = 2048; at + 8 * SAMPLES < sink.len && !l->plain; at += 97) {
        struct reading r;

        sink.data[at] ^= 1;
        read_comparing(&d, sink.data, sink.len, 0, 64, at % 2, &r);
        sink.data[at] ^= 1;
        tried++;
        if (r.status >= 0)
            continue;
        found++;
        ck_assert_msg(strstr(r.message, "'file'") && strstr(r.message, "offset"), "%s", r.message);
        if (!strstr(l->name, "gzip") && !strstr(l->name, "library"))
            ck_assert_msg(strstr(r.message, "generated content") || strstr(r.message, "LZF") ||
                              strstr(r.message, "header") || strstr(r.message, "chunk"),
                          "%s", r.message);
    }
    /* padding of chunks at the edge and unread headers hold nothing of the samples */
    ck_assert_msg(l->plain || found * 3 > tried, "%s: %u of %u", l->name, found, tried);
    memory_sink_free(&sink);
    format_driver_close(&d);
}
END_TEST

START_TEST(another_seed_is_noticed)
{
    struct format_driver d;
    struct memory_sink sink;
    dlfw_encode_spec other = spec;
    struct reading r;

    ck_assert_int_eq(hdf5_load(&d, layouts[_i].settings, NULL), DLFW_OK);
    memory_sink_init(&sink);
    other.seed = 6;
    ck_assert_int_eq(d.ops->encode(d.fmt, &other, &sink.sink, NULL), DLFW_OK);
    if (!layouts[_i].plain) {
        read_comparing(&d, sink.data, sink.len, 0, 4096, false, &r);
        ck_assert_int_eq(r.status, DLFW_E_CORRUPT);
        ck_assert_msg(strstr(r.message, "payload byte"), "%s", r.message);
    }
    memory_sink_free(&sink);
    format_driver_close(&d);
}
END_TEST

/* What was never written cannot be what was generated. */
START_TEST(missing_chunks_are_no_content)
{
    static const char *const names[] = {"missing.h5", "never.h5"};

    for (size_t i = 0; i < 2; i++) {
        struct format_driver d;
        struct reading r;
        uint64_t size = 0;
        uint8_t *data = hdf5_golden(names[i], &size);
        dlfw_object object = {.struct_size = sizeof object,
                              .flags = DLFW_OBJECT_VERIFY_CONTENT,
                              .name = "file",
                              .name_len = 4,
                              .size = size};
        const dlfw_span all = {.data = data, .length = size};
        dlfw_reader *reader = NULL;
        dlfw_range want[64];
        uint32_t n = 0;
        dlfw_error err = {.struct_size = sizeof err, .message = r.message, .message_cap = sizeof r.message};

        ck_assert_int_eq(hdf5_load(&d, NULL, NULL), DLFW_OK);
        ck_assert_int_eq(posix_memalign((void **)&reader, 64, (d.ops->reader_size + 63) / 64 * 64), 0);
        memset(reader, 0, d.ops->reader_size);
        ck_assert_int_eq(d.ops->reader_open(d.fmt, reader, &object, &err), DLFW_OK);
        ck_assert_int_eq(d.ops->step(reader, DLFW_GOAL_METADATA, &all, 1, want, 64, &n, &err), DLFW_OK);
        ck_assert_int_eq(d.ops->step(reader, 0, NULL, 0, want, 64, &n, &err), DLFW_E_CORRUPT);
        ck_assert_msg(strstr(r.message, "never written"), "%s", r.message);
        d.ops->reader_close(reader);
        free(reader);
        format_driver_close(&d);
        free(data);
    }
}
END_TEST

struct worker {
    const struct format_driver *d;
    const uint8_t *data;
    uint64_t size;
    uint64_t bad;
};

static void *read_often(void *arg)
{
    struct worker *w = arg;
    const struct format_read_args args = {.data = w->data, .size = w->size, .samples = SAMPLES, .verify = true};

    for (int i = 0; i < 30; i++) {
        struct format_read r;

        format_read(w->d, &args, &r);
        w->bad += r.status != DLFW_OK || r.samples_len != BYTES;
        format_read_free(&r);
    }
    return NULL;
}

START_TEST(readers_in_threads)
{
    struct format_driver d;
    struct memory_sink sink;
    struct worker workers[4];
    pthread_t threads[4];

    make(&layouts[_i], &d, &sink);
    for (int i = 0; i < 4; i++) {
        workers[i] = (struct worker){.d = &d, .data = sink.data, .size = sink.len};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_often, &workers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_uint_eq(workers[i].bad, 0);
    }
    memory_sink_free(&sink);
    format_driver_close(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hdf5_content");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, all_of_it_is_compared, 0, LAYOUTS);
    tcase_add_loop_test(tc, a_wrong_byte_is_found, 0, LAYOUTS);
    tcase_add_loop_test(tc, another_seed_is_noticed, 0, LAYOUTS);
    tcase_add_test(tc, missing_chunks_are_no_content);
    tcase_add_loop_test(tc, readers_in_threads, 0, LAYOUTS);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
