/* SPDX-License-Identifier: Apache-2.0 */
/* The services of hooks over real backends, with the checking layer between: what is written is read, scanned, listed
 * and removed, from one thread and from many. */
#include <check.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"
#include "dlfw/backend.h"
#include "host/content.h"
#include "train/hook_services.h"

#define SEED 7u

static struct registry registry;
static struct error_slot err;
static char folder[256], other[300];
static struct service_set *set;
static struct hook_service_ctx ctx;
static const dlfw_hook_services *s = &hook_services;

/* How the run's root is reached; the backend has to make no difference. */
static const char *const schemes[] = {"file", "direct", "memory", "bare"};
static char root[320];

static void open_services(int scheme)
{
    struct service_env env = {.registry = &registry};

    if (strcmp(schemes[scheme], "bare") == 0)
        snprintf(root, sizeof root, "%s", folder);
    else
        snprintf(root, sizeof root, "%s://%s", schemes[scheme], folder);
    env.storage_root = root;
    set = services_open(&env);
    ctx = (struct hook_service_ctx){.set = set, .hook_name = "test"};
}

static void setup(void)
{
    error_slot_init(&err);
    ck_assert_msg(registry_scan(&registry, DLFW_TEST_PLUGIN_DIR, &err.e) == DLFW_OK, "%s", err.text);
    registry.check = true;
    snprintf(folder, sizeof folder, "%s/services-XXXXXX", DLFW_TEST_WORK_DIR);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(other, sizeof other, "%s-other", folder);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info, (void)type, (void)ftw;
    return remove(path);
}

static void teardown(void)
{
    services_close(set);
    set = NULL;
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    nftw(other, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    registry_free(&registry);
}

#define OK(call) ck_assert_msg((call) >= 0, "%s: %s", #call, err.text)

/* An object with content of a known seed; window: made in place. */
static void write_object(const char *uri, uint64_t object, uint64_t size, uint32_t flags, bool window)
{
    dlfw_writer *w = NULL;
    uint64_t done = 0;

    OK(s->writer_open(&ctx, uri, size, flags, &w, &err.e));
    while (done < size) {
        uint64_t n = size - done < 100001 ? size - done : 100001;

        if (window) {
            uint64_t room = 0;
            void *at = NULL;

            OK(s->writer_window(w, &at, &room, &err.e));
            n = n < room ? n : room;
            content_fill(SEED, object, done, at, n);
            OK(s->writer_advance(w, n, &err.e));
        } else {
            uint8_t *piece = xmalloc(n);

            content_fill(SEED, object, done, piece, n);
            OK(s->writer_append(w, piece, n, &err.e));
            free(piece);
        }
        done += n;
    }
    OK(s->writer_commit(w, &err.e));
}

struct seen {
    uint64_t object, next, pieces, largest;
    uint64_t stop_at; /* the piece of that number fails; 0: none */
};

static dlfw_status see_piece(void *piece_ctx, const void *data, uint64_t len, dlfw_error *reterr)
{
    struct seen *seen = piece_ctx;
    uint64_t good;

    ck_assert_uint_gt(len, 0);
    if (++seen->pieces == seen->stop_at)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "enough of it");
    good = content_check(SEED, seen->object, seen->next, data, len);
    ck_assert_msg(good == len, "differs at %llu + %llu", (unsigned long long)seen->next, (unsigned long long)good);
    seen->next += len;
    seen->largest = len > seen->largest ? len : seen->largest;
    return DLFW_OK;
}

static const uint64_t sizes[] = {0, 1, 4096, 100000, 1048576, 9000001, 40000000};
#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

