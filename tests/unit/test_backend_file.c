/* SPDX-License-Identifier: Apache-2.0 */
/* The backend `file` by its contract, each case once with engine pread through perform() and once with engine uring
 * through a queue. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/backend_driver.h"

#define PLUGIN "dlfw-backend-file.so"
#define BIG ((uint64_t)5 << 30)

enum { MODE_PREAD, MODE_URING, MODES };

static char *scratch; /* of the whole program */

struct fixture {
    struct driver d;
    char root[4096];
};

/* An instance on a root of its own; with make the root exists. */
static void fixture_open(struct fixture *f, int mode, bool make)
{
    static const char *const settings[MODES][2] = {{"engine=pread", NULL}, {"engine=uring", NULL}};
    char message[512] = "";
    char *dir = scratch_create(scratch);

    snprintf(f->root, sizeof f->root, "%s/root", dir);
    free(dir);
    ck_assert_msg(driver_open(&f->d, PLUGIN, "file", f->root, settings[mode], message) == DLFW_OK, "%s", message);
    if (mode == MODE_URING)
        driver_queue(&f->d, 64);
    if (make)
        ck_assert_int_eq(driver_simple(&f->d, DLFW_OP_MAKE_ROOT, ""), DLFW_OK);
}

static uint64_t names_in(struct fixture *f)
{
    int64_t n = driver_list(&f->d, "", DLFW_REQ_RECURSIVE, 65536, NULL, NULL);

    ck_assert_int_ge(n, 0);
    return (uint64_t)n;
}

START_TEST(ranges)
{
    enum { SIZE = 10000 };
    static const struct {
        const char *name;
        uint64_t offset, length, expected;
    } cases[] = {
        {"all", 0, SIZE, SIZE},
        {"first byte", 0, 1, 1},
        {"last byte", SIZE - 1, 1, 1},
        {"middle", 4095, 3, 3},
        {"one beyond", 0, SIZE + 1, SIZE},
        {"half beyond", 9000, 2000, 1000},
        {"at the end", SIZE, 10, 0},
        {"beyond the end", SIZE + 1, 10, 0},
        {"far beyond", BIG, 10, 0},
        {"nothing", 17, 0, 0},
    };
    struct fixture f;
    struct call open_call;
    uint8_t data[SIZE];

    fixture_open(&f, _i, true);
    fill_pattern(data, SIZE, 1);
    driver_put(&f.d, "a/b.npz", data, SIZE);
    call_init(&open_call, DLFW_OP_OPEN, "a/b.npz");
    ck_assert_int_eq(driver_call(&f.d, &open_call), DLFW_OK);
    ck_assert_uint_eq(open_call.comp.object_size, SIZE);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int by_handle = 0; by_handle < 2; by_handle++) {
            for (int skew = 0; skew < 2; skew++) {
                struct call c;

                call_init(&c, DLFW_OP_GET, by_handle ? NULL : "a/b.npz");
                c.req.handle = by_handle ? open_call.comp.handle : NULL;
                call_buffer(&c, cases[i].length, 64, (uint64_t)skew);
                c.req.offset = cases[i].offset;
                c.req.length = cases[i].length;
                ck_assert_msg(driver_call(&f.d, &c) == DLFW_OK, "%s: %s", cases[i].name, c.message);
                ck_assert_msg(c.comp.bytes == cases[i].expected, "%s: %llu bytes", cases[i].name,
                              (unsigned long long)c.comp.bytes);
                ck_assert_msg(c.comp.bytes == 0 || memcmp(c.req.buf, data + cases[i].offset, c.comp.bytes) == 0,
                              "%s: content", cases[i].name);
                if (c.comp.object_size != UINT64_MAX)
                    ck_assert_uint_eq(c.comp.object_size, SIZE);
                call_free(&c);
            }
        }
    }
    ck_assert_int_eq(driver_end(&f.d, DLFW_OP_CLOSE, open_call.comp.handle, 0), DLFW_OK);
    driver_close(&f.d);
}
END_TEST

