/* SPDX-License-Identifier: Apache-2.0 */
/* What the plugins generate: to the byte as numpy writes it, read back by themselves and by numpy. */
#include "support/format_driver.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#define NPZ PLUGIN_DIR "/dlfw-format-npz.so"
#define NPY PLUGIN_DIR "/dlfw-format-npy.so"
#define SEED 77
#define OBJECT 12345

static const struct format_setting zip[] = {{"compression", "zip"}, {NULL, NULL}};

struct dtype {
    uint32_t number, bytes;
    const char *name;
};
#define DTYPE_ROW(name, number, bytes, text, descr) {(number), (bytes), (text)},
static const struct dtype dtypes[] = {DLFW_DTYPE_LIST(DTYPE_ROW)};
#define DTYPE_COUNT (sizeof dtypes / sizeof dtypes[0])

struct shape {
    uint64_t dims[4];
    uint32_t ndim;
    uint64_t samples;
};
static const struct shape shapes[] = {
    {{64, 64}, 2, 1},  {{64, 64}, 2, 4},  {{1, 1}, 2, 1},       {{1}, 1, 1},        {{17}, 1, 4},
    {{3, 5, 7}, 3, 1}, {{3, 5, 7}, 3, 4}, {{2, 3, 4, 5}, 4, 3}, {{513, 257}, 2, 1}, {{1, 1}, 2, 1000},
};
#define SHAPE_COUNT (sizeof shapes / sizeof shapes[0])

static dlfw_encode_spec spec_of(const struct shape *s, uint32_t dtype)
{
    return (dlfw_encode_spec){.struct_size = sizeof(dlfw_encode_spec),
                              .dtype = dtype,
                              .dims = s->dims,
                              .ndim = s->ndim,
                              .samples = s->samples,
                              .seed = SEED,
                              .object = OBJECT};
}

static uint64_t payload_of(const struct shape *s, uint32_t item)
{
    uint64_t bytes = item * s->samples;

    for (uint32_t i = 0; i < s->ndim; i++)
        bytes *= s->dims[i];
    return bytes;
}

static void encode(const struct format_driver *d, const dlfw_encode_spec *spec, uint64_t window, struct memory_sink *m)
{
    char text[256] = "";
    dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};

    memory_sink_init(m);
    m->window_bytes = window;
    ck_assert_msg(d->ops->encode(d->fmt, spec, &m->sink, &err) == DLFW_OK, "%s", text);
}

static uint64_t size_of(const struct format_driver *d, const dlfw_encode_spec *spec)
{
    uint64_t size = 0;

    ck_assert_int_eq(d->ops->file_size(d->fmt, spec, &size, NULL), DLFW_OK);
    return size;
}

START_TEST(documented_bytes)
{
    static const struct {
        uint64_t samples, size, y_offset;
    } cases[] = {{1, 4594, 4279}, {4, 16906, 16567}};
    static const uint8_t local[] = {0x50, 0x4b, 3, 4, 0x14, 0, 0, 0, 0, 0, 0, 0, 0x21, 0};
    struct format_driver d;

    format_driver_load(&d, NPZ, NULL);
    for (size_t i = 0; i < 2; i++) {
        const struct shape shape = {{64, 64}, 2, cases[i].samples};
        dlfw_encode_spec spec = spec_of(&shape, DLFW_DTYPE_UINT8);
        struct memory_sink m;
        char dict[80];

        encode(&d, &spec, 1000, &m);
        ck_assert_uint_eq(m.len, cases[i].size);
        ck_assert_uint_eq(size_of(&d, &spec), cases[i].size);
        ck_assert_mem_eq(m.data, local, sizeof local);
        ck_assert_mem_eq(m.data + 26, "\x05\x00\x14\x00x.npy\x01\x00\x10\x00", 13);
        ck_assert_mem_eq(m.data + 55, "\x93NUMPY\x01\x00\x76\x00", 10);
        snprintf(dict, sizeof dict, "{'descr': '|u1', 'fortran_order': False, 'shape': (64, 64, %lu), } ",
                 cases[i].samples);
        ck_assert_mem_eq(m.data + 65, dict, strlen(dict));
        ck_assert_int_eq(m.data[182], '\n');
        ck_assert_mem_eq(m.data + cases[i].y_offset, local, sizeof local);
        ck_assert_mem_eq(m.data + cases[i].y_offset + 30, "y.npy", 5);
        memory_sink_free(&m);
    }
    format_driver_close(&d);
}
END_TEST