START_TEST(what_is_written_is_scanned_in_order)
{
    open_services(_i);
    for (int k = 0; k < COUNT(sizes); k++) {
        char *uri = xformat("deep/er/object-%d", k);
        dlfw_source *src = NULL;
        uint64_t size = 0;

        write_object(uri, (uint64_t)k, sizes[k], k % 2 ? DLFW_REQ_DURABLE : DLFW_REQ_DROP_CACHE, k % 3 == 0);
        OK(s->source_open(&ctx, uri, &src, &size, &err.e));
        ck_assert_uint_eq(size, sizes[k]);
        for (uint64_t from = 0; from < size; from = from * 3 + 4097) {
            struct seen seen = {.object = (uint64_t)k, .next = from};

            OK(s->source_scan(src, from, size - from, see_piece, &seen, &err.e));
            ck_assert_uint_eq(seen.next, size);
            ck_assert_uint_le(seen.largest, 8u << 20);
        }
        s->source_close(src);
        free(uri);
    }
}
END_TEST

START_TEST(scans_end_early_and_find_short_objects)
{
    struct seen seen = {.object = 5, .stop_at = 3};
    dlfw_source *src = NULL;
    uint64_t size = 0;

    open_services(_i);
    write_object("x/object", 5, 9000001, 0, false);
    OK(s->source_open(&ctx, "x/object", &src, &size, &err.e));
    ck_assert_int_eq(s->source_scan(src, 0, size, see_piece, &seen, &err.e), DLFW_E_CORRUPT);
    ck_assert_str_eq(err.text, "enough of it");
    ck_assert_uint_eq(seen.pieces, 3);
    seen = (struct seen){.object = 5, .next = 100};
    ck_assert_int_eq(s->source_scan(src, 100, size, see_piece, &seen, &err.e), DLFW_E_CORRUPT);
    ck_assert_msg(strstr(err.text, "object") && strstr(err.text, "9000001"), "%s", err.text);
    seen = (struct seen){.object = 5, .next = 8999999};
    OK(s->source_scan(src, 8999999, 2, see_piece, &seen, &err.e)); /* it can be used again */
    OK(s->source_scan(src, 8999999, 0, see_piece, &seen, &err.e));
    ck_assert_int_eq(s->source_scan(src, 2, UINT64_MAX - 1, see_piece, &seen, &err.e), DLFW_E_INVALID);
    s->source_close(src);
}
END_TEST

START_TEST(ranges_are_read)
{
    static const struct {
        uint64_t offset, len, want;
    } ranges[] = {{0, 10, 10},      {4095, 3, 3},       {9000000, 10, 1},
                  {9000001, 10, 0}, {UINT64_MAX, 1, 0}, {1, 9000000, 9000000}};
    uint8_t *buf = xmalloc(9000001);
    dlfw_source *src = NULL;
    uint64_t size = 0;

    open_services(_i);
    write_object("object", 1, 9000001, 0, true);
    OK(s->source_open(&ctx, "object", &src, &size, &err.e));
    for (int i = 0; i < COUNT(ranges); i++) {
        uint64_t got = 77;

        OK(s->source_read(src, ranges[i].offset, buf, ranges[i].len, &got, &err.e));
        ck_assert_uint_eq(got, ranges[i].want);
        ck_assert_uint_eq(content_check(SEED, 1, ranges[i].offset, buf, got), got);
    }
    s->source_close(src);
    free(buf);
}
END_TEST

struct names {
    struct str text; /* "name=size;" sorted by nobody */
    uint32_t count, stop_after;
    bool has_times;
};

static int32_t take_name(void *each_ctx, const dlfw_listed *item)
{
    struct names *n = each_ctx;

    ck_assert_uint_eq(item->struct_size, sizeof *item);
    str_add_format(&n->text, "|%.*s=%lld|", (int)item->name_len, item->name,
                   item->size == UINT64_MAX ? -1ll : (long long)item->size);
    n->has_times = n->has_times || item->mtime_ns > 1000000000ull * 1000000000ull;
    return ++n->count == n->stop_after;
}

