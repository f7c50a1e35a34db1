/* SPDX-License-Identifier: Apache-2.0 */
/* Who, where and with what: roots, options, the environment, connection strings, endpoints and names. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "azure/azure.h"
#include "mock/fake_host.h"

static struct fake_host host;
static struct az_options options;
static struct az_settings settings;
static char why[512];

static void set_up(void)
{
    static const char *const names[] = {"AZURE_STORAGE_ACCOUNT",
                                        "AZURE_STORAGE_KEY",
                                        "AZURE_STORAGE_SAS_TOKEN",
                                        "AZURE_STORAGE_CONNECTION_STRING",
                                        "AZURE_STORAGE_ENDPOINT",
                                        "AZURE_BLOB_ENDPOINT_URL",
                                        "AZURE_TENANT_ID",
                                        "AZURE_CLIENT_ID",
                                        "AZURE_CLIENT_SECRET",
                                        "AZURE_AUTHORITY_HOST",
                                        "AZURE_FEDERATED_TOKEN_FILE",
                                        "IDENTITY_ENDPOINT"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    fake_host_init(&host);
    host.log_level = DLFW_LOG_DEBUG;
    options = (struct az_options){0};
    why[0] = '\0';
}

static void tear_down(void)
{
    az_settings_free(&settings);
    settings = (struct az_settings){0};
}

static dlfw_status resolve(const char *root)
{
    dlfw_create_args args = {
        .struct_size = sizeof args, .host = &host.table, .host_ctx = &host, .options = &options, .root = root};
    dlfw_error err = FAKE_ERROR(why);

    az_settings_free(&settings);
    return az_settings_resolve(&args, &settings, &err);
}

static const char *text(const struct text *t)
{
    return t->data && t->len ? t->data : "";
}

START_TEST(roots)
{
    static const struct {
        const char *root;
        dlfw_status status;
        const char *account, *container, *prefix;
    } rows[] = {
        {"acct", DLFW_OK, "acct", "", ""},
        {"acct/", DLFW_OK, "acct", "", ""},
        {"acct/data", DLFW_OK, "acct", "data", ""},
        {"acct/data/", DLFW_OK, "acct", "data", ""},
        {"acct/data/a/b", DLFW_OK, "acct", "data", "a/b/"},
        {"acct/$web/x y//", DLFW_OK, "acct", "$web", "x y/"},
        {"", DLFW_E_CONFIG, 0, 0, 0},
        {"/data", DLFW_E_CONFIG, 0, 0, 0},
        {"ac.ct/data", DLFW_E_CONFIG, 0, 0, 0},
        {"acct:1/data", DLFW_E_CONFIG, 0, 0, 0},
        {"acct/ab", DLFW_E_INVALID, 0, 0, 0},
        {"acct/Data", DLFW_E_INVALID, 0, 0, 0},
        {"acct/data/../x", DLFW_E_INVALID, 0, 0, 0},
        {"acct/data/\xff", DLFW_E_INVALID, 0, 0, 0},
    };

    options.anonymous = 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_msg(resolve(rows[i].root) == rows[i].status, "'%s': %s", rows[i].root, why);
        if (rows[i].status < 0)
            continue;
        ck_assert_str_eq(text(&settings.account), rows[i].account);
        ck_assert_str_eq(text(&settings.container), rows[i].container);
        ck_assert_str_eq(text(&settings.prefix), rows[i].prefix);
        ck_assert_str_eq(text(&settings.endpoint), "https://acct.blob.core.windows.net");
    }
}
END_TEST

START_TEST(an_option_goes_before_the_environment)
{
    setenv("AZURE_STORAGE_KEY", "ZW52", 1);
    setenv("AZURE_STORAGE_ENDPOINT", "http://env", 1);
    ck_assert_int_eq(resolve("acct/box"), DLFW_OK);
    ck_assert_int_eq(settings.auth, AZ_KEY);
    ck_assert_str_eq(text(&settings.key), "env");
    ck_assert_str_eq(text(&settings.endpoint), "http://env");
    options.account_key = "b3B0";
    options.endpoint_url = "http://opt";
    ck_assert_int_eq(resolve("acct/box"), DLFW_OK);
    ck_assert_str_eq(text(&settings.key), "opt");
    ck_assert_str_eq(text(&settings.endpoint), "http://opt");
    options.account_key = NULL;
    options.sas_token = "?sv=1&sig=secretsig";
    ck_assert_int_eq(resolve("acct/box"), DLFW_OK);
    ck_assert_int_eq(settings.auth, AZ_SAS);
    ck_assert_str_eq(text(&settings.sas), "sv=1&sig=secretsig");
    options.sas_token = NULL;
    options.anonymous = 1;
    ck_assert_int_eq(resolve("acct/box"), DLFW_OK);
    ck_assert_int_eq(settings.auth, AZ_ANONYMOUS);
}
END_TEST

START_TEST(another_accounts_environment)
{
    setenv("AZURE_STORAGE_ACCOUNT", "other", 1);
    setenv("AZURE_STORAGE_KEY", "ZW52", 1);
    ck_assert_int_eq(resolve("acct/box"), DLFW_E_AUTH);
    ck_assert_int_eq(resolve("other/box"), DLFW_OK);
    unsetenv("AZURE_STORAGE_ACCOUNT");
    unsetenv("AZURE_STORAGE_KEY");
    setenv("AZURE_STORAGE_CONNECTION_STRING", "AccountName=other;AccountKey=ZW52", 1);
    ck_assert_int_eq(resolve("acct/box"), DLFW_E_AUTH);
    ck_assert_int_eq(resolve("other/box"), DLFW_OK);
    unsetenv("AZURE_STORAGE_CONNECTION_STRING");
    options.connection_string = "AccountName=other;AccountKey=ZW52";
    ck_assert_int_eq(resolve("acct/box"), DLFW_E_CONFIG);
    ck_assert_str_eq(why, "the connection string is of account 'other', the location names 'acct'");
}
END_TEST

START_TEST(tokens)
{
    options.client_secret = "s";
    ck_assert_int_eq(resolve("acct/box"), DLFW_E_CONFIG);
    options.tenant_id = "t";
    setenv("AZURE_CLIENT_ID", "c", 1);
    ck_assert_int_eq(resolve("acct/box"), DLFW_OK);
    ck_assert_int_eq(settings.auth, AZ_TOKEN);
    ck_assert_int_eq(settings.identity, AZ_IDENTITY_SECRET);
    ck_assert_str_eq(text(&settings.client), "c");
    options.tenant_id = "t/../x";
    ck_assert_int_eq(resolve("acct/box"), DLFW_E_CONFIG);
    options = (struct az_options){.use_managed_identity = 1};
    ck_assert_int_eq(resolve("acct/box"), DLFW_OK);
    ck_assert_int_eq(settings.identity, AZ_IDENTITY_MANAGED);
    options.use_managed_identity = 0;
    setenv("AZURE_TENANT_ID", "t", 1);
    setenv("AZURE_FEDERATED_TOKEN_FILE", "/t", 1);
    ck_assert_int_eq(resolve("acct/box"), DLFW_OK);
    ck_assert_int_eq(settings.identity, AZ_IDENTITY_FEDERATED);
    unsetenv("AZURE_FEDERATED_TOKEN_FILE");
    setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/", 1);
    ck_assert_int_eq(resolve("acct/box"), DLFW_OK);
    ck_assert_int_eq(settings.identity, AZ_IDENTITY_MANAGED);
}
END_TEST

START_TEST(bad_credentials)
{
    static const struct {
        const char *key, *sas, *string;
        uint8_t anonymous;
    } rows[] = {
        {"sEcReT not base64 !", 0, 0, 0},
        {0, "https://h/?sv=1", 0, 0},
        {0, "sv=1&sig=sEcReT\r\nEvil: 1", 0, 0},
        {0, "sv=1&sig=sEcReT#x", 0, 0},
        {"YQ==", "sv=1&sig=sEcReT", 0, 0},
        {"YQ==", 0, "AccountName=acct;AccountKey=sEcReT", 0},
        {0, 0, "sEcReT", 0},
        {"c0VjUmVU", 0, 0, 1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        options = (struct az_options){.account_key = rows[i].key,
                                      .sas_token = rows[i].sas,
                                      .connection_string = rows[i].string,
                                      .anonymous = rows[i].anonymous};
        ck_assert_msg(resolve("acct/box") == DLFW_E_CONFIG, "row %zu: %s", i, why);
        ck_assert_msg(!strstr(why, "sEcReT"), "row %zu: %s", i, why);
    }
    options = (struct az_options){0};
    ck_assert_int_eq(resolve("acct/box"), DLFW_E_AUTH);
    ck_assert_ptr_nonnull(strstr(why, "account_key"));
    ck_assert_ptr_null(strstr(host.log, "sEcReT"));
}
END_TEST

/* The log says where a value came from and never what a secret is. */
START_TEST(origins_are_logged_and_secrets_are_not)
{
    options.account_key = "c0VjUmVU";
    ck_assert_int_eq(resolve("acct/box"), DLFW_OK);
    ck_assert_ptr_nonnull(strstr(host.log, "account key from account_key"));
    ck_assert_ptr_null(strstr(host.log, "c0VjUmVU"));
    ck_assert_ptr_null(strstr(host.log, "sEcReT"));
}
END_TEST

