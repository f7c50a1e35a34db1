/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials files, the assertion a service account signs, and tokens from servers that answer well or badly. */
#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gcs/auth.h"
#include "support/http_server.h"

#define SECRET "the-refresh-token"

static char message[512];
static EVP_PKEY *key;
static char *pem_json; /* the private key as it stands in JSON */

static dlfw_error fresh_error(void)
{
    message[0] = '\0';
    return (dlfw_error){.struct_size = sizeof(dlfw_error), .message = message, .message_cap = sizeof message};
}

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static char logged[4096];

static void log_line(void *ctx, uint32_t level, const char *text, uint32_t len)
{
    (void)ctx;
    (void)level;
    snprintf(logged + strlen(logged), sizeof logged - strlen(logged), "%.*s\n", (int)len, text);
}

static int32_t not_cancelled(void *ctx)
{
    (void)ctx;
    return 0;
}

static const uint32_t log_level = DLFW_LOG_DEBUG;
static const dlfw_host host = {.struct_size = sizeof(dlfw_host),
                               .version = "test",
                               .log_level = &log_level,
                               .log = log_line,
                               .cancelled = not_cancelled,
                               .now_ns = now_ns};

/* Once for the whole program: making a key takes a while. */
static void make_key(void)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    long len;
    json_t *text;

    key = EVP_RSA_gen(2048);
    if (!key || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        abort();
    len = BIO_get_mem_data(bio, &pem);
    text = json_stringn(pem, (size_t)len);
    pem_json = json_dumps(text, JSON_ENCODE_ANY);
    json_decref(text);
    BIO_free(bio);
}

static void service_account(const char *token_uri, char *buf, size_t cap)
{
    snprintf(buf, cap,
             "{\"type\":\"service_account\",\"project_id\":\"proj\",\"private_key_id\":\"kid-1\",\"private_key\":%s,"
             "\"client_email\":\"svc@proj.example\",\"token_uri\":\"%s\"}",
             pem_json, token_uri);
}

START_TEST(reads_credentials)
{
    static const char user[] = "{\"type\":\"authorized_user\",\"client_id\":\"id\",\"client_secret\":\"s\","
                               "\"refresh_token\":\"" SECRET "\"}";
    struct gcs_credentials c = {0};
    dlfw_error err = fresh_error();
    char json[8192];

    service_account("http://127.0.0.1:1/token", json, sizeof json);
    ck_assert_int_eq(gcs_credentials_parse(json, strlen(json), "f", &c, &err), DLFW_OK);
    ck_assert_int_eq(c.kind, GCS_SERVICE_ACCOUNT);
    ck_assert_str_eq(c.client_email, "svc@proj.example");
    ck_assert_str_eq(c.project, "proj");
    gcs_credentials_free(&c);
    ck_assert_int_eq(gcs_credentials_parse(user, strlen(user), "f", &c, &err), DLFW_OK);
    ck_assert_int_eq(c.kind, GCS_AUTHORIZED_USER);
    ck_assert_str_eq(c.token_uri, "https://oauth2.googleapis.com/token");
    gcs_credentials_free(&c);
}
END_TEST

START_TEST(refuses_credentials)
{
    static const struct {
        const char *json, *says;
    } rows[] = {
        {"", "no credentials file"},
        {"[]", "no credentials file"},
        {"{}", "of the type ''"},
        {"{\"type\":\"external_account\"}", "of the type 'external_account'"},
        {"{\"type\":\"authorized_user\",\"client_id\":\"i\",\"client_secret\":\"hidden\"}", "no 'refresh_token'"},
        {"{\"type\":\"service_account\",\"private_key\":\"x\"}", "no 'client_email'"},
        {"{\"type\":\"service_account\",\"client_email\":\"e\"}", "no 'private_key'"},
        {"{\"type\":\"service_account\",\"client_email\":\"e\",\"private_key\":\"hidden\"}", "no RSA key"},
    };
    struct gcs_credentials c = {0};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        dlfw_error err = fresh_error();

        ck_assert_int_eq(gcs_credentials_parse(rows[i].json, strlen(rows[i].json), "f.json", &c, &err), DLFW_E_CONFIG);
        ck_assert_msg(strstr(message, rows[i].says) != NULL, "row %zu: %s", i, message);
        ck_assert_ptr_nonnull(strstr(message, "'f.json'"));
        ck_assert_ptr_null(strstr(message, "hidden"));
    }
}
END_TEST

