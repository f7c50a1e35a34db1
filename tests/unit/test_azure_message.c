/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as Azure documents them: what is sent and what is signed. The signatures were computed with another program.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "azure/azure.h"

#define DATE "Fri, 26 Jun 2015 23:39:12 GMT"
#define KEY "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

static struct text base, fixed, key, sas, head, signed_text;
static struct az_access access_;
static char why[256];

static void set_up(void)
{
    text_str(&fixed, "Host: h\r\nUser-Agent: dlfw/1\r\n");
    ck_assert(cloud_base64_decode(&key, KEY, strlen(KEY)));
    text_str(&sas, "sv=2021-12-02&sig=abc%3D");
    text_add(&base, "", 0);
    access_ = (struct az_access){.auth = AZ_KEY,
                                 .account = "myaccount",
                                 .base = &base,
                                 .fixed = &fixed,
                                 .key = &key,
                                 .sas = &sas,
                                 .token = "tok"};
}

static void tear_down(void)
{
    struct text *all[] = {&base, &fixed, &key, &sas, &head, &signed_text};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        text_free(all[i]);
}

static dlfw_status compose(const struct az_message *m)
{
    dlfw_error err = {.struct_size = sizeof err, .message = why, .message_cap = sizeof why};

    text_clear(&head);
    return az_compose(&access_, m, DATE, &head, &signed_text, &err);
}

static struct az_message message(const char *method, const char *container, const char *blob)
{
    return (struct az_message){.method = method, .place = {container, strlen(container), blob, strlen(blob)}};
}

/* The example of the vendor's description, in our version of the interface. */
START_TEST(container_metadata)
{
    struct az_message m = message("GET", "mycontainer", "");

    az_query_str(&m, "timeout", "20");
    az_query_str(&m, "restype", "container");
    az_query_str(&m, "comp", "metadata");
    ck_assert_int_eq(compose(&m), DLFW_OK);
    ck_assert_str_eq(signed_text.data, "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:" DATE "\nx-ms-version:" AZ_VERSION
                                       "\n/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20");
    ck_assert_str_eq(head.data,
                     "GET /mycontainer?comp=metadata&restype=container&timeout=20 HTTP/1.1\r\n"
                     "Host: h\r\nUser-Agent: dlfw/1\r\nx-ms-date: " DATE "\r\nx-ms-version: " AZ_VERSION "\r\n"
                     "Authorization: SharedKey myaccount:e5TGtx82y7hiuUggUz65t9G3j7+ZOihpMZ663DFSmD0=\r\n\r\n");
}
END_TEST

