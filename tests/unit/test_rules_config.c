/* SPDX-License-Identifier: Apache-2.0 */
/* Run files before their run: each rule with a case that passes and one that does not, per version. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rules/override_rule.h"
#include "unit/rules_fixture.h"

#define GIB (1ull << 30)
#define MANY "++workload.dataset.num_files_train=100000000"

struct config_case {
    const char *version, *example;
    const char *overrides[4];
    uint64_t hosts, accelerators;
    uint32_t verdict;
    uint32_t rule, level; /* a finding that must be there, holding text */
    const char *text;
};

static const struct config_case cases[] = {
    /* benchmarks and versions */
    {"2.0", "unet3d_h100", {MANY}, 2, 8, VERDICT_CLOSED, RULE_BENCHMARK, LEVEL_OK, "unet3d on h100"},
    {"2.0", "unet3d_a100", {MANY}, 2, 8, VERDICT_CLOSED, RULE_BENCHMARK, LEVEL_OK, "unet3d on a100"},
    {"2.0", "resnet50_h100", {MANY}, 1, 4, VERDICT_CLOSED, RULE_BENCHMARK, LEVEL_OK, "resnet50 on h100"},
    {"2.0", "resnet50_a100", {MANY}, 1, 4, VERDICT_CLOSED, RULE_BENCHMARK, LEVEL_OK, "resnet50 on a100"},
    {"2.0", "cosmoflow_h100", {NULL}, 1, 4, VERDICT_CLOSED, RULE_BENCHMARK, LEVEL_OK, "cosmoflow on h100"},
    {"1.0", "cosmoflow_a100", {NULL}, 1, 4, VERDICT_CLOSED, RULE_BENCHMARK, LEVEL_OK, "cosmoflow on a100"},
    {"2.0", "retinanet_b200", {MANY}, 1, 8, VERDICT_INVALID, RULE_BENCHMARK, LEVEL_INVALID, "another version"},
    {"2.0", "dlrm_b200", {MANY}, 1, 8, VERDICT_INVALID, RULE_BENCHMARK, LEVEL_INVALID, "no division"},
    {"2.0", "default", {MANY}, 1, 8, VERDICT_INVALID, RULE_BENCHMARK, LEVEL_INVALID, "'default'"},
    {"1.0", "llama_8b_zero3", {NULL}, 1, 8, VERDICT_INVALID, RULE_BENCHMARK, LEVEL_INVALID, "another version"},
    /* values of the file that are not the published ones */
    {"2.0", "unet3d_v100", {MANY}, 1, 8, VERDICT_INVALID, RULE_DEFINITION, LEVEL_INVALID, "reader.batch_size is 4"},
    {"2.0", "unet3d_v100", {MANY}, 1, 8, VERDICT_INVALID, RULE_DEFINITION, LEVEL_INVALID, "computation_time is 1.3604"},
    {"2.0", "resnet50_v100", {MANY}, 1, 8, VERDICT_INVALID, RULE_DEFINITION, LEVEL_INVALID, "reader.batch_size is 64"},
    /* overrides */
    {"2.0",
     "unet3d_h100",
     {MANY, "++workload.reader.read_threads=12", "++workload.storage.storage_root=/x"},
     1,
     8,
     VERDICT_CLOSED,
     RULE_OVERRIDES,
     LEVEL_OK,
     "reader.read_threads, storage.storage_root"},
    {"2.0",
     "resnet50_h100",
     {MANY, "++workload.reader.transfer_size=1048576", "reader.computation_threads=4"},
     1,
     8,
     VERDICT_CLOSED,
     RULE_OVERRIDES,
     LEVEL_NOTE,
     "1 of them in another form"},
    {"2.0",
     "resnet50_h100",
     {MANY, "++workload.dataset.num_samples_per_file=1000"},
     1,
     8,
     VERDICT_OPEN,
     RULE_OVERRIDES,
     LEVEL_OPEN,
     "only OPEN"},
    {"2.0",
     "unet3d_h100",
     {MANY, "++workload.dataset.format=hdf5"},
     1,
     8,
     VERDICT_OPEN,
     RULE_OVERRIDES,
     LEVEL_OPEN,
     "dataset.format"},
    {"2.0",
     "unet3d_h100",
     {MANY, "++workload.train.epochs=5"},
     1,
     8,
     VERDICT_INVALID,
     RULE_OVERRIDES,
     LEVEL_INVALID,
     "no override of train.epochs"},
    {"2.0",
     "unet3d_h100",
     {MANY, "++workload.metric.au=0.5"},
     1,
     8,
     VERDICT_INVALID,
     RULE_OVERRIDES,
     LEVEL_INVALID,
     "fixed"},
    {"2.0",
     "unet3d_h100",
     {MANY, "++workload.train.seed=7"},
     1,
     8,
     VERDICT_INVALID,
     RULE_OVERRIDES,
     LEVEL_INVALID,
     "another seed"},
    {"2.0",
     "unet3d_h100",
     {MANY, "++workload.content.seed=7"},
     1,
     8,
     VERDICT_INVALID,
     RULE_OVERRIDES,
     LEVEL_INVALID,
     "content.seed"},
    {"2.0",
     "unet3d_h100",
     {MANY, "~workload.metric"},
     1,
     8,
     VERDICT_INVALID,
     RULE_OVERRIDES,
     LEVEL_INVALID,
     "no override of metric"},
    {"2.0",
     "unet3d_h100",
     {MANY, "++workload.output.folder=/tmp/x"},
     1,
     8,
     VERDICT_INVALID,
     RULE_OVERRIDES,
     LEVEL_INVALID,
     "++hydra.run.dir"},
    {"2.0",
     "unet3d_h100",
     {MANY, "++workload.dataset.data_folder=a\\=b"},
     1,
     8,
     VERDICT_CLOSED,
     RULE_OVERRIDES,
     LEVEL_NOTE,
     "without '='"},
    {"2.0",
     "unet3d_h100",
     {MANY, "++workload.storage.storage_options.prefetch_window=8"},
     1,
     8,
     VERDICT_INVALID,
     RULE_OVERRIDES,
     LEVEL_INVALID,
     "prefetch_window"},
    {"2.0",
     "unet3d_h100",
     {MANY, "++workload.reader.prefetch_size=2"},
     1,
     8,
     VERDICT_CLOSED,
     RULE_OVERRIDES,
     LEVEL_OK,
     "prefetch_size"},
    {"2.0",
     "unet3d_h100",
     {MANY, "++workload.reader.prefetch_size=3"},
     1,
     8,
     VERDICT_INVALID,
     RULE_OVERRIDES,
     LEVEL_INVALID,
     "0, 1 or 2"},
    {"2.0",
     "unet3d_h100",
     {MANY, "++hydra.run.dir=/tmp/x"},
     1,
     8,
     VERDICT_CLOSED,
     RULE_OVERRIDES,
     LEVEL_OK,
     "dataset.num_files_train"},
    /* direct I/O, checkpoints of unet3d, phases */
    {"2.0",
     "unet3d_h100",
     {MANY, "++workload.reader.odirect=true"},
     1,
     8,
     VERDICT_CLOSED,
     RULE_ODIRECT,
     LEVEL_OK,
     "on"},
    {"2.0",
     "resnet50_h100",
     {MANY, "++workload.reader.odirect=true"},
     1,
     8,
     VERDICT_INVALID,
     RULE_ODIRECT,
     LEVEL_INVALID,
     "only unet3d"},
    {"2.0",
     "unet3d_h100",
     {MANY, "++workload.workflow.checkpoint=true"},
     1,
     8,
     VERDICT_CLOSED,
     RULE_UNET3D_CHECKPOINTS,
     LEVEL_OK,
     "on"},
    {"2.0",
     "unet3d_h100",
     {MANY, "++workload.workflow.checkpoint=false"},
     1,
     8,
     VERDICT_INVALID,
     RULE_UNET3D_CHECKPOINTS,
     LEVEL_INVALID,
     "off"},
    {"2.0",
     "unet3d_h100",
     {MANY, "++workload.workflow.generate_data=true"},
     1,
     8,
     VERDICT_INVALID,
     RULE_PHASE,
     LEVEL_INVALID,
     "in one run"},
    {"2.0",
     "unet3d_h100",
     {MANY, "++workload.workflow.evaluation=true", "++workload.dataset.num_files_eval=8"},
     1,
     8,
     VERDICT_INVALID,
     RULE_PHASE,
     LEVEL_INVALID,
     "evaluation"},
    {"2.0",
     "unet3d_h100",
     {MANY, "++workload.workflow.generate_data=true", "++workload.workflow.train=false"},
     1,
     8,
     VERDICT_CLOSED,
     RULE_PHASE,
     LEVEL_OK,
     "generation"},
    /* the size of the data: 64 GiB per host */
    {"2.0",
     "unet3d_h100",
     {"++workload.dataset.num_files_train=28000"},
     2,
     8,
     VERDICT_CLOSED,
     RULE_SIZE,
     LEVEL_OK,
     "4687.53, rounded down to 4687"},
    {"2.0",
     "unet3d_h100",
     {"++workload.dataset.num_files_train=27999"},
     2,
     8,
     VERDICT_INVALID,
     RULE_SIZE,
     LEVEL_INVALID,
     "at least 28000"},
    {"2.0",
     "unet3d_h100",
     {"++workload.dataset.num_files_train=4687"},
     2,
     0,
     VERDICT_INVALID,
     RULE_SIZE,
     LEVEL_INVALID,
     "at least 7000"},
    {"2.0",
     "resnet50_h100",
     {"++workload.dataset.num_files_train=9581"},
     4,
     4,
     VERDICT_CLOSED,
     RULE_SIZE,
     LEVEL_OK,
     "at least 9581"},
    {"1.0",
     "resnet50_h100",
     {"++workload.dataset.num_files_train=9580"},
     4,
     4,
     VERDICT_INVALID,
     RULE_SIZE,
     LEVEL_INVALID,
     "at least 9581"},
    {"2.0",
     "unet3d_h100",
     {"++workload.dataset.num_files_train=4686", "++workload.workflow.generate_data=true",
      "++workload.workflow.train=false"},
     2,
     0,
     VERDICT_INVALID,
     RULE_SIZE,
     LEVEL_INVALID,
     "need --accelerators"},
    /* hosts */
    {"2.0", "unet3d_h100", {MANY}, 3, 9, VERDICT_CLOSED, RULE_HOSTS, LEVEL_OK, "9 accelerators on 3 hosts"},
    {"2.0", "unet3d_h100", {MANY}, 3, 8, VERDICT_INVALID, RULE_HOSTS, LEVEL_INVALID, "8 accelerators on 3 hosts"},
    /* version 3 */
    {"3.0", "unet3d_h100", {MANY}, 1, 8, VERDICT_INVALID, RULE_BENCHMARK, LEVEL_INVALID, "b200"},
    {"3.0", "unet3d_b200", {MANY}, 1, 8, VERDICT_INVALID, RULE_FILE_SYSTEMS, LEVEL_INVALID, "same one"},
    {"3.0",
     "retinanet_mi355",
     {MANY, "++hydra.run.dir=/proc/x"},
     1,
     8,
     VERDICT_CLOSED,
     RULE_BENCHMARK,
     LEVEL_OK,
     "retinanet on mi355"},
    {"3.0",
     "unet3d_b200",
     {"++workload.dataset.num_files_train=4687", "++hydra.run.dir=/proc/x"},
     2,
     0,
     VERDICT_INVALID,
     RULE_SIZE,
     LEVEL_INVALID,
     "rounded up to 4688"},
    {"3.0",
     "unet3d_b200",
     {MANY, "++hydra.run.dir=/proc/x", "++workload.storage.storage_options.prefetch_window=8"},
     1,
     8,
     VERDICT_CLOSED,
     RULE_OVERRIDES,
     LEVEL_OK,
     "prefetch_window"},
    {"3.0",
     "unet3d_b200",
     {MANY, "++workload.dataset.data_folder=s3://bucket/x"},
     1,
     8,
     VERDICT_CLOSED,
     RULE_FILE_SYSTEMS,
     LEVEL_OK,
     "no file system"},
    {"3.0",
     "unet3d_b200",
     {MANY, "++hydra.run.dir=/proc/x"},
     1,
     8,
     VERDICT_CLOSED,
     RULE_FILE_SYSTEMS,
     LEVEL_OK,
     "/proc/x"},
    /* checkpoints */
    {"2.0", "llama_8b_zero3", {NULL}, 1, 8, VERDICT_CLOSED, RULE_PROCESSES, LEVEL_OK, "8 processes"},
    {"2.0", "llama_8b_zero3", {NULL}, 1, 9, VERDICT_OPEN, RULE_PROCESSES, LEVEL_OPEN, "9 processes"},
    {"2.0", "llama_8b_zero3", {NULL}, 1, 0, VERDICT_INVALID, RULE_PROCESSES, LEVEL_INVALID, "--accelerators"},
    {"2.0", "llama_70b_zero3", {NULL}, 8, 64, VERDICT_CLOSED, RULE_PROCESSES, LEVEL_OK, "64 processes"},
    {"2.0", "llama_70b_zero3", {NULL}, 8, 72, VERDICT_OPEN, RULE_PROCESSES, LEVEL_OPEN, "72 processes"},
    {"2.0", "llama_70b_zero3", {NULL}, 8, 60, VERDICT_INVALID, RULE_PROCESSES, LEVEL_INVALID, "60 processes"},
    {"2.0", "llama_405b", {NULL}, 64, 512, VERDICT_CLOSED, RULE_BENCHMARK, LEVEL_OK, "llama3-405b"},
    {"2.0",
     "llama_70b",
     {NULL},
     8,
     64,
     VERDICT_INVALID,
     RULE_DEFINITION,
     LEVEL_INVALID,
     "model.parallelism.pipeline is 4"},
    {"2.0",
     "llama_70b_zero3",
     {"++workload.checkpoint.mode=subset", "++workload.model.parallelism.data=8"},
     1,
     8,
     VERDICT_CLOSED,
     RULE_PROCESSES,
     LEVEL_OK,
     "subset"},
    {"2.0",
     "llama_70b_zero3",
     {"++workload.checkpoint.mode=subset", "++workload.model.parallelism.data=64"},
     1,
     8,
     VERDICT_INVALID,
     RULE_PROCESSES,
     LEVEL_INVALID,
     "parallelism.data is 64"},
    {"3.0",
     "llama_70b_zero3",
     {"++workload.checkpoint.mode=subset", "++workload.model.parallelism.data=8"},
     1,
     8,
     VERDICT_INVALID,
     RULE_PROCESSES,
     LEVEL_INVALID,
     "8B model only"},
    {"2.0", "llama_8b_zero3", {NULL}, 2, 8, VERDICT_CLOSED, RULE_HOSTS, LEVEL_NOTE, "at least 4"},
    {"2.0", "llama_8b_zero3", {NULL}, 4, 8, VERDICT_INVALID, RULE_HOSTS, LEVEL_INVALID, "8 processes on 4 hosts"},
    {"2.0", "llama_8b_zero3", {NULL}, 1, 8, VERDICT_CLOSED, RULE_ACCELERATOR_MEMORY, LEVEL_OK, "640 GB"},
    {"2.0", "llama_8b_zero3", {NULL}, 1, 1, VERDICT_INVALID, RULE_ACCELERATOR_MEMORY, LEVEL_INVALID, "80 GB"},
    {"2.0",
     "llama_8b_zero3",
     {"++workload.checkpoint.fsync=false"},
     1,
     8,
     VERDICT_INVALID,
     RULE_FSYNC,
     LEVEL_INVALID,
     "off"},
    {"2.0",
     "llama_8b_zero3",
     {"++workload.checkpoint.num_checkpoints_read=0"},
     1,
     8,
     VERDICT_CLOSED,
     RULE_COUNTS,
     LEVEL_OK,
     "10 written, 0 read"},
    {"2.0",
     "llama_8b_zero3",
     {"++workload.checkpoint.num_checkpoints_read=1", "++workload.checkpoint.num_checkpoints_write=1"},
     1,
     8,
     VERDICT_INVALID,
     RULE_COUNTS,
     LEVEL_INVALID,
     "1 written, 1 read"},
    {"3.0",
     "llama_8b_zero3",
     {"++workload.checkpoint.num_checkpoints_read=1", "++workload.checkpoint.num_checkpoints_write=1",
      "++workload.checkpoint.checkpoint_folder=s3://b/x"},
     1,
     8,
     VERDICT_OPEN,
     RULE_COUNTS,
     LEVEL_OPEN,
     "OPEN may"},
    {"2.0",
     "llama_8b_zero3",
     {"++workload.checkpoint.rank_sync=true"},
     1,
     8,
     VERDICT_INVALID,
     RULE_OVERRIDES,
     LEVEL_INVALID,
     "rank_sync"},
};

