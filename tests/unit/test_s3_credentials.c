/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of credentials, against a server that plays token service, container and instance. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test_s3_fixture.h"

#define COUNT(rows) ((int)(sizeof rows / sizeof *rows))
#define LATER "2540-01-01T00:00:00Z"
#define STS(action, id)                                                                                                \
    {                                                                                                                  \
        "200 OK", "",                                                                                                  \
            "<" action "Response><" action "Result><Credentials><AccessKeyId>" id                                      \
            "</AccessKeyId><SecretAccessKey>" S3_TEST_SECRET "</SecretAccessKey><SessionToken>" S3_TEST_TOKEN          \
            "</SessionToken><Expiration>" LATER "</Expiration></Credentials></" action "Result></" action "Response>"  \
    }
#define KEYS_JSON(id, token)                                                                                           \
    "{\"Code\":\"Success\",\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":\"" S3_TEST_SECRET "\",\"" token             \
    "\":\"" S3_TEST_TOKEN "\",\"Expiration\":\"" LATER "\"}"
#define OBJECT                                                                                                         \
    {                                                                                                                  \
        "200 OK", "", "hello"                                                                                          \
    }

static char folder[64], endpoint[64];

static const char *path_in(const char *name)
{
    static char path[160];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(path_in(name), "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static void set_up(void)
{
    s3_start();
    s3_options.access_key_id = s3_options.secret_access_key = NULL;
    snprintf(folder, sizeof folder, "/tmp/dlfw-test-s3-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    s3_endpoint(endpoint, sizeof endpoint);
    setenv("AWS_ENDPOINT_URL_STS", endpoint, 1);
    setenv("AWS_CONFIG_FILE", path_in("config"), 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", path_in("credentials"), 1);
}

static void tear_down(void)
{
    static const char *const names[] = {"config", "credentials", "token", "print-keys"};

    for (int i = 0; i < COUNT(names); i++)
        unlink(path_in(names[i]));
    rmdir(folder);
    s3_stop();
}

/* Reads an object; the id that signed it, or "" when that failed. */
static const char *id_used(void)
{
    static char id[64];
    char buf[64], text[512];
    const char *at;

    id[0] = '\0';
    if (!s3_be)
        ck_assert_msg(s3_open("bucket") == DLFW_OK, "%s", s3_message);
    if (s3_do(DLFW_OP_GET, "k", buf, sizeof buf, DLFW_REQ_WHOLE) < 0)
        return id;
    ck_assert(s3_asked_header(s3_requests - 1, "authorization", text, sizeof text));
    at = strstr(text, "Credential=") + 11;
    snprintf(id, sizeof id, "%.*s", (int)strcspn(at, "/"), at);
    return id;
}

/* The last request carries the token of temporary credentials. */
static void expect_token(void)
{
    char text[128];

    ck_assert(s3_asked_header(s3_requests - 1, "x-amz-security-token", text, sizeof text));
    ck_assert_str_eq(text, S3_TEST_TOKEN);
}

START_TEST(options_go_first)
{
    S3_PLAY(OBJECT);
    setenv("AWS_ACCESS_KEY_ID", "AKIDENV", 1);
    setenv("AWS_SECRET_ACCESS_KEY", S3_TEST_SECRET, 1);
    s3_options.access_key_id = "AKIDOPT";
    s3_options.secret_access_key = S3_TEST_SECRET;
    s3_options.session_token = S3_TEST_TOKEN;
    ck_assert_str_eq(id_used(), "AKIDOPT");
    expect_token();
}
END_TEST

START_TEST(environment)
{
    S3_PLAY(OBJECT);
    setenv("AWS_ACCESS_KEY_ID", "AKIDENV", 1);
    setenv("AWS_SECRET_ACCESS_KEY", S3_TEST_SECRET, 1);
    setenv("AWS_SESSION_TOKEN", S3_TEST_TOKEN, 1);
    write_file("credentials", "[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = " S3_TEST_SECRET "\n");
    ck_assert_str_eq(id_used(), "AKIDENV");
    expect_token();
    ck_assert_ptr_nonnull(strstr(s3_log, "credentials from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"));
}
END_TEST

START_TEST(half_of_the_environment)
{
    S3_PLAY(OBJECT);
    setenv("AWS_ACCESS_KEY_ID", "AKIDENV", 1);
    ck_assert_str_eq(id_used(), "");
    ck_assert_ptr_nonnull(strstr(s3_message, "only one of access key and secret key"));
    ck_assert_uint_eq(s3_requests, 0);
}
END_TEST

START_TEST(keys_with_line_breaks_are_refused)
{
    S3_PLAY(OBJECT);
    setenv("AWS_ACCESS_KEY_ID", "AKIDENV", 1);
    setenv("AWS_SECRET_ACCESS_KEY", S3_TEST_SECRET, 1);
    setenv("AWS_SESSION_TOKEN", "x\r\nHost: evil", 1);
    ck_assert_str_eq(id_used(), "");
    ck_assert_uint_eq(s3_requests, 0);
}
END_TEST

/* A profile that an option names goes before the environment's keys. */
START_TEST(profiles)
{
    S3_PLAY(OBJECT);
    setenv("AWS_ACCESS_KEY_ID", "AKIDENV", 1);
    setenv("AWS_SECRET_ACCESS_KEY", S3_TEST_SECRET, 1);
    write_file("credentials", "[default]\naws_access_key_id = AKIDDEF\naws_secret_access_key = " S3_TEST_SECRET "\n"
                              "[work]\naws_access_key_id = AKIDWORK\naws_secret_access_key = " S3_TEST_SECRET "\n"
                              "aws_session_token = " S3_TEST_TOKEN "\n");
    s3_options.profile = "work";
    ck_assert_str_eq(id_used(), "AKIDWORK");
    expect_token();
}
END_TEST

START_TEST(default_profile_of_the_config_file)
{
    S3_PLAY(OBJECT);
    write_file("config", "[default]\naws_access_key_id = AKIDCONF\naws_secret_access_key = " S3_TEST_SECRET "\n");
    ck_assert_str_eq(id_used(), "AKIDCONF");
}
END_TEST

START_TEST(web_identity)
{
    S3_PLAY(STS("AssumeRoleWithWebIdentity", "AKIDWEB"), OBJECT);
    write_file("token", "eyJ+/=\n");
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path_in("token"), 1);
    setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r", 1);
    ck_assert_str_eq(id_used(), "AKIDWEB");
    expect_token();
    ck_assert_str_eq(s3_asked[0].line, "POST /");
    ck_assert_ptr_nonnull(
        strstr(s3_asked[0].body, "Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&"));
    ck_assert_ptr_nonnull(strstr(s3_asked[0].body, "&WebIdentityToken=eyJ%2B%2F%3D"));
    ck_assert_str_eq(id_used(), "AKIDWEB"); /* kept: no second question */
    ck_assert_uint_eq(s3_requests, 3);
}
END_TEST

START_TEST(role_of_a_profile)
{
    char text[512];

    S3_PLAY(STS("AssumeRole", "AKIDROLE"), OBJECT);
    write_file("config", "[profile job]\nrole_arn = arn:aws:iam::1:role/job\nsource_profile = base\nexternal_id = e/1\n"
                         "duration_seconds = 900\n");
    write_file("credentials", "[base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = " S3_TEST_SECRET "\n");
    setenv("AWS_PROFILE", "job", 1);
    ck_assert_str_eq(id_used(), "AKIDROLE");
    expect_token();
    ck_assert(s3_asked_header(0, "authorization", text, sizeof text));
    ck_assert_ptr_nonnull(strstr(text, "Credential=AKIDBASE/"));
    ck_assert_ptr_nonnull(strstr(text, "/us-east-1/sts/aws4_request,SignedHeaders=content-type;host;x-amz-date,"));
    ck_assert_ptr_nonnull(strstr(s3_asked[0].body, "&DurationSeconds=900&ExternalId=e%2F1&"));
}
END_TEST

static const struct {
    const char *config, *message;
} bad_profiles[] = {
    {"[default]\nrole_arn = r\n", "neither source_profile nor a known credential_source"},
    {"[default]\nrole_arn = r\nsource_profile = nowhere\n", "names the source_profile 'nowhere'"},
    {"[default]\nrole_arn = r\nsource_profile = a\n[profile a]\nrole_arn = r\nsource_profile = default\n",
     "too long a chain"},
    {"[default]\nrole_arn = r\nsource_profile = default\n", "takes its keys from 'default', where there are none"},
    {"[default]\nrole_arn = r\ncredential_source = Environment\n", "takes its keys from 'Environment'"},
    {"[default]\nrole_arn = r\nmfa_serial = m\nsource_profile = default\n", "asks for a code"},
    {"[default]\nsso_start_url = https://x\n", "single sign-on"},
    {"[default]\naws_access_key_id = AKID\n", "only one of access key and secret key"},
    {"[default]\ncredential_process = \"open quote\n", "open quote"},
    {"[default]\ncredential_process = /nonexistent/program\n", "cannot run '/nonexistent/program'"},
    {"[default]\ncredential_process = false\n", "failed with status 1"},
    {"[default]\ncredential_process = echo nothing\n", "no JSON object"},
    {"[default]\ncredential_process = echo '{}'\n", "only one of access key"},
    {"[default]\ncredential_process = yes\n", "more than credentials"},
};

START_TEST(bad_profiles_are_explained)
{
    S3_PLAY({"400 Bad", "", ""});
    write_file("config", bad_profiles[_i].config);
    ck_assert_str_eq(id_used(), "");
    ck_assert_msg(strstr(s3_message, bad_profiles[_i].message), "'%s' lacks '%s'", s3_message,
                  bad_profiles[_i].message);
    ck_assert_uint_eq(s3_requests, 0);
}
END_TEST

START_TEST(a_program_prints_keys)
{
    char config[256];

    S3_PLAY(OBJECT);
    write_file("print-keys", "#!/bin/sh\n[ \"$1\" = 'two words' ] && [ \"$2\" = 'q\"q' ] && cat <<'END'\n" KEYS_JSON(
                                 "AKIDPROC", "SessionToken") "\nEND\n");
    ck_assert_int_eq(chmod(path_in("print-keys"), 0700), 0);
    snprintf(config, sizeof config, "[default]\ncredential_process = %s \"two words\" 'q\"q'\n", path_in("print-keys"));
    write_file("config", config);
    ck_assert_str_eq(id_used(), "AKIDPROC");
    expect_token();
}
END_TEST

START_TEST(container)
{
    char url[128], text[128];

    S3_PLAY({"200 OK", "", KEYS_JSON("AKIDCONT", "Token")}, OBJECT);
    snprintf(url, sizeof url, "%s/creds?x=1", endpoint);
    write_file("token", "container-pass\n");
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path_in("token"), 1);
    ck_assert_str_eq(id_used(), "AKIDCONT");
    expect_token();
    ck_assert_str_eq(s3_asked[0].line, "GET /creds?x=1");
    ck_assert(s3_asked_header(0, "authorization", text, sizeof text));
    ck_assert_str_eq(text, "container-pass");
}
END_TEST

static const struct {
    const char *url, *token, *message;
} bad_containers[] = {
    {"http://example.com/x", NULL, "names 'example.com', which is neither this machine nor behind https://"},
    {"http://10.0.0.1/x", NULL, "neither this machine"},
    {"ftp://127.0.0.1/", NULL, "no http:// or https:// address"},
    {"http://127.0.0.1:1/x", "a\r\nHost: evil", "no text of one line"},
};

START_TEST(bad_containers_are_refused)
{
    S3_PLAY(OBJECT);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", bad_containers[_i].url, 1);
    if (bad_containers[_i].token)
        setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", bad_containers[_i].token, 1);
    ck_assert_str_eq(id_used(), "");
    ck_assert_msg(strstr(s3_message, bad_containers[_i].message), "'%s'", s3_message);
    ck_assert_uint_eq(s3_requests, 0);
}
END_TEST

START_TEST(instance)
{
    char text[128];

    S3_PLAY({"200 OK", "", "imds-session"}, {"200 OK", "", "the-role\n"},
            {"200 OK", "", KEYS_JSON("AKIDINST", "Token")}, OBJECT);
    unsetenv("AWS_EC2_METADATA_DISABLED");
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint, 1);
    ck_assert_str_eq(id_used(), "AKIDINST");
    expect_token();
    ck_assert_str_eq(s3_asked[0].line, "PUT /latest/api/token");
    ck_assert(s3_asked_header(0, "x-aws-ec2-metadata-token-ttl-seconds", text, sizeof text));
    ck_assert_str_eq(s3_asked[1].line, "GET /latest/meta-data/iam/security-credentials/");
    ck_assert_str_eq(s3_asked[2].line, "GET /latest/meta-data/iam/security-credentials/the-role");
    ck_assert(s3_asked_header(2, "x-aws-ec2-metadata-token", text, sizeof text));
    ck_assert_str_eq(text, "imds-session");
}
END_TEST

START_TEST(nothing_anywhere)
{
    S3_PLAY({"404 No", "", ""});
    unsetenv("AWS_EC2_METADATA_DISABLED");
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint, 1);
    ck_assert_str_eq(id_used(), "");
    ck_assert_int_eq(s3_error.status, DLFW_E_AUTH);
    ck_assert_msg(strstr(s3_message, "no credentials: not in the options, AWS_ACCESS_KEY_ID") &&
                      strstr(s3_message, "instance metadata (no session token, answered 404)") &&
                      strstr(s3_message, "anonymous: true"),
                  "%s", s3_message);
}
END_TEST

