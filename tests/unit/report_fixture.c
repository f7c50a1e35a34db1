/* SPDX-License-Identifier: Apache-2.0 */
#include "report_fixture.h"

#include <check.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "config/yaml_read.h"

static const char workload[] = "model: {name: unet3d}\n"
                               "framework: pytorch\n"
                               "dataset: {data_folder: data, num_files_train: 40, format: npz, file_prefix: 'on'}\n"
                               "reader: {batch_size: 4, file_shuffle: 'off'}\n";

void fixture_begin(struct fixture *f)
{
    static const char *const overrides[] = {"workload=unet3d_h100", "++workload.dataset.num_files_train=40",
                                            "++train.computation_time={mean: 0.3}", "~evaluation", NULL};
    static const char *const hydra_overrides[] = {"++hydra.run.dir=out dir", NULL};

    memset(f, 0, sizeof *f);
    error_slot_init(&f->err);
    ck_assert_int_eq(yaml_read_text("run.yaml", workload, sizeof workload - 1, &f->cfg.tree, &f->err.e), 0);
    f->cfg.model.name = "unet3d";
    f->cfg.workflow.train = 1;
    f->cfg.workflow.evaluation = 1;
    f->cfg.dataset.num_files_train = 40;
    f->cfg.dataset.num_files_eval = 8;
    f->cfg.dataset.num_samples_per_file = 1;
    f->cfg.reader.read_threads = 2;
    f->cfg.reader.batch_size = 4;
    f->cfg.reader.batch_size_eval = 2;
    f->cfg.train.computation_time = (struct time_distribution){.kind = TIME_CONSTANT, .a = 0.3};
    f->cfg.train.total_training_steps = -1;
    f->cfg.output.log_file = "dlio.log";
    f->cfg.output.exclude_start_steps = 1;
    f->cfg.output.formula = "window";
    f->cfg.metric.au = 0.9;
    f->cfg.hydra_output_subdir = "dlio_config";
    f->cfg.overrides = overrides;
    f->cfg.hydra_overrides = hydra_overrides;

    f->rec = xcalloc(1, sizeof *f->rec);
    f->rec->cfg = &f->cfg;
    f->rec->world = (struct world){.coordinator = "single", .ranks = 1, .hosts = 1, .host_ranks = 1};
    f->rec->world.places = xcalloc(1, sizeof *f->rec->world.places);
    f->rec->world.places[0] = (struct rank_place){.host = "node1", .memory_gib = 64, .cpus = 8};
    f->rec->start_ns = 1000 * MS;
    f->rec->end_ns = 61000 * MS;
    f->rec->sample_bytes_nominal = 1u << 20;
    f->rec->storage_uri = xstrdup("data/unet3d");
    f->rec->storage_scheme = xstrdup("file");
    snprintf(f->rec->start_text, RECORD_TIME_CAP, "2026-01-31T12:00:00.000001");
    snprintf(f->rec->end_text, RECORD_TIME_CAP, "2026-01-31T12:01:00.000001");
    error_slot_init(&f->rec->failure);

    snprintf(f->folder, sizeof f->folder, "/tmp/dlfw-report-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->folder));
    f->cfg.output.folder = f->folder;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info;
    (void)type;
    (void)ftw;
    return remove(path);
}

void fixture_end(struct fixture *f)
{
    nftw(f->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    run_record_free(f->rec);
    free(f->rec);
    node_tree_free(&f->cfg.tree);
}

struct block_record fixture_block(uint64_t steps, uint64_t load_ms, uint64_t compute_ms, uint64_t barrier_ms)
{
    struct block_record b = {.start_ns = 5000 * MS, .step_count = steps, .step_cap = steps};

    b.end_ns = b.start_ns + steps * (load_ms + compute_ms + barrier_ms) * MS;
    b.steps = xcalloc(steps, sizeof *b.steps);
    for (uint64_t i = 0; i < steps; i++)
        b.steps[i] = (struct step_record){load_ms * MS, compute_ms * MS, barrier_ms * MS, compute_ms * MS};
    snprintf(b.start_text, RECORD_TIME_CAP, "2026-01-31T12:00:05.000000");
    snprintf(b.end_text, RECORD_TIME_CAP, "2026-01-31T12:00:09.000000");
    return b;
}

uint64_t fixture_hash(uint64_t samples)
{
    uint64_t hash = 0;

    for (uint64_t i = 1; i <= samples; i++)
        hash += hash_mix(i);
    return hash;
}

struct epoch_record *fixture_add_epoch(struct fixture *f, uint32_t blocks, uint64_t steps, uint64_t load_ms,
                                       uint64_t compute_ms)
{
    struct run_record *rec = f->rec;
    struct epoch_record *e;

    rec->epochs = xrealloc(rec->epochs, (rec->epoch_count + 1) * sizeof *rec->epochs);
    e = &rec->epochs[rec->epoch_count++];
    memset(e, 0, sizeof *e);
    e->epoch = rec->epoch_count;
    e->expected_steps = blocks * steps;
    e->block_count = blocks;
    e->blocks = xcalloc(blocks, sizeof *e->blocks);
    for (uint32_t i = 0; i < blocks; i++)
        e->blocks[i] = fixture_block(steps, load_ms, compute_ms, 0);
    e->start_ns = 5000 * MS;
    e->end_ns = e->start_ns + 4500 * MS;
    e->train_load.samples = blocks * steps * f->cfg.reader.batch_size;
    e->train_load.sample_count_hash = fixture_hash(e->train_load.samples);
    snprintf(e->start_text, RECORD_TIME_CAP, "2026-01-31T12:00:04.000000");
    snprintf(e->end_text, RECORD_TIME_CAP, "2026-01-31T12:00:10.000000");
    return e;
}

void fixture_add_eval(struct fixture *f, struct epoch_record *e, uint64_t steps, uint64_t load_ms, uint64_t compute_ms)
{
    e->has_eval = true;
    e->eval = fixture_block(steps, load_ms, compute_ms, 0);
    e->eval_expected_steps = steps;
    e->eval_load.samples = steps * f->cfg.reader.batch_size_eval;
    e->eval_load.sample_count_hash = fixture_hash(e->eval_load.samples);
}

void fixture_add_checkpoint(struct epoch_record *e, bool is_load, uint32_t block, uint64_t ms, uint64_t bytes)
{
    struct checkpoint_record *c;

    e->checkpoints = xrealloc(e->checkpoints, (e->checkpoint_count + 1) * sizeof *e->checkpoints);
    c = &e->checkpoints[e->checkpoint_count++];
    *c = (struct checkpoint_record){.is_load = is_load, .block = block, .duration_ns = ms * MS, .bytes = bytes};
    snprintf(c->start_text, RECORD_TIME_CAP, "2026-01-31T12:00:09.000000");
    snprintf(c->end_text, RECORD_TIME_CAP, "2026-01-31T12:00:10.000000");
}

char *fixture_read(const struct fixture *f, const char *name)
{
    char *path = xformat("%s/%s", f->folder, name);
    FILE *in = fopen(path, "r");
    struct str text = STR_EMPTY;
    char piece[4096];
    char *copy;
    size_t n;

    ck_assert_msg(in != NULL, "cannot open %s", path);
    while ((n = fread(piece, 1, sizeof piece, in)) > 0)
        str_add_len(&text, piece, n);
    fclose(in);
    free(path);
    copy = xstrdup(text.data);
    str_free(&text);
    return copy;
}

bool fixture_has(const struct fixture *f, const char *name)
{
    char *path = xformat("%s/%s", f->folder, name);
    bool has = access(path, F_OK) == 0;

    free(path);
    return has;
}

uint32_t fixture_files(const struct fixture *f)
{
    DIR *dir = opendir(f->folder);
    struct dirent *entry;
    uint32_t count = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)))
        count += entry->d_type == DT_REG;
    closedir(dir);
    return count;
}