START_TEST(whole_objects)
{
    static const uint64_t sizes[] = {0, 1, 4095, 4096, 4097, 100 << 10, (1 << 20) + 1};
    uint8_t *data = malloc(2 << 20);
    struct fixture f;

    fixture_open(&f, _i, true);
    fill_pattern(data, 2 << 20, 2);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        static const int room[] = {0, 1, 4096}; /* of the buffer beyond the object */
        struct call c;

        driver_put(&f.d, "x", data, sizes[i]);
        for (size_t r = 0; r < sizeof room / sizeof room[0]; r++) {
            for (uint64_t less = 0; less < 2; less++) { /* the host expected one byte less */
                call_init(&c, DLFW_OP_GET, "x");
                call_buffer(&c, sizes[i] + (uint64_t)room[r], 4096, 0);
                c.req.flags = DLFW_REQ_WHOLE;
                c.req.length = sizes[i] > less ? sizes[i] - less : 0;
                ck_assert_msg(driver_call(&f.d, &c) == DLFW_OK, "%s", c.message);
                ck_assert_uint_eq(c.comp.bytes, sizes[i]);
                ck_assert_uint_eq(c.comp.object_size, sizes[i]);
                ck_assert_int_eq(memcmp(c.req.buf, data, sizes[i]), 0);
                call_free(&c);
            }
        }
        if (sizes[i] > 0) {
            ck_assert_int_eq(driver_get(&f.d, "x", DLFW_REQ_WHOLE, 0, sizes[i] - 1, &c), DLFW_E_BUFFER_TOO_SMALL);
            ck_assert_uint_eq(c.comp.object_size, sizes[i]);
            call_free(&c);
        }
    }
    free(data);
    driver_close(&f.d);
}
END_TEST

START_TEST(beyond_four_gib)
{
    struct fixture f;
    struct call c;
    char path[5000];
    int fd;

    fixture_open(&f, _i, true);
    snprintf(path, sizeof path, "%s/sparse", f.root);
    fd = open(path, O_WRONLY | O_CREAT, 0644);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, "tail", 4, (off_t)BIG), 4);
    close(fd);
    ck_assert_int_eq(driver_get(&f.d, "sparse", 0, BIG - 4, 100, &c), DLFW_OK);
    ck_assert_uint_eq(c.comp.bytes, 8);
    ck_assert_int_eq(memcmp(c.req.buf, "\0\0\0\0tail", 8), 0);
    call_free(&c);
    call_init(&c, DLFW_OP_STAT, "sparse");
    ck_assert_int_eq(driver_call(&f.d, &c), DLFW_OK);
    ck_assert_uint_eq(c.comp.object_size, BIG + 4);
    driver_close(&f.d);
}
END_TEST

START_TEST(names)
{
    static const char *const good[] = {
        "with space", "\xc3\xa4\xe2\x82\xac.npz", "100%20.npz", ".hidden", "...", "a..b/c", "-rf", "d/./e"};
    static const char *const bad[] = {"", "/etc/passwd", "..", "../x", "a/../../x", "a/..", "dir/", "a/.", "."};
    struct fixture f;
    struct call c;

    fixture_open(&f, _i, true);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        driver_put(&f.d, good[i], good[i], strlen(good[i]));
        ck_assert_int_eq(driver_get(&f.d, good[i], DLFW_REQ_WHOLE, 0, 100, &c), DLFW_OK);
        ck_assert_uint_eq(c.comp.bytes, strlen(good[i]));
        call_free(&c);
        ck_assert_int_eq(driver_simple(&f.d, DLFW_OP_DELETE, good[i]), DLFW_OK);
        ck_assert_int_eq(driver_simple(&f.d, DLFW_OP_STAT, good[i]), DLFW_E_NOT_FOUND);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        static const uint16_t ops[] = {DLFW_OP_STAT, DLFW_OP_GET, DLFW_OP_DELETE,
                                       DLFW_OP_OPEN, DLFW_OP_PUT, DLFW_OP_WRITE_BEGIN};

        for (size_t o = 0; o < sizeof ops / sizeof ops[0]; o++)
            ck_assert_msg(driver_simple(&f.d, ops[o], bad[i]) == DLFW_E_INVALID, "'%s' passed operation %u", bad[i],
                          ops[o]);
    }
    call_init(&c, DLFW_OP_STAT, "a");
    c.req.key = "a\0b";
    c.req.key_len = 3;
    ck_assert_int_eq(driver_call(&f.d, &c), DLFW_E_INVALID);
    ck_assert_int_eq(driver_simple(&f.d, DLFW_OP_LIST, "../.."), DLFW_E_INVALID);
    ck_assert_int_eq(driver_simple(&f.d, DLFW_OP_MAKE_ROOT, "../x"), DLFW_E_INVALID);
    driver_close(&f.d);
}
END_TEST

