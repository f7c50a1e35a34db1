/* SPDX-License-Identifier: Apache-2.0 */
/* Deletes that travel together: each ends with what became of its own object, whatever the answer looks like. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_gcs_fixture.h"

#define MAX 150u

static struct {
    char body[65536]; /* of the last batch */
    const char *status, *headers;
    const char *answer; /* of a batch; NULL: each part is answered with 204 */
    uint32_t batches, singles;
} srv;

/* Answers in reverse order, so that numbers matter. */
static void good_batch(int fd, const char *body)
{
    static char text[65536];
    uint32_t ids[MAX], count = 0;
    size_t at = 0;

    for (; (body = strstr(body, "Content-ID: <dlfw+")) != NULL && count < MAX; body++)
        ids[count++] = (uint32_t)strtoul(body + strlen("Content-ID: <dlfw+"), NULL, 10);
    while (count-- > 0)
        at += (size_t)snprintf(
            text + at, sizeof text - at,
            "--b_1\r\nContent-Type: application/http\r\nContent-ID: <response-dlfw+%u>\r\n\r\nHTTP/1.1 %s"
            "\r\nContent-Length: 0\r\n\r\n\r\n",
            ids[count], ids[count] == 3 ? "404 Not Found" : "204 No Content");
    at += (size_t)snprintf(text + at, sizeof text - at, "--b_1--\r\n");
    serve_text(fd, "200 OK", "Content-Type: multipart/mixed; boundary=b_1\r\n", text, at);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void answer_locked(int fd, const struct served_request *r)
{
    if (strcmp(r->method, "DELETE") == 0) {
        srv.singles++;
        serve_text(fd, strstr(r->target, "k1") ? "404 Not Found" : "204 No Content", "", "", 0);
        return;
    }
    srv.batches++;
    snprintf(srv.body, sizeof srv.body, "%s", r->body);
    if (srv.answer)
        serve_text(fd, srv.status, srv.headers, srv.answer, strlen(srv.answer));
    else
        good_batch(fd, r->body);
}

static bool answer(void *ctx, int fd, const struct served_request *r)
{
    (void)ctx;
    pthread_mutex_lock(&lock); /* several connections at once */
    answer_locked(fd, r);
    pthread_mutex_unlock(&lock);
    return true;
}

static void set_up(void)
{
    memset(&srv, 0, sizeof srv);
    srv.status = "200 OK";
    srv.headers = "Content-Type: multipart/mixed; boundary=\"b_1\"\r\n";
    gcs_start(answer, NULL);
    ck_assert_int_eq(gcs_open("bucket/p"), DLFW_OK);
}

static void tear_down(void)
{
    gcs_stop();
}

static dlfw_comp comps[MAX];
static dlfw_req reqs[MAX];
static char texts[MAX][256];

/* Deletes "k0", "k1", ... (bad_one: a name that no object has), all handed over at once. comps as the requests. */
static void delete_many(uint32_t count, uint32_t bad_one)
{
    static dlfw_error errors[MAX];
    static char keys[MAX][16];
    dlfw_queue_args args = {.struct_size = sizeof args, .depth = MAX, .cpu = -1};
    dlfw_error err = {.struct_size = sizeof err};
    dlfw_req *list[MAX];
    dlfw_queue *q;
    uint32_t done = 0;

    ck_assert_int_eq(cloud_queue_create(gcs_be, &args, &q, &err), DLFW_OK);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(keys[i], sizeof keys[i], i == bad_one ? "bad\xff" : "k%u", i);
        reqs[i] = gcs_request(DLFW_OP_DELETE, keys[i]);
        errors[i] = (dlfw_error){.struct_size = sizeof errors[i], .message = texts[i], .message_cap = sizeof texts[i]};
        texts[i][0] = '\0';
        reqs[i].error = &errors[i];
        reqs[i].user = i;
        list[i] = &reqs[i];
        comps[i].req = NULL;
    }
    ck_assert_int_eq(cloud_submit(q, list, count), (int32_t)count);
    while (done < count) {
        dlfw_comp some[MAX];
        int32_t n = cloud_reap(q, some, MAX, 1, 5000000000u);

        ck_assert_int_gt(n, 0);
        for (int32_t i = 0; i < n; i++) {
            ck_assert_ptr_null(comps[some[i].req->user].req);
            comps[some[i].req->user] = some[i];
        }
        done += (uint32_t)n;
    }
    cloud_queue_destroy(q);
}

START_TEST(each_has_its_own_end)
{
    delete_many(6, 1);
    for (uint32_t i = 0; i < 6; i++)
        ck_assert_msg(comps[i].status == (i == 1   ? DLFW_E_INVALID
                                          : i == 3 ? DLFW_E_NOT_FOUND
                                                   : DLFW_OK),
                      "%u: %s", i, texts[i]);
    ck_assert_uint_eq(srv.batches, 1);
    ck_assert_ptr_nonnull(
        strstr(srv.body, "Content-ID: <dlfw+2>\r\n\r\nDELETE /storage/v1/b/bucket/o/p%2Fk2 HTTP/1.1\r\n\r\n"));
}
END_TEST

