/* SPDX-License-Identifier: Apache-2.0 */
/* The documents of a results directory: which keys in which order, which values; also of runs that failed or only
 * generated. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "report/host_facts.h"
#include "report_fixture.h"

static struct fixture f;

static void setup(void)
{
    fixture_begin(&f);
}

static void teardown(void)
{
    fixture_end(&f);
}

/* Opens, writes and closes the results of the record. */
static void write_all(void)
{
    struct results r = {0};

    ck_assert_msg(results_open(&f.cfg, f.rec->rank, true, &r, &f.err.e) == 0, "%s", f.err.text);
    for (uint32_t i = 0; i < f.rec->epoch_count; i++)
        log_epoch_begin(&r, f.rec->epochs[i].epoch, f.rec->epochs[i].expected_steps);
    ck_assert_msg(results_write(&r, f.rec, &f.err.e) == 0, "%s", f.err.text);
    results_close(&r);
}

static void check_finite(const json_t *value)
{
    const char *key;
    json_t *child;
    size_t i;

    if (json_is_real(value))
        ck_assert(isfinite(json_real_value(value)));
    json_object_foreach((json_t *)value, key, child) check_finite(child);
    json_array_foreach(value, i, child) check_finite(child);
}

/* jansson takes strict JSON only: NaN and Infinity do not parse. */
static json_t *load(const char *name)
{
    char *text = fixture_read(&f, name);
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

    ck_assert_msg(root != NULL, "%s: %s", name, error.text);
    check_finite(root);
    free(text);
    return root;
}

static json_t *at(const json_t *root, const char *path)
{
    char *copy = xstrdup(path);
    json_t *value = (json_t *)root;

    for (char *save = NULL, *key = strtok_r(copy, "/", &save); key; key = strtok_r(NULL, "/", &save)) {
        value = json_is_array(value) ? json_array_get(value, strtoul(key, NULL, 10)) : json_object_get(value, key);
        ck_assert_msg(value != NULL, "no '%s' of '%s'", key, path);
    }
    free(copy);
    return value;
}

static void keys_are(const json_t *object, const char *expected)
{
    struct str keys = STR_EMPTY;
    const char *key;
    json_t *child;

    json_object_foreach((json_t *)object, key, child) str_add_format(&keys, "%s%s", keys.len ? " " : "", key);
    ck_assert_str_eq(keys.data, expected);
    str_free(&keys);
}

static void number_is(const json_t *root, const char *path, double expected)
{
    double value = json_number_value(at(root, path));

    ck_assert_msg(fabs(value - expected) < 1e-9 * (1 + fabs(expected)), "%s is %.12g, not %.12g", path, value,
                  expected);
}

static void text_is(const json_t *root, const char *path, const char *expected)
{
    ck_assert_str_eq(json_string_value(at(root, path)), expected);
}

#define TOP_KEYS                                                                                                       \
    "start end num_accelerators num_hosts hostname metric num_files_train num_files_eval num_samples_per_file "        \
    "host_cpu_count host_processor_name potential_caching host_cpuinfo host_meminfo host_memory_GB "                   \
    "data_size_per_host_GB epochs dlfw"
#define PHASE(p)                                                                                                       \
    p "_au_percentage " p "_au_mean_percentage " p "_au_meet_expectation " p "_au_stdev_percentage " p                 \
      "_throughput_samples_per_second " p "_throughput_mean_samples_per_second " p                                     \
      "_throughput_stdev_samples_per_second " p "_io_mean_MB_per_second " p "_io_stdev_MB_per_second"
#define CHECKPOINT(p)                                                                                                  \
    p "_checkpoint_io_mean_GB_per_second " p "_checkpoint_io_stdev_GB_per_second " p                                   \
      "_checkpoint_duration_mean_seconds " p "_checkpoint_duration_stdev_seconds"

