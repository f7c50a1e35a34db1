/* SPDX-License-Identifier: Apache-2.0 */
/* Generated files: read back by the HDF5 library, value by value; their size, their bytes, and their units. */
#include "unit/hdf5_fixture.h"

#include <hdf5.h>

#define DIMS(...)                                                                                                      \
    .dims = (const uint64_t[]){__VA_ARGS__}, .ndim = (uint32_t)(sizeof((const uint64_t[]){__VA_ARGS__}) / 8)

struct variant {
    const char *name;
    struct hdf5_setting settings[5];
    const uint64_t *dims;
    uint32_t ndim, dtype;
    uint64_t samples;
    uint32_t sets;
    H5D_layout_t layout;
    int index; /* H5D_chunk_index_t, -1: none */
};

static const struct variant variants[] = {
    {"contiguous", {{0}}, DIMS(3, 5), DLFW_DTYPE_UINT8, 4, 1, H5D_CONTIGUOUS, -1},
    {"leading 1", {{0}}, DIMS(1, 5), DLFW_DTYPE_INT64, 4, 1, H5D_CONTIGUOUS, -1},
    {"one item", {{0}}, DIMS(1), DLFW_DTYPE_FLOAT64, 1, 1, H5D_CONTIGUOUS, -1},
    {"more than a window", {{0}}, DIMS(700, 900), DLFW_DTYPE_UINT8, 2, 1, H5D_CONTIGUOUS, -1},
    {"two sets", {{"num_dset_per_record", "2"}}, DIMS(4, 5), DLFW_DTYPE_FLOAT32, 3, 2, H5D_CONTIGUOUS, -1},
    {"nine sets", {{"num_dset_per_record", "9"}}, DIMS(9, 5), DLFW_DTYPE_FLOAT16, 3, 9, H5D_CONTIGUOUS, -1},
    {"150 sets", {{"num_dset_per_record", "150"}}, DIMS(150, 5), DLFW_DTYPE_UINT16, 3, 150, H5D_CONTIGUOUS, -1},
    {"chunks", {{"chunk_dims", "1,2,3"}}, DIMS(3, 5), DLFW_DTYPE_INT32, 4, 1, H5D_CHUNKED, H5D_CHUNK_IDX_NONE},
    {"rows", {{"chunk_dims", "3,3,5"}}, DIMS(3, 5), DLFW_DTYPE_INT32, 7, 1, H5D_CHUNKED, H5D_CHUNK_IDX_NONE},
    {"one chunk", {{"chunk_dims", "4,3,5"}}, DIMS(3, 5), DLFW_DTYPE_BOOL, 4, 1, H5D_CHUNKED, H5D_CHUNK_IDX_SINGLE},
    {"chunks of two sets",
     {{"chunk_dims", "2,2,3"}, {"num_dset_per_record", "2"}},
     DIMS(6, 5),
     DLFW_DTYPE_UINT32,
     5,
     2,
     H5D_CHUNKED,
     H5D_CHUNK_IDX_NONE},
    {"gzip", {{"compression", "gzip"}}, DIMS(30, 50), DLFW_DTYPE_UINT8, 40, 1, H5D_CHUNKED, H5D_CHUNK_IDX_FARRAY},
    {"gzip 0",
     {{"compression", "gzip"}, {"compression_level", "0"}, {"chunk_dims", "3,2,2"}},
     DIMS(5, 3),
     DLFW_DTYPE_INT8,
     7,
     1,
     H5D_CHUNKED,
     H5D_CHUNK_IDX_FARRAY},
    {"gzip of one chunk",
     {{"compression", "gzip"}, {"chunk_dims", "4,5,3"}},
     DIMS(5, 3),
     DLFW_DTYPE_UINT64,
     4,
     1,
     H5D_CHUNKED,
     H5D_CHUNK_IDX_SINGLE},
    {"gzip in pages of the table",
     {{"compression", "gzip"}, {"chunk_dims", "1,2,2"}, {"num_dset_per_record", "2"}},
     DIMS(8, 9),
     DLFW_DTYPE_UINT8,
     211,
     2,
     H5D_CHUNKED,
     H5D_CHUNK_IDX_FARRAY},
    {"maximum shape",
     {{"max_shape", "7,5"}, {"chunk_dims", "2,2,2"}},
     DIMS(3, 5),
     DLFW_DTYPE_UINT8,
     5,
     1,
     H5D_CHUNKED,
     H5D_CHUNK_IDX_FARRAY},
    {"maximum shape, gzip, pages",
     {{"max_shape", "60,50"}, {"chunk_dims", "1,1,2"}, {"compression", "gzip"}},
     DIMS(3, 5),
     DLFW_DTYPE_UINT8,
     2,
     1,
     H5D_CHUNKED,
     H5D_CHUNK_IDX_FARRAY},
    {"maximum shape alone",
     {{"max_shape", "700,500"}},
     DIMS(300, 50),
     DLFW_DTYPE_UINT8,
     2,
     1,
     H5D_CHUNKED,
     H5D_CHUNK_IDX_FARRAY},
    {"unlimited",
     {{"max_shape", "unlimited,5"}, {"chunk_dims", "1,2,2"}},
     DIMS(3, 5),
     DLFW_DTYPE_UINT8,
     4,
     1,
     H5D_CHUNKED,
     H5D_CHUNK_IDX_BT2},
    {"unlimited, a tree of two levels",
     {{"max_shape", "unlimited,unlimited"}, {"chunk_dims", "1,1,2"}, {"compression", "gzip"}},
     DIMS(40, 41),
     DLFW_DTYPE_UINT8,
     3,
     1,
     H5D_CHUNKED,
     H5D_CHUNK_IDX_BT2},
};