static uint8_t golden[1 << 16];
static uint64_t golden_size, golden_payload;

static void golden_content(uint64_t seed, uint64_t object, uint64_t offset, void *buf, uint64_t len)
{
    (void)seed;
    (void)object;
    memcpy(buf, golden + golden_payload + offset, len);
}

/* Given the same array bytes, the file is numpy's, byte for byte. */
START_TEST(same_bytes_as_numpy)
{
    static const struct {
        const char *file;
        struct shape shape;
        uint32_t dtype;
    } cases[] = {
        {"stored.npz", {{8, 9}, 2, 1}, DLFW_DTYPE_UINT8},    {"stored_n4.npz", {{4, 3}, 2, 4}, DLFW_DTYPE_UINT8},
        {"float32.npz", {{3, 4}, 2, 2}, DLFW_DTYPE_FLOAT32}, {"int64.npz", {{3, 4}, 2, 2}, DLFW_DTYPE_INT64},
        {"float16.npz", {{3, 4}, 2, 2}, DLFW_DTYPE_FLOAT16}, {"bool.npz", {{3, 4}, 2, 2}, DLFW_DTYPE_BOOL},
        {"plain.npy", {{8, 9}, 2, 1}, DLFW_DTYPE_UINT8},     {"n4.npy", {{4, 3}, 2, 4}, DLFW_DTYPE_UINT8},
        {"float64.npy", {{2, 3}, 2, 2}, DLFW_DTYPE_FLOAT64},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool is_npz = strstr(cases[i].file, ".npz") != NULL;
        dlfw_encode_spec spec = spec_of(&cases[i].shape, cases[i].dtype);
        struct format_driver d;
        struct memory_sink m;
        char path[512];
        FILE *f;

        snprintf(path, sizeof path, GOLDEN_DIR "/%s", cases[i].file);
        f = fopen(path, "rb");
        ck_assert_ptr_nonnull(f);
        golden_size = fread(golden, 1, sizeof golden, f);
        fclose(f);
        golden_payload = is_npz ? 183 : 128;
        format_driver_load(&d, is_npz ? NPZ : NPY, NULL);
        d.host.content_fill = golden_content;
        encode(&d, &spec, 50, &m);
        ck_assert_msg(m.len == golden_size, "%s: %lu bytes, numpy %lu", cases[i].file, m.len, golden_size);
        for (uint64_t k = 0; k < golden_size; k++)
            ck_assert_msg(m.data[k] == golden[k], "%s: byte %lu", cases[i].file, k);
        memory_sink_free(&m);
        format_driver_close(&d);
    }
}
END_TEST

/* The samples of the content stream: item j of sample k is item j * samples + k of the stream. */
static void check_content(const struct format_read *r, const struct shape *s, uint32_t item, bool has_payload)
{
    const uint64_t bytes = payload_of(s, item), items = bytes / item / s->samples;
    uint8_t *content = malloc(bytes);

    ck_assert_ptr_nonnull(content);
    format_driver_content(SEED, OBJECT, 0, content, bytes);
    ck_assert_uint_eq(r->samples_len, bytes);
    ck_assert_uint_eq(r->item_size, item);
    for (uint64_t k = 0; k < s->samples; k++)
        for (uint64_t j = 0; j < items; j++)
            if (memcmp(r->samples + (k * items + j) * item, content + (j * s->samples + k) * item, item) != 0)
                ck_abort_msg("sample %lu item %lu", k, j);
    ck_assert_uint_eq(r->payload_len, has_payload ? bytes : 0);
    if (has_payload)
        ck_assert_mem_eq(r->payload, content, bytes);
    free(content);
}