START_TEST(summary_has_dlios_keys_in_order)
{
    json_t *root;

    fixture_add_eval(&f, fixture_add_epoch(&f, 1, 10, 100, 300), 4, 100, 100);
    fixture_add_eval(&f, fixture_add_epoch(&f, 2, 5, 300, 100), 4, 100, 100);
    write_all();
    root = load("summary.json");
    keys_are(root, TOP_KEYS);
    keys_are(at(root, "metric"), PHASE("train") " " PHASE("eval"));
    text_is(root, "start", "2026-01-31T12:00:00.000001");
    number_is(root, "num_accelerators", 1);
    number_is(root, "metric/train_au_percentage/0", 75);
    number_is(root, "metric/train_au_percentage/1", 25);
    number_is(root, "metric/train_au_mean_percentage", 50);
    number_is(root, "metric/train_au_stdev_percentage", 25);
    text_is(root, "metric/train_au_meet_expectation", "fail");
    number_is(root, "metric/train_throughput_mean_samples_per_second", 10);
    number_is(root, "metric/train_io_mean_MB_per_second", 10);
    number_is(root, "metric/eval_au_percentage/1", 50);
    number_is(root, "metric/eval_throughput_mean_samples_per_second", 10);
    number_is(root, "num_files_train", 40);
    number_is(root, "num_files_eval", 8);
    number_is(root, "epochs", 2);
    number_is(root, "data_size_per_host_GB", 40.0 / 1024);
    number_is(root, "potential_caching/0", 1);
    ck_assert(json_is_array(at(root, "host_memory_GB")));
    ck_assert_int_gt(json_integer_value(at(root, "host_cpu_count/0")), 0);
    ck_assert_ptr_null(json_object_get(at(root, "host_cpuinfo"), "processor"));
    ck_assert(strstr(json_string_value(at(root, "host_meminfo/MemTotal")), " kB") != NULL);
    json_decref(root);
}
END_TEST

START_TEST(summary_of_checkpoints_comes_first)
{
    struct epoch_record *e = fixture_add_epoch(&f, 1, 10, 100, 300);
    json_t *root;

    f.cfg.workflow.checkpoint = 1;
    f.cfg.workflow.evaluation = 0;
    fixture_add_checkpoint(e, false, 1, 1000, 2ull << 30);
    write_all();
    root = load("summary.json");
    keys_are(at(root, "metric"), CHECKPOINT("save") " checkpoint_size_GB " PHASE("train"));
    number_is(root, "metric/save_checkpoint_io_mean_GB_per_second", 2);
    number_is(root, "metric/checkpoint_size_GB", 2);
    json_decref(root);
    fixture_add_checkpoint(e, true, 1, 500, 2ull << 30);
    write_all();
    root = load("summary.json");
    keys_are(at(root, "metric"), CHECKPOINT("save") " " CHECKPOINT("load") " checkpoint_size_GB " PHASE("train"));
    json_decref(root);
}
END_TEST