START_TEST(missing_things)
{
    struct fixture f;
    struct call c;

    fixture_open(&f, _i, false);
    ck_assert_int_eq(driver_get(&f.d, "train/f.npz", 0, 0, 10, &c), DLFW_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(c.message, "cannot open the root '"));
    call_free(&c);
    ck_assert_int_eq(driver_simple(&f.d, DLFW_OP_MAKE_ROOT, "train/deep"), DLFW_OK);
    ck_assert_int_eq(driver_simple(&f.d, DLFW_OP_MAKE_ROOT, "train/deep"), DLFW_OK);
    ck_assert_int_eq(driver_get(&f.d, "train/f.npz", 0, 0, 10, &c), DLFW_E_NOT_FOUND);
    ck_assert_str_eq(c.message, "cannot open 'train/f.npz': No such file or directory");
    call_free(&c);
    ck_assert_int_eq(driver_get(&f.d, "train/deep", 0, 0, 10, &c), DLFW_E_INVALID); /* a directory */
    call_free(&c);
    ck_assert_int_eq(driver_simple(&f.d, DLFW_OP_OPEN, "train/deep"), DLFW_E_INVALID);
    ck_assert_int_eq(driver_simple(&f.d, DLFW_OP_STAT, "train/deep"), DLFW_E_INVALID);
    ck_assert_int_eq(driver_simple(&f.d, DLFW_OP_DELETE, "train/nothing"), DLFW_E_NOT_FOUND);
    ck_assert_int_eq(driver_list(&f.d, "nowhere", 0, 4096, NULL, NULL), DLFW_E_NOT_FOUND);
    driver_close(&f.d);
}
END_TEST

START_TEST(strange_requests)
{
    struct fixture f;
    struct call c;
    uint8_t byte = 1;

    fixture_open(&f, _i, true);
    driver_put(&f.d, "x", &byte, 1);
    call_init(&c, DLFW_OP_STAT, "x");
    c.req.flags = 1u << 14;
    ck_assert_int_eq(driver_call(&f.d, &c), DLFW_E_UNSUPPORTED);
    call_init(&c, 99, "x");
    ck_assert_int_eq(driver_call(&f.d, &c), DLFW_E_UNSUPPORTED);
    call_init(&c, DLFW_OP_STAT, "x");
    c.req.mem_kind = 1;
    ck_assert_int_eq(driver_call(&f.d, &c), DLFW_E_UNSUPPORTED);
    call_init(&c, DLFW_OP_GET, "x");
    c.req.deadline_ns = 1;
    c.req.length = c.req.buf_cap = 1;
    c.req.buf = &byte;
    ck_assert_int_eq(driver_call(&f.d, &c), DLFW_E_TIMEOUT);
    c.req.deadline_ns = test_now_ns() + 60000000000u;
    ck_assert_int_eq(driver_call(&f.d, &c), DLFW_OK);
    c.req.length = 2; /* more than the buffer takes */
    ck_assert_int_eq(driver_call(&f.d, &c), DLFW_E_INVALID);
    call_init(&c, DLFW_OP_WRITE_PART, NULL);
    ck_assert_int_eq(driver_call(&f.d, &c), DLFW_E_INVALID);
    driver_close(&f.d);
}
END_TEST

