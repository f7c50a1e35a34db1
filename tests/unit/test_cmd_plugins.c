/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw plugins` as users and scripts see it: output, exit status, and that listing runs no code of a plugin. */
#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/cmd.h"

#define FIRST TEST_PLUGIN_DIR "/first"

static char out[65536], errors[8192];

static void read_file(int fd, char *buf, size_t cap)
{
    ssize_t n = pread(fd, buf, cap - 1, 0);

    buf[n > 0 ? n : 0] = '\0';
}

/* Runs the command in a child; returns its exit status. */
static int run(const char *first, const char *second, const char *third, const char *fourth, const char *fifth)
{
    const char *argv[] = {"plugins", first, second, third, fourth, fifth, NULL};
    FILE *out_file = tmpfile(), *err_file = tmpfile();
    int status, argc = 0;
    pid_t child;

    while (argv[argc])
        argc++;
    fflush(NULL);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(fileno(out_file), 1);
        dup2(fileno(err_file), 2);
        unsetenv("DLFW_PLUGIN_PATH");
        unsetenv("DLFW_TEST_CODE_RAN");
        status = cmd_plugins.run(argc, (char **)(uintptr_t)argv);
        fflush(NULL);
        if (strcmp(first, "list") == 0 && getenv("DLFW_TEST_CODE_RAN"))
            status = 99;
        _exit(status);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    read_file(fileno(out_file), out, sizeof out);
    read_file(fileno(err_file), errors, sizeof errors);
    fclose(out_file);
    fclose(err_file);
    ck_assert_msg(WIFEXITED(status), "status 0x%x: %s", status, errors);
    return WEXITSTATUS(status);
}

static void expect(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part), "'%.3000s' lacks '%s'", text, part);
}

START_TEST(list_shows_plugins_and_refusals)
{
    ck_assert_int_eq(run("list", "--plugin-dir", FIRST, NULL, NULL), EXIT_OK);
    expect(out, "NAME     KIND     VERSION  ABI  FILE\n");
    expect(out, "alpha    backend  1.2.3    1.2  " FIRST "/dlfw-backend-alpha.so\n");
    expect(out, "counter  hook     2.0.1    1.2  " FIRST "/dlfw-hook-counter.so\n");
    expect(out, "\nrefused:\n" FIRST "/dlfw-backend-old.so: built for plugin ABI 2.2, this dlfw has 1.2\n");
    expect(out, FIRST "/libother.so: no dlfw note");
    expect(out, "picky    backend");
    ck_assert_str_eq(errors, "");
}
END_TEST

START_TEST(list_load_adds_what_only_loading_tells)
{
    ck_assert_int_eq(run("list", "--load", "--plugin-dir", FIRST, NULL), EXIT_OK);
    expect(out, "alpha    backend");
    expect(out, FIRST "/dlfw-backend-picky.so: needs plugin ABI 1.9, this dlfw has 1.2");
    expect(out, FIRST "/dlfw-backend-crash.so: crashed while it was loaded (Aborted)\n");
    expect(out, FIRST "/dlfw-backend-lost.so: needs library 'libtest-plugin-lender.so', which is not installed\n");
    ck_assert_ptr_null(strstr(out, "picky    backend"));
}
END_TEST

START_TEST(list_as_json)
{
    json_error_t why;
    json_t *all, *row;
    bool found = false;
    size_t i;

    ck_assert_int_eq(run("list", "--json", "--plugin-dir", FIRST, NULL), EXIT_OK);
    all = json_loads(out, 0, &why);
    ck_assert_msg(all != NULL, "%s", why.text);
    json_array_foreach(json_object_get(all, "plugins"), i, row) found =
        found || (strcmp(json_string_value(json_object_get(row, "name")), "beta") == 0 &&
                  strcmp(json_string_value(json_object_get(row, "file")), FIRST "/dlfw-backend-beta.so") == 0);
    ck_assert(found);
    row = json_array_get(json_object_get(all, "refused"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(row, "reason")), "built for plugin ABI 2.2, this dlfw has 1.2");
    expect(json_string_value(json_object_get(all, "searched")), FIRST);
    json_decref(all);
}
END_TEST

START_TEST(info_in_words)
{
    ck_assert_int_eq(run("info", "alpha", "--plugin-dir", FIRST, NULL), EXIT_OK);
    expect(out, "alpha (backend) - answers every read at once\n");
    expect(out, "  licence       Apache-2.0\n");
    expect(out, "  threads       parallel: anything at any time\n");
    expect(out, "  does          get\n");
    expect(out, "  called by     blocking\n");
    expect(out, "  ABI           1.2, needs 1.0\n");
    expect(out, "    size (size, default 1MiB, 4KiB to 1GiB)\n        bytes of every object\n");
    expect(out, "    token (secret)\n");
    ck_assert_int_eq(run("info", "counter", "--plugin-dir", FIRST, NULL), EXIT_OK);
    expect(out, "    mode (choice, default exact, one of fast | exact)\n");
    expect(out, "    every (duration, default 250ms, at least 1ms)\n");
}
END_TEST

START_TEST(info_as_json)
{
    json_error_t why;
    json_t *all, *plugin, *option;

    ck_assert_int_eq(run("info", "--json", "counter", "--plugin-dir", FIRST), EXIT_OK);
    all = json_loads(out, 0, &why);
    ck_assert_msg(all != NULL, "%s", why.text);
    plugin = json_array_get(json_object_get(all, "plugins"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(plugin, "kind")), "hook");
    ck_assert_str_eq(json_string_value(json_object_get(plugin, "license")), "MIT");
    option = json_array_get(json_object_get(plugin, "options"), 2);
    ck_assert_str_eq(json_string_value(json_object_get(option, "name")), "mode");
    ck_assert_uint_eq(json_array_size(json_object_get(option, "choices")), 2);
    ck_assert(json_is_false(json_object_get(option, "required")));
    ck_assert_ptr_null(json_object_get(option, "min"));
    json_decref(all);
}
END_TEST

START_TEST(info_as_manual_text)
{
    ck_assert_int_eq(run("info", "counter", "--man", "--plugin-dir", FIRST), EXIT_OK);
    expect(out, "*tags* (list)\n\twords to print\n\n*every* (duration, default 250ms, at least 1ms)\n\ttime between "
                "two lines\n");
}
END_TEST

START_TEST(info_of_what_is_not_there)
{
    ck_assert_int_eq(run("info", "aplha", "--plugin-dir", FIRST, NULL), EXIT_FAILED);
    expect(errors, "dlfw: error: no plugin 'aplha'; did you mean 'alpha'?; searched " FIRST);
    ck_assert_str_eq(out, "");
    ck_assert_int_eq(run("info", "alpha", "--kind=hook", "--plugin-dir", FIRST), EXIT_FAILED);
    expect(errors, "no hook 'alpha'; searched");
    ck_assert_int_eq(run("info", "old", "--plugin-dir", FIRST, NULL), EXIT_FAILED);
    expect(errors, "cannot use backend 'old': plugin '" FIRST "/dlfw-backend-old.so': built for plugin ABI 2.2");
    ck_assert_int_eq(run("list", "--plugin-dir", "/no/such/dir", NULL, NULL), EXIT_FAILED);
    expect(errors, "cannot read plugin directory '/no/such/dir'");
}
END_TEST

START_TEST(wrong_usage)
{
    static const char *const lines[][5] = {
        {NULL},
        {"show"},
        {"info"},
        {"list", "extra"},
        {"info", "a", "b"},
        {"list", "--man"},
        {"info", "a", "--load"},
        {"list", "--bogus"},
        {"list", "--plugin-dir"},
        {"info", "a", "--kind=tool"},
        {"info", "a", "--json", "--man"},
    };

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (!lines[i][0])
            ck_assert_int_eq(cmd_plugins.run(1, (char *[]){(char *)(uintptr_t) "plugins", NULL}), EXIT_USAGE);
        else
            ck_assert_int_eq(run(lines[i][0], lines[i][1], lines[i][2], lines[i][3], lines[i][4]), EXIT_USAGE);
    }
    ck_assert_int_eq(run("list", "--help", NULL, NULL, NULL), EXIT_OK);
    ck_assert_str_eq(out, cmd_plugins.usage);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cmd_plugins");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, list_shows_plugins_and_refusals);
    tcase_add_test(tc, list_load_adds_what_only_loading_tells);
    tcase_add_test(tc, list_as_json);
    tcase_add_test(tc, info_in_words);
    tcase_add_test(tc, info_as_json);
    tcase_add_test(tc, info_as_manual_text);
    tcase_add_test(tc, info_of_what_is_not_there);
    tcase_add_test(tc, wrong_usage);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
