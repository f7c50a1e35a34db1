/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/option_parse.h"
#include "host/plugin_load.h"

#define PLUGIN(name) TEST_PLUGIN_DIR "/load/" name ".so"

static char text[640];
static dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};
static const dlfw_host host = {.struct_size = sizeof host};

START_TEST(a_good_plugin_loads)
{
    struct plugin_file *file = NULL;

    ck_assert_msg(plugin_file_load(PLUGIN("good"), &host, &file, &err) == DLFW_OK, "%s", text);
    ck_assert_str_eq(file->plugin->id, "org.example.dlfw-test-tiny");
    ck_assert_uint_eq(file->iface_count, 1);
    ck_assert_ptr_eq(file->ifaces[0].file, file);
    ck_assert_str_eq(file->ifaces[0].iface->name, "tiny");
    ck_assert_ptr_nonnull(file->ifaces[0].ops.backend.perform);
    ck_assert_ptr_null(file->ifaces[0].ops.backend.submit);
    ck_assert_str_eq(getenv("DLFW_TEST_CODE_RAN"), "tiny");
    plugin_file_unload(file);
}
END_TEST

START_TEST(a_name_without_a_slash_is_a_file_here)
{
    struct plugin_file *file = NULL;

    ck_assert_int_eq(chdir(TEST_PLUGIN_DIR "/load"), 0);
    ck_assert_int_eq(plugin_file_load("standard.so", &host, &file, &err), DLFW_OK);
    ck_assert_uint_eq(file->ifaces[0].iface->kind, DLFW_KIND_HOOK);
    plugin_file_unload(file);
    plugin_file_unload(NULL);
}
END_TEST

/* Each refusal names the file, and what was found against what is expected. runs: may code of the file have run by
 * then? */
