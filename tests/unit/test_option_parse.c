/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/option_parse.h"

static char text[480];
static dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};

struct all {
    uint8_t flag;
    int64_t number;
    uint64_t count;
    double ratio;
    const char *word;
    uint32_t mode;
    uint64_t size;
    uint64_t wait;
    uint64_t rate;
    const char *path;
    const char *secret;
    dlfw_str_list list;
    const dlfw_node *node;
};
static const char *const modes[] = {"slow", "medium", "fast", NULL};
static const dlfw_option rows[] = {
    DLFW_OPT_BOOL(struct all, flag, .def = "yes", .help = "h"),
    DLFW_OPT_I64(struct all, number, .def = "-5", .min = "-10", .max = "10", .help = "h"),
    DLFW_OPT_U64(struct all, count, .def = "7", .max = "1_000", .help = "h"),
    DLFW_OPT_F64(struct all, ratio, .def = "0.1", .min = "0", .max = "1", .help = "h"),
    DLFW_OPT_STR(struct all, word, .def = "no", .help = "h"),
    DLFW_OPT_ENUM(struct all, mode, .def = "fast", .choices = modes, .help = "h"),
    DLFW_OPT_SIZE(struct all, size, .def = "8MiB", .min = "4KiB", .max = "1GiB", .help = "h"),
    DLFW_OPT_DURATION(struct all, wait, .def = "250ms", .max = "1min", .help = "h"),
    DLFW_OPT_RATE(struct all, rate, .def = "100MiB/s", .help = "h"),
    DLFW_OPT_PATH(struct all, path, .help = "h"),
    DLFW_OPT_SECRET(struct all, secret, .def = "env:DLFW_TEST_DEFAULT", .help = "h"),
    DLFW_OPT_LIST(struct all, list, .def = "one", .help = "h"),
    DLFW_OPT_NODE(struct all, node, .help = "h"),
};
enum { ROWS = sizeof rows / sizeof *rows };

static char kept[8192];
static size_t kept_len;

static void *keep(void *ctx, size_t bytes)
{
    void *memory = kept + kept_len;

    (void)ctx;
    kept_len += (bytes + 15) & ~(size_t)15;
    return kept_len <= sizeof kept ? memory : NULL;
}

static dlfw_status store(const char *name, const char *value, struct all *base)
{
    return option_store(option_find(rows, ROWS, name), value, base, keep, NULL, &err);
}

START_TEST(defaults_are_stored_and_print_as_written)
{
    static const char *const printed[] = {"true",  "-5",       "7", "0.1", "no",    "fast", "8MiB",
                                          "250ms", "100MiB/s", "",  "",    "[one]", ""};
    struct all all;
    char buf[64];

    memset(&all, 0xa5, sizeof all);
    ck_assert_int_eq(option_table_check(rows, ROWS, sizeof all, &err), DLFW_OK);
    ck_assert_int_eq(option_store_defaults(rows, ROWS, &all, keep, NULL, &err), DLFW_OK);
    ck_assert_uint_eq(all.flag, 1);
    ck_assert_int_eq(all.number, -5);
    ck_assert_uint_eq(all.mode, 2);
    ck_assert_uint_eq(all.size, 8u << 20);
    ck_assert_uint_eq(all.wait, 250000000);
    ck_assert_ptr_null(all.path);
    ck_assert_ptr_null(all.secret);
    ck_assert_ptr_null(all.node);
    ck_assert_str_eq(all.list.items[0], "one");
    for (uint32_t i = 0; i < ROWS; i++) {
        ck_assert_uint_eq(option_print(option_row(rows, i), &all, buf, sizeof buf), strlen(printed[i]));
        ck_assert_str_eq(buf, printed[i]);
    }
}
END_TEST

