/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the service, good and hostile: pages of names, batches, errors, tokens. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "azure/azure.h"

static struct text seen;
static char why[256];
static dlfw_error err;

static void set_up(void)
{
    err = (dlfw_error){.struct_size = sizeof err, .message = why, .message_cap = sizeof why};
    why[0] = '\0';
}

static void tear_down(void)
{
    text_free(&seen);
}

/* ---- pages ---- */

static bool each_name(void *ctx, const char *name, size_t len, uint64_t size, uint64_t mtime_ns)
{
    (void)ctx;
    text_add(&seen, name, len);
    if (size == UINT64_MAX)
        text_str(&seen, ":-");
    else
        text_printf(&seen, ":%llu", (unsigned long long)size);
    text_printf(&seen, "@%llu;", (unsigned long long)(mtime_ns / 1000000000u));
    return true;
}

static dlfw_status parse_page(const char *xml, size_t len, char *next, size_t cap)
{
    struct az_page page = {.each = each_name};
    dlfw_status st;

    text_clear(&seen);
    st = az_page_parse(xml, len, &page, &err);
    snprintf(next, cap, "%s", page.next.data ? page.next.data : "");
    text_free(&page.next);
    return st;
}

#define BLOBS(inside)                                                                                                  \
    "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"x\" "                             \
    "ContainerName=\"c\"><Blobs>" inside "</Blobs>"
#define END "</EnumerationResults>"

START_TEST(pages)
{
    static const struct {
        const char *xml, *names, *next;
        dlfw_status status;
    } rows[] = {
        {BLOBS("") "<NextMarker/>" END, "", "", DLFW_OK},
        {BLOBS(
             "<Blob><Name>a b</Name><Properties><Last-Modified>Thu, 01 Jan 1970 00:01:40 GMT</Last-Modified>"
             "<Content-Length>7</Content-Length></Properties></Blob><BlobPrefix><Name>d/</Name></BlobPrefix>") "<NextMa"
                                                                                                               "rker>2!"
                                                                                                               "76!x</"
                                                                                                               "NextMar"
                                                                                                               "ker"
                                                                                                               ">" END,
         "a b:7@100;d/:-@0;", "2!76!x", DLFW_OK},
        {BLOBS("<Blob><Name Encoded=\"true\">x%EF%BF%BF%25</Name></Blob><Blob><Name>y%20</Name></Blob>") END,
         "x\xef\xbf\xbf%:-@0;y%20:-@0;", "", DLFW_OK},
        {BLOBS("<Blob><Name> spaces </Name><Properties><Content-Length>0</Content-Length></Properties></Blob>") END,
         " spaces :0@0;", "", DLFW_OK},
        /* a real directory of an account that has them is no blob */
        {BLOBS("<Blob><Name>dir</Name><Properties><ResourceType>directory</ResourceType></Properties></Blob>"
               "<Blob><Name>f</Name><Properties><ResourceType>file</ResourceType></Properties></Blob>") END,
         "f:-@0;", "", DLFW_OK},
        {BLOBS("<Blob><Name>n</Name><Properties><Content-Length>99999999999999999999</Content-Length></Properties></"
               "Blob>") END,
         "n:-@0;", "", DLFW_OK},
        {"<EnumerationResults><Containers><Container><Name>one</Name></Container><Container><Name>two</Name></"
         "Container>"
         "</Containers>" END,
         "one:-@0;two:-@0;", "", DLFW_OK},
        {BLOBS("<Blob><Name Encoded=\"true\">x%zz</Name></Blob>") END, NULL, NULL, DLFW_E_CORRUPT},
        {BLOBS("<Blob><Name>a</Name></Blob>"), NULL, NULL, DLFW_E_CORRUPT}, /* cut off */
        {"<html>not found</html>", "", "", DLFW_OK},
        {"", NULL, NULL, DLFW_E_CORRUPT},
        {"nonsense", NULL, NULL, DLFW_E_CORRUPT},
    };
    char next[64];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        dlfw_status st = parse_page(rows[i].xml, strlen(rows[i].xml), next, sizeof next);

        ck_assert_msg(st == rows[i].status, "row %zu: %d %s", i, st, why);
        if (st < 0)
            continue;
        ck_assert_str_eq(seen.data ? seen.data : "", rows[i].names);
        ck_assert_str_eq(next, rows[i].next);
    }
}
END_TEST

/* Every beginning of a good page is an error or the page itself, never a crash. */
START_TEST(pages_cut_anywhere)
{
    static const char page[] =
        BLOBS("<Blob><Name Encoded=\"true\">x%20</Name><Properties><Content-Length>7</Content-Length>"
              "</Properties></Blob>") "<NextMarker>m</NextMarker>" END;
    char next[64];

    for (size_t len = 0; len < sizeof page - 1; len++)
        ck_assert_int_eq(parse_page(page, len, next, sizeof next), DLFW_E_CORRUPT);
}
END_TEST

