/* SPDX-License-Identifier: Apache-2.0 */
/* What killed writers leave: found when they are gone, never while they live. And folders, which go only when empty. */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/backend_driver.h"

#define PLUGIN "dlfw-backend-file.so"
#define BLOCK 65536u

static char *scratch; /* of the whole program */
static _Alignas(4096) const uint8_t content[4096] = "content";
static const char *const backends[] = {"file", "direct"};

static char *open_backend(struct driver *d, const char *plugin, const char *backend, const char *root)
{
    char *dir = root ? strdup(root) : scratch_create(scratch);
    char message[512] = "";

    ck_assert_msg(driver_open(d, plugin, backend, dir, NULL, message) == DLFW_OK, "%s", message);
    return dir;
}

struct found {
    char names[1024]; /* "a b " */
    uint32_t count;
    uint64_t bytes;
    const char *keep; /* a part of a name that is not to be removed */
};

static int32_t take(void *ctx, const char *name, uint32_t name_len, uint64_t size)
{
    struct found *f = ctx;

    snprintf(f->names + strlen(f->names), sizeof f->names - strlen(f->names), "%.*s ", (int)name_len, name);
    f->count++;
    f->bytes += size;
    return f->keep && strstr(name, f->keep) ? 0 : 1;
}

static struct found leftovers(struct driver *d, const char *prefix, const char *keep)
{
    struct found f = {.keep = keep};
    char message[512] = "";
    dlfw_error err = {.struct_size = sizeof err, .message = message, .message_cap = sizeof message};

    ck_assert_msg(d->ops.leftovers(d->be, prefix, take, &f, &err) == DLFW_OK, "%s", message);
    return f;
}

static void make_file(const char *dir, const char *name)
{
    char path[4200];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
}

static bool has_file(const char *dir, const char *name)
{
    char path[4200];
    struct stat s;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return stat(path, &s) == 0;
}