START_TEST(refusals)
{
    static const struct {
        const char *name;
        dlfw_status status;
        const char *says;
        int runs;
    } cases[] = {
        {"absent", DLFW_E_NOT_FOUND, "cannot open: No such file or directory", 0},
        {"note_owner", DLFW_E_NOT_FOUND, "no dlfw note", 0},
        {"note_major", DLFW_E_ABI, "built for plugin ABI 2.2, this dlfw has 1.2", 0},
        {"symbol_v2", DLFW_E_NOT_FOUND, "missing symbol", 0},
        {"borrowed", DLFW_E_NOT_FOUND, "missing symbol", 0},
        {"missing_library", DLFW_E_NOT_FOUND, "needs library 'libtest-plugin-lender.so', which is not installed", 0},
        {"magic", DLFW_E_ABI, "magic 0x00001234, expected 0x57464c44", 1},
        {"object_size", DLFW_E_ABI, "16 bytes (struct_size), ABI 1.0 has 88", 1},
        {"object_major", DLFW_E_ABI, "object is for plugin ABI 2.2, this dlfw has 1.2", 1},
        {"need_minor", DLFW_E_ABI, "needs plugin ABI 1.9, this dlfw has 1.2", 1},
        {"next_minor_needed", DLFW_E_ABI, "needs plugin ABI 1.3, this dlfw has 1.2", 1},
        {"note_version", DLFW_E_ABI, "note and object differ: version '1.2.4' and '1.2.3'", 1},
        {"note_name", DLFW_E_ABI, "note and object differ: the note does not name backend 'tiny'", 1},
        {"note_more", DLFW_E_ABI, "note and object differ: the note names 2 interfaces, the object has 1", 1},
        {"ops_size", DLFW_E_ABI, "backend 'tiny' has a table of 64 bytes (ops->struct_size), ABI 1.0 has ", 1},
        {"no_perform", DLFW_E_ABI, "backend 'tiny' has neither perform nor the queue functions", 1},
        {"no_operation", DLFW_E_ABI, "backend 'tiny' declares no operation", 1},
        {"partial_queue", DLFW_E_ABI, "backend 'tiny' has wakeup but no queue_create", 1},
        {"bad_default", DLFW_E_INVALID,
         "faulty option table: option 'size' has a bad default or range: '1KiB' is below the minimum 4KiB", 1},
        {"load_fails", DLFW_E_UNAVAILABLE, "its load function failed: no licence server", 1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plugin_file *file = NULL;
        char path[512];
        dlfw_status st;

        snprintf(path, sizeof path, "%s/load/%s.so", TEST_PLUGIN_DIR, cases[i].name);
        unsetenv("DLFW_TEST_CODE_RAN");
        st = plugin_file_load(path, &host, &file, &err);
        ck_assert_msg(st == cases[i].status, "%s: status %d: %s", cases[i].name, st, text);
        ck_assert_msg(strstr(text, cases[i].says), "%s: message '%s' lacks '%s'", cases[i].name, text, cases[i].says);
        ck_assert_msg(strstr(text, path) && strstr(text, path) == strstr(text, "/"),
                      "%s: message '%s' does not name the file", path, text);
        ck_assert_msg(!strstr(strstr(text, path) + 1, path), "message names the file twice: %s", text);
        ck_assert_ptr_null(file);
        ck_assert_msg(cases[i].runs || !getenv("DLFW_TEST_CODE_RAN"), "%s: its code ran", cases[i].name);
    }
}
END_TEST

/* The note reader refuses such a file already, unless it has no section headers to look into. */
START_TEST(a_symbol_from_another_file_does_not_count)
{
    static const char *const names[] = {"borrowed", "symbol_v2"};
    static const char *const says[] = {"symbol from another file: its 'dlfw_plugin_v1' is the one of '",
                                       "exports 'dlfw_plugin_v2'"};
    char dir[] = "/tmp/dlfw-load-XXXXXX", path[64];

    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (int i = 0; i < 2; i++) {
        struct plugin_file *file = NULL;
        char from[512];
        struct stat st;
        int in, out;
        void *image;

        /* a name each: what was loaded once stays mapped under its name */
        snprintf(path, sizeof path, "%s/stripped%d.so", dir, i);
        snprintf(from, sizeof from, "%s/load/%s.so", TEST_PLUGIN_DIR, names[i]);
        in = open(from, O_RDONLY);
        out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
        ck_assert_int_eq(fstat(in, &st), 0);
        image = malloc((size_t)st.st_size);
        ck_assert_int_eq(read(in, image, (size_t)st.st_size), st.st_size);
        ((Elf64_Ehdr *)image)->e_shnum = 0;
        ((Elf64_Ehdr *)image)->e_shoff = 0;
        ck_assert_int_eq(write(out, image, (size_t)st.st_size), st.st_size);
        free(image);
        close(in);
        close(out);
        ck_assert_int_eq(plugin_file_load(path, &host, &file, &err), DLFW_E_ABI);
        ck_assert_msg(strstr(text, says[i]), "%s", text);
        unlink(path);
    }
    rmdir(dir);
}
END_TEST

START_TEST(a_longer_table_of_a_later_minor_loads)
{
    static const char *const names[] = {"ops_longer", "next_minor", "note_later_kind"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct plugin_file *file = NULL;
        char path[512];

        snprintf(path, sizeof path, "%s/load/%s.so", TEST_PLUGIN_DIR, names[i]);
        ck_assert_msg(plugin_file_load(path, &host, &file, &err) == DLFW_OK, "%s", text);
        ck_assert_ptr_nonnull(file->ifaces[0].ops.backend.perform);
        plugin_file_unload(file);
    }
}
END_TEST

/* What follows checks tables in memory: each case breaks one thing of a good interface. */
static void *stub(void)
{
    return NULL;
}
#define FUNCTION(ops, member) ((ops)->member = (__typeof__((ops)->member))(void (*)(void))stub)

static dlfw_backend_ops backend;
static dlfw_format_ops format;
static dlfw_hook_ops hook;
static dlfw_coordinator_ops coordinator;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-function-type"
static void good_tables(void)
{
    backend = (dlfw_backend_ops){.struct_size = sizeof backend, .op_mask = DLFW_OP_BIT(DLFW_OP_GET)};
    FUNCTION(&backend, create);
    FUNCTION(&backend, destroy);
    FUNCTION(&backend, queue_create);
    FUNCTION(&backend, queue_destroy);
    FUNCTION(&backend, submit);
    FUNCTION(&backend, reap);
    FUNCTION(&backend, cancel);
    FUNCTION(&backend, wakeup);
    format = (dlfw_format_ops){.struct_size = sizeof format, .extension = "npz", .reader_size = 8};
    FUNCTION(&format, create);
    FUNCTION(&format, destroy);
    FUNCTION(&format, reader_open);
    FUNCTION(&format, reader_close);
    FUNCTION(&format, step);
    FUNCTION(&format, unit_count);
    FUNCTION(&format, unit_info);
    FUNCTION(&format, decode);
    hook = (dlfw_hook_ops){.struct_size = sizeof hook};
    FUNCTION(&hook, create);
    FUNCTION(&hook, destroy);
    coordinator = (dlfw_coordinator_ops){.struct_size = sizeof coordinator, .draft = DLFW_COORDINATOR_DRAFT};
    FUNCTION(&coordinator, join);
    FUNCTION(&coordinator, leave);
    FUNCTION(&coordinator, rank);
    FUNCTION(&coordinator, world_size);
    FUNCTION(&coordinator, barrier);
    FUNCTION(&coordinator, broadcast);
    FUNCTION(&coordinator, reduce_u64);
    FUNCTION(&coordinator, reduce_f64);
    FUNCTION(&coordinator, gather);
    FUNCTION(&coordinator, abort);
}
static void (*const some_function)(void) = (void (*)(void))stub;
#pragma GCC diagnostic pop

static dlfw_status check_iface(uint32_t kind)
{
    const void *const ops[] = {NULL, &backend, &format, &hook, &coordinator};
    const dlfw_iface iface = {.struct_size = sizeof iface, .kind = kind, .name = "x", .ops = ops[kind]};

    return plugin_iface_check(&iface, "/p/x.so", &err);
}

START_TEST(good_tables_pass)
{
    good_tables();
    for (uint32_t kind = DLFW_KIND_BACKEND; kind <= DLFW_KIND_COORDINATOR; kind++)
        ck_assert_msg(check_iface(kind) == DLFW_OK, "%s: %s", plugin_kind_name(kind), text);
}
END_TEST

/* Taking away any one required function is refused by that function's name. */
START_TEST(required_functions)
{
#define SLOT(kind, ops, member)                                                                                        \
    {                                                                                                                  \
        kind, #member, &(ops).member, sizeof(ops).member                                                               \
    }
    const struct {
        uint32_t kind;
        const char *name;
        void *at;
        size_t size;
    } slots[] = {
        SLOT(DLFW_KIND_BACKEND, backend, create),
        SLOT(DLFW_KIND_BACKEND, backend, destroy),
        SLOT(DLFW_KIND_BACKEND, backend, queue_create),
        SLOT(DLFW_KIND_BACKEND, backend, queue_destroy),
        SLOT(DLFW_KIND_BACKEND, backend, submit),
        SLOT(DLFW_KIND_BACKEND, backend, reap),
        SLOT(DLFW_KIND_BACKEND, backend, cancel),
        SLOT(DLFW_KIND_BACKEND, backend, wakeup),
        SLOT(DLFW_KIND_FORMAT, format, create),
        SLOT(DLFW_KIND_FORMAT, format, destroy),
        SLOT(DLFW_KIND_FORMAT, format, extension),
        SLOT(DLFW_KIND_FORMAT, format, reader_size),
        SLOT(DLFW_KIND_FORMAT, format, reader_open),
        SLOT(DLFW_KIND_FORMAT, format, reader_close),
        SLOT(DLFW_KIND_FORMAT, format, step),
        SLOT(DLFW_KIND_FORMAT, format, unit_count),
        SLOT(DLFW_KIND_FORMAT, format, unit_info),
        SLOT(DLFW_KIND_FORMAT, format, decode),
        SLOT(DLFW_KIND_HOOK, hook, create),
        SLOT(DLFW_KIND_HOOK, hook, destroy),
        SLOT(DLFW_KIND_COORDINATOR, coordinator, join),
        SLOT(DLFW_KIND_COORDINATOR, coordinator, leave),
        SLOT(DLFW_KIND_COORDINATOR, coordinator, rank),
        SLOT(DLFW_KIND_COORDINATOR, coordinator, world_size),
        SLOT(DLFW_KIND_COORDINATOR, coordinator, barrier),
        SLOT(DLFW_KIND_COORDINATOR, coordinator, broadcast),
        SLOT(DLFW_KIND_COORDINATOR, coordinator, reduce_u64),
        SLOT(DLFW_KIND_COORDINATOR, coordinator, reduce_f64),
        SLOT(DLFW_KIND_COORDINATOR, coordinator, gather),
        SLOT(DLFW_KIND_COORDINATOR, coordinator, abort),
    };

    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        good_tables();
        memset(slots[i].at, 0, slots[i].size);
        ck_assert_msg(check_iface(slots[i].kind) == DLFW_E_ABI, "%s may be missing", slots[i].name);
        ck_assert_msg(strstr(text, slots[i].name), "%s: message '%s'", slots[i].name, text);
        ck_assert_msg(strstr(text, "plugin '/p/x.so': "), "message '%s'", text);
    }
}
END_TEST