START_TEST(writers_publish_at_once)
{
    static const uint16_t flags[] = {0, DLFW_REQ_DURABLE, DLFW_REQ_DROP_CACHE, DLFW_REQ_EXCLUSIVE | DLFW_REQ_DURABLE};
    uint8_t data[9000];
    struct fixture f;

    fixture_open(&f, _i, true);
    fill_pattern(data, sizeof data, 3);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        void *h = driver_begin(&f.d, "new/dir/x", flags[i], i % 2 ? 20000 : 0); /* a hint may be wrong */
        struct call c;

        ck_assert_int_eq(driver_part(&f.d, h, 8000, data + 8000, 1000), DLFW_OK);
        ck_assert_int_eq(driver_part(&f.d, h, 0, data, 4000), DLFW_OK);
        ck_assert_int_eq(driver_simple(&f.d, DLFW_OP_STAT, "new/dir/x"), DLFW_E_NOT_FOUND);
        ck_assert_uint_eq(names_in(&f), 0); /* not even under another name */
        ck_assert_int_eq(driver_part(&f.d, h, 4000, data + 4000, 4000), DLFW_OK);
        ck_assert_int_eq(driver_end(&f.d, DLFW_OP_WRITE_COMMIT, h, sizeof data), DLFW_OK);
        ck_assert_int_eq(driver_get(&f.d, "new/dir/x", DLFW_REQ_WHOLE | DLFW_REQ_DROP_CACHE, 0, sizeof data, &c),
                         DLFW_OK);
        ck_assert_uint_eq(c.comp.bytes, sizeof data);
        ck_assert_int_eq(memcmp(c.req.buf, data, sizeof data), 0);
        call_free(&c);
        ck_assert_uint_eq(names_in(&f), 1);
        ck_assert_int_eq(driver_simple(&f.d, DLFW_OP_DELETE, "new/dir/x"), DLFW_OK);
    }
    driver_close(&f.d);
}
END_TEST

/* Entries of the directory itself, temporary files included. */
static long entries(const char *path)
{
    char command[5000];
    FILE *p;
    long n = 0;

    snprintf(command, sizeof command, "ls -A '%s' | wc -l", path);
    p = popen(command, "r");
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(fscanf(p, "%ld", &n), 1);
    pclose(p);
    return n;
}

START_TEST(abort_and_failure_leave_nothing)
{
    struct fixture f;
    struct call c;
    void *h;

    fixture_open(&f, _i, true);
    h = driver_begin(&f.d, "x", 0, 0);
    ck_assert_int_eq(driver_part(&f.d, h, 0, "abc", 3), DLFW_OK);
    ck_assert_int_eq(driver_end(&f.d, DLFW_OP_WRITE_ABORT, h, 0), DLFW_OK);
    ck_assert_int_eq(entries(f.root), 0);

    h = driver_begin(&f.d, "x", 0, 0); /* less came than promised */
    ck_assert_int_eq(driver_part(&f.d, h, 0, "abc", 3), DLFW_OK);
    ck_assert_int_eq(driver_end(&f.d, DLFW_OP_WRITE_COMMIT, h, 4), DLFW_E_INVALID);
    ck_assert_int_eq(driver_end(&f.d, DLFW_OP_WRITE_ABORT, h, 0), DLFW_OK);
    ck_assert_int_eq(entries(f.root), 0);

    ck_assert_int_eq(driver_simple(&f.d, DLFW_OP_MAKE_ROOT, "dir"), DLFW_OK);
    call_init(&c, DLFW_OP_PUT, "dir"); /* a directory has the name */
    ck_assert_int_eq(driver_call(&f.d, &c), DLFW_E_INVALID);
    ck_assert_int_eq(entries(f.root), 1);
    call_init(&c, DLFW_OP_PUT, ".x.dlfw-12-3");
    ck_assert_int_eq(driver_call(&f.d, &c), DLFW_E_INVALID);
    driver_close(&f.d);
}
END_TEST