static struct subject *judge(const struct config_case *c, uint64_t memory_per_host)
{
    struct subject *s = xcalloc(1, sizeof *s);
    struct run_size size = {c->hosts, c->accelerators, memory_per_host};
    struct run_config_args args = {.overrides = c->overrides};
    char *path = xformat("%s/%s.yaml", EXAMPLES_DIR, c->example);
    struct rule_book book;

    args.path = path;
    rule_book_open(rule_version_find(c->version), &book);
    ck_assert_msg(subject_read_config(&args, &size, "run", s) >= 0, "%s: %s", c->example,
                  s->problems.count ? s->problems.items[0].text : "");
    judge_subject(&book, s);
    rule_book_close(&book);
    free(path);
    return s;
}

static void drop(struct subject *s)
{
    subject_free(s);
    free(s);
}

START_TEST(test_case)
{
    const struct config_case *c = &cases[_i];
    struct subject *s = judge(c, 64 * GIB);
    char *all = findings_text(&s->findings);

    ck_assert_msg(findings_verdict(&s->findings) == c->verdict, "v%s %s: not %s:%s", c->version, c->example,
                  judged_name(c->verdict), all);
    ck_assert_msg(has_finding(&s->findings, c->rule, c->level, c->text), "v%s %s: no %s %s '%s':%s", c->version,
                  c->example, finding_level_name(c->level), rule_name(c->rule), c->text, all);
    free(all);
    drop(s);
}
END_TEST

