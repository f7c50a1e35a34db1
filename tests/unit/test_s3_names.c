/* SPDX-License-Identifier: Apache-2.0 */
/* Listings, batches of deletes, and buckets. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_s3_fixture.h"

#define COUNT(rows) ((int)(sizeof rows / sizeof *rows))
#define ERROR_BODY(code) "<?xml version=\"1.0\"?><Error><Code>" code "</Code><Message>so it is</Message></Error>"
#define PAGE(inside)                                                                                                   \
    {                                                                                                                  \
        "200 OK", "",                                                                                                  \
            "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" inside "</ListBucketResult>"        \
    }
#define EMPTY PAGE("")
#define OBJECT(key)                                                                                                    \
    "<Contents><Key>" key "</Key><LastModified>2013-05-24T00:00:00.000Z</LastModified><Size>5</Size></Contents>"
#define GROUP(key) "<CommonPrefixes><Prefix>" key "</Prefix></CommonPrefixes>"

static void open_root(const char *root)
{
    ck_assert_msg(s3_open(root) == DLFW_OK, "%s", s3_message);
}

/* All names below key as "name size mtime;", or the status of the page that fails. */
static dlfw_status list(const char *key, uint16_t flags, char *ret, size_t cap)
{
    uint64_t page[64]; /* three names or so: cursors are carried on */
    void *handle = NULL;
    dlfw_comp comp;

    ret[0] = '\0';
    do {
        dlfw_req req = s3_request_of(DLFW_OP_LIST, key);

        req.buf = page;
        req.buf_cap = sizeof page;
        req.flags = flags;
        req.handle = handle;
        comp = s3_call(&req);
        if (comp.status < 0) {
            ck_assert_uint_eq(comp.flags & DLFW_COMP_MORE, 0);
            return comp.status;
        }
        for (uint64_t i = 0; i < comp.bytes / sizeof(dlfw_list_entry); i++) {
            const dlfw_list_entry *e = (const dlfw_list_entry *)page + i;
            size_t at = strlen(ret);

            snprintf(ret + at, cap - at, "%.*s", (int)e->name_len, (const char *)page + e->name_off);
            at = strlen(ret);
            if (e->size != UINT64_MAX)
                snprintf(ret + at, cap - at, " %llu %llu", (unsigned long long)e->size,
                         (unsigned long long)(e->mtime_ns / 1000000000u));
            at = strlen(ret);
            snprintf(ret + at, cap - at, ";");
        }
        handle = comp.handle;
    } while (comp.flags & DLFW_COMP_MORE);
    return DLFW_OK;
}

