/* SPDX-License-Identifier: Apache-2.0 */
/* What every object store's queue does, shown with a toy service over a loopback server: one completion per request,
 * right bytes or an error, cursors, turns, batches, redirects. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/crc.h"
#include "support/cloud_toy.h"

/* ---- ranges ---- */

/* The target's first letter says how the server answers a range. */
static bool ranges(void *ctx, int fd, const struct served_request *r)
{
    unsigned long first = 0, last = TOY_OBJECT - 1;
    char text[64], headers[128] = "";
    char kind = r->target[strlen("/top/")];

    (void)ctx;
    if (served_header(r, "range", text, sizeof text))
        sscanf(text, "bytes=%lu-%lu", &first, &last);
    if (kind == 'w') { /* the whole toy_object, whatever was asked for */
        snprintf(headers, sizeof headers, "x-crc: %08x\r\n",
                 crc32c_update(0, toy_object, TOY_OBJECT) ^ (r->target[6] == '!' ? 1u : 0u));
        serve_text(fd, "200 OK", headers, toy_object, TOY_OBJECT);
        return true;
    }
    if (first >= TOY_OBJECT) {
        serve_text(fd, "416 Range Not Satisfiable", "Content-Range: bytes */10000\r\n", "", 0);
        return true;
    }
    if (last >= TOY_OBJECT)
        last = TOY_OBJECT - 1;
    if (kind == 'l') /* begins too late */
        first += 1;
    if (kind == 'e' && first >= 10) /* begins early, and says so */
        first -= 10;
    if (kind == 's') /* short, with the total that gives it away */
        last -= 1;
    if (kind != 'n')
        snprintf(headers, sizeof headers, "Content-Range: bytes %lu-%lu/%d\r\n", first, last, TOY_OBJECT);
    serve_text(fd, "206 Partial Content", headers, toy_object + first, last - first + 1);
    return true;
}

START_TEST(ranges_are_right_or_fail)
{
    static const struct {
        const char *key;
        uint64_t offset, length, bytes;
        dlfw_status status;
    } cases[] = {
        {"good", 100, 200, 200, DLFW_OK},  {"good", 9990, 200, 10, DLFW_OK},
        {"good", 10000, 200, 0, DLFW_OK},  {"good", 0, 0, 0, DLFW_OK},
        {"early", 100, 200, 200, DLFW_OK}, {"whole", 100, 200, 200, DLFW_OK},
        {"whole", 9990, 200, 10, DLFW_OK}, {"late", 100, 200, 0, DLFW_E_CORRUPT},
        {"short", 100, 200, 0, DLFW_E_IO}, {"no range told", 100, 200, 0, DLFW_E_CORRUPT},
    };

    toy_set_up(ranges);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static uint8_t buf[TOY_OBJECT];
        dlfw_req req = toy_request(DLFW_OP_GET, cases[i].key);
        dlfw_comp comp;

        memset(buf, 0xee, sizeof buf);
        req.offset = cases[i].offset;
        req.length = req.buf_cap = cases[i].length;
        req.buf = buf;
        comp = toy_call(&req);
        ck_assert_msg(comp.status == cases[i].status, "case %zu: %d %s", i, comp.status, toy_message);
        if (comp.status < 0)
            continue;
        ck_assert_uint_eq(comp.bytes, cases[i].bytes);
        ck_assert_uint_eq(comp.object_size, TOY_OBJECT);
        ck_assert_mem_eq(buf, toy_object + cases[i].offset, comp.bytes);
        ck_assert_int_eq(buf[cases[i].length], 0xee);
    }
    toy_tear_down();
}
END_TEST

