/* SPDX-License-Identifier: Apache-2.0 */
/* dlio.log, word for word, its copy on the console, and dlfw's own last words. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "report_fixture.h"

#define RULE "[METRIC] ==========================================================\n"

static struct fixture f;
static struct results r;

static void setup(void)
{
    fixture_begin(&f);
    ck_assert_msg(results_open(&f.cfg, 0, true, &r, &f.err.e) == 0, "%s", f.err.text);
}

static void teardown(void)
{
    results_close(&r);
    fixture_end(&f);
}

/* The log without the timestamps: "[OUTPUT] 2026-...: text" becomes "[OUTPUT] text". Caller frees. */
static char *log_text(void)
{
    char *text = fixture_read(&f, "dlio.log");
    struct str out = STR_EMPTY;
    char *save = NULL, *copy;

    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *space = strchr(line, ' ');

        if (space && strncmp(line, "[METRIC]", 8) != 0) {
            ck_assert_msg(strlen(space) > 27 && space[11] == 'T' && space[20] == '.' && space[27] == ' ', "line '%s'",
                          line);
            memmove(space, space + 27, strlen(space + 27) + 1);
        }
        str_add_format(&out, "%s\n", line);
    }
    copy = xstrdup(out.data);
    str_free(&out);
    free(text);
    return copy;
}