START_TEST(connection_strings)
{
    static const struct {
        const char *string;
        dlfw_status status;
        const char *account, *key, *sas, *endpoint;
    } rows[] = {
        {"DefaultEndpointsProtocol=https;AccountName=a;AccountKey=Zm9v/+==;EndpointSuffix=core.windows.net", DLFW_OK,
         "a", "Zm9v/+==", "", "https://a.blob.core.windows.net"},
        {"defaultendpointsprotocol=http;accountname=a;accountkey=Zm9v;", DLFW_OK, "a", "Zm9v", "",
         "http://a.blob.core.windows.net"},
        {"AccountName=a;AccountKey=k;BlobEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://q", DLFW_OK, "a", "k", "",
         "http://127.0.0.1:1/a"},
        {"BlobEndpoint=https://h/;SharedAccessSignature=sv=1&sig=x%3D", DLFW_OK, "", "", "sv=1&sig=x%3D", "https://h/"},
        {";;AccountName=a;;AccountKey=k;;", DLFW_OK, "a", "k", "", ""},
        {"UseDevelopmentStorage=false", DLFW_E_CONFIG, 0, 0, 0, 0},
        {"", DLFW_E_CONFIG, 0, 0, 0, 0},
        {"AccountName", DLFW_E_CONFIG, 0, 0, 0, 0},
        {"AccountName=", DLFW_E_CONFIG, 0, 0, 0, 0},
        {"AccountName=a;AccountName=b", DLFW_E_CONFIG, 0, 0, 0, 0},
        {"AccountKey=k", DLFW_E_CONFIG, 0, 0, 0, 0},
        {"AccountName=a;AccountKey=k;SharedAccessSignature=s", DLFW_E_CONFIG, 0, 0, 0, 0},
        {"DefaultEndpointsProtocol=ftp;AccountName=a", DLFW_E_CONFIG, 0, 0, 0, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct az_connection_string c;
        dlfw_error err = FAKE_ERROR(why);

        ck_assert_msg(az_connection_string_parse(rows[i].string, &c, &err) == rows[i].status, "'%s': %s",
                      rows[i].string, why);
        if (rows[i].status == DLFW_OK) {
            ck_assert_str_eq(text(&c.account), rows[i].account);
            ck_assert_str_eq(text(&c.key), rows[i].key);
            ck_assert_str_eq(text(&c.sas), rows[i].sas);
            ck_assert_str_eq(text(&c.endpoint), rows[i].endpoint);
        }
        az_connection_string_free(&c);
    }
}
END_TEST

START_TEST(development_storage)
{
    options.connection_string = "UseDevelopmentStorage=true";
    ck_assert_int_eq(resolve("devstoreaccount1/box"), DLFW_OK);
    ck_assert_str_eq(text(&settings.endpoint), "http://127.0.0.1:10000/devstoreaccount1");
    ck_assert_uint_eq(settings.key.len, 64);
}
END_TEST

START_TEST(endpoints)
{
    static const struct {
        const char *url;
        enum az_path_style style;
        dlfw_status status;
        const char *host, *base;
        uint16_t port;
    } rows[] = {
        {"https://acct.blob.core.windows.net", AZ_PATH_AUTO, DLFW_OK, "acct.blob.core.windows.net", "", 443},
        {"https://acct.blob.core.windows.net/", AZ_PATH_AUTO, DLFW_OK, "acct.blob.core.windows.net", "", 443},
        {"http://127.0.0.1:10000", AZ_PATH_AUTO, DLFW_OK, "127.0.0.1", "/acct", 10000},
        {"http://127.0.0.1:10000/acct/", AZ_PATH_AUTO, DLFW_OK, "127.0.0.1", "/acct", 10000},
        {"http://[::1]:10000", AZ_PATH_AUTO, DLFW_OK, "::1", "/acct", 10000},
        {"http://localhost:1", AZ_PATH_AUTO, DLFW_OK, "localhost", "/acct", 1},
        {"http://azurite:10000", AZ_PATH_AUTO, DLFW_OK, "azurite", "/acct", 10000},
        {"http://azurite:10000", AZ_PATH_NEVER, DLFW_OK, "azurite", "", 10000},
        {"https://gate.example.org/x", AZ_PATH_ALWAYS, DLFW_OK, "gate.example.org", "/x/acct", 443},
        {"https://gate.example.org/myacct", AZ_PATH_ALWAYS, DLFW_OK, "gate.example.org", "/myacct/acct", 443},
        {"https://h.example/?sv=1&sig=s", AZ_PATH_AUTO, DLFW_E_CONFIG, 0, 0, 0},
        {"https://user:pass@h.example/", AZ_PATH_AUTO, DLFW_E_INVALID, 0, 0, 0},
        {"h.example", AZ_PATH_AUTO, DLFW_E_INVALID, 0, 0, 0},
    };
    struct text base = {0};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_origin origin;
        dlfw_error err = FAKE_ERROR(why);
        dlfw_status st = az_endpoint_parse(rows[i].url, "acct", rows[i].style, &origin, &base, &err);

        ck_assert_msg(st == rows[i].status, "'%s': %d %s", rows[i].url, st, why);
        if (st < 0)
            continue;
        ck_assert_str_eq(origin.host, rows[i].host);
        ck_assert_str_eq(text(&base), rows[i].base);
        ck_assert_uint_eq(origin.port, rows[i].port);
    }
    text_free(&base);
}
END_TEST