START_TEST(folders_are_made_listed_and_removed)
{
    struct names n = {.text = STR_EMPTY};

    open_services(_i);
    ck_assert_int_eq(s->list(&ctx, "ckpt", 1, take_name, &n, &err.e), DLFW_E_NOT_FOUND);
    OK(s->make_root(&ctx, "ckpt/empty", &err.e));
    write_object("ckpt/a", 1, 10, 0, false);
    write_object("ckpt/deep/b", 2, 20, 0, false);
    OK(s->list(&ctx, "ckpt", 0, take_name, &n, &err.e));
    ck_assert_uint_eq(n.count, 3);
    ck_assert(n.has_times);
    ck_assert_msg(strstr(n.text.data, "|a=10|") && strstr(n.text.data, "|deep/=-1|") &&
                      strstr(n.text.data, "|empty/=-1|"),
                  "%s", n.text.data);
    str_free(&n.text);
    n = (struct names){.text = STR_EMPTY};
    OK(s->list(&ctx, "ckpt/", 1, take_name, &n, &err.e));
    ck_assert_msg(strstr(n.text.data, "|a=10|") && strstr(n.text.data, "|deep/b=20|") && n.count == 2, "%s",
                  n.text.data);
    n.count = 0;
    n.stop_after = 1;
    OK(s->list(&ctx, "ckpt", 1, take_name, &n, &err.e));
    ck_assert_uint_eq(n.count, 1);
    str_free(&n.text);

    ck_assert_int_eq(s->remove_root(&ctx, "ckpt/deep", &err.e), DLFW_E_BUSY);
    ck_assert_int_eq(s->remove(&ctx, "ckpt/none", &err.e), DLFW_E_NOT_FOUND);
    OK(s->remove(&ctx, "ckpt/deep/b", &err.e));
    OK(s->remove_root(&ctx, "ckpt/deep", &err.e));
    ck_assert_int_eq(s->remove_root(&ctx, "ckpt/deep", &err.e), DLFW_E_NOT_FOUND);
    OK(s->remove_root(&ctx, "ckpt/empty", &err.e));
    OK(s->remove(&ctx, "ckpt/a", &err.e));
    OK(s->remove_root(&ctx, "ckpt", &err.e));
    ck_assert_int_eq(s->list(&ctx, "ckpt", 1, take_name, &n, &err.e), DLFW_E_NOT_FOUND);
}
END_TEST

/* The root of a storage that is open goes and comes again. */
START_TEST(an_announced_root_may_be_removed_and_made_anew)
{
    struct stat info;
    char *object;

    open_services(0);
    services_add_root(set, other);
    object = xformat("%s/step1/x", other);
    for (int round = 0; round < 3; round++) {
        char *step = xformat("%s/step1", other);

        write_object(object, 1, 5, DLFW_REQ_DURABLE, false);
        ck_assert_int_eq(stat(object, &info), 0);
        ck_assert_int_eq(s->remove_root(&ctx, other, &err.e), DLFW_E_BUSY);
        OK(s->remove(&ctx, object, &err.e));
        OK(s->remove_root(&ctx, step, &err.e));
        OK(s->remove_root(&ctx, other, &err.e));
        ck_assert_int_ne(stat(other, &info), 0);
        free(step);
    }
    free(object);
}
END_TEST

START_TEST(nothing_is_visible_before_the_commit)
{
    dlfw_writer *w = NULL;
    dlfw_source *src = NULL;
    uint64_t size;

    open_services(_i);
    OK(s->writer_open(&ctx, "half", 0, 0, &w, &err.e));
    OK(s->writer_append(w, "abc", 3, &err.e));
    ck_assert_int_eq(s->source_open(&ctx, "half", &src, &size, &err.e), DLFW_E_NOT_FOUND);
    s->writer_abort(w);
    ck_assert_int_eq(s->source_open(&ctx, "half", &src, &size, &err.e), DLFW_E_NOT_FOUND);
    write_object("half", 1, 3, DLFW_REQ_EXCLUSIVE, false);
    OK(s->writer_open(&ctx, "half", 0, 0, &w, &err.e)); /* to be replaced */
    OK(s->writer_commit(w, &err.e));
    if (s->writer_open(&ctx, "half", 0, DLFW_REQ_EXCLUSIVE, &w, &err.e) >= 0)
        ck_assert_int_eq(s->writer_commit(w, &err.e), DLFW_E_EXISTS);
    OK(s->source_open(&ctx, "half", &src, &size, &err.e));
    ck_assert_uint_eq(size, 0);
    s->source_close(src);
}
END_TEST