START_TEST(contradictions)
{
    static const struct {
        const char *name;
        const char *says; /* NULL: fine */
        uint64_t op_mask;
    } masks[] = {
        {"get only", NULL, DLFW_OP_BIT(DLFW_OP_GET)},
        {"none", "op_mask is 0", 0},
        {"open without close", "has OPEN but no CLOSE", DLFW_OP_BIT(DLFW_OP_OPEN)},
        {"close for lists", NULL, DLFW_OP_BIT(DLFW_OP_LIST) | DLFW_OP_BIT(DLFW_OP_CLOSE)},
        {"begin alone", "has WRITE_BEGIN but no WRITE_PART", DLFW_OP_BIT(DLFW_OP_WRITE_BEGIN)},
        {"no abort", "no WRITE_ABORT",
         DLFW_OP_BIT(DLFW_OP_WRITE_BEGIN) | DLFW_OP_BIT(DLFW_OP_WRITE_PART) | DLFW_OP_BIT(DLFW_OP_WRITE_COMMIT)},
        {"unknown operation", NULL, DLFW_OP_BIT(DLFW_OP_GET) | DLFW_OP_BIT(60)},
    };

    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        good_tables();
        backend.op_mask = masks[i].op_mask;
        ck_assert_msg(check_iface(DLFW_KIND_BACKEND) == (masks[i].says ? DLFW_E_ABI : DLFW_OK), "%s: %s", masks[i].name,
                      text);
        ck_assert_msg(!masks[i].says || strstr(text, masks[i].says), "%s: message '%s'", masks[i].name, text);
    }
    good_tables();
    memcpy(&backend.mem_register, &some_function, sizeof some_function);
    ck_assert_int_eq(check_iface(DLFW_KIND_BACKEND), DLFW_E_ABI);
    ck_assert_ptr_nonnull(strstr(text, "has mem_register but no mem_unregister"));
    good_tables();
    memcpy(&format.encode, &some_function, sizeof some_function);
    ck_assert_int_eq(check_iface(DLFW_KIND_FORMAT), DLFW_E_ABI);
    ck_assert_ptr_nonnull(strstr(text, "has encode but no file_size"));
    good_tables();
    format.extension = ".npz";
    ck_assert_int_eq(check_iface(DLFW_KIND_FORMAT), DLFW_E_ABI);
    good_tables();
    hook.thread_class = 9;
    ck_assert_int_eq(check_iface(DLFW_KIND_HOOK), DLFW_E_ABI);
    good_tables();
    coordinator.draft = 1;
    coordinator.struct_size = 88; /* what draft 1 had */
    ck_assert_int_eq(check_iface(DLFW_KIND_COORDINATOR), DLFW_E_ABI);
    ck_assert_ptr_nonnull(strstr(text, "draft 1 of the coordinator interface, this dlfw has draft 2"));
}
END_TEST