START_TEST(whole_objects_are_checked)
{
    static uint8_t buf[TOY_OBJECT + 1];
    dlfw_req req = toy_request(DLFW_OP_GET, "whole");
    dlfw_comp comp;

    toy_set_up(ranges);
    req.flags = DLFW_REQ_WHOLE;
    req.buf = buf;
    req.length = req.buf_cap = TOY_OBJECT;
    comp = toy_call(&req);
    ck_assert_int_eq(comp.status, DLFW_OK);
    ck_assert_mem_eq(buf, toy_object, TOY_OBJECT);
    req.buf_cap = req.length = TOY_OBJECT - 1;
    comp = toy_call(&req);
    ck_assert_int_eq(comp.status, DLFW_E_BUFFER_TOO_SMALL);
    ck_assert_uint_eq(comp.object_size, TOY_OBJECT);
    req = toy_request(DLFW_OP_GET, "w!");
    req.flags = DLFW_REQ_WHOLE;
    req.buf = buf;
    req.length = req.buf_cap = TOY_OBJECT;
    comp = toy_call(&req);
    ck_assert_int_eq(comp.status, DLFW_E_CORRUPT);
    ck_assert_uint_ne(comp.flags & DLFW_ERR_RETRYABLE, 0);
    ck_assert_ptr_nonnull(strstr(toy_message, "GET 'toy://bucket/top/w!' failed: the bytes have CRC-32C"));
    toy_tear_down();
}
END_TEST

/* ---- listings ---- */

static bool pages(void *ctx, int fd, const struct served_request *r)
{
    const char *token = strstr(r->target, "?list=") + 6;
    const char *page = "";

    (void)ctx;
    if (strstr(r->target, "/stuck"))
        page = "top/stuck/a\n+again\n";
    else if (strstr(r->target, "/none"))
        page = "";
    else if (!*token)
        page = "top/d/\ntop/d/a\ntop/d/b\nother/x\n+two\n";
    else if (strcmp(token, "two") == 0)
        page = "+three\n"; /* an empty page in the middle */
    else if (strcmp(token, "three") == 0)
        page = "top/d/a long name that needs room\n";
    serve_text(fd, "200 OK", "", page, strlen(page));
    return true;
}

/* All names below key, ';' behind each; the status that ended it. */
static dlfw_status list_all(const char *key, uint64_t cap, char *names, size_t names_cap)
{
    uint64_t page[64];
    dlfw_req req = toy_request(DLFW_OP_LIST, key);

    names[0] = '\0';
    req.flags = DLFW_REQ_RECURSIVE;
    req.buf = page;
    req.buf_cap = cap;
    for (;;) {
        dlfw_comp comp = toy_call(&req);

        for (uint64_t at = 0; comp.status >= 0 && at < comp.bytes; at += sizeof(dlfw_list_entry)) {
            dlfw_list_entry e;

            memcpy(&e, (char *)page + at, sizeof e);
            ck_assert_uint_le(e.name_off + e.name_len, cap);
            snprintf(names + strlen(names), names_cap - strlen(names), "%.*s;", (int)e.name_len,
                     (char *)page + e.name_off);
        }
        req.handle = comp.handle;
        if (comp.status < 0 && comp.handle) {
            dlfw_req close = toy_request(DLFW_OP_CLOSE, key);

            close.handle = comp.handle;
            ck_assert_int_eq(toy_call(&close).status, DLFW_OK);
        }
        if (comp.status < 0 || !(comp.flags & DLFW_COMP_MORE))
            return comp.status;
    }
}

START_TEST(listings_come_page_by_page)
{
    char names[512];

    toy_set_up(pages);
    ck_assert_int_eq(list_all("d", 512, names, sizeof names), DLFW_OK);
    ck_assert_str_eq(names, "d/;d/a;d/b;d/a long name that needs room;");
    ck_assert_int_eq(list_all("d", 64, names, sizeof names), DLFW_OK);
    ck_assert_str_eq(names, "d/;d/a;d/b;d/a long name that needs room;");
    ck_assert_int_eq(list_all("d", 48, names, sizeof names), DLFW_E_BUFFER_TOO_SMALL);
    ck_assert_int_eq(list_all("none", 512, names, sizeof names), DLFW_E_NOT_FOUND);
    ck_assert_int_eq(list_all("stuck", 512, names, sizeof names), DLFW_E_CORRUPT);
    toy_tear_down();
}
END_TEST