/* ---- batches ---- */

static void each_answer(void *ctx, uint32_t index, int32_t http_status, const char *code, const char *message)
{
    (void)ctx;
    if (index == UINT32_MAX)
        text_str(&seen, "all");
    else
        text_printf(&seen, "%u", index);
    text_printf(&seen, "=%d,%s,%s;", http_status, code, message);
}

static dlfw_status parse_batch(const char *type, const char *body, size_t len)
{
    struct az_batch_sink sink = {.each = each_answer};

    text_clear(&seen);
    return az_batch_parse(type, body, len, &sink, &err);
}

#define PART "--b\r\nContent-Type: application/http\r\nContent-ID: "
#define DELETED "\r\n\r\nHTTP/1.1 202 Accepted\r\nx-ms-request-id: 1\r\nServer: x\r\n\r\n"
#define MISSING                                                                                                        \
    "\r\n\r\nHTTP/1.1 404 The specified blob does not exist.\r\nx-ms-error-code: BlobNotFound\r\nContent-Type: "       \
    "application/xml\r\n\r\n<?xml version=\"1.0\"?>\n<Error><Code>BlobNotFound</Code><Message>The specified blob "     \
    "does "                                                                                                            \
    "not exist.\nRequestId:x</Message></Error>\r\n"

START_TEST(batches)
{
    static const struct {
        const char *type, *body, *answers;
        dlfw_status status;
    } rows[] = {
        {"multipart/mixed; boundary=b", PART "0" DELETED PART "1" MISSING "--b--",
         "0=202,,;1=404,BlobNotFound,The specified blob does not exist.;", DLFW_OK},
        {"multipart/mixed; charset=x; Boundary=\"b\"", PART "7" DELETED "--b--\r\n", "7=202,,;", DLFW_OK},
        {"multipart/mixed; boundary=b", "--b\nContent-ID: 3\n\nHTTP/1.1 202 Accepted\n\n--b--", "3=202,,;", DLFW_OK},
        {"multipart/mixed; boundary=b",
         "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 400 Bad\r\nx-ms-error-code: InvalidInput\r\n\r\n--b--",
         "all=400,InvalidInput,;", DLFW_OK},
        {"multipart/mixed; boundary=b", PART "x" DELETED "--b--", "all=202,,;", DLFW_OK},
        {"multipart/mixed; boundary=b", PART "99999999999" DELETED "--b--", "all=202,,;", DLFW_OK},
        {"multipart/mixed; boundary=b", PART "0\r\n\r\nGARBAGE\r\n--b--", "0=0,,;", DLFW_OK},
        {"multipart/mixed; boundary=b", PART "0\r\n\r\nHTTP/1.1 9999999 x\r\n--b--", "0=0,,;", DLFW_OK},
        /* a part that never ends is not believed */
        {"multipart/mixed; boundary=b", PART "0" DELETED, NULL, DLFW_E_CORRUPT},
        {"multipart/mixed; boundary=b", "", NULL, DLFW_E_CORRUPT},
        {"multipart/mixed; boundary=b", "--b--", NULL, DLFW_E_CORRUPT},
        {"multipart/mixed", PART "0" DELETED "--b--", NULL, DLFW_E_CORRUPT},
        {"text/html", "<html/>", NULL, DLFW_E_CORRUPT},
        {"multipart/mixed; boundary=", "----", NULL, DLFW_E_CORRUPT},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        dlfw_status st = parse_batch(rows[i].type, rows[i].body, strlen(rows[i].body));

        ck_assert_msg(st == rows[i].status, "row %zu: %d %s", i, st, why);
        if (st == DLFW_OK)
            ck_assert_str_eq(seen.data, rows[i].answers);
    }
}
END_TEST

START_TEST(batches_cut_anywhere)
{
    static const char body[] = PART "0" DELETED PART "1" MISSING "--b--";

    for (size_t len = 0; len < sizeof body; len++) {
        char *copy = malloc(len ? len : 1); /* exactly as long, so that a sanitizer sees a read behind it */

        memcpy(copy, body, len);
        (void)parse_batch("multipart/mixed; boundary=b", copy, len);
        free(copy);
    }
}
END_TEST

/* ---- errors ---- */