START_TEST(sizes_at_1_0)
{
    /* what 1.0 has, written down once more: a floor that moved with the struct would refuse old plugins */
    static const struct {
        uint32_t kind;
        uint32_t size;
    } floors[] = {{DLFW_KIND_BACKEND, 144}, {DLFW_KIND_FORMAT, 120}, {DLFW_KIND_HOOK, 72}, {DLFW_KIND_COORDINATOR, 96}};

    for (size_t i = 0; i < sizeof floors / sizeof *floors; i++) {
        uint32_t *const sizes[] = {NULL, &backend.struct_size, &format.struct_size, &hook.struct_size,
                                   &coordinator.struct_size};

        good_tables();
        *sizes[floors[i].kind] = floors[i].size;
        ck_assert_msg(check_iface(floors[i].kind) == DLFW_OK, "%s: %s", plugin_kind_name(floors[i].kind), text);
        *sizes[floors[i].kind] = floors[i].size - 1;
        ck_assert_msg(check_iface(floors[i].kind) == DLFW_E_ABI, "%s: too small a table passes",
                      plugin_kind_name(floors[i].kind));
    }
}
END_TEST

START_TEST(faulty_interfaces)
{
    const dlfw_iface good = {.struct_size = sizeof good, .kind = DLFW_KIND_HOOK, .name = "x", .ops = &hook};
    dlfw_iface bad[5] = {good, good, good, good, good};
    static const char *const says[] = {"an interface of 8 bytes", "kind 17", "a hook without a name", "ops is NULL",
                                       "declares 3 options but has no table"};

    good_tables();
    ck_assert_int_eq(plugin_iface_check(&good, "/p/x.so", &err), DLFW_OK);
    bad[0].struct_size = 8;
    bad[1].kind = 17;
    bad[2].name = "";
    bad[3].ops = NULL;
    bad[4].option_count = 3;
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_lt(plugin_iface_check(&bad[i], "/p/x.so", &err), 0);
        ck_assert_msg(strstr(text, says[i]), "message '%s' lacks '%s'", text, says[i]);
    }
}
END_TEST