static const struct {
    const char *root, *key;
    uint16_t flags;
    struct s3_answer rows[2];
    const char *names;   /* NULL: fails */
    const char *line[2]; /* what is asked */
    dlfw_status status;
} lists[] = {
    {"bucket",
     "",
     0,
     {PAGE(OBJECT("a") GROUP("d/"))},
     "a 5 1369353600;d/;",
     {"GET /bucket?delimiter=%2F&encoding-type=url&list-type=2&prefix="},
     0},
    {"bucket/p",
     "x",
     DLFW_REQ_RECURSIVE,
     {PAGE(OBJECT("p/x/1") OBJECT("p/x/y/2"))},
     "x/1 5 1369353600;x/y/2 5 1369353600;",
     {"GET /bucket?encoding-type=url&list-type=2&prefix=p%2Fx%2F"},
     0},
    /* names are only decoded where the service says that it has encoded them */
    {"bucket", "", 0, {PAGE(OBJECT("a%2Bb+c%01"))}, "a%2Bb+c%01 5 1369353600;", {NULL}, 0},
    {"bucket",
     "",
     0,
     {PAGE(OBJECT("a%2Bb+c%01%zz") "<EncodingType>url</EncodingType>")},
     "a+b c\x01%zz 5 1369353600;",
     {NULL},
     0},
    {"bucket", "", 0, {PAGE(OBJECT("a&amp;&lt;&#x3b1;"))}, "a&<\xce\xb1 5 1369353600;", {NULL}, 0},
    {"bucket",
     "",
     DLFW_REQ_RECURSIVE,
     {PAGE("<IsTruncated>true</IsTruncated><NextContinuationToken>t/1=</NextContinuationToken>" OBJECT("a")),
      PAGE("<IsTruncated>false</IsTruncated>" OBJECT("b"))},
     "a 5 1369353600;b 5 1369353600;",
     {"GET /bucket?encoding-type=url&list-type=2&prefix=",
      "GET /bucket?continuation-token=t%2F1%3D&encoding-type=url&list-type=2&prefix="},
     0},
    {"bucket", "", 0, {PAGE("")}, "", {NULL}, 0},
    {"",
     "",
     0,
     {{"200 OK", "",
       "<ListAllMyBucketsResult><Buckets><Bucket><Name>one</Name></Bucket><Bucket><Name>two</Name></Bucket>"
       "</Buckets></ListAllMyBucketsResult>"}},
     "one/;two/;",
     {"GET /"},
     0},
    {"",
     "one/p",
     DLFW_REQ_RECURSIVE,
     {PAGE(OBJECT("p/a"))},
     "one/p/a 5 1369353600;",
     {"GET /one?encoding-type=url&list-type=2&prefix=p%2F"},
     0},
    {"", "one", 0, {PAGE("")}, "", {"GET /one?delimiter=%2F&encoding-type=url&list-type=2&prefix="}, 0},
    {"bucket", "missing", 0, {PAGE("")}, NULL, {NULL}, DLFW_E_NOT_FOUND},
    {"", "one/missing", 0, {PAGE("")}, NULL, {NULL}, DLFW_E_NOT_FOUND},
    {"bucket", "", 0, {{"404 No", "", ERROR_BODY("NoSuchBucket")}}, NULL, {NULL}, DLFW_E_NOT_FOUND},
    {"", "", DLFW_REQ_RECURSIVE, {PAGE("")}, NULL, {NULL}, DLFW_E_UNSUPPORTED},
    /* hostile and broken pages are errors, never short lists */
    {"bucket", "", 0, {{"200 OK", "", ""}}, NULL, {NULL}, DLFW_E_CORRUPT},
    {"bucket", "", 0, {{"200 OK", "", "<html/>"}}, NULL, {NULL}, DLFW_E_CORRUPT},
    {"bucket", "", 0, {{"200 OK", "", "<ListBucketResult>" OBJECT("a")}}, NULL, {NULL}, DLFW_E_CORRUPT},
    {"bucket", "", 0, {PAGE("<Contents><Key>a</Key></Contents>")}, NULL, {NULL}, DLFW_E_CORRUPT},
    {"bucket", "", 0, {PAGE("<Contents><Size>1</Size></Contents>")}, NULL, {NULL}, DLFW_E_CORRUPT},
    {"bucket", "", 0, {PAGE("<Contents><Key>a</Key><Size>-1</Size></Contents>")}, NULL, {NULL}, DLFW_E_CORRUPT},
    {"bucket",
     "",
     0,
     {PAGE("<Contents><Key>a</Key><Size>99999999999999999999</Size></Contents>")},
     NULL,
     {NULL},
     DLFW_E_CORRUPT},
    {"bucket", "", 0, {PAGE("<IsTruncated>true</IsTruncated>" OBJECT("a"))}, NULL, {NULL}, DLFW_E_CORRUPT},
    {"bucket",
     "",
     0,
     {PAGE("<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"),
      PAGE("<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>")},
     NULL,
     {NULL},
     DLFW_E_CORRUPT},
    {"bucket", "", 0, {{"200 OK", "", "<Error><Code>SlowDown</Code></Error>"}}, NULL, {NULL}, DLFW_E_THROTTLED},
};

START_TEST(listings)
{
    char names[1024];
    dlfw_status st;

    s3_play(lists[_i].rows, lists[_i].rows[1].status ? 2 : 1);
    open_root(lists[_i].root);
    st = list(lists[_i].key, lists[_i].flags, names, sizeof names);
    ck_assert_msg(st == lists[_i].status, "%d: %s", st, s3_message);
    if (lists[_i].names)
        ck_assert_str_eq(names, lists[_i].names);
    for (int i = 0; i < 2 && lists[_i].line[i]; i++)
        ck_assert_str_eq(s3_asked[i].line, lists[_i].line[i]);
}
END_TEST

START_TEST(page_size_is_a_wish)
{
    char names[64];

    S3_PLAY(PAGE(""));
    s3_options.list_page = 7;
    open_root("bucket");
    ck_assert_int_eq(list("", DLFW_REQ_RECURSIVE, names, sizeof names), DLFW_OK);
    ck_assert_str_eq(s3_asked[0].line, "GET /bucket?encoding-type=url&list-type=2&max-keys=7&prefix=");
}
END_TEST

/* ---- DELETE ---- */