/* Answers of the token service that are none. */
static const struct {
    struct s3_answer row;
    dlfw_status status;
    const char *message;
} bad_tokens[] = {
    {{"403 No", "",
      "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"},
     DLFW_E_AUTH,
     "web identity: STS answered 403 AccessDenied: not you"},
    {{"503 No", "", ""}, DLFW_E_UNAVAILABLE, "STS answered 503"},
    {{"200 OK", "", ""}, DLFW_E_AUTH, "has no credentials"},
    {{"200 OK", "", "<R><Credentials><AccessKeyId>A</AccessKeyId></Credentials></R>"},
     DLFW_E_AUTH,
     "has no credentials"},
    {{"200 OK", "",
      "<R><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>" S3_TEST_SECRET "</SecretAccessKey><SessionToken>t"
      "</SessionToken></Credentials></R>"},
     DLFW_E_AUTH,
     "does not say when its credentials end"},
};

START_TEST(bad_token_answers)
{
    s3_play(&bad_tokens[_i].row, 1);
    write_file("token", "eyJ");
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path_in("token"), 1);
    setenv("AWS_ROLE_ARN", "arn", 1);
    ck_assert_str_eq(id_used(), "");
    ck_assert_int_eq(s3_error.status, bad_tokens[_i].status);
    ck_assert_msg(strstr(s3_message, bad_tokens[_i].message), "'%s'", s3_message);
}
END_TEST

