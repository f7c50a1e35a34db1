/* SPDX-License-Identifier: Apache-2.0 */
/* Where requests go: URIs, options, environment and profiles; and small answers. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test_s3_fixture.h"

#define COUNT(rows) ((int)(sizeof rows / sizeof *rows))

static const struct {
    const char *root, *endpoint, *bucket, *prefix; /* endpoint "": none; bucket NULL: refused */
    bool tls;
} roots[] = {
    {"bucket", "", "bucket", "", false},
    {"bucket/", "", "bucket", "", false},
    {"bucket/a/b", "", "bucket", "a/b/", false},
    {"bucket/a/b/", "", "bucket", "a/b/", false},
    {"bucket//a", "", "bucket", "/a/", false},
    {"", "", "", "", false},
    /* names with dots, digits and well-known words are buckets */
    {"my.bucket.name/p", "", "my.bucket.name", "p/", false},
    {"10.0.0.1/p", "", "10.0.0.1", "p/", false},
    {"123bucket", "", "123bucket", "", false},
    {"minio-data", "", "minio-data", "", false},
    {"localhost2", "", "localhost2", "", false},
    {"localhost/bucket/p", "localhost", "bucket", "p/", false},
    {"127.0.0.1:9000/bucket", "127.0.0.1:9000", "bucket", "", false},
    {"host:9000", "host:9000", "", "", false},
    {"host:9000/", "host:9000", "", "", false},
    {"host:443/bucket", "host", "bucket", "", true},
    {"[::1]:9000/bucket/p", "[::1]:9000", "bucket", "p/", false},
    {"host:port/bucket", "", NULL, "", false},
    {"host:99999/bucket", "", NULL, "", false},
    {"us er@host:1/bucket", "", NULL, "", false},
    {"/key", "", NULL, "", false},
    {"buc ket", "", NULL, "", false},
    {"bucket\r\nHost: x", "", NULL, "", false},
    {"host:9000//key", "", NULL, "", false},
    {"..", "", NULL, "", false},
};

START_TEST(roots_are_parsed)
{
    struct s3_root root;
    char message[256] = "", host[300] = "";
    dlfw_error err = {.struct_size = sizeof err, .message = message, .message_cap = sizeof message};
    dlfw_status st = s3_root_parse(roots[_i].root, &root, &err);

    if (!roots[_i].bucket) {
        ck_assert_int_eq(st, DLFW_E_CONFIG);
        ck_assert(message[0]);
    } else {
        ck_assert_msg(st == DLFW_OK, "%s", message);
        ck_assert_str_eq(root.bucket, roots[_i].bucket);
        ck_assert_str_eq(root.prefix, roots[_i].prefix);
        ck_assert_int_eq(root.has_endpoint, roots[_i].endpoint[0] != '\0');
        if (root.has_endpoint)
            http_origin_host(&root.endpoint, host, sizeof host);
        ck_assert_str_eq(host, roots[_i].endpoint);
        ck_assert_int_eq(root.endpoint.tls, roots[_i].tls);
    }
    s3_root_free(&root);
}
END_TEST

static const struct {
    const char *name;
    bool tls, fits;
} hosts[] = {
    {"bucket", true, true}, {"a-b-1", true, true},  {"a.b", true, false},    {"a.b", false, true},
    {"a..b", false, false}, {"a.-b", false, false}, {"Bucket", true, false}, {"a_b", true, false},
    {"ab", true, false},    {"-ab", true, false},   {"ab-", true, false},    {"10.0.0.1", false, false},
    {"123", true, true},
};

START_TEST(buckets_as_hosts)
{
    ck_assert_int_eq(s3_bucket_is_host(hosts[_i].name, strlen(hosts[_i].name), hosts[_i].tls), hosts[_i].fits);
}
END_TEST

/* ---- the address of a request ---- */