START_TEST(dlfw_object_tells_what_moved)
{
    struct hook_record *hook = xcalloc(1, sizeof *hook);
    struct epoch_record *e = fixture_add_epoch(&f, 1, 10, 100, 300);
    struct run_record *rec = f.rec;
    json_t *root;

    *hook = (struct hook_record){.name = "metrics_writer", .calls = 4, .total_ns = 400, .max_ns = 200};
    rec->hooks = hook;
    rec->hook_count = 1;
    rec->figures = xcalloc(1, sizeof *rec->figures);
    rec->figure_count = 1;
    snprintf(rec->figures[0].owner, sizeof rec->figures[0].owner, "file");
    snprintf(rec->figures[0].name, sizeof rec->figures[0].name, "short_reads");
    rec->figures[0].kind = DLFW_STAT_COUNTER;
    rec->figures[0].value = 3;
    rec->first_request_ns = 12500000;
    rec->memory_budget = 1u << 30;
    rec->peak_memory = 2u << 30;
    rec->storage_caps = DLFW_BACKEND_LOCAL | DLFW_BACKEND_DIRECT;
    rec->train_stats.queue_mode = "native";
    rec->train_stats.queue_depth = 8;
    rec->train_stats.pool_mapped = 5u << 20;
    rec->train_stats.io.requests[DLFW_OP_GET] = 40;
    rec->train_stats.io.bytes_read = 8000;
    rec->train_stats.io.bytes_fetched = 9000;
    rec->train_stats.io.retries = 2;
    rec->eval_stats.io.bytes_read = 100;
    rec->generate.io.bytes_written = 77;
    e->train_load.bytes_asked = 8000;
    e->train_load.bytes_verified = 4000;
    for (uint64_t i = 1; i <= 100; i++) {
        histogram_record(&rec->train_stats.io.read_ns, i);
        histogram_record(&rec->eval_stats.io.read_ns, i);
    }
    write_all();
    root = load("summary.json");
    keys_are(at(root, "dlfw"),
             "version status seconds startup_ms formula compat storage au order epochs coverage ranks io latency_ns "
             "memory hooks figures advice");
    text_is(root, "dlfw/status", "ok");
    number_is(root, "dlfw/startup_ms", 12.5);
    number_is(root, "dlfw/seconds", 60);
    text_is(root, "dlfw/formula", "window");
    keys_are(at(root, "dlfw/storage"), "uri scheme mode queue_depth direct real_data");
    ck_assert(json_is_true(at(root, "dlfw/storage/direct")));
    ck_assert(json_is_true(at(root, "dlfw/storage/real_data")));
    number_is(root, "dlfw/io/bytes_asked", 8000);
    number_is(root, "dlfw/io/bytes_delivered", 8100);
    number_is(root, "dlfw/io/bytes_fetched", 9000);
    number_is(root, "dlfw/io/bytes_verified", 4000);
    number_is(root, "dlfw/io/bytes_written", 77);
    number_is(root, "dlfw/io/train_bytes_per_second", 2000);
    number_is(root, "dlfw/io/requests/get", 40);
    number_is(root, "dlfw/io/retries", 2);
    keys_are(at(root, "dlfw/latency_ns"),
             "open first_byte read decode sample reader_stall batch_wait compute_error barrier "
             "write commit");
    keys_are(at(root, "dlfw/latency_ns/read"), "count mean p50 p90 p99 p999 max");
    number_is(root, "dlfw/latency_ns/read/count", 200);
    number_is(root, "dlfw/latency_ns/read/p50", 50);
    number_is(root, "dlfw/latency_ns/read/max", 100);
    keys_are(at(root, "dlfw/latency_ns/commit"), "count");
    number_is(root, "dlfw/memory/budget_bytes", 1u << 30);
    number_is(root, "dlfw/memory/pool_mapped_bytes", 5u << 20);
    number_is(root, "dlfw/hooks/0/mean_ns", 100);
    text_is(root, "dlfw/figures/0/kind", "counter");
    number_is(root, "dlfw/au/compute_percent", 75);
    number_is(root, "dlfw/au/batch_wait_percent", 25);
    text_is(root, "dlfw/au/limited_by", "storage");
    keys_are(at(root, "dlfw/coverage/0/train"), "samples expected hash hash_checked ok");
    ck_assert(json_is_true(at(root, "dlfw/coverage/0/train/ok")));
    ck_assert_uint_eq(strtoull(json_string_value(at(root, "dlfw/coverage/0/train/hash")), NULL, 16), fixture_hash(40));
    text_is(root, "dlfw/order/file_shuffle", "off");
    ck_assert_msg(strstr(json_string_value(at(root, "dlfw/advice/0")), "below metric.au") != NULL, "no advice on AU");
    json_decref(root);
}
END_TEST

START_TEST(no_data_is_said)
{
    json_t *root;

    fixture_add_epoch(&f, 1, 10, 0, 300);
    f.rec->storage_caps = DLFW_BACKEND_NO_DATA;
    write_all();
    root = load("summary.json");
    ck_assert(json_is_false(at(root, "dlfw/storage/real_data")));
    ck_assert(json_is_string(at(root, "dlfw/storage/no_data_note")));
    json_decref(root);
}
END_TEST

START_TEST(per_epoch_stats_in_time_order)
{
    struct epoch_record *e = fixture_add_epoch(&f, 2, 5, 100, 300);
    json_t *root;

    fixture_add_checkpoint(e, false, 2, 3000, 3ull << 30);
    fixture_add_checkpoint(e, false, 1, 2000, 3ull << 30);
    fixture_add_checkpoint(e, true, 1, 500, 1ull << 30);
    fixture_add_checkpoint(e, false, 1, 1000, 3ull << 30);
    fixture_add_eval(&f, e, 4, 100, 100);
    write_all();
    root = load("0_per_epoch_stats.json");
    keys_are(root, "1");
    keys_are(at(root, "1"), "start block1 save_ckpt1 load_ckpt1 save_ckpt1_2 block2 save_ckpt2 eval end duration");
    keys_are(at(root, "1/block1"), "start end duration");
    text_is(root, "1/block1/duration", "2.00");
    text_is(root, "1/duration", "4.50");
    text_is(root, "1/eval/duration", "0.80");
    keys_are(at(root, "1/save_ckpt1"), "start end duration throughput");
    number_is(root, "1/save_ckpt1/duration", 2);
    number_is(root, "1/save_ckpt1/throughput", 1.5);
    number_is(root, "1/save_ckpt1_2/throughput", 3);
    json_decref(root);
}
END_TEST