/* A token that the service refuses is fetched anew, once. */
START_TEST(expired_tokens_are_renewed)
{
    S3_PLAY(STS("AssumeRoleWithWebIdentity", "AKIDOLD"),
            {"400 Bad Request", "", "<Error><Code>ExpiredToken</Code><Message>m</Message></Error>"},
            STS("AssumeRoleWithWebIdentity", "AKIDNEW"), OBJECT);
    write_file("token", "eyJ");
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path_in("token"), 1);
    setenv("AWS_ROLE_ARN", "arn", 1);
    ck_assert_str_eq(id_used(), "AKIDNEW");
    ck_assert_uint_eq(s3_requests, 4);
}
END_TEST

/* Keys that do not change are not tried again. */
START_TEST(the_same_keys_are_not_tried_again)
{
    S3_PLAY({"400 Bad Request", "", "<Error><Code>ExpiredToken</Code><Message>m</Message></Error>"});
    s3_options.access_key_id = "AKIDOPT";
    s3_options.secret_access_key = S3_TEST_SECRET;
    ck_assert_str_eq(id_used(), "");
    ck_assert_int_eq(s3_error.status, DLFW_E_AUTH);
    ck_assert_uint_eq(s3_requests, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("s3_credentials");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, options_go_first);
    tcase_add_test(tc, environment);
    tcase_add_test(tc, half_of_the_environment);
    tcase_add_test(tc, keys_with_line_breaks_are_refused);
    tcase_add_test(tc, profiles);
    tcase_add_test(tc, default_profile_of_the_config_file);
    tcase_add_test(tc, web_identity);
    tcase_add_test(tc, role_of_a_profile);
    tcase_add_loop_test(tc, bad_profiles_are_explained, 0, COUNT(bad_profiles));
    tcase_add_test(tc, a_program_prints_keys);
    tcase_add_test(tc, container);
    tcase_add_loop_test(tc, bad_containers_are_refused, 0, COUNT(bad_containers));
    tcase_add_test(tc, instance);
    tcase_add_test(tc, nothing_anywhere);
    tcase_add_loop_test(tc, bad_token_answers, 0, COUNT(bad_tokens));
    tcase_add_test(tc, expired_tokens_are_renewed);
    tcase_add_test(tc, the_same_keys_are_not_tried_again);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