static const struct {
    const char *root, *endpoint_url, *environment[2], *region;
    uint32_t addressing;
    const char *address; /* scheme, host and path of the bucket */
} addresses[] = {
    {"bucket", NULL, {NULL, NULL}, NULL, 0, "https://bucket.s3.us-east-1.amazonaws.com"},
    {"bucket", NULL, {NULL, NULL}, "eu-west-1", 0, "https://bucket.s3.eu-west-1.amazonaws.com"},
    {"bucket", NULL, {NULL, NULL}, "cn-north-1", 0, "https://bucket.s3.cn-north-1.amazonaws.com.cn"},
    {"bucket", NULL, {"AWS_REGION", "eu-west-2"}, NULL, 0, "https://bucket.s3.eu-west-2.amazonaws.com"},
    {"bucket", NULL, {"AWS_DEFAULT_REGION", "eu-west-3"}, NULL, 0, "https://bucket.s3.eu-west-3.amazonaws.com"},
    {"bucket", NULL, {"AWS_REGION", "eu-west-2"}, "eu-west-1", 0, "https://bucket.s3.eu-west-1.amazonaws.com"},
    {"dotted.name", NULL, {NULL, NULL}, NULL, 0, "https://s3.us-east-1.amazonaws.com/dotted.name"},
    {"Upper_Case", NULL, {NULL, NULL}, NULL, 0, "https://s3.us-east-1.amazonaws.com/Upper_Case"},
    {"bucket", NULL, {NULL, NULL}, NULL, S3_ADDRESS_PATH, "https://s3.us-east-1.amazonaws.com/bucket"},
    {"bucket", "http://host:9000", {NULL, NULL}, NULL, 0, "http://host:9000/bucket"},
    {"bucket", "http://host:9000/", {NULL, NULL}, NULL, 0, "http://host:9000/bucket"},
    {"bucket", "https://host/s3/v1/", {NULL, NULL}, NULL, 0, "https://host/s3/v1/bucket"},
    {"bucket", "http://host:9000", {NULL, NULL}, NULL, S3_ADDRESS_VIRTUAL, "http://bucket.host:9000"},
    {"bucket",
     "https://s3.eu-west-1.amazonaws.com",
     {NULL, NULL},
     NULL,
     0,
     "https://bucket.s3.eu-west-1.amazonaws.com"},
    {"bucket", NULL, {"AWS_ENDPOINT_URL", "http://env:1"}, NULL, 0, "http://env:1/bucket"},
    {"bucket", NULL, {"AWS_ENDPOINT_URL_S3", "http://env:2"}, NULL, 0, "http://env:2/bucket"},
    {"bucket", "http://option:3", {"AWS_ENDPOINT_URL_S3", "http://env:2"}, NULL, 0, "http://option:3/bucket"},
    {"uri:4/bucket", "http://option:3", {NULL, NULL}, NULL, 0, "http://uri:4/bucket"},
    {"bucket", NULL, {"AWS_S3_ADDRESSING_STYLE", "path"}, NULL, 0, "https://s3.us-east-1.amazonaws.com/bucket"},
    {"bucket", "http://host:9000", {"AWS_S3_ADDRESSING_STYLE", "auto"}, NULL, 0, "http://host:9000/bucket"},
};

static void settings_of(struct s3_settings *s, const char *root_text, struct s3_root *root,
                        struct s3_profiles *profiles)
{
    char message[256] = "";
    dlfw_error err = {.struct_size = sizeof err, .message = message, .message_cap = sizeof message};

    ck_assert_msg(s3_root_parse(root_text, root, &err) == DLFW_OK, "%s", message);
    ck_assert_msg(s3_profiles_load(profiles, s3_options.profile, &err) == DLFW_OK, "%s", message);
    ck_assert_msg(s3_settings_make(s, &s3_args, &s3_options, root, profiles, &err) == DLFW_OK, "%s", message);
}

static void address_of(const struct s3_settings *s, const char *bucket, char *ret, size_t cap)
{
    struct http_origin origin;
    struct text path = {0};
    char host[300];

    s3_settings_address(s, s->region, bucket, strlen(bucket), &origin, &path);
    http_origin_host(&origin, host, sizeof host);
    snprintf(ret, cap, "http%s://%s%s", origin.tls ? "s" : "", host, path.data ? path.data : "");
    text_free(&path);
}

START_TEST(addresses_are_made)
{
    struct s3_settings s;
    struct s3_root root;
    struct s3_profiles profiles;
    char address[600];

    s3_options.endpoint_url = addresses[_i].endpoint_url;
    s3_options.region = addresses[_i].region;
    s3_options.addressing = addresses[_i].addressing;
    if (addresses[_i].environment[0])
        setenv(addresses[_i].environment[0], addresses[_i].environment[1], 1);
    settings_of(&s, addresses[_i].root, &root, &profiles);
    address_of(&s, root.bucket, address, sizeof address);
    ck_assert_str_eq(address, addresses[_i].address);
    if (addresses[_i].environment[0] && !addresses[_i].region && !addresses[_i].endpoint_url)
        ck_assert_msg(strstr(s3_log, addresses[_i].environment[0]), "the log does not say where from:\n%s", s3_log);
    s3_settings_free(&s);
    s3_profiles_free(&profiles);
    s3_root_free(&root);
}
END_TEST