START_TEST(reads_a_file)
{
    char path[] = "gcs-credentials-XXXXXX";
    char json[8192];
    struct gcs_credentials c = {0};
    dlfw_error err = fresh_error();
    int fd = mkstemp(path);

    service_account("https://127.0.0.1/token", json, sizeof json);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, json, strlen(json)), (ssize_t)strlen(json));
    close(fd);
    ck_assert_int_eq(gcs_credentials_load(path, &c, &err), DLFW_OK);
    gcs_credentials_free(&c);
    unlink(path);
    ck_assert_int_eq(gcs_credentials_load(path, &c, &err), DLFW_E_NOT_FOUND);
    ck_assert_int_lt(gcs_credentials_load("/dev/zero", &c, &err), 0);
    ck_assert_ptr_nonnull(strstr(message, "too large"));
}
END_TEST

/* The three pieces of a JWT. */
static void check_assertion(const char *jwt, uint64_t issued_s, const char *audience)
{
    const char *dot = strchr(jwt, '.'), *dot2 = strchr(dot + 1, '.');
    struct text piece = {0};
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    json_t *doc;

    ck_assert(cloud_base64_decode(&piece, jwt, (size_t)(dot - jwt)));
    doc = json_loadb(piece.data, piece.len, 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(doc, "alg")), "RS256");
    ck_assert_str_eq(json_string_value(json_object_get(doc, "kid")), "kid-1");
    json_decref(doc);
    text_clear(&piece);
    ck_assert(cloud_base64_decode(&piece, dot + 1, (size_t)(dot2 - dot) - 1));
    doc = json_loadb(piece.data, piece.len, 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(doc, "iss")), "svc@proj.example");
    ck_assert_str_eq(json_string_value(json_object_get(doc, "aud")), audience);
    ck_assert_int_eq(json_integer_value(json_object_get(doc, "iat")), (int64_t)issued_s);
    ck_assert_int_eq(json_integer_value(json_object_get(doc, "exp")), (int64_t)issued_s + 3600);
    json_decref(doc);
    text_clear(&piece);
    ck_assert(cloud_base64_decode(&piece, dot2 + 1, strlen(dot2 + 1)));
    ck_assert_int_eq(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    ck_assert_int_eq(
        EVP_DigestVerify(ctx, (const uint8_t *)piece.data, piece.len, (const uint8_t *)jwt, (size_t)(dot2 - jwt)), 1);
    EVP_MD_CTX_free(ctx);
    text_free(&piece);
}

START_TEST(signs_assertions)
{
    struct gcs_credentials c = {0};
    struct text jwt = {0};
    dlfw_error err = fresh_error();
    char json[8192];

    service_account("https://token.example/t", json, sizeof json);
    ck_assert_int_eq(gcs_credentials_parse(json, strlen(json), "f", &c, &err), DLFW_OK);
    ck_assert_int_eq(gcs_assertion(&c, 1795264496, &jwt, &err), DLFW_OK);
    ck_assert_ptr_null(strpbrk(jwt.data, "=+/"));
    check_assertion(jwt.data, 1795264496, "https://token.example/t");
    text_free(&jwt);
    gcs_credentials_free(&c);
}
END_TEST

/* ---- token servers ---- */

static struct {
    const char *status, *headers, *body;   /* of every answer but the first */
    const char *first_status, *first_body; /* NULL: as the others */
    const char *first_headers;
    char target[256];
    char head[4096];
    char form[8192];
} script;

static bool answer(void *ctx, int fd, const struct served_request *r)
{
    bool is_first = r->number == 0 && script.first_status;
    const char *body = is_first ? script.first_body : script.body;

    (void)ctx;
    snprintf(script.target, sizeof script.target, "%.16s %.200s", r->method, r->target);
    snprintf(script.head, sizeof script.head, "%.4000s", r->head);
    snprintf(script.form, sizeof script.form, "%s", r->body);
    serve_text(fd, is_first ? script.first_status : script.status, is_first ? script.first_headers : script.headers,
               body, strlen(body));
    return true;
}

static struct http_server *server;
static struct gcs_auth auth;
static struct http_client *client;
static char token_uri[64];

