/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host of the pretended ABI 1.3 (one function more in the backend's table) with plugins of 1.2 and 1.3: what "append
 * only" promises. The opposite direction, plugins of 1.3 in today's host, is in test_plugin_load.c.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "host/plugin_load.h"

#define PLUGIN(name) TEST_PLUGIN_DIR "/load/" name ".so"

static char text[640];
static dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};
static const dlfw_host host = {.struct_size = sizeof host};

START_TEST(the_function_is_null_in_old_plugins_only)
{
    static const struct {
        const char *path;
        int has;
    } cases[] = {{PLUGIN("good"), 0}, {PLUGIN("next_minor"), 1}, {PLUGIN("next_minor_needed"), 1}};

    ck_assert_int_eq(DLFW_ABI_MINOR, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plugin_file *file = NULL;

        ck_assert_msg(plugin_file_load(cases[i].path, &host, &file, &err) == DLFW_OK, "%s", text);
        ck_assert_int_eq(file->ifaces[0].ops.backend.since_1_3 != NULL, cases[i].has);
        ck_assert_ptr_nonnull(file->ifaces[0].ops.backend.perform);
        plugin_file_unload(file);
    }
}
END_TEST

START_TEST(later_minors_are_still_refused)
{
    struct plugin_file *file = NULL;

    ck_assert_int_eq(plugin_file_load(PLUGIN("need_minor"), &host, &file, &err), DLFW_E_ABI);
    ck_assert_ptr_nonnull(strstr(text, "needs plugin ABI 1.9, this dlfw has 1.3"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plugin_next_minor");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, the_function_is_null_in_old_plugins_only);
    tcase_add_test(tc, later_minors_are_still_refused);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