START_TEST(exclusive)
{
    struct fixture f;
    struct call c;
    void *h;

    fixture_open(&f, _i, true);
    h = driver_begin(&f.d, "x", DLFW_REQ_EXCLUSIVE, 0);
    driver_put(&f.d, "x", "first", 5); /* comes between */
    ck_assert_int_eq(driver_end(&f.d, DLFW_OP_WRITE_COMMIT, h, 0), DLFW_E_EXISTS);
    ck_assert_int_eq(driver_end(&f.d, DLFW_OP_WRITE_ABORT, h, 0), DLFW_OK);
    call_init(&c, DLFW_OP_PUT, "x");
    c.req.flags = DLFW_REQ_EXCLUSIVE;
    ck_assert_int_eq(driver_call(&f.d, &c), DLFW_E_EXISTS);
    ck_assert_int_eq(driver_get(&f.d, "x", DLFW_REQ_WHOLE, 0, 10, &c), DLFW_OK);
    ck_assert_uint_eq(c.comp.bytes, 5);
    call_free(&c);
    ck_assert_int_eq(entries(f.root), 1);
    driver_close(&f.d);
}
END_TEST

/* What the name of a pipe stands for stays one, and nothing is left beside it. */
START_TEST(a_pipe_is_not_replaced)
{
    struct fixture f;
    struct call c;
    char path[4200];
    struct stat info;
    void *h;

    fixture_open(&f, _i, true);
    snprintf(path, sizeof path, "%s/pipe", f.root);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    h = driver_begin(&f.d, "pipe", 0, 0);
    ck_assert_int_eq(driver_end(&f.d, DLFW_OP_WRITE_COMMIT, h, 0), DLFW_E_INVALID);
    ck_assert_int_eq(driver_end(&f.d, DLFW_OP_WRITE_ABORT, h, 0), DLFW_OK);
    call_init(&c, DLFW_OP_PUT, "pipe");
    ck_assert_int_eq(driver_call(&f.d, &c), DLFW_E_INVALID);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert(S_ISFIFO(info.st_mode));
    ck_assert_int_eq(entries(f.root), 1);
    driver_close(&f.d);
}
END_TEST

START_TEST(overwrite_keeps_open_readers_whole)
{
    struct fixture f;
    struct call open_call;
    struct call c;

    fixture_open(&f, _i, true);
    driver_put(&f.d, "x", "old content", 11);
    call_init(&open_call, DLFW_OP_OPEN, "x");
    ck_assert_int_eq(driver_call(&f.d, &open_call), DLFW_OK);
    driver_put(&f.d, "x", "new", 3);
    call_init(&c, DLFW_OP_GET, NULL);
    call_buffer(&c, 100, 64, 0);
    c.req.handle = open_call.comp.handle;
    c.req.length = 100;
    ck_assert_int_eq(driver_call(&f.d, &c), DLFW_OK);
    ck_assert_uint_eq(c.comp.bytes, 11);
    ck_assert_int_eq(memcmp(c.req.buf, "old content", 11), 0);
    call_free(&c);
    ck_assert_int_eq(driver_end(&f.d, DLFW_OP_CLOSE, open_call.comp.handle, 0), DLFW_OK);
    driver_close(&f.d);
}
END_TEST

struct seen {
    char name[64];
    uint64_t size;
    int count;
};

static void look_for(void *ctx, const char *name, uint32_t len, uint64_t size)
{
    struct seen *s = ctx;

    if (len == strlen(s->name) && memcmp(name, s->name, len) == 0) {
        s->count++;
        s->size = size;
    }
}

START_TEST(listing_pages)
{
    enum { NAME = 9, PER_PAGE = 50, PAGE = PER_PAGE * ((int)sizeof(dlfw_list_entry) + NAME) };
    static const int counts[] = {0, 1, PER_PAGE - 1, PER_PAGE, PER_PAGE + 1, 5000};
    struct fixture f;
    int made = 0;

    fixture_open(&f, _i, true);
    ck_assert_int_eq(driver_simple(&f.d, DLFW_OP_MAKE_ROOT, "d"), DLFW_OK);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (; made < counts[i]; made++) {
            char path[5000];
            int fd;

            snprintf(path, sizeof path, "%s/d/n%06d", f.root, made);
            fd = open(path, O_WRONLY | O_CREAT, 0644);
            ck_assert_int_ge(fd, 0);
            close(fd);
        }
        for (int key = 0; key < 2; key++) {
            ck_assert_int_eq(driver_list(&f.d, key ? "d/" : "d", 0, PAGE, NULL, NULL), counts[i]);
            ck_assert_int_eq(driver_list(&f.d, key ? "d" : "", DLFW_REQ_RECURSIVE, PAGE, NULL, NULL), counts[i]);
        }
    }
    for (int i = 0; i < made; i += 1003) {
        struct seen s = {0};

        snprintf(s.name, sizeof s.name, "d/n%06d", i);
        driver_list(&f.d, "d", 0, 8192, look_for, &s);
        ck_assert_int_eq(s.count, 1);
    }
    ck_assert_int_eq(driver_list(&f.d, "d", 0, 16, NULL, NULL), DLFW_E_BUFFER_TOO_SMALL);
    driver_close(&f.d);
}
END_TEST