START_TEST(single_deletes)
{
    S3_PLAY({"204 No Content", "", ""}, {"404 No", "", ERROR_BODY("NoSuchKey")});
    open_root("bucket");
    ck_assert_int_eq(s3_do(DLFW_OP_DELETE, "a b", NULL, 0, 0), DLFW_OK);
    ck_assert_str_eq(s3_asked[0].line, "DELETE /bucket/a%20b");
    ck_assert_int_eq(s3_do(DLFW_OP_DELETE, "k", NULL, 0, 0), DLFW_E_NOT_FOUND);
}
END_TEST

#define BATCH 5u

struct batch {
    dlfw_req reqs[BATCH];
    dlfw_error errors[BATCH];
    char messages[BATCH][256];
    dlfw_comp comps[BATCH];
};

/* Deletes all keys at once on a queue; comps are in the order of the keys. */
static void delete_all(struct batch *b, const char *const *keys, uint32_t count)
{
    dlfw_queue_args args = {.struct_size = sizeof args, .depth = BATCH, .cpu = -1};
    dlfw_req *list_of[BATCH];
    dlfw_queue *q = NULL;
    uint32_t done = 0;

    ck_assert_int_eq(cloud_queue_create(s3_be, &args, &q, NULL), DLFW_OK);
    for (uint32_t i = 0; i < count; i++) {
        b->errors[i] = (dlfw_error){.struct_size = sizeof b->errors[i], .message = b->messages[i], .message_cap = 256};
        b->reqs[i] = (dlfw_req){.op = DLFW_OP_DELETE,
                                .key = keys[i],
                                .key_len = (uint32_t)strlen(keys[i]),
                                .user = i,
                                .error = &b->errors[i]};
        list_of[i] = &b->reqs[i];
    }
    ck_assert_int_eq(cloud_submit(q, list_of, count), (int32_t)count);
    while (done < count) {
        dlfw_comp comp;

        ck_assert_int_eq(cloud_reap(q, &comp, 1, 1, UINT64_MAX), 1);
        b->comps[comp.req->user] = comp;
        done++;
    }
    cloud_queue_destroy(q);
}

START_TEST(deletes_travel_together)
{
    static const char *const keys[] = {"a&b", "d/\xc3\xa4", "gone", "busy", "forbidden"};
    struct batch b = {0};

    S3_PLAY({"200 OK", "",
             "<DeleteResult><Error><Key>p/gone</Key><Code>NoSuchKey</Code><Message>m</Message></Error>"
             "<Error><Key>p/busy</Key><Code>SlowDown</Code><Message>m</Message></Error>"
             "<Error><Key>p/forbidden</Key><Code>AccessDenied</Code><Message>no way</Message></Error></DeleteResult>"});
    open_root("bucket/p");
    delete_all(&b, keys, 5);
    ck_assert_uint_eq(s3_requests, 1);
    ck_assert_str_eq(s3_asked[0].line, "POST /bucket?delete=");
    ck_assert_ptr_nonnull(strstr(s3_asked[0].head, "content-md5: "));
    ck_assert_ptr_nonnull(strstr(s3_asked[0].body, "<Quiet>true</Quiet><Object><Key>p/a&amp;b</Key></Object><Object>"));
    ck_assert_int_eq(b.comps[0].status, DLFW_OK);
    ck_assert_int_eq(b.comps[1].status, DLFW_OK);
    ck_assert_int_eq(b.comps[2].status, DLFW_E_NOT_FOUND);
    ck_assert_int_eq(b.comps[3].status, DLFW_E_THROTTLED);
    ck_assert_uint_eq(b.comps[3].flags, DLFW_ERR_RETRYABLE | DLFW_ERR_THROTTLED);
    ck_assert_int_eq(b.comps[4].status, DLFW_E_PERMISSION);
    ck_assert_ptr_nonnull(strstr(b.messages[4], "DELETE 's3://bucket/p/forbidden' failed: AccessDenied: no way"));
}
END_TEST

/* XML has no way to write these keys; they go by themselves, and nobody else waits for it in vain. */
START_TEST(keys_that_xml_cannot_carry)
{
    static const char *const keys[] = {"a", "ctl\x01", "b", "latin\xe4"};
    struct batch b = {0};

    S3_PLAY({"200 OK", "", "<DeleteResult/>"}, {"204 No Content", "", ""}, {"204 No Content", "", ""});
    open_root("bucket/p");
    delete_all(&b, keys, 4);
    for (int i = 0; i < 4; i++)
        ck_assert_msg(b.comps[i].status == DLFW_OK, "%s", b.messages[i]);
    ck_assert_uint_eq(s3_requests, 3);
    ck_assert_ptr_nonnull(
        strstr(s3_asked[0].body, "<Object><Key>p/a</Key></Object><Object><Key>p/b</Key></Object></Delete>"));
    ck_assert_str_eq(s3_asked[1].line, "DELETE /bucket/p/ctl%01");
    ck_assert_str_eq(s3_asked[2].line, "DELETE /bucket/p/latin%E4");
}
END_TEST