static void round_trip(const char *plugin, const struct format_setting *settings, const struct shape *s,
                       const struct dtype *type, uint64_t window)
{
    dlfw_encode_spec spec = spec_of(s, type->number);
    struct format_driver d;
    struct memory_sink m;
    struct format_read r;

    format_driver_load(&d, plugin, settings);
    encode(&d, &spec, window, &m);
    ck_assert_uint_eq(size_of(&d, &spec), settings ? UINT64_MAX : m.len);
    for (int whole = 0; whole < 2; whole++) {
        format_read(&d,
                    &(struct format_read_args){.data = m.data,
                                               .size = m.len,
                                               .samples = (uint32_t)s->samples,
                                               .verify = true,
                                               .whole = whole,
                                               .piece = whole ? 0 : 1000},
                    &r);
        ck_assert_msg(r.status == DLFW_OK, "%s %s: %s", plugin, type->name, r.message);
        ck_assert_uint_eq(r.sample_count, s->samples);
        check_content(&r, s, type->bytes, settings == NULL);
        format_read_free(&r);
    }
    memory_sink_free(&m);
    format_driver_close(&d);
}

START_TEST(decoding_gives_what_was_encoded)
{
    const struct shape *s = &shapes[_i];

    for (size_t t = 0; t < DTYPE_COUNT; t++) {
        round_trip(NPZ, NULL, s, &dtypes[t], 256 * 1024);
        round_trip(NPY, NULL, s, &dtypes[t], 256 * 1024);
    }
    round_trip(NPZ, zip, s, &dtypes[9], 256 * 1024);
}
END_TEST

START_TEST(any_window_gives_the_same_bytes)
{
    static const uint64_t windows[] = {1, 7, 55, 4096, 1 << 20};
    const struct shape shape = {{100, 33}, 2, 2};
    dlfw_encode_spec spec = spec_of(&shape, DLFW_DTYPE_INT16);

    for (int deflated = 0; deflated < 2; deflated++) {
        struct memory_sink first = {.len = 0};
        struct format_driver d;

        format_driver_load(&d, NPZ, deflated ? zip : NULL);
        encode(&d, &spec, 256 * 1024, &first);
        for (size_t w = 0; w < sizeof windows / sizeof windows[0]; w++) {
            struct memory_sink m;

            encode(&d, &spec, windows[w], &m);
            ck_assert_uint_eq(m.len, first.len);
            ck_assert_mem_eq(m.data, first.data, m.len);
            memory_sink_free(&m);
        }
        memory_sink_free(&first);
        format_driver_close(&d);
    }
}
END_TEST

START_TEST(a_full_sink_ends_the_encoding)
{
    const struct shape shape = {{20, 10}, 2, 3};
    dlfw_encode_spec spec = spec_of(&shape, DLFW_DTYPE_UINT8);
    static const char *const plugins[] = {NPZ, NPY, NPZ};

    for (size_t p = 0; p < 3; p++) {
        uint64_t full;
        struct format_driver d;
        struct memory_sink m;

        format_driver_load(&d, plugins[p], p == 2 ? zip : NULL);
        encode(&d, &spec, 64, &m);
        full = m.len;
        memory_sink_free(&m);
        for (uint64_t room = 1; room < full; room += 3) {
            char text[256] = "";
            dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};

            memory_sink_init(&m);
            m.window_bytes = 64;
            m.fail_after = room;
            ck_assert_int_eq(d.ops->encode(d.fmt, &spec, &m.sink, &err), DLFW_E_NO_SPACE);
            ck_assert_str_eq(text, "the sink is full");
            memory_sink_free(&m);
        }
        format_driver_close(&d);
    }
}
END_TEST

START_TEST(levels_are_zlibs)
{
    const struct shape shape = {{1, 1}, 2, 50000}; /* y is 400 kB of zeros */
    dlfw_encode_spec spec = spec_of(&shape, DLFW_DTYPE_BOOL);
    uint64_t sizes[3];
    static const char *const levels[] = {"0", "1", "9"};

    for (size_t i = 0; i < 3; i++) {
        const struct format_setting settings[] = {
            {"compression", "zip"}, {"compression_level", levels[i]}, {NULL, NULL}};
        struct format_driver d;
        struct memory_sink m;

        format_driver_load(&d, NPZ, settings);
        encode(&d, &spec, 4096, &m);
        sizes[i] = m.len;
        memory_sink_free(&m);
        format_driver_close(&d);
    }
    ck_assert_uint_gt(sizes[0], 450000);
    ck_assert_uint_lt(sizes[1], 60000);
    ck_assert_uint_lt(sizes[2], sizes[1]);
}
END_TEST

