/* SPDX-License-Identifier: Apache-2.0 */
/* What a sync decides: what is copied, what is too many, and that nothing is deleted on the word of a listing that
 * failed. Folders are the scripted backend's prefixes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "support/script_backend.h"
#include "transfer/sync.h"

static struct script *from, *to;
static struct storage *source, *target;
static struct error_slot err;
static struct str taken, removed, refused;

static bool take(void *ctx, const struct copy_item *item)
{
    (void)ctx;
    str_add_format(&taken, "%s>%s%s ", item->source_key, item->target_key,
                   item->condition == COPY_UNLESS_EQUAL ? "?" : "");
    return true;
}

static void refuse(void *ctx, const char *key, const char *why)
{
    (void)ctx;
    (void)why;
    str_add_format(&refused, "%s ", key);
}

static void tell_removed(void *ctx, const char *key, const dlfw_error *why)
{
    (void)ctx;
    str_add_format(&removed, "%s%s ", key, why ? "!" : "");
}

static void open_pages(uint32_t entries)
{
    const struct script_config config = {.native = true, .page_entries = entries};

    error_slot_init(&err);
    from = script_create(&config);
    to = script_create(&config);
    source = script_storage(from, "retry: {max_attempts: 1}");
    target = script_storage(to, "retry: {max_attempts: 1}");
    taken = removed = refused = (struct str)STR_EMPTY;
}

static void open_both(void)
{
    open_pages(7);
}

static void close_both(void)
{
    storage_close(source);
    storage_close(target);
    script_destroy(from);
    script_destroy(to);
    str_free(&taken);
    str_free(&removed);
    str_free(&refused);
}

static struct sync_args args_of(void)
{
    return (struct sync_args){.source = source,
                              .target = target,
                              .from = "s",
                              .to = "t",
                              .take = take,
                              .refuse = refuse,
                              .removed = tell_removed};
}

static void put(struct script *s, const char *key, size_t len)
{
    static const uint8_t bytes[64];

    script_set(s, key, bytes, len);
}

START_TEST(what_differs_is_taken)
{
    struct sync_args args;
    struct sync *s = NULL;

    for (int by_checksum = 0; by_checksum < 2; by_checksum++) {
        open_both();
        put(from, "s/missing", 1);
        put(from, "s/larger", 9);
        put(to, "t/larger", 8);
        put(from, "s/equal", 5);
        put(to, "t/equal", 5);
        put(from, "s/folder/", 0);
        put(to, "t/extra", 5);
        put(to, "t/folder/", 0);
        args = args_of();
        args.by_checksum = by_checksum;
        sync_create(&args, &s);
        ck_assert_msg(sync_compare(s, &err.e) == DLFW_OK, "%s", err.text);
        ck_assert_str_eq(taken.data, by_checksum ? "s/missing>t/missing s/larger>t/larger s/equal>t/equal? "
                                                 : "s/missing>t/missing s/larger>t/larger ");
        ck_assert_uint_eq(sync_counted(s).same, !by_checksum);
        ck_assert_uint_eq(sync_counted(s).markers, 1);
        ck_assert_int_eq(sync_remove(s, &err.e), DLFW_OK);
        ck_assert_str_eq(removed.data, "t/extra ");
        ck_assert_uint_eq(script_objects(to), 3); /* the marker stays */
        sync_destroy(s);
        close_both();
    }
}
END_TEST

/* More names than the table holds: the same answer, in the same memory. */
START_TEST(in_parts)
{
    struct sync_args args;
    struct sync *s = NULL;
    uint32_t extra = 0;
    char key[32];

    open_pages(1000); /* the script's pages do not agree with each other while objects go */
    for (uint32_t i = 0; i < 400; i++) {
        snprintf(key, sizeof key, "s/%u", i);
        put(from, key, 5);
        snprintf(key, sizeof key, "t/%u", 2 * i); /* half of them are too many */
        put(to, key, 5);
    }
    put(from, "s/../x", 5);
    args = args_of();
    args.to_local = true;
    args.table_bytes = 1; /* the smallest: 192 names */
    sync_create(&args, &s);
    ck_assert_int_eq(sync_compare(s, &err.e), DLFW_OK);
    ck_assert_uint_eq(sync_counted(s).same, 200);
    ck_assert_str_eq(refused.data, "s/../x ");
    ck_assert_int_eq(sync_remove(s, &err.e), DLFW_OK);
    ck_assert_uint_eq(sync_counted(s).removed, 200);
    ck_assert_uint_eq(script_objects(to), 200);
    for (uint32_t i = 0; i < 800; i++) {
        snprintf(key, sizeof key, "t/%u", i);
        extra += script_get(to, key, &(size_t){0}) && i >= 400;
    }
    ck_assert_uint_eq(extra, 0);
    sync_destroy(s);
    close_both();
}
END_TEST

START_TEST(dry_run_removes_nothing)
{
    struct sync_args args;
    struct sync *s = NULL;

    open_both();
    put(from, "s/a", 1);
    put(to, "t/a", 1);
    put(to, "t/b", 1);
    args = args_of();
    args.dry_run = true;
    sync_create(&args, &s);
    ck_assert_int_eq(sync_compare(s, &err.e), DLFW_OK);
    ck_assert_int_eq(sync_remove(s, &err.e), DLFW_OK);
    ck_assert_str_eq(removed.data, "t/b ");
    ck_assert_uint_eq(script_objects(to), 2);
    sync_destroy(s);
    close_both();
}
END_TEST