START_TEST(only_keys_that_xml_cannot_carry)
{
    static const char *const keys[] = {"\x01", "\x02"};
    struct batch b = {0};

    S3_PLAY({"204 No Content", "", ""});
    open_root("bucket");
    delete_all(&b, keys, 2);
    ck_assert_int_eq(b.comps[0].status, DLFW_OK);
    ck_assert_int_eq(b.comps[1].status, DLFW_OK);
    ck_assert_uint_eq(s3_requests, 2);
}
END_TEST

/* Whatever the answer is, nothing counts as deleted that may not be. */
static const struct s3_answer bad_batches[] = {
    {"200 OK", "", ""},
    {"200 OK", "", "<html/>"},
    {"200 OK", "", "<Error><Code>InternalError</Code></Error>"},
    {"200 OK", "", "<DeleteResult><Error><Key>somebody else's</Key><Code>AccessDenied</Code></Error></DeleteResult>"},
    {"200 OK", "", "<DeleteResult><Error><Code>AccessDenied</Code></Error></DeleteResult>"},
    {"503 No", "", ERROR_BODY("SlowDown")},
};

START_TEST(bad_batch_answers)
{
    static const char *const keys[] = {"a", "b"};
    struct batch b = {0};

    s3_play(&bad_batches[_i], 1);
    open_root("bucket");
    delete_all(&b, keys, 2);
    ck_assert_int_lt(b.comps[0].status, 0);
    ck_assert_int_lt(b.comps[1].status, 0);
    ck_assert(b.messages[0][0]);
}
END_TEST

START_TEST(no_batches_where_they_are_not_wanted)
{
    static const char *const keys[] = {"a", "b"};
    struct batch b = {0};

    S3_PLAY({"204 No Content", "", ""});
    s3_options.delete_batch = 1;
    open_root("bucket");
    delete_all(&b, keys, 2);
    ck_assert_uint_eq(s3_requests, 2);
}
END_TEST

/* ---- buckets ---- */

static const struct {
    const char *root, *key, *region;
    uint16_t op;
    struct s3_answer rows[3];
    dlfw_status status;
    uint32_t requests;
    const char *line; /* of the last request */
} buckets[] = {
    {"bucket", "", NULL, DLFW_OP_MAKE_ROOT, {{"200 OK", "", ""}}, DLFW_OK, 1, "HEAD /bucket"},
    {"bucket", "", NULL, DLFW_OP_MAKE_ROOT, {{"404 No", "", ""}, {"200 OK", "", ""}}, DLFW_OK, 2, "PUT /bucket"},
    {"bucket", "deep/er", NULL, DLFW_OP_MAKE_ROOT, {{"404 No", "", ""}, {"200 OK", "", ""}}, DLFW_OK, 2, "PUT /bucket"},
    {"", "bucket", NULL, DLFW_OP_MAKE_ROOT, {{"404 No", "", ""}, {"200 OK", "", ""}}, DLFW_OK, 2, "PUT /bucket"},
    {"", "", NULL, DLFW_OP_MAKE_ROOT, {{"200 OK", "", ""}}, DLFW_OK, 0, NULL},
    {"bucket",
     "",
     NULL,
     DLFW_OP_MAKE_ROOT,
     {{"404 No", "", ""}, {"409 No", "", ERROR_BODY("BucketAlreadyOwnedByYou")}},
     DLFW_OK,
     2,
     "PUT /bucket"},
    {"bucket",
     "",
     NULL,
     DLFW_OP_MAKE_ROOT,
     {{"404 No", "", ""}, {"409 No", "", ERROR_BODY("BucketAlreadyExists")}, {"200 OK", "", ""}},
     DLFW_OK,
     3,
     "HEAD /bucket"},
    {"bucket",
     "",
     NULL,
     DLFW_OP_MAKE_ROOT,
     {{"404 No", "", ""}, {"409 No", "", ERROR_BODY("BucketAlreadyExists")}, {"403 No", "", ""}},
     DLFW_E_EXISTS,
     3,
     "HEAD /bucket"},
    /* who may not look at buckets may still write below one */
    {"bucket/p", "", NULL, DLFW_OP_MAKE_ROOT, {{"403 No", "", ""}}, DLFW_OK, 1, "HEAD /bucket"},
    {"bucket",
     "",
     NULL,
     DLFW_OP_MAKE_ROOT,
     {{"403 No", "", ""}, {"403 No", "", ERROR_BODY("AccessDenied")}},
     DLFW_E_PERMISSION,
     2,
     "PUT /bucket"},
    /* own endpoints may delete a bucket with all that is in it: it is asked what is */
    {"bucket", "", NULL, DLFW_OP_REMOVE_ROOT, {EMPTY, {"204 No Content", "", ""}}, DLFW_OK, 2, "DELETE /bucket"},
    {"bucket",
     "",
     NULL,
     DLFW_OP_REMOVE_ROOT,
     {PAGE(OBJECT("a"))},
     DLFW_E_BUSY,
     1,
     "GET /bucket?encoding-type=url&list-type=2&max-keys=1"},
    {"bucket", "", NULL, DLFW_OP_REMOVE_ROOT, {{"200 OK", "", ""}}, DLFW_E_CORRUPT, 1, NULL},
    {"bucket",
     "",
     NULL,
     DLFW_OP_REMOVE_ROOT,
     {EMPTY, {"409 No", "", ERROR_BODY("BucketNotEmpty")}},
     DLFW_E_BUSY,
     2,
     NULL},
    {"bucket", "", NULL, DLFW_OP_REMOVE_ROOT, {{"404 No", "", ERROR_BODY("NoSuchBucket")}}, DLFW_E_NOT_FOUND, 1, NULL},
    {"bucket/p", "", NULL, DLFW_OP_REMOVE_ROOT, {{"500 No", "", ""}}, DLFW_OK, 0, NULL},
};