/* ---- parts ---- */

static bool parts(void *ctx, int fd, const struct served_request *r)
{
    static _Atomic uint32_t expected;
    uint32_t number = 0, at = 0;
    bool good;

    (void)ctx;
    if (strstr(r->target, "?end")) {
        expected = 0;
        serve_text(fd, "200 OK", "", "", 0);
        return true;
    }
    sscanf(strchr(r->target, '?'), "?part=%u&at=%u", &number, &at);
    good = number == expected && at == number * 100 && r->body_len == 100;
    if (good)
        expected++;
    serve_text(fd, good ? "200 OK" : "400 Bad Request", "", "", 0);
    return true;
}

START_TEST(parts_wait_for_their_turn)
{
    static uint8_t data[100];
    dlfw_req begin = toy_request(DLFW_OP_WRITE_BEGIN, "up");
    dlfw_req part[6], *order[6], end = toy_request(DLFW_OP_WRITE_COMMIT, "up");
    static const uint32_t sequence[] = {3, 1, 0, 5, 4, 2};
    dlfw_comp comps[6];
    void *handle;

    toy_set_up(parts);
    handle = toy_call(&begin).handle;
    ck_assert_ptr_nonnull(handle);
    for (uint32_t i = 0; i < 6; i++) {
        part[i] = toy_request(DLFW_OP_WRITE_PART, "");
        part[i].handle = handle;
        part[i].arg = sequence[i];
        part[i].buf = data;
        part[i].length = sizeof data;
        order[i] = &part[i];
    }
    ck_assert_int_eq(cloud_submit(toy_queue, order, 6), 6);
    ck_assert_int_eq(cloud_reap(toy_queue, comps, 6, 6, 5000000000u), 6);
    for (uint32_t i = 0; i < 6; i++) {
        ck_assert_msg(comps[i].status == DLFW_OK, "%s", toy_message);
        ck_assert_uint_eq(comps[i].req->arg, i);
    }
    end.handle = handle;
    ck_assert_int_eq(toy_call(&end).status, DLFW_OK);
    toy_tear_down();
}
END_TEST

START_TEST(a_part_whose_turn_never_comes_can_be_cancelled)
{
    static uint8_t data[100];
    dlfw_req begin = toy_request(DLFW_OP_WRITE_BEGIN, "up");
    dlfw_req part = toy_request(DLFW_OP_WRITE_PART, ""), *one = &part, end = toy_request(DLFW_OP_WRITE_ABORT, "up");
    dlfw_comp comp;

    toy_set_up(parts);
    part.handle = end.handle = toy_call(&begin).handle;
    part.arg = 1;
    part.buf = data;
    part.length = sizeof data;
    ck_assert_int_eq(cloud_submit(toy_queue, &one, 1), 1);
    ck_assert_int_eq(cloud_reap(toy_queue, &comp, 1, 1, 20000000u), 0);
    cloud_cancel(toy_queue, &part);
    ck_assert_int_eq(cloud_reap(toy_queue, &comp, 1, 1, 1000000000u), 1);
    ck_assert_int_eq(comp.status, DLFW_E_CANCELLED);
    part.deadline_ns = toy_host.now_ns() + 30000000u;
    ck_assert_int_eq(toy_call(&part).status, DLFW_E_TIMEOUT);
    ck_assert_int_eq(toy_call(&end).status, DLFW_OK);
    toy_tear_down();
}
END_TEST

/* ---- batches, redirects, faults ---- */

static bool deletes(void *ctx, int fd, const struct served_request *r)
{
    (void)ctx;
    /* "bad" is refused, by its number in the batch */
    if (strcmp(r->method, "POST") == 0) {
        uint32_t line = 0;
        char text[16] = "";

        for (const char *at = r->body; *at; at = strchr(at, '\n') + 1, line++)
            if (strncmp(at, "bad\n", 4) == 0)
                snprintf(text, sizeof text, "%u", line);
        serve_text(fd, "200 OK", "", text, strlen(text));
    } else {
        serve_text(fd, "204 No Content", "", "", 0);
    }
    return true;
}