static const struct {
    const char *uri;
    uint32_t flags;
    dlfw_status status;
    const char *text;
} mistakes[] = {
    {"", 0, DLFW_E_INVALID, "'' names a folder, not an object"},
    {"x/", 0, DLFW_E_INVALID, "'x/' names a folder, not an object"},
    {"x/../../y", 0, DLFW_E_INVALID, "has a part '..'"},
    {"nosuch://x/y", 0, DLFW_E_NOT_FOUND, "no backend 'nosuch'"},
    {"x", DLFW_REQ_RECURSIVE, DLFW_E_INVALID, "a writer has no flags 0x10"},
};

START_TEST(mistakes_are_told)
{
    dlfw_writer *w = NULL;
    dlfw_status st;

    open_services(0);
    st = s->writer_open(&ctx, mistakes[_i].uri, 0, mistakes[_i].flags, &w, &err.e);
    if (st >= 0)
        st = s->writer_commit(w, &err.e);
    ck_assert_int_eq(st, mistakes[_i].status);
    ck_assert_msg(strstr(err.text, mistakes[_i].text) != NULL, "%s", err.text);
}
END_TEST

/* Absolute paths and URIs are not below the root, everything else is. */
START_TEST(uris_have_their_places)
{
    static const char *const forms[] = {"", "file://", "direct://"};
    struct stat info;

    open_services(0);
    for (int i = 0; i < 3; i++) {
        char *uri = xformat("%s%s/x%d", forms[i], other, i + 1), *path = xformat("%s/x%d", other, i + 1);

        write_object(uri, 1, 8192, 0, false);
        ck_assert_msg(stat(path, &info) == 0 && info.st_size == 8192, "%s", path);
        free(uri);
        free(path);
    }
    write_object("./y", 1, 1, 0, false);
    snprintf(other + strlen(other), 8, "/y");
    ck_assert_int_ne(stat(other, &info), 0);
    other[strlen(other) - 2] = '\0';
}
END_TEST

struct worker {
    pthread_t thread;
    uint64_t number;
    bool failed;
    struct error_slot err;
};

#define FILES_EACH 40u

static dlfw_status work(struct worker *w, uint64_t i)
{
    char uri[64];
    uint64_t object = w->number * 1000 + i, size = 1000 + (i % 5) * 300000, got = 0;
    struct seen seen = {.object = object};
    dlfw_writer *writer = NULL;
    dlfw_source *src = NULL;
    uint8_t *data = xmalloc(size);
    dlfw_status st;

    snprintf(uri, sizeof uri, "t%llu/f%llu", (unsigned long long)(i % 7), (unsigned long long)object);
    content_fill(SEED, object, 0, data, size);
    st = s->writer_open(&ctx, uri, size, 0, &writer, &w->err.e);
    if (st >= 0) {
        st = s->writer_append(writer, data, size, &w->err.e);
        if (st >= 0)
            st = s->writer_commit(writer, &w->err.e);
        else
            s->writer_abort(writer);
    }
    free(data);
    if (st >= 0)
        st = s->source_open(&ctx, uri, &src, &got, &w->err.e);
    if (st >= 0) {
        st = s->source_scan(src, 0, got, see_piece, &seen, &w->err.e);
        s->source_close(src);
    }
    if (st >= 0 && i % 2)
        st = s->remove(&ctx, uri, &w->err.e);
    return st;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;

    error_slot_init(&w->err);
    for (uint64_t i = 0; i < FILES_EACH && !w->failed; i++)
        w->failed = work(w, i) < 0;
    return NULL;
}

START_TEST(many_threads_share_the_storages)
{
    struct worker workers[6] = {{0}};

    open_services(_i);
    for (uint64_t i = 0; i < 6; i++) {
        workers[i].number = i;
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]), 0);
    }
    for (uint64_t i = 0; i < 6; i++) {
        pthread_join(workers[i].thread, NULL);
        ck_assert_msg(!workers[i].failed, "%s", workers[i].err.text);
    }
}
END_TEST