START_TEST(bucket_operations)
{
    s3_play(buckets[_i].rows, buckets[_i].requests ? buckets[_i].requests : 1);
    open_root(buckets[_i].root);
    ck_assert_msg(s3_do(buckets[_i].op, buckets[_i].key, NULL, 0, 0) == buckets[_i].status, "%s", s3_message);
    ck_assert_uint_eq(s3_requests, buckets[_i].requests);
    if (buckets[_i].line)
        ck_assert_str_eq(s3_asked[s3_requests - 1].line, buckets[_i].line);
}
END_TEST

START_TEST(a_bucket_is_made_in_its_region)
{
    S3_PLAY({"404 No", "", ""}, {"200 OK", "", ""});
    s3_options.region = "eu-central-1";
    open_root("bucket");
    ck_assert_int_eq(s3_do(DLFW_OP_MAKE_ROOT, "", NULL, 0, 0), DLFW_OK);
    ck_assert_ptr_nonnull(strstr(s3_asked[1].body, "<LocationConstraint>eu-central-1</LocationConstraint>"));
}
END_TEST

static const struct {
    const char *root;
    struct s3_answer row;
    dlfw_status status;
} checks[] = {
    {"bucket", PAGE(OBJECT("a")), DLFW_OK},
    {"bucket", PAGE("<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>" OBJECT("a")),
     DLFW_OK},
    {"bucket", EMPTY, DLFW_OK},
    {"bucket/not/yet", EMPTY, DLFW_OK}, /* generating will fill it */
    {"bucket/p", {"404 No", "", ERROR_BODY("NoSuchBucket")}, DLFW_E_NOT_FOUND},
    {"bucket", {"403 No", "", ERROR_BODY("AccessDenied")}, DLFW_E_PERMISSION},
    {"bucket", {"200 OK", "", "<html/>"}, DLFW_E_CORRUPT},
};

START_TEST(probes)
{
    s3_play(&checks[_i].row, 1);
    open_root(checks[_i].root);
    (void)s3_request_of(DLFW_OP_LIST, ""); /* an empty error */
    ck_assert_int_eq(s3_check_instance(), checks[_i].status);
    ck_assert_uint_eq(s3_requests, 1);
}
END_TEST

static void set_up(void)
{
    s3_start();
}

static void tear_down(void)
{
    s3_stop();
}

int main(void)
{
    Suite *suite = suite_create("s3_names");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, listings, 0, COUNT(lists));
    tcase_add_test(tc, page_size_is_a_wish);
    tcase_add_test(tc, single_deletes);
    tcase_add_test(tc, deletes_travel_together);
    tcase_add_test(tc, keys_that_xml_cannot_carry);
    tcase_add_test(tc, only_keys_that_xml_cannot_carry);
    tcase_add_loop_test(tc, bad_batch_answers, 0, COUNT(bad_batches));
    tcase_add_test(tc, no_batches_where_they_are_not_wanted);
    tcase_add_loop_test(tc, bucket_operations, 0, COUNT(buckets));
    tcase_add_test(tc, a_bucket_is_made_in_its_region);
    tcase_add_loop_test(tc, probes, 0, COUNT(checks));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