START_TEST(test_cache_note)
{
    static const struct config_case c = {.version = "2.0", .example = "llama_8b_zero3", .hosts = 1, .accelerators = 8};
    struct subject *small = judge(&c, 64 * GIB), *large = judge(&c, 512 * GIB);

    ck_assert(!has_finding(&small->findings, RULE_CACHE, LEVEL_NOTE, NULL));
    ck_assert(has_finding(&large->findings, RULE_CACHE, LEVEL_NOTE, "1047.0 GiB"));
    drop(small);
    drop(large);
}
END_TEST

/* Not an override but an edited file: allowed keys are named, the others judged by value. */
static const struct {
    const char *from, *to;
    uint32_t verdict, rule, level;
    const char *text;
} edits[] = {
    {"read_threads: 4", "read_threads: 9", VERDICT_CLOSED, RULE_DEFINITION, LEVEL_NOTE,
     "changed in the file: dataset.num_files_train, reader.read_threads"},
    {"epochs: 5", "epochs: 1", VERDICT_INVALID, RULE_DEFINITION, LEVEL_INVALID, "train.epochs is 1"},
    {"epochs: 5", "epochs: 5\n  total_training_steps: 9", VERDICT_INVALID, RULE_DEFINITION, LEVEL_INVALID,
     "total_training_steps is 9"},
    {"epochs: 5", "epochs: 5\n  total_training_steps: -1", VERDICT_CLOSED, RULE_DEFINITION, LEVEL_OK, "published"},
    {"epochs: 5", "epochs: 5\n  seed: 4711", VERDICT_CLOSED, RULE_DEFINITION, LEVEL_OK, "published"},
    {"0.323", "{mean: 0.323}", VERDICT_CLOSED, RULE_BENCHMARK, LEVEL_OK, "h100"},
    {"0.323", "0.636", VERDICT_CLOSED, RULE_BENCHMARK, LEVEL_OK, "a100"},
    {"0.323", "0.5", VERDICT_INVALID, RULE_DEFINITION, LEVEL_INVALID, "computation_time is 0.5"},
    {"0.323", "{type: normal, mean: 0.323, stdev: 0.1}", VERDICT_INVALID, RULE_DEFINITION, LEVEL_INVALID,
     "stdev is 0.1"},
    {"  file_shuffle: seed\n", "", VERDICT_INVALID, RULE_DEFINITION, LEVEL_INVALID, "reader.file_shuffle is off"},
    {"  file_shuffle: seed\n", "  file_shuffle: yes\n", VERDICT_CLOSED, RULE_DEFINITION, LEVEL_OK, "published"},
    {"reader:", "data_reader:", VERDICT_CLOSED, RULE_DEFINITION, LEVEL_OK, "published"},
    {"146600628", "1.46600628e8", VERDICT_CLOSED, RULE_DEFINITION, LEVEL_OK, "published"},
    {"146600628", "146600627", VERDICT_INVALID, RULE_DEFINITION, LEVEL_INVALID, "146600627"},
    {"au: 0.9", "au: 0.90", VERDICT_CLOSED, RULE_DEFINITION, LEVEL_OK, "published"},
    {"au: 0.9", "au: 0.89", VERDICT_INVALID, RULE_DEFINITION, LEVEL_INVALID, "metric.au is 0.89"},
    {"metric:\n  au: 0.9", "output:\n  folder: /tmp/x", VERDICT_CLOSED, RULE_DEFINITION, LEVEL_OK, "published"},
    {"metric:", "output: {metric: {exclude_start_steps: 3}}\nmetric:", VERDICT_INVALID, RULE_DEFINITION, LEVEL_INVALID,
     "exclude_start_steps is 3"},
    {"metric:", "storage: {wrap: [{throttle: {}}]}\nmetric:", VERDICT_INVALID, RULE_DEFINITION, LEVEL_INVALID,
     "storage.wrap"},
    {"metric:", "storage: {storage_options: {password: hush}}\nmetric:", VERDICT_INVALID, RULE_DEFINITION,
     LEVEL_INVALID, "***"},
    {"metric:", "hooks: [metrics]\nmetric:", VERDICT_INVALID, RULE_DEFINITION, LEVEL_INVALID, "hooks"},
    {"metric:", "compat: {sequential_order: true}\nmetric:", VERDICT_CLOSED, RULE_DEFINITION, LEVEL_OK, "published"},
    {"name: unet3d", "name: resnet50", VERDICT_INVALID, RULE_DEFINITION, LEVEL_INVALID,
     "record_length_bytes is 146600628"},
    {"epochs_between_checkpoints: 2", "epochs_between_checkpoints: 5", VERDICT_INVALID, RULE_DEFINITION, LEVEL_INVALID,
     "epochs_between_checkpoints"},
    {"format: npz", "format: npy", VERDICT_OPEN, RULE_DEFINITION, LEVEL_OPEN, "dataset.format is npy"},
};