START_TEST(names)
{
    static const struct {
        const char *name;
        bool good;
    } rows[] = {{"a", true},
                {"a/b c", true},
                {"..a/b..", true},
                {"a//b", true},
                {"/a", true},
                {"a/", true},
                {"\xc3\xa4", true},
                {"\xf0\x9f\x98\x80", true},
                {"", false},
                {".", false},
                {"..", false},
                {"a/../b", false},
                {"a/.", false},
                {"./a", false},
                {"\xff", false},
                {"\xc3", false},
                {"\xc0\xaf", false},
                {"\xed\xa0\x80", false},
                {"\xf4\x90\x80\x80", false}};
    char longest[3 * AZ_KEY_MAX + 3];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg((az_blob_name_check(rows[i].name, strlen(rows[i].name), NULL) == DLFW_OK) == rows[i].good, "'%s'",
                      rows[i].name);
    for (size_t i = 0; i < sizeof longest; i += 3)
        memcpy(longest + i, "\xe2\x82\xac", 3);
    ck_assert_int_eq(az_blob_name_check(longest, 3 * AZ_KEY_MAX, NULL), DLFW_OK);
    ck_assert_int_eq(az_blob_name_check(longest, sizeof longest, NULL), DLFW_E_INVALID);
    ck_assert_int_eq(az_blob_name_check("a\0b", 3, NULL), DLFW_E_INVALID);
}
END_TEST