static void log_is(const char *expected)
{
    char *text = log_text();

    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(phases)
{
    f.cfg.workflow.generate_data = 1;
    f.cfg.workflow.checkpoint = 1;
    log_run_begin(&r, &f.cfg, 4);
    log_generate_begin(&r);
    log_generate_end(&r);
    f.cfg.workflow.generate_data = 0;
    f.cfg.workflow.evaluation = 0;
    f.cfg.workflow.checkpoint = 0;
    log_run_begin(&r, &f.cfg, 1);
    log_is("[OUTPUT] Running DLIO [Generating data & Training & Evaluation & Checkpointing] with 4 process(es)\n"
           "[OUTPUT] Starting data generation\n"
           "[OUTPUT] Generation done\n"
           "[OUTPUT] Running DLIO [Training] with 1 process(es)\n");
}
END_TEST

START_TEST(steps)
{
    log_max_steps(&r, &f.cfg, 5, 2, 2);
    f.cfg.workflow.evaluation = 0;
    f.cfg.train.total_training_steps = 3;
    log_max_steps(&r, &f.cfg, 5, 2, 2);
    log_epoch_begin(&r, 1, 3);
    f.cfg.train.total_training_steps = -1;
    log_epoch_begin(&r, 2, 5);
    log_is("[OUTPUT] Max steps per epoch: 5 = 1 * 40 / 4 / 2 (samples per file * num files / batch size / comm size)\n"
           "[OUTPUT] Steps per eval: 2 = 1 * 8 / 2 / 2 (samples per file * num files / batch size eval / comm size)\n"
           "[OUTPUT] Max steps per epoch: 5 = 1 * 40 / 4 / 2 (samples per file * num files / batch size / comm size)\n"
           "[OUTPUT] Total training steps is set to be 3. Will only run up to 3\n"
           "[OUTPUT] Starting epoch 1: Overriding number of steps to 3.\n"
           "[OUTPUT] Starting epoch 2: 5 steps expected\n");
}
END_TEST

START_TEST(blocks_and_epochs)
{
    struct epoch_record *e = fixture_add_epoch(&f, 1, 10, 100, 300);

    fixture_add_eval(&f, e, 4, 100, 100);
    log_block_begin(&r, 1);
    log_block_end(&r, &f.cfg, 1, 1, &e->blocks[0], 10, 2);
    log_epoch_end(&r, e);
    log_eval_begin(&r, 4);
    log_eval_end(&r, &f.cfg, e, 1);
    log_is("[OUTPUT] Starting block 1\n"
           "[OUTPUT] Ending block 1 - 10 steps completed in 4.00 s\n"
           "[OUTPUT] Epoch 1 - Block 1 [Training] Accelerator Utilization [AU] (%): 75.0000\n"
           "[OUTPUT] Epoch 1 - Block 1 [Training] Throughput (samples/second): 20.0000\n"
           "[OUTPUT] Epoch 1 - Block 1 [Training] Computation time per step (second): 0.3000+/-0.0000 (set value: "
           "{'mean': 0.3})\n"
           "[OUTPUT] Ending epoch 1 - 10 steps completed in 4.50 s\n"
           "[OUTPUT] Starting eval - 4 steps expected\n"
           "[OUTPUT] Ending eval - 4 steps completed in 0.80 s\n"
           "[OUTPUT] Epoch 1 [Eval] Accelerator Utilization [AU] (%): 50.0000\n"
           "[OUTPUT] Epoch 1 [Eval] Throughput (samples/second): 10.0000\n");
}
END_TEST

START_TEST(block_without_steps)
{
    struct block_record b = fixture_block(0, 0, 0, 0);

    b.end_ns = b.start_ns + 20 * MS;
    log_block_end(&r, &f.cfg, 1, 2, &b, 10, 1);
    log_is("[OUTPUT] Ending block 2 - 0 steps completed in 0.02 s\n"
           "[OUTPUT] Epoch 1 - Block 2 [Training] Accelerator Utilization [AU] (%): 0.0000\n"
           "[OUTPUT] Epoch 1 - Block 2 [Training] Throughput (samples/second): 0.0000\n"
           "[OUTPUT] Epoch 1 - Block 2 [Training] Computation time per step (second): 0.0000+/-0.0000 (set value: "
           "{'mean': 0.3})\n");
    free(b.steps);
}
END_TEST

START_TEST(summary)
{
    struct epoch_record *e = fixture_add_epoch(&f, 1, 10, 100, 300);
    char *expected;

    f.cfg.metric.au = 0.75;
    fixture_add_eval(&f, e, 4, 100, 100);
    fixture_add_checkpoint(e, false, 1, 1000, 2ull << 30);
    fixture_add_checkpoint(e, true, 1, 500, 2ull << 30);
    log_summary(&r, f.rec);
    expected =
        xformat("[OUTPUT] Saved outputs in %s\n"
                "[OUTPUT] Averaged metric over all steps/epochs\n" RULE "[METRIC] Number of Simulated Accelerators: 1\n"
                "[METRIC] Training Accelerator Utilization [AU] (%%): 75.0000 (0.0000)\n"
                "[METRIC] Training Throughput (samples/second): 10.0000 (0.0000)\n"
                "[METRIC] Training I/O Throughput (MB/second): 10.0000 (0.0000)\n"
                "[METRIC] train_au_meet_expectation: success\n"
                "[METRIC] Checkpoint save duration (seconds): 1.0000 (0.0000)\n"
                "[METRIC] Checkpoint save I/O Throughput (GB/second): 2.0000 (0.0000)\n"
                "[METRIC] Checkpoint load duration (seconds): 0.5000 (0.0000)\n"
                "[METRIC] Checkpoint load I/O Throughput (GB/second): 4.0000 (0.0000)\n"
                "[METRIC] Eval Accelerator Utilization [AU] (%%): 50.0000 (0.0000)\n"
                "[METRIC] Eval Throughput (samples/second): 10.000000 (0.000000)\n"
                "[METRIC] Eval Throughput (MB/second): 10.000000 (0.000000)\n"
                "[METRIC] eval_au_meet_expectation: fail\n" RULE "[OUTPUT] outputs saved in RANKID_output.json\n",
                f.folder);
    log_is(expected);
    free(expected);
}
END_TEST

START_TEST(summary_of_a_failure)
{
    char *text;

    f.rec->status = DLFW_E_CORRUPT;
    snprintf(f.rec->failure.text, sizeof f.rec->failure.text, "'a.npz' is truncated");
    log_summary(&r, f.rec);
    text = log_text();
    ck_assert_msg(strncmp(text, "[ERROR] The run ended early: 'a.npz' is truncated\n", 50) == 0, "%s", text);
    ck_assert_ptr_null(strstr(text, "[METRIC]"));
    free(text);
}
END_TEST

START_TEST(small_dataset_is_warned_about)
{
    static const char *const warning =
        "[WARNING] The amount of dataset is smaller than the host memory; data might be cached after the first epoch. "
        "Increase the size of dataset to eliminate the caching effect!!!\n";
    char *text;

    fixture_add_epoch(&f, 1, 10, 100, 300);
    f.rec->storage_caps = DLFW_BACKEND_LOCAL;
    log_summary(&r, f.rec);
    text = log_text();
    ck_assert_msg(strncmp(text, warning, strlen(warning)) == 0, "%s", text);
    free(text);
}
END_TEST

/* Steps are counted through the blocks of an epoch, as in DLIO. */
START_TEST(steps_are_lines_at_level_info)
{
    struct epoch_record *e = fixture_add_epoch(&f, 2, 2, 100, 300);
    char *text, *at;

    fixture_add_eval(&f, e, 1, 100, 100);
    log_level = DLFW_LOG_INFO;
    log_epoch_begin(&r, 1, 4);
    log_block_end(&r, &f.cfg, 1, 1, &e->blocks[0], 4, 1);
    log_block_end(&r, &f.cfg, 1, 2, &e->blocks[1], 4, 1);
    log_eval_end(&r, &f.cfg, e, 1);
    log_level = DLFW_LOG_WARNING;
    log_epoch_begin(&r, 2, 4);
    log_block_end(&r, &f.cfg, 2, 1, &e->blocks[0], 4, 1);
    text = log_text();
    ck_assert_ptr_nonnull(strstr(text, "[INFO] Rank 0 step 1: loaded 4 samples in 0.100000000 s\n"
                                       "[INFO] Rank 0 step 1 processed 4 samples in 0.400000000 s)\n"
                                       "[INFO] Rank 0 step 2: loaded 4 samples in 0.100000000 s\n"));
    at = strstr(text, "[INFO] Rank 0 step 4 processed 4 samples in 0.400000000 s)\n[OUTPUT] Ending block 2 ");
    ck_assert_ptr_nonnull(at);
    at = strstr(at, "[INFO] Rank 0 step 1: loaded 2 samples in 0.100000000 s\n"
                    "[INFO] Rank 0 step 1 processed 2 samples in 0.200000000 s)\n[OUTPUT] Ending eval ");
    ck_assert_ptr_nonnull(at);
    ck_assert_ptr_null(strstr(strstr(at, "[OUTPUT]"), "[INFO]"));
    free(text);
}
END_TEST

START_TEST(console_copy)
{
    char buf[256];
    ssize_t n;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    results_log(&r, "quiet");
    r.quiet_console = false;
    results_log(&r, "loud %d %%", 7);
    n = read(ends[0], buf, sizeof buf - 1);
    ck_assert_int_gt(n, 0);
    buf[n] = '\0';
    ck_assert_msg(strncmp(buf, "[OUTPUT] 2", 10) == 0 && strcmp(buf + 9 + 26, " loud 7 %\n") == 0, "console got '%s'",
                  buf);
    log_is("[OUTPUT] quiet\n[OUTPUT] loud 7 %\n");
}
END_TEST

static char *human(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    results_print_human(f.rec, out);
    fclose(out);
    return text;
}

START_TEST(last_words)
{
    static const char *const expected[] = {
        "unet3d on data/unet3d, file with a native queue of 8, 1 rank\n",
        "  AU             75.00 % +/- 0.00, below the 90.00 % asked for\n",
        "  samples/s      10.00 +/- 0.00\n",
        "  read           10.0 MiB/s, 40.0 MiB in all\n",
        "  batch wait     p50 100 ms, p99 100 ms, longest 100 ms\n",
        "  coverage       every sample exactly once per epoch\n",
        "  limited by     storage (compute 75.00 %, batch wait 25.00 %, barrier 0.00 %, hooks 0.00 %, other 0.00 %)\n",
        "  peak memory    64.0 MiB (sample budget 32.0 MiB)\n",
        "  note: AU 75.00 % is below metric.au (90.00 %)\n",
        "  note: 25.0 % of the measured time was spent waiting for batches from storage; try more",
    };
    char *text;

    fixture_add_epoch(&f, 1, 10, 100, 300);
    f.rec->train_stats.queue_mode = "native";
    f.rec->train_stats.queue_depth = 8;
    f.rec->train_stats.io.bytes_read = 40u << 20;
    f.rec->peak_memory = 64u << 20;
    f.rec->memory_budget = 32u << 20;
    histogram_record(&f.rec->batch_wait_ns, 100 * MS);
    text = human();
    for (uint32_t i = 0; i < sizeof expected / sizeof *expected; i++)
        ck_assert_msg(strstr(text, expected[i]) != NULL, "no '%s' in\n%s", expected[i], text);
    free(text);
}
END_TEST

START_TEST(last_words_of_an_interrupted_run)
{
    struct epoch_record *e = fixture_add_epoch(&f, 1, 4, 100, 300);
    char *text;

    e->expected_steps = 10;
    f.rec->status = DLFW_E_CANCELLED;
    text = human();
    ck_assert_msg(strstr(text, "  ended early    interrupted: cancelled\n") != NULL, "%s", text);
    ck_assert_msg(
        strstr(text,
               "  AU so far      75.00 %, 10.00 samples/s over 4 of 10 steps of an epoch that did not finish\n") !=
            NULL,
        "%s", text);
    ck_assert_msg(strstr(text, "coverage       INCOMPLETE") != NULL, "%s", text);
    free(text);
}
END_TEST

START_TEST(last_words_after_generation)
{
    char *text;

    f.cfg.workflow.generate_data = 1;
    f.cfg.workflow.train = 0;
    f.cfg.workflow.evaluation = 0;
    f.rec->generate = (struct generate_record){
        .done = true, .files = 48, .files_skipped = 2, .bytes = 3ull << 30, .elapsed_ns = 2000 * MS};
    text = human();
    ck_assert_msg(
        strstr(text,
               "  generated      48 files, 3.00 GiB in 2.00 s: 1.50 GiB/s, 24 files/s; 2 were complete already\n") !=
            NULL,
        "%s", text);
    ck_assert_ptr_null(strstr(text, "AU"));
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log_lines");
    TCase *cases = tcase_create("log_lines");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, phases);
    tcase_add_test(cases, steps);
    tcase_add_test(cases, blocks_and_epochs);
    tcase_add_test(cases, block_without_steps);
    tcase_add_test(cases, summary);
    tcase_add_test(cases, summary_of_a_failure);
    tcase_add_test(cases, small_dataset_is_warned_about);
    tcase_add_test(cases, steps_are_lines_at_level_info);
    tcase_add_test(cases, console_copy);
    tcase_add_test(cases, last_words);
    tcase_add_test(cases, last_words_of_an_interrupted_run);
    tcase_add_test(cases, last_words_after_generation);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