START_TEST(ranges_and_choices_are_held)
{
    static const struct {
        const char *name, *value, *says; /* NULL: accepted */
    } cases[] = {
        {"number", "-10", NULL},
        {"number", "-11", "below the minimum -10"},
        {"number", "10", NULL},
        {"number", "11", "above the maximum 10"},
        {"count", "1000", NULL},
        {"count", "1001", "above the maximum 1_000"},
        {"ratio", "1", NULL},
        {"ratio", "1.0001", "above the maximum 1"},
        {"ratio", "-0.1", "below the minimum 0"},
        {"size", "4KiB", NULL},
        {"size", "4095", "below the minimum 4KiB"},
        {"size", "1.5GiB", "above the maximum 1GiB"},
        {"wait", "60s", NULL},
        {"wait", "61", "above the maximum 1min"},
        {"mode", "slow", NULL},
        {"mode", "fsat", "'fsat' is none of slow, medium, fast; did you mean 'fast'?"},
        {"mode", "quick", "'quick' is none of slow, medium, fast"},
        {"mode", "", "none of"},
        {"flag", "maybe", "neither true nor false"},
        {"word", "anything goes", NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct all all = {.flag = 0}, untouched = {.flag = 0};
        dlfw_status st = store(cases[i].name, cases[i].value, &all);

        ck_assert_msg((st == DLFW_OK) == !cases[i].says, "%s='%s': status %d %s", cases[i].name, cases[i].value, st,
                      st ? text : "");
        if (cases[i].says) {
            ck_assert_msg(strstr(text, cases[i].says), "%s='%s': message '%s'", cases[i].name, cases[i].value, text);
            ck_assert_mem_eq(&all, &untouched, sizeof all);
        }
        ck_assert_int_eq(option_store(option_find(rows, ROWS, cases[i].name), cases[i].value, NULL, NULL, NULL, &err),
                         st);
    }
}
END_TEST

START_TEST(bool_store_leaves_its_neighbours)
{
    struct all all;

    memset(&all, 0xff, sizeof all);
    ck_assert_int_eq(store("flag", "off", &all), DLFW_OK);
    ck_assert_uint_eq(all.flag, 0);
    ck_assert_uint_eq(((unsigned char *)&all)[1], 0xff);
}
END_TEST

START_TEST(what_is_printed_reads_back)
{
    static const struct {
        const char *name;
        uint64_t value;
        const char *want;
    } cases[] = {
        {"size", 0, "0"},
        {"size", 1, "1"},
        {"size", 4097, "4097"},
        {"size", 1536, "1536"},
        {"size", 1000, "1kB"},
        {"size", 1024, "1KiB"},
        {"size", 3u << 30, "3GiB"},
        {"wait", 0, "0s"},
        {"wait", 1, "1ns"},
        {"wait", 1500, "1500ns"},
        {"wait", 5400000000000, "90min"},
        {"wait", 86400000000000, "24h"},
        {"rate", 0, "0B/s"},
        {"rate", 4097, "4097B/s"},
        {"rate", 2000000000, "2GB/s"},
        {"count", UINT64_MAX, "18446744073709551615"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const dlfw_option *row = option_find(rows, ROWS, cases[i].name);
        struct all all = {.flag = 0}, back = {.flag = 0};
        dlfw_option free_row = *row;
        char buf[64];

        free_row.min = free_row.max = NULL;
        memcpy((char *)&all + row->offset, &cases[i].value, 8);
        option_print(row, &all, buf, sizeof buf);
        ck_assert_str_eq(buf, cases[i].want);
        ck_assert_int_eq(option_store(&free_row, buf, &back, keep, NULL, &err), DLFW_OK);
        ck_assert_mem_eq(&all, &back, sizeof all);
    }
    for (double f = 1e-300; f < 1e300; f *= 123456.789) {
        struct all all = {.ratio = f}, back = {.ratio = 0};
        dlfw_option row = *option_find(rows, ROWS, "ratio");
        char buf[64];

        row.min = row.max = NULL;
        option_print(&row, &all, buf, sizeof buf);
        ck_assert_int_eq(option_store(&row, buf, &back, keep, NULL, &err), DLFW_OK);
        ck_assert_double_eq(back.ratio, f);
    }
}
END_TEST

START_TEST(print_never_overruns)
{
    static const char *const items[] = {"alpha", "beta"};
    struct all all = {.word = "a rather long word", .list = {.items = items, .count = 2}};

    for (uint32_t i = 0; i < ROWS; i++) {
        char whole[64];
        uint32_t len = option_print(&rows[i], &all, whole, sizeof whole);

        for (uint32_t cap = 0; cap < 30; cap++) {
            char buf[32];

            memset(buf, '#', sizeof buf);
            ck_assert_uint_eq(option_print(&rows[i], &all, buf, cap), len);
            for (uint32_t j = cap; j < sizeof buf; j++)
                ck_assert_int_eq(buf[j], '#');
            if (cap)
                ck_assert_int_eq(strncmp(buf, whole, cap - 1), 0);
        }
    }
    ck_assert_uint_eq(option_print(option_find(rows, ROWS, "list"), &all, NULL, 0), strlen("[alpha, beta]"));
}
END_TEST

START_TEST(secrets)
{
    char dir[] = "/tmp/dlfw-secret-XXXXXX", path[64], value[80], buf[16];
    struct all all = {.flag = 0};
    FILE *f;

    setenv("DLFW_TEST_SECRET", "s3cr3t\n", 1);
    unsetenv("DLFW_TEST_ABSENT");
    ck_assert_int_eq(store("secret", "plain", &all), DLFW_OK);
    ck_assert_str_eq(all.secret, "plain");
    ck_assert_int_eq(store("secret", "env:DLFW_TEST_SECRET", &all), DLFW_OK);
    ck_assert_str_eq(all.secret, "s3cr3t\n");
    setenv("DLFW_TEST_SECRET", "changed", 1);
    ck_assert_str_eq(all.secret, "s3cr3t\n");
    ck_assert_int_eq(option_print(option_find(rows, ROWS, "secret"), &all, buf, sizeof buf), 3);
    ck_assert_str_eq(buf, "***");
    ck_assert_int_eq(store("secret", "env:DLFW_TEST_ABSENT", &all), DLFW_E_CONFIG);
    ck_assert_str_eq(text, "environment variable 'DLFW_TEST_ABSENT' is not set");

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/token", dir);
    snprintf(value, sizeof value, "file:%s", path);
    ck_assert_int_eq(store("secret", value, &all), DLFW_E_NOT_FOUND);
    f = fopen(path, "w");
    fputs("two\nlines\n\n", f);
    fclose(f);
    ck_assert_int_eq(store("secret", value, &all), DLFW_OK);
    ck_assert_str_eq(all.secret, "two\nlines\n");
    f = fopen(path, "w");
    fwrite("a\0b", 1, 3, f);
    fclose(f);
    ck_assert_int_eq(store("secret", value, &all), DLFW_E_CONFIG);
    f = fopen(path, "w");
    for (int i = 0; i < 70000; i++)
        fputc('x', f);
    fclose(f);
    ck_assert_int_eq(store("secret", value, &all), DLFW_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(text, "larger than 64 KiB"));
    unlink(path);
    rmdir(dir);
}
END_TEST

START_TEST(secret_default_from_the_environment)
{
    struct all all;

    setenv("DLFW_TEST_DEFAULT", "from outside", 1);
    ck_assert_int_eq(option_store_defaults(rows, ROWS, &all, keep, NULL, &err), DLFW_OK);
    ck_assert_str_eq(all.secret, "from outside");
    unsetenv("DLFW_TEST_DEFAULT");
}
END_TEST

START_TEST(rows_longer_than_ours)
{
    struct longer {
        dlfw_option row;
        const char *since_1_9;
    } table[2] = {
        {DLFW_OPT_U64(struct all, count, .help = "h"), "new"},
        {DLFW_OPT_SIZE(struct all, size, .def = "1MiB", .help = "h"), "new"},
    };
    struct all all;

    table[0].row.struct_size = table[1].row.struct_size = sizeof *table;
    ck_assert_int_eq(option_table_check(&table[0].row, 2, sizeof all, &err), DLFW_OK);
    ck_assert_str_eq(option_row(&table[0].row, 1)->name, "size");
    ck_assert_ptr_eq(option_find(&table[0].row, 2, "size"), &table[1].row);
    ck_assert_ptr_null(option_find(&table[0].row, 2, "siz"));
    ck_assert_int_eq(option_store_defaults(&table[0].row, 2, &all, keep, NULL, &err), DLFW_OK);
    ck_assert_uint_eq(all.size, 1u << 20);
    ck_assert_uint_eq(all.count, 0);
}
END_TEST

START_TEST(table_mistakes_are_named)
{
    static const char *const none[] = {NULL};
    const dlfw_option good = DLFW_OPT_SIZE(struct all, size, .def = "8MiB", .help = "h");
    struct {
        const char *says;
        dlfw_option row;
    } cases[] = {
        {"row 2 says", good},
        {"has no usable name", good},
        {"no usable name", good},
        {"option 'size' needs a help", good},
        {"one line", good},
        {"takes 8 bytes, but its member has 4", good},
        {"outside", good},
        {"misaligned", good},
        {"type 99", good},
        {"bad default or range: '8MB2'", good},
        {"below the minimum 9MiB", good},
        {"above the maximum 7MiB", good},
        {"'1MiB' is below the minimum 2MiB", good},
        {"bad default or range: 'big'", good},
        {"has choices", good},
        {"without choices", good},
        {"without choices", good},
        {"has a range", good},
        {"required and yet has a default", good},
        {"not deprecated", good},
        {"replaced by 'other', which is no option", good},
        {"only be env:NAME", good},
        {"cannot have a default", good},
        {"name of option 1", good},
    };

    cases[0].row.struct_size += 8;
    cases[1].row.name = NULL;
    cases[2].row.name = "two words";
    cases[3].row.help = NULL;
    cases[4].row.help = "two\nlines";
    cases[5].row.field_size = 4;
    cases[6].row.offset = sizeof(struct all) - 4;
    cases[7].row.offset = 4;
    cases[8].row.type = 99;
    cases[9].row.def = "8MB2";
    cases[10].row.min = "9MiB";
    cases[11].row.max = "7MiB";
    cases[12].row.min = "2MiB";
    cases[12].row.max = "1MiB";
    cases[13].row.max = "big";
    cases[14].row.choices = modes;
    cases[15].row = (dlfw_option)DLFW_OPT_ENUM(struct all, mode, .help = "h");
    cases[16].row = (dlfw_option)DLFW_OPT_ENUM(struct all, mode, .choices = none, .help = "h");
    cases[17].row = (dlfw_option)DLFW_OPT_STR(struct all, word, .min = "a", .help = "h");
    cases[18].row.flags = DLFW_OPT_REQUIRED;
    cases[19].row.replaced_by = "count";
    cases[20].row.flags = DLFW_OPT_DEPRECATED;
    cases[20].row.replaced_by = "other";
    cases[21].row = (dlfw_option)DLFW_OPT_SECRET(struct all, secret, .def = "hunter2", .help = "h");
    cases[22].row = (dlfw_option)DLFW_OPT_NODE(struct all, node, .def = "x", .help = "h");
    cases[23].row = (dlfw_option)DLFW_OPT_U64(struct all, count, .help = "h");

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const dlfw_option table[] = {DLFW_OPT_U64(struct all, count, .help = "h"), cases[i].row};

        ck_assert_msg(option_table_check(table, 2, sizeof(struct all), &err) == DLFW_E_INVALID,
                      "case %zu (%s) was accepted", i, cases[i].says);
        ck_assert_msg(strstr(text, cases[i].says), "case %zu: message '%s' lacks '%s'", i, text, cases[i].says);
        ck_assert_msg(!strstr(text, "hunter2"), "a secret in a message");
    }
    ck_assert_int_eq(option_table_check(NULL, 1, 0, &err), DLFW_E_INVALID);
    ck_assert_int_eq(option_table_check(NULL, 0, 0, &err), DLFW_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("option_parse");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, defaults_are_stored_and_print_as_written);
    tcase_add_test(tc, ranges_and_choices_are_held);
    tcase_add_test(tc, bool_store_leaves_its_neighbours);
    tcase_add_test(tc, what_is_printed_reads_back);
    tcase_add_test(tc, print_never_overruns);
    tcase_add_test(tc, secrets);
    tcase_add_test(tc, secret_default_from_the_environment);
    tcase_add_test(tc, rows_longer_than_ours);
    tcase_add_test(tc, table_mistakes_are_named);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