START_TEST(test_edited_file)
{
    struct results_shape shape = {.files = "10000000", .config_edit = {edits[_i].from, edits[_i].to}};
    struct run_size size = {1, 1, 64 * GIB};
    struct run_config_args args = {0};
    struct subject *s = xcalloc(1, sizeof *s);
    struct results_folder folder;
    struct rule_book book;
    char path[256], *all;

    results_make(&folder, &shape);
    snprintf(path, sizeof path, "%s/dlio_config/config.yaml", folder.path);
    args.path = path;
    rule_book_open(rule_version_find("2.0"), &book);
    ck_assert(subject_read_config(&args, &size, "run", s) >= 0);
    judge_subject(&book, s);
    all = findings_text(&s->findings);
    ck_assert_msg(findings_verdict(&s->findings) == edits[_i].verdict, "'%s': not %s:%s", edits[_i].to,
                  judged_name(edits[_i].verdict), all);
    ck_assert_msg(has_finding(&s->findings, edits[_i].rule, edits[_i].level, edits[_i].text), "'%s':%s", edits[_i].to,
                  all);
    ck_assert_ptr_null(strstr(all, "hush"));
    free(all);
    drop(s);
    rule_book_close(&book);
    results_remove(&folder);
}
END_TEST

/* The table, row by row. */
START_TEST(test_override_tables)
{
    static const struct {
        const char *key;
        uint32_t kind, change[RULES_COUNT];
    } rows[] = {
        {"reader.read_threads", KIND_TRAINING, {CHANGE_CLOSED, CHANGE_CLOSED, CHANGE_CLOSED}},
        {"reader.read_threads", KIND_CHECKPOINTING, {CHANGE_REFUSED, CHANGE_REFUSED, CHANGE_REFUSED}},
        {"reader.data_loader", KIND_TRAINING, {CHANGE_OPEN, CHANGE_OPEN, CHANGE_OPEN}},
        {"reader.data_loader", KIND_GENERATION, {CHANGE_REFUSED, CHANGE_REFUSED, CHANGE_REFUSED}},
        {"workflow.train", KIND_TRAINING, {CHANGE_ELSEWHERE, CHANGE_ELSEWHERE, CHANGE_ELSEWHERE}},
        {"workflow", KIND_TRAINING, {CHANGE_REFUSED, CHANGE_REFUSED, CHANGE_REFUSED}},
        {"dataset.skip_listing", KIND_TRAINING, {CHANGE_REFUSED, CHANGE_REFUSED, CHANGE_CLOSED}},
        {"checkpoint.mode", KIND_TRAINING, {CHANGE_REFUSED, CHANGE_REFUSED, CHANGE_REFUSED}},
        {"reader.queue_depth", KIND_TRAINING, {CHANGE_REFUSED, CHANGE_REFUSED, CHANGE_REFUSED}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (uint32_t v = 0; v < RULES_COUNT; v++) {
            static const char *const names[] = {"1.0", "2.0", "3.0"};

            ck_assert_msg(override_rule_of(rows[i].key, rows[i].kind, rule_version_find(names[v])) == rows[i].change[v],
                          "%s in v%s", rows[i].key, names[v]);
        }
    ck_assert_ptr_null(rule_version_find("4.0"));
    ck_assert_ptr_null(rule_version_find(""));
    ck_assert_str_eq(rule_version_find("2")->name, "2.0");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rules_config");
    TCase *t = tcase_create("config");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(t, test_case, 0, sizeof cases / sizeof cases[0]);
    tcase_add_loop_test(t, test_edited_file, 0, sizeof edits / sizeof edits[0]);
    tcase_add_test(t, test_cache_note);
    tcase_add_test(t, test_override_tables);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