static uint64_t item_bytes(uint32_t dtype)
{
#define DTYPE_BYTES(name, number, bytes, text, descr) [number] = (bytes),
    static const uint8_t sizes[] = {DLFW_DTYPE_LIST(DTYPE_BYTES)};

    return sizes[dtype];
}

static dlfw_encode_spec spec_of(const struct variant *v)
{
    return (dlfw_encode_spec){.struct_size = sizeof(dlfw_encode_spec),
                              .dtype = v->dtype,
                              .dims = v->dims,
                              .ndim = v->ndim,
                              .samples = v->samples,
                              .seed = 3,
                              .object = 11};
}

static uint64_t payload_bytes(const struct variant *v)
{
    uint64_t bytes = item_bytes(v->dtype) * v->samples;

    for (uint32_t i = 0; i < v->ndim; i++)
        bytes *= v->dims[i];
    return bytes;
}

static void write_variant(struct format_driver *d, const struct variant *v, uint64_t window, struct memory_sink *sink)
{
    dlfw_encode_spec spec = spec_of(v);
    char text[256] = "";
    dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};

    memory_sink_init(sink);
    if (window)
        sink->window_bytes = window;
    ck_assert_msg(d->ops->encode(d->fmt, &spec, &sink->sink, &err) == DLFW_OK, "%s: %s", v->name, text);
}

static hid_t open_image(void *data, size_t len)
{
    hid_t fapl = H5Pcreate(H5P_FILE_ACCESS), file;

    H5Pset_fapl_core(fapl, 65536, 0);
    H5Pset_file_image(fapl, data, len);
    file = H5Fopen("image", H5F_ACC_RDONLY, fapl);
    H5Pclose(fapl);
    return file;
}

/* Appends the set's values to data; checks what the library says of it. */
static void read_set(hid_t file, const struct variant *v, const char *name, uint8_t *data, uint64_t bytes)
{
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT), type, plist;
    H5D_chunk_index_t index = (H5D_chunk_index_t)-1;

    ck_assert_msg(set >= 0, "%s: no %s", v->name, name);
    type = H5Dget_type(set);
    plist = H5Dget_create_plist(set);
    ck_assert_uint_eq(H5Tget_size(type), item_bytes(v->dtype));
    ck_assert_int_eq(H5Pget_layout(plist), v->layout);
    if (v->layout == H5D_CHUNKED)
        ck_assert_int_ge(H5Dget_chunk_index_type(set, &index), 0);
    ck_assert_msg((int)index == v->index, "%s: index %d", v->name, (int)index);
    memset(data, 0xa5, bytes);
    ck_assert_msg(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0, "%s: %s", v->name, name);
    H5Pclose(plist);
    H5Tclose(type);
    H5Dclose(set);
}

static void read_labels(hid_t file, uint64_t samples)
{
    hid_t set = H5Dopen2(file, "labels", H5P_DEFAULT);
    int64_t *labels = malloc(samples * 8);

    memset(labels, 1, samples * 8);
    ck_assert_int_ge(H5Dread(set, H5T_STD_I64LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels), 0);
    for (uint64_t i = 0; i < samples; i++)
        ck_assert_int_eq(labels[i], 0);
    free(labels);
    H5Dclose(set);
}