static const struct {
    const char *endpoint_url, *region, *environment[2];
    uint32_t addressing;
    const char *message;
} bad_settings[] = {
    {"host:9000", NULL, {NULL, NULL}, 0, "option 'endpoint_url': 'host:9000' is no endpoint"},
    {"ftp://host", NULL, {NULL, NULL}, 0, "no endpoint"},
    {"http://host/?x", NULL, {NULL, NULL}, 0, "no endpoint"},
    {"http://host/a b", NULL, {NULL, NULL}, 0, "no endpoint"},
    {NULL, "eu west", {NULL, NULL}, 0, "option 'region': 'eu west' is no name of a region"},
    {NULL, "evil.example/", {NULL, NULL}, 0, "no name of a region"},
    {NULL, NULL, {"AWS_REGION", "a/b"}, 0, "'a/b' from AWS_REGION is no name of a region"},
    {NULL, NULL, {"AWS_ENDPOINT_URL", "nonsense"}, 0, "'nonsense' from AWS_ENDPOINT_URL is no endpoint"},
    {NULL, NULL, {"AWS_S3_ADDRESSING_STYLE", "sideways"}, 0, "'sideways' from AWS_S3_ADDRESSING_STYLE is no style"},
    {NULL, NULL, {"AWS_PROFILE", "missing"}, 0, "there is no profile 'missing' in '/nonexistent/config'"},
    {"http://127.0.0.1:1", NULL, {NULL, NULL}, S3_ADDRESS_VIRTUAL, "option 'addressing': this bucket cannot stand"},
};

START_TEST(bad_settings_are_refused)
{
    s3_options.endpoint_url = bad_settings[_i].endpoint_url;
    s3_options.region = bad_settings[_i].region;
    s3_options.addressing = bad_settings[_i].addressing;
    if (bad_settings[_i].environment[0])
        setenv(bad_settings[_i].environment[0], bad_settings[_i].environment[1], 1);
    ck_assert_int_eq(s3_open("bucket"), DLFW_E_CONFIG);
    ck_assert_msg(strstr(s3_message, bad_settings[_i].message), "'%s' lacks '%s'", s3_message,
                  bad_settings[_i].message);
}
END_TEST

START_TEST(options_that_contradict_each_other)
{
    s3_options.secret_access_key = NULL;
    ck_assert_int_eq(s3_open("bucket"), DLFW_E_CONFIG);
    s3_options.secret_access_key = S3_TEST_SECRET;
    s3_options.anonymous = 1;
    ck_assert_int_eq(s3_open("bucket"), DLFW_E_CONFIG);
    s3_options.anonymous = 0;
    s3_options.storage_class = "A\r\nx-amz-acl: public-read";
    ck_assert_int_eq(s3_open("bucket"), DLFW_E_CONFIG);
    s3_options.storage_class = NULL;
    s3_options.s3_max_attempts = 9;
    ck_assert_int_eq(s3_open("bucket"), DLFW_OK);
    ck_assert_ptr_nonnull(strstr(s3_log, "storage.retry.max_attempts decides"));
}
END_TEST

/* ---- profiles ---- */

static const char config_text[] = "# comment\n"
                                  "[default]\n"
                                  "region = eu-west-1 ; why not\n"
                                  "s3 =\n"
                                  "    addressing_style = path\n"
                                  "    # nested comment\n"
                                  "\tmax_concurrent_requests=20\n"
                                  "output = json\n"
                                  "\n"
                                  "[profile work]\n"
                                  "region=eu-west-2\r\n"
                                  "services = mine\n"
                                  "endpoint_url = http://profile:1\n"
                                  "[profile \"two words\"]\n"
                                  "region = a#b\n"
                                  "region = last\n"
                                  "[plain]\n"
                                  "region = not-a-profile\n"
                                  "[services mine]\n"
                                  "s3 =\n"
                                  "  endpoint_url = http://services:2\n"
                                  "[profile empty]\n";

static const struct {
    const char *section, *key, *value;
} settings_in_files[] = {
    {"default", "region", "eu-west-1"},
    {"default", "s3.addressing_style", "path"},
    {"default", "s3.max_concurrent_requests", "20"},
    {"default", "output", "json"},
    {"default", "max_concurrent_requests", NULL},
    {"work", "region", "eu-west-2"},
    {"two words", "region", "last"},
    {"plain", "region", NULL},
    {"services mine", "s3.endpoint_url", "http://services:2"},
    {"empty", "region", NULL},
    {"missing", "region", NULL},
};

START_TEST(config_files_are_read)
{
    struct s3_ini ini = {0};
    const char *value;

    ck_assert_int_eq(s3_ini_parse(&ini, config_text, strlen(config_text), true, NULL), DLFW_OK);
    ck_assert(s3_ini_has(&ini, "empty"));
    ck_assert(!s3_ini_has(&ini, "plain"));
    for (int i = 0; i < COUNT(settings_in_files); i++) {
        value = s3_ini_get(&ini, settings_in_files[i].section, settings_in_files[i].key);
        if (!settings_in_files[i].value)
            ck_assert_msg(!value, "[%s] %s", settings_in_files[i].section, settings_in_files[i].key);
        else
            ck_assert_str_eq(value ? value : "(none)", settings_in_files[i].value);
    }
    s3_ini_free(&ini);
}
END_TEST