static void write_file(const char *path, const uint8_t *data, uint64_t len)
{
    FILE *f = fopen(path, "wb");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

static int run_python(char *const argv[])
{
    int status = 0;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        execv(argv[0], argv);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define NUMPY_FILES (SHAPE_COUNT * 3 + DTYPE_COUNT)

static void add_numpy_file(const char *dir, size_t index, const char *plugin, const struct format_setting *settings,
                           const struct shape *s, const struct dtype *type, char **argument)
{
    dlfw_encode_spec spec = spec_of(s, type->number);
    const uint64_t bytes = payload_of(s, type->bytes);
    uint8_t *content = malloc(bytes);
    char path[256], shape_text[64] = "", size_text[24] = "-", name[32];
    struct format_driver d;
    struct memory_sink m;
    int n = 0;

    ck_assert_ptr_nonnull(content);
    format_driver_load(&d, plugin, settings);
    encode(&d, &spec, 256 * 1024, &m);
    snprintf(name, sizeof name, "img_%zu.%s", index, d.ops->extension);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    write_file(path, m.data, m.len);
    for (uint32_t i = 0; i < s->ndim; i++)
        n += snprintf(shape_text + n, sizeof shape_text - (size_t)n, "%lux", s->dims[i]);
    snprintf(shape_text + n, sizeof shape_text - (size_t)n, "%lu", s->samples);
    if (!settings)
        snprintf(size_text, sizeof size_text, "%lu", m.len);
    format_driver_content(SEED, OBJECT, 0, content, bytes);
    *argument = malloc(256);
    ck_assert_ptr_nonnull(*argument);
    snprintf(*argument, 256, "%s=%s,%s,%s,%08lx", name, shape_text, type->name, size_text, crc32_z(0, content, bytes));
    free(content);
    memory_sink_free(&m);
    format_driver_close(&d);
}

static void remove_files(const char *dir, char **arguments)
{
    char path[256];

    for (size_t i = 0; arguments[i]; i++) {
        snprintf(path, sizeof path, "%s/%.*s", dir, (int)strcspn(arguments[i], "="), arguments[i]);
        ck_assert_int_eq(unlink(path), 0);
        free(arguments[i]);
    }
    ck_assert_int_eq(rmdir(dir), 0);
}

START_TEST(numpy_reads_every_file)
{
    char dir[] = "/tmp/dlfw-npz-XXXXXX", script[] = SOURCE_TESTS_DIR "/e2e/check_npz.py", python[] = "/usr/bin/python3";
    char no_cache[] = "-B";
    char *argv[NUMPY_FILES + 5] = {python, no_cache, script, dir};
    size_t n = 4;
    int status;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (size_t i = 0; i < SHAPE_COUNT; i++) {
        add_numpy_file(dir, n, NPZ, NULL, &shapes[i], &dtypes[0], &argv[n]);
        n++;
        add_numpy_file(dir, n, NPZ, zip, &shapes[i], &dtypes[5], &argv[n]);
        n++;
        add_numpy_file(dir, n, NPY, NULL, &shapes[i], &dtypes[10], &argv[n]);
        n++;
    }
    for (size_t t = 0; t < DTYPE_COUNT; t++, n++)
        add_numpy_file(dir, n, NPZ, NULL, &shapes[6], &dtypes[t], &argv[n]);
    status = run_python(argv);
    remove_files(dir, argv + 4);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* For objects of gigabytes: the payload's bytes and checksum do not matter, those of the headers do. */
static void no_content(uint64_t seed, uint64_t object, uint64_t offset, void *buf, uint64_t len)
{
    (void)seed;
    (void)object;
    (void)offset;
    (void)buf;
    (void)len;
}

static uint32_t short_crc32(uint32_t crc, const void *data, uint64_t len)
{
    return len < 256 * 1024 ? (uint32_t)crc32_z(crc, data, len) : crc;
}

/* Every combination of narrow and wide fields around 4 GiB: the announced size is the written one. */
START_TEST(sizes_around_4_gib)
{
    static const int64_t distance[] = {-1000, -600, -500, -400, -390, -250, -184, -183,
                                       -129,  -128, -127, -1,   0,    1,    1000};
    struct format_driver d;

    format_driver_load(&d, NPZ, NULL);
    d.host.content_fill = no_content;
    d.host.crc32 = short_crc32;
    for (size_t i = 0; i < sizeof distance / sizeof distance[0]; i++) {
        const struct shape shape = {{(uint64_t)((int64_t)UINT32_MAX + distance[i])}, 1, 1};
        const dlfw_encode_spec spec = spec_of(&shape, DLFW_DTYPE_UINT8);
        struct memory_sink m;

        memory_sink_init(&m);
        m.discard = true;
        ck_assert_int_eq(d.ops->encode(d.fmt, &spec, &m.sink, NULL), DLFW_OK);
        ck_assert_msg(m.len == size_of(&d, &spec), "distance %ld", distance[i]);
        ck_assert_uint_ge(m.len, 490 + shape.dims[0] + 8);
        ck_assert_uint_le(m.len, 490 + shape.dims[0] + 8 + 20 + 12 + 76);
        memory_sink_free(&m);
    }
    format_driver_close(&d);
}
END_TEST

/* Puts the kept parts of a discarding sink around a hole. */
static int sparse_file(const char *path, const struct memory_sink *m)
{
    const uint64_t head = 183, rest = m->tail_len - head;
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, (off_t)m->len), 0);
    ck_assert_int_eq(pwrite(fd, m->data, head, 0), (ssize_t)head);
    ck_assert_int_eq(pwrite(fd, m->tail + head, rest, (off_t)(m->len - rest)), (ssize_t)rest);
    return fd;
}

START_TEST(members_over_4_gib_are_zip64)
{
    static char script[] =
        "import sys, zipfile\n"
        "from numpy.lib import format as f\n"
        "z = zipfile.ZipFile(sys.argv[1])\n"
        "x, y = z.infolist()\n"
        "assert (x.filename, x.file_size, x.compress_size) == ('x.npy', 128 + 4295032833, 128 + 4295032833)\n"
        "assert x.header_offset == 0 and y.header_offset == 183 + 4295032833 and y.file_size == 136\n"
        "assert f.read_array(z.open(y)).tolist() == [0]\n"
        "s = z.open(x); assert f.read_magic(s) == (1, 0)\n"
        "assert f.read_array_header_1_0(s)[0] == (4295032833, 1)\n";
    char dir[] = "/tmp/dlfw-npz-XXXXXX", path[64], python[] = "/usr/bin/python3", option[] = "-c";
    char *argv[] = {python, option, script, path, NULL};
    const struct shape shape = {{4295032833u}, 1, 1};
    const dlfw_encode_spec spec = spec_of(&shape, DLFW_DTYPE_UINT8);
    struct format_driver d;
    struct memory_sink m;
    struct format_read r;
    void *data;
    int fd, status;

    format_driver_load(&d, NPZ, NULL);
    d.host.content_fill = no_content;
    d.host.crc32 = short_crc32;
    memory_sink_init(&m);
    m.discard = true;
    ck_assert_int_eq(d.ops->encode(d.fmt, &spec, &m.sink, NULL), DLFW_OK);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/big.npz", dir);
    fd = sparse_file(path, &m);
    data = mmap(NULL, m.len, PROT_READ, MAP_PRIVATE, fd, 0);
    ck_assert_ptr_ne(data, MAP_FAILED);
    format_read(&d, &(struct format_read_args){.data = data, .size = m.len, .samples = 1, .only_metadata = true}, &r);
    status = run_python(argv);
    munmap(data, m.len);
    close(fd);
    unlink(path);
    rmdir(dir);
    ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
    ck_assert_uint_eq(r.range.offset, 0);
    ck_assert_uint_eq(r.range.length, 183 + shape.dims[0]);
    ck_assert_int_eq(status, 0);
    format_read_free(&r);
    memory_sink_free(&m);
    format_driver_close(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npz_encode");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, documented_bytes);
    tcase_add_test(tc, same_bytes_as_numpy);
    tcase_add_loop_test(tc, decoding_gives_what_was_encoded, 0, (int)SHAPE_COUNT);
    tcase_add_test(tc, any_window_gives_the_same_bytes);
    tcase_add_test(tc, a_full_sink_ends_the_encoding);
    tcase_add_test(tc, levels_are_zlibs);
    tcase_add_test(tc, numpy_reads_every_file);
    tcase_add_test(tc, sizes_around_4_gib);
    tcase_add_test(tc, members_over_4_gib_are_zip64);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