/* Begins writers and waits to be killed. */
static void child(const char *backend, const char *root, int ready)
{
    static const char *const keys[] = {"train/a.npz", "train/deep/b.npz", "c.npz"};
    uint8_t *data = aligned_alloc(4096, BLOCK);
    struct driver d;

    memset(data, 1, BLOCK);
    free(open_backend(&d, PLUGIN, backend, root));
    for (int i = 0; i < 3; i++) {
        void *handle = driver_begin(&d, keys[i], 0, 0);

        ck_assert_int_eq(driver_part(&d, handle, 0, data, BLOCK), DLFW_OK);
    }
    if (write(ready, "x", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

START_TEST(a_killed_writer_leaves_what_can_be_found)
{
    struct driver d;
    char *root = open_backend(&d, PLUGIN, backends[_i], NULL);
    struct found f;
    int ready[2];
    char byte;
    pid_t pid;

    ck_assert_int_eq(driver_simple(&d, DLFW_OP_MAKE_ROOT, "train"), DLFW_OK);
    driver_put(&d, "train/done.npz", content, 4096);
    make_file(root, ".train"); /* somebody else's hidden file, and names that only look similar */
    make_file(root, ".x.dlfw-12");
    make_file(root, "x.dlfw-12-3");
    ck_assert_int_eq(pipe(ready), 0);
    pid = fork();
    if (!pid)
        child(backends[_i], root, ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    f = leftovers(&d, "", NULL);
    ck_assert_msg(f.count == 0, "of a living writer: %s", f.names);
    ck_assert_int_eq(driver_list(&d, "", DLFW_REQ_RECURSIVE, 65536, NULL, NULL), 4);

    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    f = leftovers(&d, "train/deep", "b.npz");
    ck_assert_msg(f.count == 1 && strncmp(f.names, "train/deep/.b.npz.dlfw-", 23) == 0, "%s", f.names);
    f = leftovers(&d, "", "c.npz");
    ck_assert_msg(f.count == 3 && f.bytes == 3 * BLOCK, "%s", f.names);
    f = leftovers(&d, "", NULL);
    ck_assert_msg(f.count == 1 && strncmp(f.names, ".c.npz.dlfw-", 12) == 0, "%s", f.names);
    ck_assert_uint_eq(leftovers(&d, "", NULL).count, 0);
    ck_assert(has_file(root, "train/done.npz") && has_file(root, ".train") && has_file(root, ".x.dlfw-12") &&
              has_file(root, "x.dlfw-12-3"));
    driver_close(&d);
    close(ready[0]);
    close(ready[1]);
    free(root);
}
END_TEST

/* The number in the name may belong to another process by now: it says nothing. */
START_TEST(the_process_number_in_a_name_says_nothing)
{
    struct driver d;
    char *root = open_backend(&d, PLUGIN, backends[_i], NULL), mine[64];
    struct found f;

    snprintf(mine, sizeof mine, ".mine.dlfw-%ld-77", (long)getpid());
    make_file(root, mine);
    make_file(root, ".init.dlfw-1-1");
    f = leftovers(&d, "", NULL);
    ck_assert_msg(f.count == 2, "%s", f.names);
    ck_assert(!has_file(root, mine));
    driver_close(&d);
    free(root);
}
END_TEST

START_TEST(the_own_writers_live_until_they_end)
{
    uint8_t *data = aligned_alloc(4096, BLOCK);
    struct driver d;
    char *root = open_backend(&d, PLUGIN, backends[_i], NULL);
    void *committed, *aborted;

    memset(data, 2, BLOCK);
    committed = driver_begin(&d, "a", DLFW_REQ_DURABLE, 0);
    aborted = driver_begin(&d, "b", 0, 0);
    ck_assert_int_eq(driver_part(&d, committed, 0, data, BLOCK), DLFW_OK);
    ck_assert_uint_eq(leftovers(&d, "", NULL).count, 0);
    ck_assert_int_eq(driver_end(&d, DLFW_OP_WRITE_COMMIT, committed, BLOCK), DLFW_OK);
    ck_assert_int_eq(driver_end(&d, DLFW_OP_WRITE_ABORT, aborted, 0), DLFW_OK);
    ck_assert_uint_eq(leftovers(&d, "", NULL).count, 0);
    ck_assert(has_file(root, "a") && !has_file(root, "b"));
    driver_close(&d);
    free(root);
    free(data);
}
END_TEST

struct cleaner {
    struct driver *d;
    _Atomic bool stop;
    uint32_t rounds, found;
};

static void *clean_all_the_time(void *arg)
{
    struct cleaner *c = arg;
    struct found f = {0};

    while (!atomic_load(&c->stop)) {
        f = (struct found){0};
        c->d->ops.leftovers(c->d->be, "", take, &f, NULL);
        c->found += f.count;
        c->rounds++;
    }
    return NULL;
}

/* A cleaner may see a temporary file before its writer has locked it: the writer must not lose its data. */
START_TEST(a_cleaner_takes_nothing_from_writers)
{
    struct driver d, other;
    char *root = open_backend(&d, PLUGIN, "file", NULL);
    struct cleaner cleaner = {.d = &other};
    pthread_t thread;

    free(open_backend(&other, PLUGIN, "file", root));
    ck_assert_int_eq(pthread_create(&thread, NULL, clean_all_the_time, &cleaner), 0);
    for (int i = 0; i < 3000; i++) {
        char key[32];

        snprintf(key, sizeof key, "f%d", i % 10);
        driver_put(&d, key, content, 7);
    }
    atomic_store(&cleaner.stop, true);
    pthread_join(thread, NULL);
    ck_assert_uint_gt(cleaner.rounds, 0);
    ck_assert_int_eq(driver_list(&d, "", 0, 65536, NULL, NULL), 10);
    driver_close(&d);
    driver_close(&other);
    free(root);
}
END_TEST

START_TEST(a_missing_folder_is_told)
{
    struct driver d;
    char *root = open_backend(&d, PLUGIN, "file", NULL);
    struct found f = {0};

    ck_assert_int_eq(d.ops.leftovers(d.be, "none", take, &f, NULL), DLFW_E_NOT_FOUND);
    ck_assert_int_eq(d.ops.leftovers(d.be, "../x", take, &f, NULL), DLFW_E_INVALID);
    driver_close(&d);
    scratch_remove(root);
}
END_TEST

static const struct {
    const char *plugin, *backend;
} with_folders[] = {{PLUGIN, "file"}, {PLUGIN, "direct"}, {"dlfw-backend-memory.so", "memory"}};

START_TEST(only_empty_folders_go)
{
    struct driver d;
    char *root = open_backend(&d, with_folders[_i].plugin, with_folders[_i].backend, NULL);

    ck_assert_int_eq(driver_simple(&d, DLFW_OP_MAKE_ROOT, "a/b"), DLFW_OK);
    driver_put(&d, "a/x", content, 4096);
    ck_assert_int_eq(driver_simple(&d, DLFW_OP_REMOVE_ROOT, "a"), DLFW_E_BUSY);
    ck_assert_int_eq(driver_simple(&d, DLFW_OP_REMOVE_ROOT, ""), DLFW_E_BUSY);
    ck_assert_int_lt(driver_simple(&d, DLFW_OP_REMOVE_ROOT, "a/x"), 0); /* an object is no folder */
    ck_assert_int_eq(driver_simple(&d, DLFW_OP_REMOVE_ROOT, "a/b/"), DLFW_OK);
    ck_assert_int_eq(driver_simple(&d, DLFW_OP_REMOVE_ROOT, "a/b"), DLFW_E_NOT_FOUND);
    ck_assert_int_eq(driver_simple(&d, DLFW_OP_REMOVE_ROOT, "../a"), DLFW_E_INVALID);
    ck_assert_int_eq(driver_simple(&d, DLFW_OP_REMOVE_ROOT, "a"), DLFW_E_BUSY);
    ck_assert_int_eq(driver_simple(&d, DLFW_OP_DELETE, "a/x"), DLFW_OK);
    ck_assert_int_eq(driver_simple(&d, DLFW_OP_REMOVE_ROOT, "a"), DLFW_OK);
    ck_assert_int_eq(driver_simple(&d, DLFW_OP_REMOVE_ROOT, ""), DLFW_OK);
    if (_i < 2)
        ck_assert(!has_file(root, ""));
    driver_close(&d);
    free(root);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

int main(void)
{
    Suite *suite = suite_create("backend leftovers");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    scratch = scratch_create(DLFW_TEST_WORK_DIR);
    tcase_add_loop_test(tc, a_killed_writer_leaves_what_can_be_found, 0, COUNT(backends));
    tcase_add_loop_test(tc, the_process_number_in_a_name_says_nothing, 0, COUNT(backends));
    tcase_add_loop_test(tc, the_own_writers_live_until_they_end, 0, COUNT(backends));
    tcase_add_test(tc, a_cleaner_takes_nothing_from_writers);
    tcase_add_test(tc, a_missing_folder_is_told);
    tcase_add_loop_test(tc, only_empty_folders_go, 0, COUNT(with_folders));
    tcase_set_timeout(tc, 30);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    scratch_remove(scratch);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