START_TEST(deletes_travel_together_and_end_one_by_one)
{
    static const char *const keys[] = {"a", "b", "bad", "c", "d", "e", "f", "g", "h"};
    dlfw_req req[9], *order[9];
    dlfw_comp comps[9];

    toy_set_up(deletes);
    for (uint32_t i = 0; i < 9; i++) {
        req[i] = toy_request(DLFW_OP_DELETE, keys[i]);
        order[i] = &req[i];
    }
    ck_assert_int_eq(cloud_submit(toy_queue, order, 9), 9);
    ck_assert_int_eq(cloud_reap(toy_queue, comps, 9, 9, 5000000000u), 9);
    ck_assert_uint_eq(http_server_requests(toy_server), 3);
    for (uint32_t i = 0; i < 9; i++) {
        bool bad = comps[i].req == &req[2];

        ck_assert_int_eq(comps[i].status, bad ? DLFW_E_PERMISSION : DLFW_OK);
        for (uint32_t j = 0; j < i; j++)
            ck_assert_ptr_ne(comps[i].req, comps[j].req);
    }
    ck_assert_str_eq(toy_message, "DELETE 'toy://bucket/top/bad' failed: Denied: not yours");
    toy_tear_down();
}
END_TEST

static bool elsewhere(void *ctx, int fd, const struct served_request *r)
{
    char headers[128], text[64];

    (void)ctx;
    if (strcmp(r->target, "/top/there") == 0) {
        snprintf(headers, sizeof headers, "Location: http://localhost:%u/new%%20place\r\n",
                 http_server_port(toy_server));
        serve_text(fd, "307 Temporary Redirect", headers, "", 0);
    } else if (strcmp(r->target, "/top/loop") == 0) {
        serve_text(fd, "302 Found", "Location: /top/loop\r\n", "", 0);
    } else if (strcmp(r->target, "/new%20place") == 0 && !served_header(r, "authorization", text, sizeof text)) {
        serve_text(fd, "206 Partial Content", "Content-Range: bytes 0-4/5\r\n", "hello", 5);
    } else if (strcmp(r->target, "/top/renew") == 0) { /* good at the third try */
        static _Atomic uint32_t tries;

        if (tries++ % 4 < 2)
            serve_text(fd, "401 Unauthorized", "", "", 0);
        else
            serve_text(fd, "206 Partial Content", "Content-Range: bytes 0-4/5\r\n", "again", 5);
    } else if (strcmp(r->target, "/top/busy") == 0) {
        serve_text(fd, "503 Slow Down", "Retry-After: 7\r\n", "", 0);
    } else {
        serve_text(fd, "401 Unauthorized", "", "", 0);
    }
    return true;
}

START_TEST(answers_that_are_not_good_are_understood)
{
    static const struct {
        const char *key;
        dlfw_status status;
        uint32_t flags;
        const char *text;
    } cases[] = {
        {"there", DLFW_OK, 0, "hello"},
        {"renew", DLFW_OK, 0, "again"},
        {"loop", DLFW_E_IO, 0, "GET 'toy://bucket/top/loop' failed: 302 ToyTrouble"},
        {"refused", DLFW_E_AUTH, 0, "GET 'toy://bucket/top/refused' failed: 401 ToyTrouble"},
        {"busy", DLFW_E_THROTTLED, DLFW_ERR_RETRYABLE | DLFW_ERR_THROTTLED,
         "GET 'toy://bucket/top/busy' failed: 503 ToyTrouble"},
    };

    toy_set_up(elsewhere);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char buf[8] = "";
        dlfw_req req = toy_request(DLFW_OP_GET, cases[i].key);
        dlfw_comp comp;

        req.buf = buf;
        req.length = req.buf_cap = 5;
        comp = toy_call(&req);
        ck_assert_msg(comp.status == cases[i].status, "case %zu: %d %s", i, comp.status, toy_message);
        ck_assert_uint_eq(comp.flags & 0xffff, cases[i].flags);
        ck_assert_str_eq(comp.status < 0 ? toy_message : buf, cases[i].text);
    }
    ck_assert_uint_eq(toy_error.retry_after_ms, 7000);
    toy_tear_down();
}
END_TEST