START_TEST(output_has_every_step)
{
    struct epoch_record *e = fixture_add_epoch(&f, 2, 5, 100, 300);
    json_t *root;

    fixture_add_eval(&f, e, 4, 100, 100);
    write_all();
    root = load("0_output.json");
    keys_are(
        root,
        "host_memory_GB host_cpu_count host_processor_name potential_caching host_cpuinfo host_meminfo hostname 1");
    keys_are(at(root, "1"), "load proc compute throughput au host_meminfo end");
    keys_are(at(root, "1/load"), "block1 block2 eval");
    keys_are(at(root, "1/au"), "block1 block2 eval");
    ck_assert_uint_eq(json_array_size(at(root, "1/proc/block2")), 5);
    ck_assert_uint_eq(json_array_size(at(root, "1/proc/eval")), 4);
    number_is(root, "1/load/block1/4", 0.1);
    number_is(root, "1/proc/block1/4", 0.4);
    number_is(root, "1/compute/block1/4", 0.3);
    number_is(root, "1/au/block2", 75);
    number_is(root, "1/throughput/eval", 10);
    ck_assert(json_is_string(at(root, "1/host_meminfo/MemTotal")));
    text_is(root, "1/end", "2026-01-31T12:00:10.000000");
    json_decref(root);
}
END_TEST

START_TEST(steps_as_csv)
{
    struct epoch_record *e = fixture_add_epoch(&f, 2, 1, 100, 300);
    char *text;

    e->blocks[1].steps[0] = (struct step_record){1, 1234567890, 3 * MS, 0};
    fixture_add_eval(&f, e, 1, 5, 6);
    write_all();
    text = fixture_read(&f, "0_steps.csv");
    ck_assert_str_eq(text, "epoch,block,step,load_s,compute_s,barrier_s\n"
                           "1,1,1,0.100000000,0.300000000,0.000000000\n"
                           "1,2,1,0.000000001,1.234567890,0.003000000\n"
                           "1,eval,1,0.005000000,0.006000000,0.000000000\n");
    free(text);
}
END_TEST

/* A run file may be for generation only, or `dlfw generate` takes only that part of it. */
START_TEST(generation_alone_has_a_summary)
{
    json_t *root;

    f.cfg.workflow.generate_data = _i == 0;
    f.cfg.workflow.train = _i == 1;
    f.cfg.workflow.evaluation = _i == 1;
    f.rec->generate = (struct generate_record){
        .done = true, .files = 48, .files_skipped = 2, .bytes = 3ull << 30, .elapsed_ns = 2000 * MS};
    write_all();
    root = load("summary.json");
    keys_are(root, TOP_KEYS);
    ck_assert_uint_eq(json_object_size(at(root, "metric")), 0);
    number_is(root, "epochs", 0);
    keys_are(at(root, "dlfw/generation"), "done files skipped bytes seconds GiB_per_s files_per_s");
    number_is(root, "dlfw/generation/GiB_per_s", 1.5);
    number_is(root, "dlfw/generation/files_per_s", 24);
    ck_assert_ptr_null(json_object_get(at(root, "dlfw"), "au"));
    json_decref(root);
    root = load("0_per_epoch_stats.json");
    ck_assert_uint_eq(json_object_size(root), 0);
    json_decref(root);
}
END_TEST

struct failure_case {
    dlfw_status status;
    const char *word, *name;
};

static const struct failure_case failures[] = {
    {DLFW_E_CANCELLED, "interrupted", "CANCELLED"},
    {DLFW_E_NOT_FOUND, "failed", "NOT_FOUND"},
};