START_TEST(listing_kinds)
{
    struct seen group = {.name = "sub/"};
    struct seen file = {.name = "f"};
    struct seen deep = {.name = "sub/deeper/g"};
    struct fixture f;
    struct call c;
    char path[5000];
    void *h;

    fixture_open(&f, _i, true);
    driver_put(&f.d, "f", "12345", 5);
    driver_put(&f.d, "sub/deeper/g", "1234567", 7);
    snprintf(path, sizeof path, "%s/pipe", f.root);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    snprintf(path, sizeof path, "%s/dangling", f.root);
    ck_assert_int_eq(symlink("nowhere", path), 0);
    snprintf(path, sizeof path, "%s/link", f.root);
    ck_assert_int_eq(symlink("sub", path), 0);
    h = driver_begin(&f.d, "sub/w", 0, 0);
    ck_assert_int_eq(driver_list(&f.d, "", 0, 4096, look_for, &group), 3); /* f, sub/, link/ */
    ck_assert_int_eq(group.count, 1);
    driver_list(&f.d, "", 0, 4096, look_for, &file);
    ck_assert_int_eq(file.count, 1);
    ck_assert_uint_eq(file.size, 5);
    ck_assert_int_eq(driver_list(&f.d, "", DLFW_REQ_RECURSIVE, 4096, look_for, &deep), 3);
    ck_assert_int_eq(deep.count, 1);
    ck_assert_uint_eq(deep.size, 7);
    ck_assert_int_eq(driver_end(&f.d, DLFW_OP_WRITE_ABORT, h, 0), DLFW_OK);

    call_init(&c, DLFW_OP_LIST, ""); /* a cursor may be given back early */
    call_buffer(&c, 40, 64, 0);
    c.req.length = 40;
    ck_assert_int_eq(driver_call(&f.d, &c), DLFW_OK);
    ck_assert_ptr_nonnull(c.comp.handle);
    ck_assert_int_eq(driver_end(&f.d, DLFW_OP_CLOSE, c.comp.handle, 0), DLFW_OK);
    call_free(&c);
    driver_close(&f.d);
}
END_TEST

/* As root a small tmpfs is filled up; others meet their file size limit, which is reported alike. */
START_TEST(full_disk)
{
    static uint8_t data[3 << 20];
    bool mounted = false;
    struct fixture f;
    struct call c;
    void *h;

    fixture_open(&f, _i, false);
    ck_assert_int_eq(mkdir(f.root, 0755), 0);
    if (geteuid() == 0 && mount("none", f.root, "tmpfs", 0, "size=1m") == 0) {
        mounted = true;
    } else {
        struct rlimit limit = {.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY};

        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &limit);
        limit.rlim_cur = 1 << 20;
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    }
    call_init(&c, DLFW_OP_PUT, "big");
    c.req.buf = data;
    c.req.length = c.req.buf_cap = sizeof data;
    ck_assert_int_eq(driver_call(&f.d, &c), DLFW_E_NO_SPACE);
    ck_assert_msg(strstr(c.message, "'big'"), "%s", c.message);
    h = driver_begin(&f.d, "big", 0, 0);
    ck_assert_int_eq(driver_part(&f.d, h, 0, data, sizeof data), DLFW_E_NO_SPACE);
    ck_assert_int_eq(driver_end(&f.d, DLFW_OP_WRITE_ABORT, h, 0), DLFW_OK);
    ck_assert_int_eq(entries(f.root), 0);
    driver_put(&f.d, "small", data, 1000);
    driver_close(&f.d);
    if (mounted)
        ck_assert_int_eq(umount(f.root), 0);
}
END_TEST