START_TEST(upload_of_a_new_blob)
{
    struct az_message m = message("PUT", "mycontainer", "a b/\xc3\xa4+%.txt");

    m.has_body = m.only_new = true;
    m.body_len = 11;
    az_header(&m, "x-ms-blob-type", "BlockBlob");
    ck_assert_int_eq(compose(&m), DLFW_OK);
    ck_assert_str_eq(signed_text.data, "PUT\n\n\n11\n\n\n\n\n\n*\n\n\nx-ms-blob-type:BlockBlob\nx-ms-date:" DATE
                                       "\nx-ms-version:" AZ_VERSION "\n/myaccount/mycontainer/a%20b/%C3%A4%2B%25.txt");
    ck_assert_ptr_nonnull(strstr(head.data, "PUT /mycontainer/a%20b/%C3%A4%2B%25.txt HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(head.data, "\r\nIf-None-Match: *\r\nContent-Length: 11\r\n"));
    ck_assert_ptr_nonnull(strstr(head.data, "myaccount:7xLUHb3to9WXYpVdkd6C1HaX5YCZjUSS6VCEMbxYNA0=\r\n"));
}
END_TEST

/* The emulator has the account in the path, so what is signed has it twice. */
START_TEST(account_in_the_path)
{
    struct az_message m = message("GET", "c", "x");

    access_.account = "devstoreaccount1";
    text_str(&base, "/devstoreaccount1");
    m.range = "bytes=0-99";
    m.range_len = 10;
    ck_assert_int_eq(compose(&m), DLFW_OK);
    ck_assert_ptr_nonnull(strstr(signed_text.data, "\n/devstoreaccount1/devstoreaccount1/c/x"));
    ck_assert_ptr_nonnull(strstr(head.data, "\r\nRange: bytes=0-99\r\n"));
    ck_assert_ptr_nonnull(strstr(head.data, ":/t4JbIqkX6mQt0Vabpz/tBt5SS34oJlxfjK+iBLxj34=\r\n"));
}
END_TEST

/* An empty body has a length on the wire and none in what is signed. */
START_TEST(empty_body)
{
    struct az_message m = message("PUT", "c", "x");

    m.has_body = true;
    ck_assert_int_eq(compose(&m), DLFW_OK);
    ck_assert_ptr_nonnull(strstr(head.data, "\r\nContent-Length: 0\r\n"));
    ck_assert_int_eq(strncmp(signed_text.data, "PUT\n\n\n\n\n\n", 9), 0);
}
END_TEST

START_TEST(values_of_a_query_are_signed_as_they_mean)
{
    struct az_message m = message("GET", "c", "");

    az_query_str(&m, "prefix", "a/b &=\xc3\xa4");
    ck_assert_int_eq(compose(&m), DLFW_OK);
    ck_assert_ptr_nonnull(strstr(head.data, "GET /c?prefix=a%2Fb%20%26%3D%C3%A4 HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(signed_text.data, "\nprefix:a/b &=\xc3\xa4"));
}
END_TEST

START_TEST(account_itself)
{
    struct az_message m = message("GET", "", "");

    az_query_str(&m, "comp", "list");
    ck_assert_int_eq(compose(&m), DLFW_OK);
    ck_assert_ptr_nonnull(strstr(head.data, "GET /?comp=list HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(signed_text.data, "\n/myaccount/\ncomp:list"));
}
END_TEST

START_TEST(other_ways_to_say_who_we_are)
{
    struct az_message m = message("GET", "c", "x");

    access_.auth = AZ_SAS;
    ck_assert_int_eq(compose(&m), DLFW_OK);
    ck_assert_ptr_nonnull(strstr(head.data, "GET /c/x?sv=2021-12-02&sig=abc%3D HTTP/1.1\r\n"));
    ck_assert_ptr_null(strstr(head.data, "Authorization"));
    az_query_str(&m, "comp", "list");
    ck_assert_int_eq(compose(&m), DLFW_OK);
    ck_assert_ptr_nonnull(strstr(head.data, "GET /c/x?comp=list&sv=2021-12-02&sig=abc%3D HTTP/1.1\r\n"));
    access_.auth = AZ_TOKEN;
    ck_assert_int_eq(compose(&m), DLFW_OK);
    ck_assert_ptr_nonnull(strstr(head.data, "\r\nAuthorization: Bearer tok\r\n"));
    access_.auth = AZ_ANONYMOUS;
    ck_assert_int_eq(compose(&m), DLFW_OK);
    ck_assert_ptr_null(strstr(head.data, "Authorization"));
    ck_assert_ptr_null(strstr(head.data, "sig="));
}
END_TEST

/* A request inside a batch has a date and a signature, and neither host nor version. */
START_TEST(inside_a_batch)
{
    struct az_message m = message("DELETE", "c", "x");

    m.inner = true;
    ck_assert_int_eq(compose(&m), DLFW_OK);
    ck_assert_ptr_null(strstr(head.data, "Host:"));
    ck_assert_ptr_null(strstr(head.data, "x-ms-version"));
    ck_assert_ptr_nonnull(strstr(head.data, "\r\nContent-Length: 0\r\n"));
    ck_assert_ptr_nonnull(strstr(head.data, "\r\nAuthorization: SharedKey myaccount:"));
}
END_TEST

START_TEST(redirected)
{
    struct text target = {0};
    struct az_message m = message("GET", "c", "x");

    text_str(&target, "/d/y%20z?restype=container&comp=list&prefix=a%2Fb");
    m.target = &target;
    ck_assert_int_eq(compose(&m), DLFW_OK);
    ck_assert_ptr_nonnull(strstr(head.data, "GET /d/y%20z?restype=container&comp=list&prefix=a%2Fb HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(signed_text.data, "/myaccount/d/y%20z\ncomp:list\nprefix:a/b\nrestype:container"));
    text_clear(&target);
    text_str(&target, "/d?prefix=%zz");
    ck_assert_int_eq(compose(&m), DLFW_E_CORRUPT);
    text_clear(&target);
    text_str(&target, "/d?a&b&c&d&e&f&g&h&i&j&k&l&m&n");
    ck_assert_int_eq(compose(&m), DLFW_E_CORRUPT);
    access_.auth = AZ_SAS;
    text_clear(&target);
    text_str(&target, "/d?sv=1&sig=2");
    ck_assert_int_eq(compose(&m), DLFW_OK);
    ck_assert_ptr_nonnull(strstr(head.data, "GET /d?sv=1&sig=2 HTTP/1.1\r\n"));
    text_free(&target);
}
END_TEST

START_TEST(block_ids)
{
    struct text one = {0}, two = {0}, ids = {0};

    text_add(&one, "0123456789", 10);
    text_add(&two, "9876543210", 10);
    az_block_id(&one, 0, &ids);
    az_block_id(&one, 49999, &ids);
    az_block_id(&two, 0, &ids);
    ck_assert_uint_eq(ids.len, 72); /* all of the same length */
    ck_assert_int_ne(memcmp(ids.data, ids.data + 24, 24), 0);
    ck_assert_int_ne(memcmp(ids.data, ids.data + 48, 24), 0);
    text_free(&one);
    text_free(&two);
    text_free(&ids);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("azure_message");
    TCase *tests = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, container_metadata);
    tcase_add_test(tests, upload_of_a_new_blob);
    tcase_add_test(tests, account_in_the_path);
    tcase_add_test(tests, empty_body);
    tcase_add_test(tests, values_of_a_query_are_signed_as_they_mean);
    tcase_add_test(tests, account_itself);
    tcase_add_test(tests, other_ways_to_say_who_we_are);
    tcase_add_test(tests, inside_a_batch);
    tcase_add_test(tests, redirected);
    tcase_add_test(tests, block_ids);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
