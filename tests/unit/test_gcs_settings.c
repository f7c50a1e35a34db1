/* SPDX-License-Identifier: Apache-2.0 */
/* Where settings come from, which wins, and that no secret is told. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test_gcs_fixture.h"

static bool answer(void *ctx, int fd, const struct served_request *r)
{
    (void)ctx;
    (void)r;
    serve_text(fd, "404 Not Found", "", "", 0);
    return true;
}

static void set_up(void)
{
    static const char *const names[] = {"GCS_ENDPOINT_URL",
                                        "STORAGE_EMULATOR_HOST",
                                        "GOOGLE_CLOUD_PROJECT",
                                        "GCLOUD_PROJECT",
                                        "GCS_PROJECT",
                                        "GCE_METADATA_HOST",
                                        "CLOUDSDK_CONFIG",
                                        "GOOGLE_APPLICATION_CREDENTIALS",
                                        "HOME"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    gcs_start(answer, NULL);
    gcs_options.anonymous = 0;
    gcs_options.endpoint_url = NULL;
}

static void tear_down(void)
{
    gcs_stop();
}

static void write_user_file(const char *path, const char *id)
{
    FILE *file = fopen(path, "w");

    fprintf(file,
            "{\"type\":\"authorized_user\",\"client_id\":\"%s\",\"client_secret\":\"s3cret\",\"refresh_token\":"
            "\"r3fresh\"}",
            id);
    fclose(file);
}

START_TEST(googles_own)
{
    ck_assert_int_eq(gcs_open("bucket"), DLFW_OK);
    ck_assert_str_eq(gcs_be->origin.host, "storage.googleapis.com");
    ck_assert(gcs_be->origin.tls && gcs_be->is_google);
    ck_assert_int_eq(gcs_be->auth.credentials.kind, GCS_METADATA);
    ck_assert_str_eq(gcs_be->auth.metadata.host, "metadata.google.internal");
    ck_assert_ptr_null(gcs_be->project);
}
END_TEST

START_TEST(metadata_server_elsewhere)
{
    setenv("GCE_METADATA_HOST", "127.0.0.1:81", 1);
    ck_assert_int_eq(gcs_open("bucket"), DLFW_OK);
    ck_assert_str_eq(gcs_be->auth.metadata.host, "127.0.0.1");
    ck_assert_uint_eq(gcs_be->auth.metadata.port, 81);
}
END_TEST

START_TEST(emulator)
{
    setenv("STORAGE_EMULATOR_HOST", "localhost:9023", 1);
    setenv("GOOGLE_APPLICATION_CREDENTIALS", "nowhere", 1); /* not for an emulator */
    ck_assert_int_eq(gcs_open("bucket"), DLFW_OK);
    ck_assert_str_eq(gcs_be->origin.host, "localhost");
    ck_assert_uint_eq(gcs_be->origin.port, 9023);
    ck_assert(!gcs_be->origin.tls);
    ck_assert_int_eq(gcs_be->auth.credentials.kind, GCS_ANONYMOUS);
    ck_assert_ptr_nonnull(strstr(gcs_log, "'http://localhost:9023' from STORAGE_EMULATOR_HOST"));
}
END_TEST

START_TEST(emulator_with_given_token)
{
    setenv("STORAGE_EMULATOR_HOST", "https://127.0.0.1:9023/base/", 1);
    gcs_options.access_token = "s3cret";
    ck_assert_int_eq(gcs_open("bucket"), DLFW_OK);
    ck_assert_str_eq(gcs_be->base_path, "/base");
    ck_assert_int_eq(gcs_be->auth.credentials.kind, GCS_FIXED_TOKEN);
    ck_assert_ptr_null(strstr(gcs_log, "s3cret"));
}
END_TEST

START_TEST(option_wins_over_environment)
{
    setenv("GCS_ENDPOINT_URL", "http://127.0.0.1:1", 1);
    setenv("STORAGE_EMULATOR_HOST", "localhost:9023", 1);
    setenv("GOOGLE_CLOUD_PROJECT", "from-env", 1);
    gcs_options.endpoint_url = "http://127.0.0.1:2";
    gcs_options.project = "from-option";
    gcs_options.anonymous = 1;
    ck_assert_int_eq(gcs_open("bucket"), DLFW_OK);
    ck_assert_uint_eq(gcs_be->origin.port, 2);
    ck_assert_str_eq(gcs_be->project, "from-option");
}
END_TEST

