/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of files whose bytes are in the page cache, in part, or not; and whom it does not tell. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "train/residency.h"

#define MIB ((uint64_t)1 << 20)
#define WINDOW ((uint64_t)RESIDENCY_WINDOW_PAGES * (uint64_t)sysconf(_SC_PAGESIZE))
#define SIZE (8 * MIB)
#define OTHER_USER 65534u

static char folder[512], path[600];

static void set_up(void)
{
    snprintf(folder, sizeof folder, "%s/residency-XXXXXX", DLFW_TEST_WORK_DIR);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
}

static void tear_down(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* What is written stays in the cache until it is dropped. */
static void write_file(uint64_t bytes)
{
    char *data = xcalloc(1, MIB);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    ck_assert_int_ge(fd, 0);
    memset(data, 'x', MIB);
    for (uint64_t left = bytes; left;) {
        uint64_t n = left < MIB ? left : MIB;

        ck_assert_int_eq(write(fd, data, n), (ssize_t)n);
        left -= n;
    }
    ck_assert_int_eq(fsync(fd), 0);
    close(fd);
    free(data);
}

static void drop(void)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    close(fd);
}

/* Without reading ahead, so that the cache holds these bytes alone. */
static void read_range(uint64_t from, uint64_t bytes)
{
    char *data = xmalloc(MIB);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
    for (uint64_t at = from; at < from + bytes; at += MIB) {
        uint64_t n = from + bytes - at < MIB ? from + bytes - at : MIB;

        ck_assert_int_eq(pread(fd, data, n, (off_t)at), (ssize_t)n);
    }
    close(fd);
    free(data);
}

static double percent_of_file(void)
{
    struct file_residency f = {0};
    struct error_slot slot;

    error_slot_init(&slot);
    ck_assert_msg(residency_of_file(path, &f, &slot.e) == DLFW_OK, "%s", slot.text);
    ck_assert_uint_le(f.resident_bytes, f.bytes);
    return 100.0 * (double)f.resident_bytes / (double)f.bytes;
}

static const struct {
    uint64_t from, bytes;
    double percent;
} reads[] = {{0, 0, 0}, {0, SIZE / 2, 50}, {SIZE / 2, SIZE / 2, 50}, {SIZE / 4, SIZE / 8, 12.5}, {0, SIZE, 100}};

START_TEST(what_was_read_is_resident)
{
    write_file(SIZE);
    ck_assert_double_eq_tol(percent_of_file(), 100, 0.01); /* as written */
    drop();
    read_range(reads[_i].from, reads[_i].bytes);
    ck_assert_double_eq_tol(percent_of_file(), reads[_i].percent, 1);
    ck_assert_double_eq_tol(percent_of_file(), reads[_i].percent, 1); /* looking brings nothing in */
}
END_TEST

static const uint64_t odd_sizes[] = {1, 4095, 4097, 100001, 4 * 1024 * 1024 + 1};

START_TEST(sizes_that_end_inside_a_page)
{
    struct file_residency f = {0};

    write_file(odd_sizes[_i]);
    ck_assert_int_eq(residency_of_file(path, &f, NULL), DLFW_OK);
    ck_assert_uint_eq(f.bytes, odd_sizes[_i]);
    ck_assert_uint_eq(f.resident_bytes, odd_sizes[_i]);
    drop();
    ck_assert_int_eq(residency_of_file(path, &f, NULL), DLFW_OK);
    ck_assert_uint_eq(f.resident_bytes, 0);
}
END_TEST

/* Four times as many windows as are looked at; nothing of it takes space. */
START_TEST(a_large_file_is_looked_at_in_parts)
{
    const uint64_t windows = 4 * RESIDENCY_WINDOWS;
    struct file_residency f = {0};
    struct timespec before, after;

    write_file(0);
    ck_assert_int_eq(truncate(path, (off_t)(windows * WINDOW)), 0);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    ck_assert_double_eq(percent_of_file(), 0);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    ck_assert_int_lt((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000, 50);
    read_range(0, WINDOW);
    ck_assert_double_eq_tol(percent_of_file(), 100.0 / RESIDENCY_WINDOWS, 0.5); /* the first one counts */
    read_range((windows - 1) * WINDOW, WINDOW);
    ck_assert_double_eq_tol(percent_of_file(), 200.0 / RESIDENCY_WINDOWS, 0.5); /* and the last */
    ck_assert_int_eq(residency_of_file(path, &f, NULL), DLFW_OK);
    ck_assert_uint_eq(f.bytes, windows * WINDOW);
}
END_TEST

START_TEST(an_empty_file_has_nothing)
{
    struct file_residency f = {1, 1};

    write_file(0);
    ck_assert_int_eq(residency_of_file(path, &f, NULL), DLFW_OK);
    ck_assert_uint_eq(f.bytes, 0);
    ck_assert_uint_eq(f.resident_bytes, 0);
}
END_TEST

START_TEST(a_file_that_is_not_there)
{
    struct file_residency f = {7, 7};
    struct error_slot slot;

    error_slot_init(&slot);
    ck_assert_int_eq(residency_of_file(path, &f, &slot.e), DLFW_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(slot.text, path));
    ck_assert_uint_eq(f.bytes, 7);
}
END_TEST

static const struct {
    uint32_t mode;
    dlfw_status expected;
    bool by_owner;
} others[] = {{0644, DLFW_E_PERMISSION, false}, {0666, DLFW_OK, false}, {0444, DLFW_OK, true}};

/* As another user, in a child; the kernel would call a dropped file resident. Needs root to have another user. */
static int look_as_other(const char *file, dlfw_status expected)
{
    struct file_residency f = {0};

    if (setgid(OTHER_USER) != 0 || setuid(OTHER_USER) != 0)
        return 2;
    if (residency_of_file(file, &f, NULL) != expected)
        return 3;
    return expected < 0 || f.resident_bytes == 0 ? 0 : 4;
}

START_TEST(only_those_who_are_told_the_truth)
{
    int status = 0;
    pid_t child;

    write_file(MIB);
    drop();
    ck_assert_int_eq(chmod(path, others[_i].mode), 0);
    if (geteuid() != 0) { /* then this user is the owner, who is told in any mode */
        ck_assert_double_eq(percent_of_file(), 0);
        return;
    }
    if (others[_i].by_owner)
        ck_assert_int_eq(chown(path, OTHER_USER, OTHER_USER), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (!child) {
        int fd = open(path, O_RDONLY | O_CLOEXEC); /* the folders above may be root's alone */
        char name[64];

        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        _exit(look_as_other(name, others[_i].expected));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("residency");
    TCase *cases = tcase_create("residency");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(cases, 30);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, what_was_read_is_resident, 0, sizeof reads / sizeof *reads);
    tcase_add_loop_test(cases, sizes_that_end_inside_a_page, 0, sizeof odd_sizes / sizeof *odd_sizes);
    tcase_add_test(cases, a_large_file_is_looked_at_in_parts);
    tcase_add_test(cases, an_empty_file_has_nothing);
    tcase_add_test(cases, a_file_that_is_not_there);
    tcase_add_loop_test(cases, only_those_who_are_told_the_truth, 0, sizeof others / sizeof *others);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