START_TEST(the_library_reads_them)
{
    const struct variant *v = &variants[_i];
    const uint64_t bytes = payload_bytes(v), per_set = bytes / v->sets;
    uint8_t *data = malloc(bytes), *good = malloc(bytes);
    struct format_driver d;
    struct memory_sink sink;
    H5G_info_t group;
    hid_t file;

    ck_assert_int_eq(hdf5_load(&d, v->settings, NULL), DLFW_OK);
    write_variant(&d, v, 0, &sink);
    file = open_image(sink.data, sink.len);
    ck_assert_msg(file >= 0, "%s", v->name);
    ck_assert_int_ge(H5Gget_info(file, &group), 0);
    ck_assert_uint_eq(group.nlinks, v->sets + 1);
    for (uint32_t i = 0; i < v->sets; i++) {
        char name[32];

        snprintf(name, sizeof name, "records_%u", i);
        read_set(file, v, name, data + i * per_set, per_set);
    }
    read_labels(file, v->samples);
    format_driver_content(3, 11, 0, good, bytes);
    ck_assert_msg(memcmp(data, good, bytes) == 0, "%s: other values", v->name);
    H5Fclose(file);
    memory_sink_free(&sink);
    format_driver_close(&d);
    free(data);
    free(good);
}
END_TEST

static void row_of_content(const struct variant *v, const uint8_t *content, uint64_t row, uint8_t *out)
{
    const uint64_t per_set = payload_bytes(v) / v->sets, bytes = per_set / v->samples;

    for (uint32_t i = 0; i < v->sets; i++)
        memcpy(out + i * bytes, content + i * per_set + row * bytes, bytes);
}

START_TEST(dlfw_reads_them)
{
    static const struct format_read_args ways[] = {{.whole = true}, {0}, {.piece = 1000}, {.no_consume = true}};
    const struct variant *v = &variants[_i];
    const uint64_t bytes = payload_bytes(v), row = bytes / v->samples;
    uint8_t *content = malloc(bytes), *sample = malloc(row);
    struct format_driver d;
    struct memory_sink sink;

    ck_assert_int_eq(hdf5_load(&d, v->settings, NULL), DLFW_OK);
    write_variant(&d, v, 777, &sink);
    format_driver_content(3, 11, 0, content, bytes);
    for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
        struct format_read_args args = ways[w];
        struct format_read r;

        args.data = sink.data;
        args.size = sink.len;
        args.samples = (uint32_t)v->samples;
        args.verify = true;
        format_read(&d, &args, &r);
        ck_assert_msg(r.status == DLFW_OK, "%s: %s", v->name, r.message);
        ck_assert_uint_eq(r.samples_len, bytes);
        for (uint64_t i = 0; i < v->samples; i++) {
            row_of_content(v, content, i, sample);
            ck_assert_msg(memcmp(r.samples + i * row, sample, row) == 0, "%s: sample %lu", v->name, i);
        }
        format_read_free(&r);
    }
    memory_sink_free(&sink);
    format_driver_close(&d);
    free(content);
    free(sample);
}
END_TEST

START_TEST(size_is_known_before)
{
    const struct variant *v = &variants[_i];
    dlfw_encode_spec spec = spec_of(v);
    struct format_driver d;
    struct memory_sink sink;
    uint64_t size = 0;
    bool compressed = false;

    for (const struct hdf5_setting *s = v->settings; s->name; s++)
        compressed |= strcmp(s->name, "compression") == 0;
    ck_assert_int_eq(hdf5_load(&d, v->settings, NULL), DLFW_OK);
    ck_assert_int_eq(d.ops->file_size(d.fmt, &spec, &size, NULL), DLFW_OK);
    write_variant(&d, v, 0, &sink);
    ck_assert_msg(size == (compressed ? UINT64_MAX : sink.len), "%s: %lu, not %lu", v->name, size, sink.len);
    memory_sink_free(&sink);
    format_driver_close(&d);
}
END_TEST

/* Fixed bytes of the plain case: what h5py's latest format has, with 2048 bytes before the data. */
START_TEST(bytes_of_a_plain_file)
{
    static const uint8_t head[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n', 3, 8,   8,
                                   0,    0,   0,   0,   0,    0,    0,    0,    0, 0xff};
    struct format_driver d;
    struct memory_sink sink;
    uint8_t content[60];

    ck_assert_int_eq(hdf5_load(&d, NULL, NULL), DLFW_OK);
    write_variant(&d, &variants[0], 0, &sink);
    ck_assert_uint_eq(sink.len, 2048 + 60 + 32);
    ck_assert_mem_eq(sink.data, head, sizeof head);
    ck_assert_uint_eq(sink.data[28] + 256u * sink.data[29], sink.len);
    ck_assert_uint_eq(sink.data[36], 48);
    ck_assert_mem_eq(sink.data + 48, "OHDR\2", 5);
    format_driver_content(3, 11, 0, content, sizeof content);
    ck_assert_mem_eq(sink.data + 2048, content, sizeof content);
    memory_sink_free(&sink);
    format_driver_close(&d);
}
END_TEST