static void set_up(void)
{
    struct http_client_args args = {.host = &host,
                                    .connect_timeout = 20000000000,
                                    .first_byte_timeout = 20000000000,
                                    .idle_timeout = 20000000000,
                                    .proxy = ""};
    dlfw_error err = fresh_error();

    memset(&script, 0, sizeof script);
    script.status = "200 OK";
    script.headers = script.first_headers = "";
    script.body = "{\"access_token\":\"ya29.abc\",\"expires_in\":3599,\"token_type\":\"Bearer\"}";
    logged[0] = '\0';
    server = http_server_start(answer, NULL);
    snprintf(token_uri, sizeof token_uri, "http://127.0.0.1:%u/token", http_server_port(server));
    ck_assert_int_eq(http_client_create(&args, &client, &err), DLFW_OK);
    memset(&auth, 0, sizeof auth);
    gcs_auth_init(&auth, &host, NULL);
    auth.client = client;
}

static void tear_down(void)
{
    gcs_auth_fini(&auth);
    http_client_destroy(client);
    http_server_stop(server);
}

static void use_service_account(void)
{
    char json[8192];
    dlfw_error err = fresh_error();

    service_account(token_uri, json, sizeof json);
    ck_assert_int_eq(gcs_credentials_parse(json, strlen(json), "f", &auth.credentials, &err), DLFW_OK);
}

static void use_user(void)
{
    char json[512];
    dlfw_error err = fresh_error();

    snprintf(
        json, sizeof json,
        "{\"type\":\"authorized_user\",\"client_id\":\"id&1\",\"client_secret\":\"s=2\",\"refresh_token\":\"" SECRET
        "\",\"token_uri\":\"%s\"}",
        token_uri);
    ck_assert_int_eq(gcs_credentials_parse(json, strlen(json), "f", &auth.credentials, &err), DLFW_OK);
}

static void use_metadata(void)
{
    char url[64];
    dlfw_error err = fresh_error();

    snprintf(url, sizeof url, "http://127.0.0.1:%u", http_server_port(server));
    auth.credentials.kind = GCS_METADATA;
    ck_assert_int_eq(http_origin_parse(url, &auth.metadata, NULL, &err), DLFW_OK);
}

static dlfw_status header(struct text *ret, dlfw_error *err)
{
    *err = fresh_error();
    text_clear(ret);
    return gcs_auth_header(&auth, ret, err);
}

