/* SPDX-License-Identifier: Apache-2.0 */
/* The XML reader: what it hands out, and what a hostile answer cannot do. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/cloud.h"

struct seen {
    struct text log; /* "<path" for a start, "path=text;" for an end */
    const char *stop_at;
};

static bool begins(void *ctx, const char *path)
{
    text_printf(&((struct seen *)ctx)->log, "<%s;", path);
    return true;
}

static bool ends(void *ctx, const char *path, const char *text, size_t len)
{
    struct seen *seen = ctx;

    text_printf(&seen->log, "%s=%.*s;", path, (int)len, text);
    ck_assert_uint_eq(strlen(text), len);
    return !seen->stop_at || strcmp(path, seen->stop_at) != 0;
}

static dlfw_status walk(const char *data, size_t len, struct seen *seen, char *message, size_t cap)
{
    const struct cloud_xml xml = {.ctx = seen, .each = ends};
    dlfw_error err = {.struct_size = sizeof err, .message = message, .message_cap = (uint32_t)cap};

    return cloud_xml_walk(data, len, &xml, &err);
}

static const struct {
    const char *document, *log;
} good[] = {
    {"<a/>", "a=;"},
    {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a><b>1</b>\n <b>2</b> </a>", "a/b=1;a/b=2;a=;"},
    {"<L xmlns=\"http://s3\"><C><K>a&amp;b &lt;&#x20AC;</K></C></L>", "L/C/K=a&b <\xe2\x82\xac;L/C=;L=;"},
    {"<n:L xmlns:n=\"http://s3\"><n:K>v</n:K></n:L>", "L/K=v;L=;"},
    {"<a><b><![CDATA[<&>]]></b></a>", "a/b=<&>;a=;"},
    {"<a>text <b>1</b> more</a>", "a/b=1;a=;"},
    {"<a><b> </b></a>", "a/b= ;a=;"},
};

START_TEST(good_documents)
{
    struct seen seen = {0};
    char message[256] = "";

    ck_assert_msg(walk(good[_i].document, strlen(good[_i].document), &seen, message, sizeof message) == DLFW_OK, "%s",
                  message);
    ck_assert_str_eq(seen.log.data, good[_i].log);
    text_free(&seen.log);
}
END_TEST

static const struct {
    const char *document, *message;
} bad[] = {
    {"", "no element"},
    {"   ", "no element"},
    {"{\"error\": 1}", "not well-formed"},
    {"<a><b></a>", "mismatched"},
    {"<a>", "no element"},
    {"<a/><a/>", "junk"},
    {"<a>&unknown;</a>", "undefined entity"},
    {"<a>\x01</a>", "not well-formed"},
    {"<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "document type"},
    {"<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", "document type"},
};

START_TEST(bad_documents)
{
    struct seen seen = {0};
    char message[256] = "";

    ck_assert_int_eq(walk(bad[_i].document, strlen(bad[_i].document), &seen, message, sizeof message), DLFW_E_CORRUPT);
    ck_assert_msg(strstr(message, bad[_i].message), "'%s' lacks '%s'", message, bad[_i].message);
    text_free(&seen.log);
}
END_TEST

/* Repeats piece n times between head and tail. */
static void repeat(struct text *t, const char *head, const char *piece, size_t n, const char *tail)
{
    text_str(t, head);
    for (size_t i = 0; i < n; i++)
        text_str(t, piece);
    text_str(t, tail);
}

static const struct {
    const char *head, *piece, *tail;
    size_t count;
    const char *message;
} huge[] = {
    {"", "<a>", "", 100000, "nested"},
    {"<a><b>", "0123456789abcdef", "</b></a>", 100000, "text"},
    {"<", "0123456789abcdef", "/>", 1, "not well-formed"},
    {"<", "abcdef0123456789", "/>", 100000, "names"},
};

START_TEST(bounds_hold)
{
    struct seen seen = {0};
    struct text doc = {0};
    char message[256] = "";

    repeat(&doc, huge[_i].head, huge[_i].piece, huge[_i].count, huge[_i].tail);
    ck_assert_int_eq(walk(doc.data, doc.len, &seen, message, sizeof message), DLFW_E_CORRUPT);
    ck_assert_msg(strstr(message, huge[_i].message), "'%s' lacks '%s'", message, huge[_i].message);
    text_free(&doc);
    text_free(&seen.log);
}
END_TEST

/* A page of many entries has no bound in text: only one element's counts. */
START_TEST(long_listing_passes)
{
    struct seen seen = {.stop_at = NULL};
    struct text doc = {0};
    char message[256] = "";

    repeat(&doc, "<L>", "\n        <C><K>0123456789012345678901234567890123456789</K></C>", 20000, "</L>");
    ck_assert_msg(walk(doc.data, doc.len, &seen, message, sizeof message) == DLFW_OK, "%s", message);
    text_free(&doc);
    text_free(&seen.log);
}
END_TEST

START_TEST(callback_stops)
{
    struct seen seen = {.stop_at = "a/b"};
    static const char doc[] = "<a><b>1</b><c>2</c></a>";
    char message[256] = "";

    ck_assert_int_eq(walk(doc, strlen(doc), &seen, message, sizeof message), DLFW_OK);
    ck_assert_str_eq(seen.log.data, "a/b=1;");
    text_free(&seen.log);
}
END_TEST

START_TEST(begin_is_told)
{
    struct seen seen = {0};
    const struct cloud_xml xml = {.ctx = &seen, .begin = begins, .each = ends};
    static const char doc[] = "<a><b>1</b></a>";

    ck_assert_int_eq(cloud_xml_walk(doc, strlen(doc), &xml, NULL), DLFW_OK);
    ck_assert_str_eq(seen.log.data, "<a;<a/b;a/b=1;a=;");
    text_free(&seen.log);
}
END_TEST

/* What is escaped comes back through the reader as it was. */
START_TEST(escape_round_trip)
{
    static const char key[] = "a&b<c>\"d\"'e'\t\n\r\xc3\xa4 ]]>";
    struct text doc = {0};
    struct seen seen = {0};

    text_str(&doc, "<a>");
    cloud_xml_escape(&doc, key, strlen(key));
    text_str(&doc, "</a>");
    ck_assert_int_eq(walk(doc.data, doc.len, &seen, (char[1]){0}, 1), DLFW_OK);
    text_char(&seen.log, '\0');
    ck_assert_int_eq(strncmp(seen.log.data, "a=", 2), 0);
    ck_assert_int_eq(memcmp(seen.log.data + 2, key, strlen(key)), 0);
    text_free(&doc);
    text_free(&seen.log);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cloud_xml");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, good_documents, 0, (int)(sizeof good / sizeof *good));
    tcase_add_loop_test(tc, bad_documents, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_loop_test(tc, bounds_hold, 0, (int)(sizeof huge / sizeof *huge));
    tcase_add_test(tc, long_listing_passes);
    tcase_add_test(tc, callback_stops);
    tcase_add_test(tc, begin_is_told);
    tcase_add_test(tc, escape_round_trip);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