static char logged[1024];
static uint32_t logged_len, log_calls;

static void capture_log(void *ctx, uint32_t level, const char *line, uint32_t len)
{
    ck_assert_ptr_eq(ctx, &log_calls);
    ck_assert_uint_eq(level, DLFW_LOG_INFO);
    memcpy(logged, line, len);
    logged_len = len;
    log_calls++;
}

START_TEST(log_formats_only_what_is_wanted)
{
    volatile uint32_t level = DLFW_LOG_WARNING;
    const dlfw_host talking = {.struct_size = sizeof talking, .log_level = &level, .log = capture_log};
    char longer[2000];

    dlfw_log(&talking, &log_calls, DLFW_LOG_INFO, "not wanted");
    ck_assert_uint_eq(log_calls, 0);
    level = DLFW_LOG_INFO;
    dlfw_log(&talking, &log_calls, DLFW_LOG_INFO, "%d of %s", 3, "four");
    ck_assert_uint_eq(log_calls, 1);
    ck_assert_uint_eq(logged_len, 9);
    ck_assert_mem_eq(logged, "3 of four", 9);
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    dlfw_log(&talking, &log_calls, DLFW_LOG_INFO, "%s", longer);
    ck_assert_uint_eq(log_calls, 2);
    ck_assert_uint_lt(logged_len, 512);
    ck_assert_mem_eq(logged, longer, logged_len);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plugin_load");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, a_good_plugin_loads);
    tcase_add_test(tc, a_name_without_a_slash_is_a_file_here);
    tcase_add_test(tc, refusals);
    tcase_add_test(tc, a_symbol_from_another_file_does_not_count);
    tcase_add_test(tc, a_longer_table_of_a_later_minor_loads);
    tcase_add_test(tc, good_tables_pass);
    tcase_add_test(tc, required_functions);
    tcase_add_test(tc, contradictions);
    tcase_add_test(tc, sizes_at_1_0);
    tcase_add_test(tc, faulty_interfaces);
    tcase_add_test(tc, log_formats_only_what_is_wanted);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