START_TEST(memory_stays_bounded)
{
    static const uint64_t dims[] = {1000, 1000};
    static const struct hdf5_setting settings[] = {{"chunk_dims", "1,300,1000"}, {0}};
    const struct variant v = {.name = "large", .dims = dims, .ndim = 2, .dtype = DLFW_DTYPE_UINT8, .samples = 50};
    struct format_driver d;
    struct memory_sink sink;
    dlfw_encode_spec spec = spec_of(&v);

    ck_assert_int_eq(hdf5_load(&d, settings, NULL), DLFW_OK);
    memory_sink_init(&sink);
    sink.discard = true;
    ck_assert_int_eq(d.ops->encode(d.fmt, &spec, &sink.sink, NULL), DLFW_OK);
    ck_assert_uint_ge(sink.len, 60000000);
    ck_assert_uint_lt(sink.tail_len, 4096); /* all data came through windows */
    memory_sink_free(&sink);
    format_driver_close(&d);
}
END_TEST

START_TEST(mistakes)
{
    static const struct {
        struct hdf5_setting settings[3];
        const char *word;
        bool create;
    } cases[] = {
        {{{"chunk_dims", "1,2"}}, "2 dimensions, the data set has 3", false},
        {{{"chunk_dims", "1,2,6"}}, "is 6", false},
        {{{"chunk_dims", "1,x,5"}}, "'chunk_dims'", true},
        {{{"chunk_dims", "1,unlimited,5"}}, "'chunk_dims'", true},
        {{{"max_shape", "3"}}, "1 dimensions", false},
        {{{"max_shape", "3,4"}}, "is 4, a sample has 5", false},
        {{{"max_shape", "3,-1"}}, "'max_shape'", true},
        {{{"max_shape", "90000,90000"}, {"chunk_dims", "1,1,1"}}, "table of chunks", false},
        {{{"num_dset_per_record", "2"}}, "does not divide", false},
    };
    static const uint64_t dims[] = {3, 5};
    const struct variant v = {.dims = dims, .ndim = 2, .dtype = DLFW_DTYPE_UINT8, .samples = 4};
    dlfw_encode_spec spec = spec_of(&v);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256] = "";
        dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};
        struct format_driver d;
        uint64_t size;
        dlfw_status st = hdf5_load(&d, cases[i].settings, &err);

        ck_assert_int_eq(st < 0, cases[i].create);
        if (st >= 0) {
            st = d.ops->file_size(d.fmt, &spec, &size, &err);
            format_driver_close(&d);
        }
        ck_assert_msg(st == DLFW_E_CONFIG && strstr(text, cases[i].word), "%zu: %s", i, text);
    }
}
END_TEST

START_TEST(units_before_reading)
{
    static const struct {
        struct hdf5_setting settings[2];
        uint64_t side, samples, together, shuffled;
    } cases[] = {
        {{{0}}, 1024, 100, 4, 1},
        {{{0}}, 8192, 3, 1, 1},
        {{{0}}, 1, 1000000, 65536, 1},
        {{{0}}, 10, 7, 7, 1},
        {{{"chunk_dims", "3,1024,1024"}}, 1024, 100, 3, 3},
        {{{"chunk_dims", "8,1024,1024"}}, 1024, 100, 8, 8},
        {{{"chunk_dims", "3,512,1024"}}, 512, 100, 6, 3},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint64_t dims[] = {cases[i].side, i == 6 ? 1024 : cases[i].side};
        const struct variant v = {.dims = dims, .ndim = 2, .dtype = DLFW_DTYPE_UINT8, .samples = cases[i].samples};
        dlfw_encode_spec spec = spec_of(&v);
        struct format_driver d;

        ck_assert_int_eq(hdf5_load(&d, cases[i].settings, NULL), DLFW_OK);
        ck_assert_uint_eq(d.ops->unit_samples(d.fmt, &spec, 1), cases[i].shuffled);
        ck_assert_msg(d.ops->unit_samples(d.fmt, &spec, 0) == cases[i].together, "%zu: %lu", i,
                      d.ops->unit_samples(d.fmt, &spec, 0));
        format_driver_close(&d);
    }
}
END_TEST

int main(void)
{
    const int count = (int)(sizeof variants / sizeof variants[0]);
    Suite *suite = suite_create("hdf5_write");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    tcase_add_loop_test(tc, the_library_reads_them, 0, count);
    tcase_add_loop_test(tc, dlfw_reads_them, 0, count);
    tcase_add_loop_test(tc, size_is_known_before, 0, count);
    tcase_add_test(tc, bytes_of_a_plain_file);
    tcase_add_test(tc, memory_stays_bounded);
    tcase_add_test(tc, mistakes);
    tcase_add_test(tc, units_before_reading);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