START_TEST(figures)
{
    struct fixture f;
    struct call c;
    dlfw_limits limits = {.struct_size = sizeof limits};

    fixture_open(&f, _i, true);
    driver_put(&f.d, "x", "12345", 5);
    ck_assert_int_eq(driver_get(&f.d, "x", 0, 1, 3, &c), DLFW_OK);
    call_free(&c);
    ck_assert_uint_eq(driver_stat(&f.d, "requests"), 3); /* with MAKE_ROOT */
    ck_assert_uint_eq(driver_stat(&f.d, "bytes_read"), 3);
    ck_assert_uint_eq(driver_stat(&f.d, "bytes_written"), 5);
    ck_assert_uint_eq(driver_stat(&f.d, "engine_uring"), _i == MODE_URING);
    ck_assert_msg(strstr(f.d.log, _i == MODE_URING ? "engine uring" : "engine pread"), "%s", f.d.log);
    ck_assert_int_eq(f.d.ops.limits(f.d.be, "x", 1, &limits, NULL), DLFW_OK);
    ck_assert_uint_eq(limits.read_offset_align, 1);
    ck_assert_uint_eq(limits.preferred_io, 256 << 10);
    ck_assert_int_eq(f.d.ops.check(f.d.be, NULL), DLFW_OK);
    driver_close(&f.d);
}
END_TEST

START_TEST(instances)
{
    static const char *const pread_only[] = {"engine=pread", NULL};
    dlfw_queue_args args = {.struct_size = sizeof args, .depth = 4, .cpu = -1};
    char message[512] = "";
    dlfw_queue *q = NULL;
    struct driver d;

    ck_assert_int_eq(driver_open(&d, PLUGIN, "file", "", NULL, message), DLFW_E_CONFIG);
    driver_close(&d);
    ck_assert_int_eq(driver_open(&d, PLUGIN, "file", scratch, pread_only, message), DLFW_OK);
    ck_assert_int_eq(d.ops.queue_create(d.be, &args, &q, NULL), DLFW_E_UNSUPPORTED);
    driver_close(&d);
    ck_assert_int_eq(driver_open(&d, PLUGIN, "file", "/dev/null/x", NULL, message),
                     DLFW_OK); /* the root is opened when needed */
    ck_assert_int_ne(driver_simple(&d, DLFW_OP_MAKE_ROOT, ""), DLFW_OK);
    driver_close(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backend file");
    TCase *tc = tcase_create("both engines");
    SRunner *runner;
    int failed;

    scratch = scratch_create(NULL);
    tcase_add_loop_test(tc, ranges, 0, MODES);
    tcase_add_loop_test(tc, whole_objects, 0, MODES);
    tcase_add_loop_test(tc, beyond_four_gib, 0, MODES);
    tcase_add_loop_test(tc, names, 0, MODES);
    tcase_add_loop_test(tc, missing_things, 0, MODES);
    tcase_add_loop_test(tc, strange_requests, 0, MODES);
    tcase_add_loop_test(tc, writers_publish_at_once, 0, MODES);
    tcase_add_loop_test(tc, abort_and_failure_leave_nothing, 0, MODES);
    tcase_add_loop_test(tc, exclusive, 0, MODES);
    tcase_add_loop_test(tc, a_pipe_is_not_replaced, 0, MODES);
    tcase_add_loop_test(tc, overwrite_keeps_open_readers_whole, 0, MODES);
    tcase_add_loop_test(tc, listing_pages, 0, MODES);
    tcase_add_loop_test(tc, listing_kinds, 0, MODES);
    tcase_add_loop_test(tc, full_disk, 0, MODES);
    tcase_add_loop_test(tc, figures, 0, MODES);
    tcase_add_test(tc, instances);
    tcase_set_timeout(tc, 30);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    scratch_remove(scratch);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