START_TEST(decoding)
{
    static const struct {
        const char *from, *to;
    } rows[] = {{"", ""},      {"a%20b", "a b"}, {"%EF%bf%BF", "\xef\xbf\xbf"}, {"%", NULL}, {"a%2", NULL},
                {"%zz", NULL}, {"%2", NULL}};
    char buf[32];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t len = strlen(rows[i].from);

        memcpy(buf, rows[i].from, len + 1);
        len = az_decode(buf, len);
        ck_assert_msg((len != SIZE_MAX) == (rows[i].to != NULL), "'%s'", rows[i].from);
        if (rows[i].to)
            ck_assert(len == strlen(rows[i].to) && memcmp(buf, rows[i].to, len) == 0);
    }
}
END_TEST

START_TEST(places)
{
    struct az_place place = az_place_of("", 0, "box/a/b", 7);

    ck_assert(place.container_len == 3 && memcmp(place.container, "box", 3) == 0);
    ck_assert(place.blob_len == 3 && memcmp(place.blob, "a/b", 3) == 0);
    place = az_place_of("", 0, "box", 3);
    ck_assert(place.container_len == 3 && place.blob_len == 0);
    place = az_place_of("box", 3, "a/b", 3);
    ck_assert(place.container_len == 3 && place.blob_len == 3);
}
END_TEST

START_TEST(where_secrets_may_go)
{
    static const struct {
        const char *url;
        bool safe;
    } rows[] = {{"https://h.example", true},
                {"http://h.example", false},
                {"http://localhost:1", true},
                {"http://127.1.2.3:1", true},
                {"http://[::1]", true},
                {"http://10.0.0.1", false},
                {"http://127.0.0.1.evil.example", false}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_origin origin;

        ck_assert_int_eq(http_origin_parse(rows[i].url, &origin, NULL, NULL), DLFW_OK);
        ck_assert_msg(az_origin_is_safe(&origin) == rows[i].safe, "%s", rows[i].url);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("azure_settings");
    TCase *tests = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, roots);
    tcase_add_test(tests, an_option_goes_before_the_environment);
    tcase_add_test(tests, another_accounts_environment);
    tcase_add_test(tests, tokens);
    tcase_add_test(tests, bad_credentials);
    tcase_add_test(tests, origins_are_logged_and_secrets_are_not);
    tcase_add_test(tests, connection_strings);
    tcase_add_test(tests, development_storage);
    tcase_add_test(tests, endpoints);
    tcase_add_test(tests, names);
    tcase_add_test(tests, decoding);
    tcase_add_test(tests, places);
    tcase_add_test(tests, where_secrets_may_go);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