START_TEST(service_account_gets_a_token)
{
    struct text head = {0};
    dlfw_error err;
    char *jwt;
    uint64_t now = cloud_now_s();

    use_service_account();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(header(&head, &err), DLFW_OK);
    ck_assert_str_eq(head.data, "Authorization: Bearer ya29.abc\r\n");
    ck_assert_uint_eq(http_server_requests(server), 1);
    ck_assert_str_eq(script.target, "POST /token");
    jwt = strstr(script.form, "&assertion=");
    ck_assert_ptr_nonnull(jwt);
    *jwt = '\0';
    ck_assert_str_eq(script.form, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer");
    jwt += strlen("&assertion=");
    ck_assert_ptr_nonnull(strstr(jwt, "."));
    ck_assert(cloud_now_s() <= now + 1);
    text_free(&head);
}
END_TEST

START_TEST(user_gets_a_token)
{
    struct text head = {0};
    dlfw_error err;

    use_user();
    ck_assert_int_eq(header(&head, &err), DLFW_OK);
    ck_assert_str_eq(script.form,
                     "grant_type=refresh_token&client_id=id%261&client_secret=s%3D2&refresh_token=" SECRET);
    ck_assert_ptr_null(strstr(logged, SECRET));
    text_free(&head);
}
END_TEST

START_TEST(machine_gets_a_token)
{
    struct text head = {0};
    dlfw_error err;

    use_metadata();
    ck_assert_int_eq(header(&head, &err), DLFW_OK);
    ck_assert_str_eq(script.target, "GET /computeMetadata/v1/instance/service-accounts/default/token");
    ck_assert_ptr_nonnull(strstr(script.head, "\r\nMetadata-Flavor: Google\r\n"));
    text_free(&head);
}
END_TEST

/* A wrong clock spoils an assertion; the server's Date mends it, once. */
START_TEST(wrong_clock_is_mended)
{
    struct text head = {0};
    char headers[64], date[30];
    dlfw_error err;
    uint64_t theirs = cloud_now_s() + 86400;
    char *jwt;

    cloud_time_http(theirs, date);
    snprintf(headers, sizeof headers, "Date: %s\r\n", date);
    script.first_status = "400 Bad Request";
    script.first_body = "{\"error\":\"invalid_grant\",\"error_description\":\"Token must be a short-lived token\"}";
    script.first_headers = headers;
    use_service_account();
    ck_assert_int_eq(header(&head, &err), DLFW_OK);
    ck_assert_uint_eq(http_server_requests(server), 2);
    jwt = strstr(script.form, "&assertion=") + strlen("&assertion=");
    check_assertion(jwt, theirs, token_uri);
    text_free(&head);
}
END_TEST

START_TEST(refused_token_is_replaced)
{
    struct text head = {0};
    dlfw_error err;

    use_user();
    text_str(&head, "GET / HTTP/1.1\r\n");
    err = fresh_error();
    ck_assert_int_eq(gcs_auth_header(&auth, &head, &err), DLFW_OK);
    script.body = "{\"access_token\":\"second\",\"expires_in\":3599}";
    ck_assert(gcs_auth_refused(&auth, &head));
    ck_assert_int_eq(header(&head, &err), DLFW_OK);
    ck_assert_str_eq(head.data, "Authorization: Bearer second\r\n");
    text_free(&head);
}
END_TEST

START_TEST(given_token_is_sent)
{
    struct text head = {0};
    dlfw_error err;

    ck_assert_int_eq(header(&head, &err), DLFW_OK);
    ck_assert_uint_eq(head.len, 0); /* anonymous */
    auth.credentials.kind = GCS_FIXED_TOKEN;
    auth.fixed_token = "mine";
    ck_assert_int_eq(header(&head, &err), DLFW_OK);
    ck_assert_str_eq(head.data, "Authorization: Bearer mine\r\n");
    ck_assert(!gcs_auth_refused(&auth, &head));
    ck_assert_uint_eq(http_server_requests(server), 0);
    text_free(&head);
}
END_TEST

START_TEST(bad_answers_are_told)
{
    static const struct {
        const char *status, *body;
        dlfw_status expected;
        uint32_t flags;
        const char *says;
    } rows[] = {
        {"400 Bad Request", "{\"error\":\"invalid_grant\",\"error_description\":\"account not found\"}", DLFW_E_AUTH, 0,
         "400 invalid_grant: account not found"},
        {"401 Unauthorized", "", DLFW_E_AUTH, 0, "401"},
        {"500 Oops", "", DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE, "500"},
        {"429 Slow", "", DLFW_E_THROTTLED, DLFW_ERR_RETRYABLE | DLFW_ERR_THROTTLED, "429"},
        {"200 OK", "<html>", DLFW_E_AUTH, 0, "no 'access_token'"},
        {"200 OK", "{\"access_token\":\"a\\r\\nX-Evil: 1\"}", DLFW_E_AUTH, 0, "no 'access_token'"},
        {"200 OK", "{\"access_token\":\"\"}", DLFW_E_AUTH, 0, "no 'access_token'"},
        {"302 Found", "", DLFW_E_AUTH, 0, "302"},
    };
    struct text head = {0};
    dlfw_error err;

    use_user();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        script.status = rows[i].status;
        script.body = rows[i].body;
        ck_assert_msg(header(&head, &err) == rows[i].expected, "row %zu: %s", i, message);
        ck_assert_uint_eq(err.flags, rows[i].flags);
        ck_assert_msg(strstr(message, rows[i].says) != NULL, "row %zu: %s", i, message);
        ck_assert_ptr_null(strstr(message, SECRET));
    }
    text_free(&head);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gcs_auth");
    TCase *files = tcase_create("files"), *tokens = tcase_create("tokens");
    SRunner *runner;
    int failed;

    make_key();
    tcase_add_test(files, reads_credentials);
    tcase_add_test(files, refuses_credentials);
    tcase_add_test(files, reads_a_file);
    tcase_add_test(files, signs_assertions);
    suite_add_tcase(suite, files);
    tcase_add_checked_fixture(tokens, set_up, tear_down);
    tcase_add_test(tokens, service_account_gets_a_token);
    tcase_add_test(tokens, user_gets_a_token);
    tcase_add_test(tokens, machine_gets_a_token);
    tcase_add_test(tokens, wrong_clock_is_mended);
    tcase_add_test(tokens, refused_token_is_replaced);
    tcase_add_test(tokens, given_token_is_sent);
    tcase_add_test(tokens, bad_answers_are_told);
    suite_add_tcase(suite, tokens);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    free(pem_json);
    EVP_PKEY_free(key);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