START_TEST(errors)
{
    static const struct {
        const char *xml, *code, *message;
    } rows[] = {
        {"\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>ServerBusy</Code><Message>Ingress is over "
         "the limit."
         "\nRequestId:1\nTime:2</Message></Error>",
         "ServerBusy", "Ingress is over the limit."},
        {"<Error><Code>AuthenticationFailed</Code><Message>no</Message><AuthenticationErrorDetail>the secret string to "
         "sign"
         "</AuthenticationErrorDetail></Error>",
         "AuthenticationFailed", "no"},
        {"<html><body>proxy error</body></html>", "", ""},
        {"proxy error", "", ""},
        {"", "", ""},
        {"<Error><Code>X", "", ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cloud_fault fault = {0};

        az_error_parse(rows[i].xml, strlen(rows[i].xml), &fault);
        ck_assert_str_eq(fault.code, rows[i].code);
        ck_assert_str_eq(fault.message, rows[i].message);
    }
}
END_TEST

START_TEST(long_errors_are_cut)
{
    struct text xml = {0};
    struct cloud_fault fault = {0};

    text_str(&xml, "<Error><Code>");
    for (int i = 0; i < 5000; i++)
        text_char(&xml, 'c');
    text_str(&xml, "</Code><Message>");
    for (int i = 0; i < 5000; i++)
        text_char(&xml, 'm');
    text_str(&xml, "</Message></Error>");
    az_error_parse(xml.data, xml.len, &fault);
    ck_assert_uint_eq(strlen(fault.code), sizeof fault.code - 1);
    ck_assert_uint_eq(strlen(fault.message), sizeof fault.message - 1);
    text_free(&xml);
}
END_TEST

START_TEST(meanings)
{
    static const struct {
        int32_t http_status;
        const char *code;
        dlfw_status status;
        uint32_t flags;
    } rows[] = {
        {404, "BlobNotFound", DLFW_E_NOT_FOUND, 0},
        {404, "ContainerNotFound", DLFW_E_NOT_FOUND, 0},
        {403, "AuthenticationFailed", DLFW_E_AUTH, 0},
        {403, "AuthorizationPermissionMismatch", DLFW_E_PERMISSION, 0},
        {409, "BlobAlreadyExists", DLFW_E_EXISTS, 0},
        {409, "ContainerBeingDeleted", DLFW_E_BUSY, DLFW_ERR_RETRYABLE},
        {412, "LeaseIdMissing", DLFW_E_BUSY, 0},
        {503, "ServerBusy", DLFW_E_THROTTLED, DLFW_ERR_RETRYABLE | DLFW_ERR_THROTTLED},
        {500, "OperationTimedOut", DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE},
        {500, "InternalError", DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE},
        {400, "Md5Mismatch", DLFW_E_CORRUPT, DLFW_ERR_RETRYABLE},
        {429, "", DLFW_E_THROTTLED, DLFW_ERR_RETRYABLE | DLFW_ERR_THROTTLED},
        {400, "SomethingNew", DLFW_E_INVALID, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cloud_fault fault = {0};

        cloud_fault_of_code(rows[i].http_status, &fault);
        az_fault_of_word(rows[i].code, &fault);
        ck_assert_msg(fault.status == rows[i].status && fault.flags == rows[i].flags, "%s: %d %u", rows[i].code,
                      fault.status, fault.flags);
    }
}
END_TEST

/* ---- tokens ---- */

START_TEST(token_answers)
{
    static const struct {
        const char *json, *token;
        uint64_t expires;
    } rows[] = {
        {"{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"abc.def\"}", "abc.def", 4599},
        {"{\"access_token\":\"abc\",\"expires_in\":\"60\",\"expires_on\":\"1506484173\"}", "abc", 1506484173},
        {"{\"access_token\":\"abc\"}", "abc", 1300},
        {"{\"access_token\":\"abc\",\"expires_in\":-5}", "abc", 1300},
        {"{\"access_token\":\"a\\r\\nEvil: 1\"}", NULL, 0},
        {"{\"access_token\":\"\"}", NULL, 0},
        {"{\"access_token\":5}", NULL, 0},
        {"[]", NULL, 0},
        {"", NULL, 0},
        {"{\"access_token\":\"abc\"", NULL, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text token = {0};
        uint64_t expires = 0;
        dlfw_status st = az_token_parse(rows[i].json, strlen(rows[i].json), 1000, &token, &expires, &err);

        ck_assert_msg((st == DLFW_OK) == (rows[i].token != NULL), "row %zu: %s", i, why);
        if (rows[i].token) {
            ck_assert_str_eq(token.data, rows[i].token);
            ck_assert_uint_eq(expires, rows[i].expires);
        }
        text_free(&token);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("azure_answers");
    TCase *tests = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, pages);
    tcase_add_test(tests, pages_cut_anywhere);
    tcase_add_test(tests, batches);
    tcase_add_test(tests, batches_cut_anywhere);
    tcase_add_test(tests, errors);
    tcase_add_test(tests, long_errors_are_cut);
    tcase_add_test(tests, meanings);
    tcase_add_test(tests, token_answers);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