START_TEST(environment_in_its_order)
{
    setenv("GCS_ENDPOINT_URL", "http://127.0.0.1:1", 1);
    setenv("STORAGE_EMULATOR_HOST", "localhost:9023", 1);
    setenv("GCLOUD_PROJECT", "second", 1);
    setenv("GCS_PROJECT", "third", 1);
    gcs_options.anonymous = 1;
    ck_assert_int_eq(gcs_open("bucket"), DLFW_OK);
    ck_assert_uint_eq(gcs_be->origin.port, 1);
    ck_assert(!gcs_be->is_emulator);
    ck_assert_str_eq(gcs_be->project, "second");
}
END_TEST

START_TEST(credentials_in_their_order)
{
    char folder[] = "gcs-settings-XXXXXX", adc[128], own[128];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(adc, sizeof adc, "%s/application_default_credentials.json", folder);
    snprintf(own, sizeof own, "%s/own.json", folder);
    write_user_file(adc, "well-known");
    write_user_file(own, "own");
    setenv("CLOUDSDK_CONFIG", folder, 1);
    ck_assert_int_eq(gcs_open("bucket"), DLFW_OK);
    ck_assert_str_eq(gcs_be->auth.credentials.client_id, "well-known");
    gcs_stop();
    gcs_start(answer, NULL);
    gcs_options.anonymous = 0;
    setenv("GOOGLE_APPLICATION_CREDENTIALS", own, 1);
    ck_assert_int_eq(gcs_open("bucket"), DLFW_OK);
    ck_assert_str_eq(gcs_be->auth.credentials.client_id, "own");
    ck_assert_ptr_nonnull(strstr(gcs_log, "from GOOGLE_APPLICATION_CREDENTIALS"));
    ck_assert_ptr_null(strstr(gcs_log, "s3cret"));
    ck_assert_ptr_null(strstr(gcs_log, "r3fresh"));
    unlink(adc);
    unlink(own);
    rmdir(folder);
}
END_TEST

START_TEST(mistakes)
{
    static const struct {
        const char *root, *endpoint, *credentials, *token, *says;
        uint8_t anonymous;
    } rows[] = {
        {"bucket", "localhost:9023", NULL, NULL, "option 'endpoint_url' is no endpoint", 1},
        {"bucket", "http://user:s3cret@host", NULL, NULL, "option 'endpoint_url' is no endpoint", 1},
        {"bucket", "http://host/?key=s3cret", NULL, NULL, "it has a query", 1},
        {"bucket", NULL, "no-such-file.json", NULL, "'no-such-file.json'", 0},
        {"bucket", NULL, "x.json", "s3cret", "exclude each other", 0},
        {"bucket", NULL, NULL, "s3cret", "exclude each other", 1},
        {"bucket", NULL, NULL, "s3cret\r\nX: 1", "no line ends", 0},
        {"not a bucket/x", NULL, NULL, NULL, "cannot be a bucket", 1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gcs_options.endpoint_url = rows[i].endpoint;
        gcs_options.credentials = rows[i].credentials;
        gcs_options.access_token = rows[i].token;
        gcs_options.anonymous = rows[i].anonymous;
        ck_assert_msg(gcs_open(rows[i].root) < 0, "row %zu passes", i);
        ck_assert_msg(strstr(gcs_message, rows[i].says) != NULL, "row %zu: %s", i, gcs_message);
        ck_assert_ptr_null(strstr(gcs_message, "s3cret"));
        ck_assert_ptr_null(strstr(gcs_log, "s3cret"));
    }
}
END_TEST

START_TEST(missing_file_of_the_environment)
{
    setenv("GOOGLE_APPLICATION_CREDENTIALS", "no-such-file.json", 1);
    ck_assert_int_eq(gcs_open("bucket"), DLFW_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(gcs_message, "GOOGLE_APPLICATION_CREDENTIALS: "));
    ck_assert_ptr_nonnull(strstr(gcs_message, "'no-such-file.json'"));
}
END_TEST

START_TEST(tokens_in_the_clear)
{
    gcs_options.endpoint_url = "http://storage.example";
    gcs_options.access_token = "s3cret";
    ck_assert_int_eq(gcs_open("bucket"), DLFW_OK);
    ck_assert_ptr_nonnull(strstr(gcs_log, "without TLS"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gcs_settings");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, googles_own);
    tcase_add_test(tc, metadata_server_elsewhere);
    tcase_add_test(tc, emulator);
    tcase_add_test(tc, emulator_with_given_token);
    tcase_add_test(tc, option_wins_over_environment);
    tcase_add_test(tc, environment_in_its_order);
    tcase_add_test(tc, credentials_in_their_order);
    tcase_add_test(tc, mistakes);
    tcase_add_test(tc, missing_file_of_the_environment);
    tcase_add_test(tc, tokens_in_the_clear);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