/* Whatever a file holds, reading it ends, and does not read past its end. */
START_TEST(strange_config_files)
{
    static const char *const texts[] = {"",
                                        "[",
                                        "[]",
                                        "=",
                                        "a=b",
                                        "[profile ]\n=\n",
                                        "[profile x\na=b",
                                        "[profile \"]\na=b",
                                        "[default]\ns3=\n a=\n  b=c\n",
                                        "[default]\nkey\n value\n",
                                        "\n\n\n[default]\n\n\n=x"};
    struct s3_ini ini = {0};

    ck_assert_int_eq(s3_ini_parse(&ini, texts[_i], strlen(texts[_i]), true, NULL), DLFW_OK);
    s3_ini_free(&ini);
}
END_TEST

START_TEST(profile_gives_endpoint_and_region)
{
    char path[] = "/tmp/dlfw-test-s3-XXXXXX", address[600];
    struct s3_settings s;
    struct s3_root root;
    struct s3_profiles profiles;
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, config_text, strlen(config_text)), (ssize_t)strlen(config_text));
    close(fd);
    setenv("AWS_CONFIG_FILE", path, 1);
    s3_options.endpoint_url = NULL;
    setenv("AWS_PROFILE", "work", 1);
    settings_of(&s, "bucket", &root, &profiles);
    address_of(&s, "bucket", address, sizeof address);
    ck_assert_str_eq(address, "http://services:2/bucket");
    ck_assert_str_eq(s.region, "eu-west-2");
    s3_settings_free(&s);
    s3_profiles_free(&profiles);
    s3_root_free(&root);
    s3_options.profile = "default"; /* an option goes before the environment */
    settings_of(&s, "bucket", &root, &profiles);
    address_of(&s, "bucket", address, sizeof address);
    ck_assert_str_eq(address, "https://s3.eu-west-1.amazonaws.com/bucket");
    s3_settings_free(&s);
    s3_profiles_free(&profiles);
    s3_root_free(&root);
    unlink(path);
}
END_TEST

/* ---- small answers ---- */

static const struct {
    const char *encoded, *plain;
} encoded[] = {{"a%2Fb", "a/b"}, {"a+b", "a b"},        {"%", "%"}, {"%4", "%4"}, {"%zz%41", "%zzA"},
               {"", ""},         {"%C3%a4", "\xc3\xa4"}};

START_TEST(names_are_decoded)
{
    char text[32];
    size_t len;

    snprintf(text, sizeof text, "%s", encoded[_i].encoded);
    len = s3_url_decode(text, strlen(text));
    ck_assert_str_eq(text, encoded[_i].plain);
    ck_assert_uint_eq(len, strlen(encoded[_i].plain));
}
END_TEST

START_TEST(picked_elements)
{
    static const char document[] = "<R><A>one</A><B><A>nested</A></B><C>0123456789</C></R>";
    struct text reply = {0};
    char root[64], a[16], c[4], missing[4];
    const struct s3_pick picks[] = {{"A", a, sizeof a}, {"C", c, sizeof c}, {"D", missing, sizeof missing}};

    text_str(&reply, document);
    ck_assert_int_eq(s3_reply_pick(&reply, root, picks, 3, NULL), DLFW_OK);
    ck_assert_str_eq(root, "R");
    ck_assert_str_eq(a, "one");
    ck_assert_str_eq(c, "012");
    ck_assert_str_eq(missing, "");
    text_str(&reply, "<");
    ck_assert_int_eq(s3_reply_pick(&reply, root, picks, 3, NULL), DLFW_E_CORRUPT);
    ck_assert_str_eq(root, "");
    ck_assert_str_eq(a, "");
    text_free(&reply);
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
    Suite *suite = suite_create("s3_settings");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, roots_are_parsed, 0, COUNT(roots));
    tcase_add_loop_test(tc, buckets_as_hosts, 0, COUNT(hosts));
    tcase_add_loop_test(tc, addresses_are_made, 0, COUNT(addresses));
    tcase_add_loop_test(tc, bad_settings_are_refused, 0, COUNT(bad_settings));
    tcase_add_test(tc, options_that_contradict_each_other);
    tcase_add_test(tc, config_files_are_read);
    tcase_add_loop_test(tc, strange_config_files, 0, 11);
    tcase_add_test(tc, profile_gives_endpoint_and_region);
    tcase_add_loop_test(tc, names_are_decoded, 0, COUNT(encoded));
    tcase_add_test(tc, picked_elements);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