/* Opened here, filled there, committed here again: one thread at a time may be another one each time. */
static void *append_elsewhere(void *arg)
{
    uint8_t *piece = xmalloc(3u << 20);
    dlfw_writer *w = arg;
    struct error_slot mine;

    error_slot_init(&mine);
    for (uint64_t i = 0; i < 7; i++) {
        content_fill(SEED, 3, i * (3u << 20), piece, 3u << 20);
        if (s->writer_append(w, piece, 3u << 20, &mine.e) < 0)
            return NULL;
    }
    free(piece);
    return arg;
}

START_TEST(a_writer_may_move_between_threads)
{
    struct seen seen = {.object = 3};
    dlfw_writer *w = NULL;
    dlfw_source *src = NULL;
    uint64_t size = 0;
    pthread_t thread;
    void *good = NULL;

    open_services(_i);
    OK(s->writer_open(&ctx, "moved", 0, 0, &w, &err.e));
    ck_assert_int_eq(pthread_create(&thread, NULL, append_elsewhere, w), 0);
    pthread_join(thread, &good);
    ck_assert_ptr_nonnull(good);
    OK(s->writer_commit(w, &err.e));
    OK(s->source_open(&ctx, "moved", &src, &size, &err.e));
    ck_assert_uint_eq(size, 21u << 20);
    OK(s->source_scan(src, 0, size, see_piece, &seen, &err.e));
    s->source_close(src);
}
END_TEST

static uint32_t reported;

static void count_figure(void *report, const char *hook, const char *name, const char *unit, uint32_t kind,
                         uint64_t value)
{
    ck_assert(report == &reported && strcmp(hook, "test") == 0 && strcmp(name, "files") == 0 && strcmp(unit, "") == 0);
    ck_assert(kind == DLFW_STAT_GAUGE && value == 5);
    reported++;
}

static void count_event(void *report, const char *hook, const dlfw_checkpoint_event *event)
{
    ck_assert(report == &reported && strcmp(hook, "test") == 0 && event->what == DLFW_CHECKPOINT_SAVE_END);
    reported++;
}

START_TEST(one_rank_talks_to_itself)
{
    const dlfw_checkpoint_event event = {.struct_size = sizeof event, .what = DLFW_CHECKPOINT_SAVE_END};
    struct service_env env = {
        .registry = &registry, .put = count_figure, .checkpoint = count_event, .report = &reported};
    uint64_t mine = 9, all = 0;

    set = services_open(&env);
    ctx = (struct hook_service_ctx){.set = set, .hook_name = "test"};
    OK(s->barrier(&ctx, &err.e));
    OK(s->broadcast(&ctx, 0, &mine, sizeof mine, &err.e));
    ck_assert_int_eq(s->broadcast(&ctx, 1, &mine, sizeof mine, &err.e), DLFW_E_INVALID);
    OK(s->gather(&ctx, &mine, &all, sizeof mine, &err.e));
    ck_assert_uint_eq(all, 9);
    s->put(&ctx, "files", "", DLFW_STAT_GAUGE, 5);
    s->checkpoint(&ctx, &event);
    ck_assert_uint_eq(reported, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hook_services");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, what_is_written_is_scanned_in_order, 0, COUNT(schemes));
    tcase_add_loop_test(tcase, scans_end_early_and_find_short_objects, 0, COUNT(schemes));
    tcase_add_loop_test(tcase, ranges_are_read, 0, COUNT(schemes));
    tcase_add_loop_test(tcase, folders_are_made_listed_and_removed, 0, COUNT(schemes));
    tcase_add_test(tcase, an_announced_root_may_be_removed_and_made_anew);
    tcase_add_loop_test(tcase, nothing_is_visible_before_the_commit, 0, COUNT(schemes));
    tcase_add_loop_test(tcase, mistakes_are_told, 0, COUNT(mistakes));
    tcase_add_test(tcase, uris_have_their_places);
    tcase_add_loop_test(tcase, many_threads_share_the_storages, 0, COUNT(schemes));
    tcase_add_loop_test(tcase, a_writer_may_move_between_threads, 0, COUNT(schemes));
    tcase_add_test(tcase, one_rank_talks_to_itself);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