static bool silent(void *ctx, int fd, const struct served_request *r)
{
    (void)ctx, (void)fd;
    return strstr(r->target, "hang up") == NULL;
}

START_TEST(what_never_answers_can_be_cancelled_or_waited_for)
{
    static char buf[TOY_DEPTH][8];
    dlfw_req req[TOY_DEPTH], *order[TOY_DEPTH];
    dlfw_comp comps[TOY_DEPTH];
    int32_t n;

    toy_set_up(silent);
    for (uint32_t i = 0; i < TOY_DEPTH; i++) {
        req[i] = toy_request(DLFW_OP_GET, "x");
        req[i].buf = buf[i];
        req[i].length = req[i].buf_cap = 8;
        req[i].error = NULL;
        order[i] = &req[i];
    }
    ck_assert_int_eq(cloud_submit(toy_queue, order, TOY_DEPTH), TOY_DEPTH);
    ck_assert_int_eq(cloud_submit(toy_queue, order, 1), 0);
    cloud_wakeup(toy_queue);
    ck_assert_int_eq(cloud_reap(toy_queue, comps, TOY_DEPTH, 1, UINT64_MAX), 0);
    for (uint32_t i = 0; i < TOY_DEPTH; i++)
        cloud_cancel(toy_queue, &req[i]);
    n = cloud_reap(toy_queue, comps, TOY_DEPTH, TOY_DEPTH, 5000000000u);
    ck_assert_int_eq(n, TOY_DEPTH);
    for (int32_t i = 0; i < n; i++)
        ck_assert_int_eq(comps[i].status, DLFW_E_CANCELLED);
    ck_assert_int_eq(cloud_reap(toy_queue, comps, 1, 1, UINT64_MAX), 0); /* nothing in flight: no waiting */
    toy_tear_down();
}
END_TEST

START_TEST(requests_that_make_no_sense_are_refused)
{
    uint64_t page[8];
    struct {
        dlfw_req req;
        dlfw_status status;
    } cases[] = {
        {toy_request(DLFW_OP_GET, ""), DLFW_E_INVALID},     {toy_request(DLFW_OP_STAT, "x"), DLFW_E_UNSUPPORTED},
        {toy_request(DLFW_OP_CLOSE, ""), DLFW_E_INVALID},   {toy_request(DLFW_OP_WRITE_PART, ""), DLFW_E_INVALID},
        {toy_request(DLFW_OP_LIST, "x"), DLFW_E_ALIGN},     {toy_request(DLFW_OP_DELETE, "x"), DLFW_E_UNSUPPORTED},
        {toy_request(DLFW_OP_DELETE, "x"), DLFW_E_INVALID},
    };

    toy_set_up(silent);
    cases[4].req.buf = (char *)page + 1;
    cases[5].req.flags = 1u << 15;
    cases[6].req.key = "a\0b";
    cases[6].req.key_len = 3;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(toy_call(&cases[i].req).status == cases[i].status, "case %zu: %s", i, toy_message);
    ck_assert_uint_eq(http_server_requests(toy_server), 0);
    toy_tear_down();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cloud_queue");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, ranges_are_right_or_fail);
    tcase_add_test(tc, whole_objects_are_checked);
    tcase_add_test(tc, listings_come_page_by_page);
    tcase_add_test(tc, parts_wait_for_their_turn);
    tcase_add_test(tc, a_part_whose_turn_never_comes_can_be_cancelled);
    tcase_add_test(tc, deletes_travel_together_and_end_one_by_one);
    tcase_add_test(tc, answers_that_are_not_good_are_understood);
    tcase_add_test(tc, what_never_answers_can_be_cancelled_or_waited_for);
    tcase_add_test(tc, requests_that_make_no_sense_are_refused);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