/* The first or the last page of either side fails: the comparison fails, so that its caller deletes nothing. */
START_TEST(a_failed_listing_is_an_error)
{
    struct sync_args args;
    struct sync *s = NULL;
    char key[32];

    for (int at_source = 0; at_source < 2; at_source++) {
        open_both();
        for (uint32_t i = 0; i < 30; i++) {
            snprintf(key, sizeof key, "s/%u", i);
            put(from, key, 5);
            key[0] = 't';
            put(to, key, 5);
        }
        script_rule(
            at_source ? from : to,
            (struct script_rule){.op = DLFW_OP_LIST, .from = _i ? 4 : 0, .count = 1, .status = DLFW_E_IO, .after = _i});
        args = args_of();
        sync_create(&args, &s);
        ck_assert_int_eq(sync_compare(s, &err.e), DLFW_E_IO);
        ck_assert_ptr_nonnull(strstr(err.text, "scripted failure"));
        sync_destroy(s);
        close_both();
    }
}
END_TEST

START_TEST(no_target_folder_is_an_empty_one)
{
    struct sync_args args;
    struct sync *s = NULL;

    open_both();
    put(from, "s/a", 1);
    script_rule(to, (struct script_rule){.op = DLFW_OP_LIST, .count = 9, .status = DLFW_E_NOT_FOUND});
    args = args_of();
    sync_create(&args, &s);
    ck_assert_int_eq(sync_compare(s, &err.e), DLFW_OK);
    ck_assert_str_eq(taken.data, "s/a>t/a ");
    ck_assert_int_eq(sync_remove(s, &err.e), DLFW_OK);
    sync_destroy(s);
    close_both();
}
END_TEST

START_TEST(no_source_folder_is_an_error)
{
    struct sync_args args;
    struct sync *s = NULL;

    open_both();
    put(to, "t/a", 1);
    script_rule(from, (struct script_rule){.op = DLFW_OP_LIST, .count = 9, .status = DLFW_E_NOT_FOUND});
    args = args_of();
    sync_create(&args, &s);
    ck_assert_int_eq(sync_compare(s, &err.e), DLFW_E_NOT_FOUND);
    sync_destroy(s);
    close_both();
}
END_TEST

START_TEST(what_cannot_be_deleted_is_told)
{
    struct sync_args args;
    struct sync *s = NULL;

    open_both();
    put(from, "s/a", 1);
    put(to, "t/b", 1);
    put(to, "t/c", 1);
    script_rule(to, (struct script_rule){.op = DLFW_OP_DELETE, .count = 1, .status = DLFW_E_PERMISSION});
    args = args_of();
    sync_create(&args, &s);
    ck_assert_int_eq(sync_compare(s, &err.e), DLFW_OK);
    ck_assert_int_eq(sync_remove(s, &err.e), DLFW_OK);
    ck_assert_uint_eq(sync_counted(s).removed, 1);
    ck_assert_uint_eq(sync_counted(s).not_removed, 1);
    ck_assert_ptr_nonnull(strchr(removed.data, '!'));
    sync_destroy(s);
    close_both();
}
END_TEST

/* Names that would leave a local folder are never written; those that --glob leaves out are left alone on both sides.
 */
START_TEST(names_that_are_left_out)
{
    struct matching *only = NULL;
    struct sync_args args;
    struct sync *s = NULL;

    open_both();
    put(from, "s/../../etc/x.npz", 1);
    put(from, "s/a.npz", 1);
    put(from, "s/b.txt", 1);
    put(to, "t/c.npz", 1);
    put(to, "t/d.txt", 1);
    ck_assert_int_eq(matching_glob("*.npz", &only, &err.e), DLFW_OK);
    args = args_of();
    args.to_local = true;
    args.only = only;
    sync_create(&args, &s);
    ck_assert_int_eq(sync_compare(s, &err.e), DLFW_OK);
    ck_assert_str_eq(taken.data, "s/a.npz>t/a.npz ");
    ck_assert_str_eq(refused.data, "s/../../etc/x.npz ");
    ck_assert_int_eq(sync_remove(s, &err.e), DLFW_OK);
    ck_assert_str_eq(removed.data, "t/c.npz ");
    sync_destroy(s);
    matching_free(only);
    close_both();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("copy_sync");
    TCase *tc = tcase_create("sync");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tc);
    tcase_add_test(tc, what_differs_is_taken);
    tcase_add_test(tc, in_parts);
    tcase_add_test(tc, dry_run_removes_nothing);
    tcase_add_loop_test(tc, a_failed_listing_is_an_error, 0, 2);
    tcase_add_test(tc, no_target_folder_is_an_empty_one);
    tcase_add_test(tc, no_source_folder_is_an_error);
    tcase_add_test(tc, what_cannot_be_deleted_is_told);
    tcase_add_test(tc, names_that_are_left_out);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