START_TEST(run_that_ended_early_says_so)
{
    const struct failure_case *c = &failures[_i];
    struct epoch_record *e;
    json_t *root;

    fixture_add_epoch(&f, 1, 10, 100, 300);
    e = fixture_add_epoch(&f, 1, 4, 100, 300);
    e->expected_steps = 10;
    e->end_ns = 0;
    f.rec->status = c->status;
    snprintf(f.rec->failure.text, sizeof f.rec->failure.text, "cannot read 'train/img_07_of_40.npz'");
    write_all();
    root = load("summary.json");
    text_is(root, "dlfw/status", c->word);
    text_is(root, "dlfw/failure/status", c->name);
    text_is(root, "dlfw/failure/text", "cannot read 'train/img_07_of_40.npz'");
    number_is(root, "epochs", 1);
    ck_assert_uint_eq(json_array_size(at(root, "metric/train_au_percentage")), 1);
    ck_assert(json_is_true(at(root, "dlfw/epochs/0/in_means")));
    ck_assert(json_is_false(at(root, "dlfw/epochs/1/in_means")));
    ck_assert(json_is_false(at(root, "dlfw/coverage/1/train/ok")));
    number_is(root, "dlfw/epochs/1/steps", 4);
    json_decref(root);
    root = load("0_per_epoch_stats.json");
    keys_are(at(root, "2"), "start block1");
    json_decref(root);
}
END_TEST

START_TEST(run_that_failed_at_once_has_no_numbers)
{
    json_t *root;

    f.rec->status = DLFW_E_PERMISSION;
    write_all();
    root = load("summary.json");
    ck_assert_uint_eq(json_object_size(at(root, "metric")), 0);
    text_is(root, "dlfw/failure/text", "permission denied");
    json_decref(root);
}
END_TEST

START_TEST(zero_steps_are_finite)
{
    json_t *root;

    fixture_add_eval(&f, fixture_add_epoch(&f, 1, 0, 0, 0), 0, 0, 0);
    write_all();
    root = load("summary.json");
    number_is(root, "metric/train_au_mean_percentage", 0);
    number_is(root, "metric/train_throughput_mean_samples_per_second", 0);
    json_decref(root);
}
END_TEST

START_TEST(names_need_not_be_utf8)
{
    json_t *root;

    free(f.rec->storage_uri);
    f.rec->storage_uri = xstrdup("data/\xff\xfe/x");
    write_all();
    root = load("summary.json");
    text_is(root, "dlfw/storage/uri", "data/\\xff\\xfe/x");
    json_decref(root);
}
END_TEST

static const char cpuinfo[] =
    "processor\t: 0\nmodel name\t: Chip A\n\nprocessor\t: 1\nmodel name\t: Chip B\nflags\t\t: a b\n"
    "power management:\n\nHardware\t: Board: 7\n";

START_TEST(host_facts_of_the_last_processor)
{
    struct arena arena = {0};
    struct fact_list facts = {0};

    facts_of_last_processor(&arena, cpuinfo, &facts);
    ck_assert_uint_eq(facts.count, 3);
    ck_assert_str_eq(facts.items[0].key, "model name");
    ck_assert_str_eq(fact_find(&facts, "model name"), "Chip B");
    ck_assert_str_eq(fact_find(&facts, "flags"), "a b");
    ck_assert_str_eq(fact_find(&facts, "power management"), "");
    ck_assert_ptr_null(fact_find(&facts, "processor"));
    facts = (struct fact_list){0};
    facts_of_last_processor(&arena, "", &facts);
    ck_assert_uint_eq(facts.count, 0);
    facts_of_meminfo(&arena, "MemTotal:       24684096 kB\nMemFree:  1 kB", &facts);
    ck_assert_str_eq(fact_find(&facts, "MemTotal"), "24684096 kB");
    ck_assert_str_eq(fact_find(&facts, "MemFree"), "1 kB");
    arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("results");
    TCase *cases = tcase_create("results");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, summary_has_dlios_keys_in_order);
    tcase_add_test(cases, summary_of_checkpoints_comes_first);
    tcase_add_test(cases, dlfw_object_tells_what_moved);
    tcase_add_test(cases, no_data_is_said);
    tcase_add_test(cases, per_epoch_stats_in_time_order);
    tcase_add_test(cases, output_has_every_step);
    tcase_add_test(cases, steps_as_csv);
    tcase_add_loop_test(cases, generation_alone_has_a_summary, 0, 2);
    tcase_add_loop_test(cases, run_that_ended_early_says_so, 0, sizeof failures / sizeof *failures);
    tcase_add_test(cases, run_that_failed_at_once_has_no_numbers);
    tcase_add_test(cases, zero_steps_are_finite);
    tcase_add_test(cases, names_need_not_be_utf8);
    tcase_add_test(cases, host_facts_of_the_last_processor);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