START_TEST(many)
{
    delete_many(MAX, MAX);
    ck_assert_uint_ge(srv.batches + srv.singles, 2); /* at most 100 in one */
    for (uint32_t i = 0; i < MAX; i++)
        ck_assert_msg(comps[i].status == (i % 100 == 3 ? DLFW_E_NOT_FOUND : DLFW_OK), "%u: %s", i, texts[i]);
}
END_TEST

/* The form that some servers have: no numbers, no blank line, in order. */
START_TEST(answers_without_numbers)
{
    srv.answer = "--b_1\r\nContent-Type: application/http\r\nHTTP/1.1 204 No Content\r\nContent-Type: x\r\n\r\n"
                 "--b_1\r\nContent-Type: application/http\r\nHTTP/1.1 404 Not Found\r\nContent-Type: x\r\n\r\n"
                 "{\"error\":{\"message\":\"No such object\",\"errors\":[{\"reason\":\"notFound\"}]}}\r\n\r\n"
                 "--b_1\r\nContent-Type: application/http\r\nHTTP/1.1 503 Later\r\n\r\n"
                 "--b_1\r\nContent-Type: application/http\r\nHTTP/1.1 204 No Content\r\n\r\n--b_1--";
    delete_many(5, 0);
    ck_assert_int_eq(comps[0].status, DLFW_E_INVALID);
    ck_assert_int_eq(comps[1].status, DLFW_OK);
    ck_assert_int_eq(comps[2].status, DLFW_E_NOT_FOUND);
    ck_assert_msg(strstr(texts[2], "404 notFound: No such object") != NULL, "%s", texts[2]);
    ck_assert_int_eq(comps[3].status, DLFW_E_THROTTLED);
    ck_assert(comps[3].flags & DLFW_ERR_RETRYABLE);
    ck_assert_int_eq(comps[4].status, DLFW_OK);
}
END_TEST

START_TEST(hostile_answers)
{
    static const char *const rows[] = {
        "",
        "--b_1",
        "--b_1--",
        "--b_1\r\n\r\n--b_1--",
        "--b_1\r\nHTTP/1.--b_1--",
        "--b_1\r\nHTTP/1.1 --b_1--",
        "--b_1\r\nHTTP/1.1 abc\r\n\r\n--b_1--",
        "--b_1\r\nContent-ID: <response-dlfw+99999999999>\r\n\r\nHTTP/1.1 204\r\n\r\n--b_1--",
        "--b_1\r\nContent-ID: <response-dlfw+77>\r\n\r\nHTTP/1.1 204\r\n\r\n--b_1--",
        "--b_1\r\nContent-ID: <response-dlfw+>\r\n\r\nHTTP/1.1 204\r\n\r\n--b_1--",
        "no parts at all",
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        srv.answer = rows[i];
        delete_many(2, MAX);
        for (int k = 0; k < 2; k++) {
            ck_assert_msg(comps[k].status < 0, "row %zu passes for a good answer", i);
            ck_assert(texts[k][0]);
        }
    }
    srv.headers = "Content-Type: text/plain\r\n";
    delete_many(2, MAX);
    ck_assert_int_eq(comps[0].status, DLFW_E_CORRUPT);
}
END_TEST

START_TEST(service_without_batches)
{
    srv.answer = "Not Found";
    srv.status = "404 Not Found";
    delete_many(5, 2);
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_msg(comps[i].status == (i == 1   ? DLFW_E_NOT_FOUND
                                          : i == 2 ? DLFW_E_INVALID
                                                   : DLFW_OK),
                      "%u: %s", i, texts[i]);
    ck_assert_uint_eq(srv.batches, 1);
    ck_assert_uint_eq(srv.singles, 4);
    delete_many(5, MAX);
    ck_assert_uint_eq(srv.batches, 1); /* it is not asked again */
    ck_assert_uint_eq(srv.singles, 9);
    ck_assert_ptr_nonnull(strstr(gcs_log, "one by one"));
}
END_TEST

START_TEST(all_refused)
{
    srv.answer = "busy";
    srv.status = "503 Later";
    delete_many(3, MAX);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(comps[i].status, DLFW_E_THROTTLED);
        ck_assert(comps[i].flags & DLFW_ERR_RETRYABLE);
    }
}
END_TEST

START_TEST(bad_names_only)
{
    delete_many(1, 0);
    ck_assert_int_eq(comps[0].status, DLFW_E_INVALID);
    gcs_be->bucket[0] = '\0'; /* then the first part of each key is a bucket, and "p" is one */
    delete_many(2, MAX);
    ck_assert_int_eq(comps[0].status, DLFW_OK);
    ck_assert_ptr_nonnull(strstr(srv.body, "DELETE /storage/v1/b/p/o/k0 HTTP/1.1"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gcs_batch");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, each_has_its_own_end);
    tcase_add_test(tc, many);
    tcase_add_test(tc, answers_without_numbers);
    tcase_add_test(tc, hostile_answers);
    tcase_add_test(tc, service_without_batches);
    tcase_add_test(tc, all_refused);
    tcase_add_test(tc, bad_names_only);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
