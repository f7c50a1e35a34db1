/* SPDX-License-Identifier: Apache-2.0 */
/* What only a finished run can show: its files, its utilization, its hosts, and that it did all of its work. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "report/result_read.h"
#include "rules/judge.h"

static bool has_file(struct subject *s, const char *name)
{
    struct stat st;

    return stat(arena_format(&s->findings.arena, "%s/%s", s->name, name), &st) == 0 && st.st_size > 0;
}

static void judge_files(const struct rule_book *book, struct subject *s)
{
    static const char *const of_ranks[] = {"output.json", "per_epoch_stats.json"};
    static const char *const stored[] = {"config.yaml", "overrides.yaml", "hydra.yaml"};
    struct arena *arena = &s->findings.arena;
    struct str missing = STR_EMPTY;

    if (!has_file(s, "dlio.log"))
        str_add(&missing, " dlio.log");
    for (size_t i = 0; i < sizeof of_ranks / sizeof of_ranks[0]; i++)
        for (uint64_t rank = 0; rank < (s->accelerators ? s->accelerators : 1); rank++)
            if (!has_file(s, arena_format(arena, "%lu_%s", rank, of_ranks[i]))) {
                str_add_format(&missing, " %lu_%s", rank, of_ranks[i]);
                break; /* one name says enough */
            }
    for (size_t i = 0; i < sizeof stored / sizeof stored[0]; i++)
        if (!has_file(s, arena_format(arena, "%s/%s", s->config_folder, stored[i])))
            str_add_format(&missing, " %s/%s", s->config_folder, stored[i]);
    if (missing.len)
        finding_add(&s->findings, LEVEL_INVALID, RULE_FILES, arena_format(arena, "missing or empty:%s", missing.data),
                    "the files of every rank, dlio.log and the stored configuration", NULL);
    else
        finding_add(&s->findings, LEVEL_OK, RULE_FILES, "log, summary, files of every rank, stored configuration", NULL,
                    NULL);
    if (strcmp(s->config_folder, book->version->config_folder) != 0)
        finding_add(
            &s->findings, LEVEL_NOTE, RULE_FILES, arena_format(arena, "the configuration is in %s", s->config_folder),
            book->version->config_folder,
            arena_format(arena, "MLCommons' tools look there; ++hydra.output_subdir=%s", book->version->config_folder));
    str_free(&missing);
}

/* The number of files that is judged must be the one that ran. */
static void judge_summary_files(struct subject *s)
{
    double files = result_number(s->summary, -1, "num_files_train", NULL);

    if (s->kind != KIND_CHECKPOINTING && files != (double)s->cfg.dataset.num_files_train)
        finding_add(&s->findings, LEVEL_INVALID, RULE_FILES,
                    arena_format(&s->findings.arena,
                                 "num_files_train is %.0f in summary.json, %lu in the configuration", files,
                                 s->cfg.dataset.num_files_train),
                    "the same number", "they do not belong to one run");
}

/* The smallest and largest number of ranks on one host, from what every rank said; false: nobody said. */
static bool ranks_per_host(const struct subject *s, uint64_t *ret_min, uint64_t *ret_max)
{
    const json_t *ranks = json_object_get(json_object_get(json_object_get(s->summary, "dlfw"), "ranks"), "per_rank");
    json_t *hosts, *rank, *count;
    const char *name;
    size_t i;

    *ret_min = UINT64_MAX;
    *ret_max = 0;
    if (!json_array_size(ranks))
        return false;
    hosts = json_object();
    json_array_foreach(ranks, i, rank)
    {
        name = result_text(rank, "host", NULL);
        if (name)
            json_object_set_new(hosts, name, json_integer(json_integer_value(json_object_get(hosts, name)) + 1));
    }
    json_object_foreach(hosts, name, count)
    {
        uint64_t n = (uint64_t)json_integer_value(count);

        *ret_min = n < *ret_min ? n : *ret_min;
        *ret_max = n > *ret_max ? n : *ret_max;
    }
    json_decref(hosts);
    return *ret_max > 0;
}

static void judge_hosts(struct subject *s)
{
    struct arena *arena = &s->findings.arena;
    uint64_t least = 0, most = 0;
    size_t memories = json_array_size(json_object_get(s->summary, "host_memory_GB"));
    bool even;

    if (!s->hosts || !s->accelerators) {
        finding_add(&s->findings, LEVEL_INVALID, RULE_HOSTS, "hosts or accelerators are not known",
                    "num_hosts and num_accelerators in summary.json", NULL);
        return;
    }
    if (memories != s->hosts)
        finding_add(&s->findings, LEVEL_INVALID, RULE_SIZE,
                    arena_format(arena, "host_memory_GB of %zu hosts, num_hosts is %lu", memories, s->hosts),
                    "the memory of every host", "the size of the data depends on all of them");
    if (s->kind == KIND_GENERATION)
        return;
    if (!ranks_per_host(s, &least, &most)) {
        least = s->accelerators / s->hosts;
        most = (s->accelerators + s->hosts - 1) / s->hosts;
    }
    even = least == most;
    finding_add(&s->findings, even ? LEVEL_OK : LEVEL_INVALID, RULE_HOSTS,
                even ? arena_format(arena, "%lu accelerators on each of %lu hosts", least, s->hosts)
                     : arena_format(arena, "%lu to %lu accelerators per host", least, most),
                "the same number on each host", NULL);
}

static void judge_au(struct subject *s)
{
    struct arena *arena = &s->findings.arena;
    double au = result_number(s->summary, NAN, "metric", "train_au_mean_percentage", NULL);
    const char *wanted = arena_format(arena, "at least %.0f %%", s->benchmark->au_percent);
    double epochs = result_number(s->summary, 0, "epochs", NULL);

    if (!isfinite(au))
        finding_add(&s->findings, LEVEL_INVALID, RULE_AU, "no train_au_mean_percentage", wanted,
                    "without it the run does not count");
    else
        finding_add(&s->findings, au >= s->benchmark->au_percent ? LEVEL_OK : LEVEL_INVALID, RULE_AU,
                    arena_format(arena, "%.4f %%", au), wanted,
                    au >= s->benchmark->au_percent
                        ? NULL
                        : "the storage does not feed so many accelerators; 'dlfw sweep' finds how many it feeds");
    if (epochs < (double)s->cfg.train.epochs)
        finding_add(&s->findings, LEVEL_INVALID, RULE_COMPLETE, arena_format(arena, "%.0f epochs count", epochs),
                    arena_format(arena, "%lu", s->cfg.train.epochs), "the run ended early");
}

static uint64_t incomplete_epochs(const json_t *dlfw)
{
    const json_t *list = json_object_get(dlfw, "coverage"), *epoch;
    uint64_t bad = 0;
    size_t i;

    json_array_foreach(list, i, epoch)
    {
        const json_t *train = json_object_get(epoch, "train");

        bad += train && !json_is_true(json_object_get(train, "ok"));
    }
    return bad;
}

static void judge_checkpoint_work(const struct rule_book *book, struct subject *s, const json_t *dlfw)
{
    static const char *const kinds[][2] = {{"save", "checkpoint.num_checkpoints_write"},
                                           {"load", "checkpoint.num_checkpoints_read"}};
    struct arena *arena = &s->findings.arena;

    for (size_t i = 0; s->kind == KIND_CHECKPOINTING && i < 2; i++) {
        uint64_t wanted = subject_number(book, s, kinds[i][1]);
        double done = result_number(dlfw, 0, "checkpoints", kinds[i][0], "count", NULL);

        if (done != (double)wanted)
            finding_add(&s->findings, LEVEL_INVALID, RULE_COMPLETE,
                        arena_format(arena, "%.0f checkpoints by '%s'", done, kinds[i][0]),
                        arena_format(arena, "%lu, as %s says", wanted, kinds[i][1]), NULL);
    }
}

/* What dlfw knows and MLCommons' checker cannot: whether the work was really done. */
static void judge_complete(const struct rule_book *book, struct subject *s)
{
    const json_t *dlfw = json_object_get(s->summary, "dlfw");
    struct arena *arena = &s->findings.arena;
    const char *status = result_text(dlfw, "status", NULL);
    uint32_t before = s->findings.count;
    uint64_t bad = incomplete_epochs(dlfw);

    if (!dlfw) {
        finding_add(&s->findings, LEVEL_NOTE, RULE_COMPLETE, "made by another engine", NULL,
                    "whether every sample was read cannot be seen from its files");
        return;
    }
    if (!status || strcmp(status, "ok") != 0)
        finding_add(&s->findings, LEVEL_INVALID, RULE_COMPLETE,
                    arena_format(arena, "the run's status is '%s'", status ? status : ""), "ok",
                    result_text(dlfw, "failure", "text", NULL));
    if (bad)
        finding_add(&s->findings, LEVEL_INVALID, RULE_COMPLETE,
                    arena_format(arena, "%lu epochs in which not every sample was read once", bad), "none",
                    "dlfw.coverage has them");
    if (json_is_false(json_object_get(json_object_get(dlfw, "storage"), "real_data")))
        finding_add(&s->findings, LEVEL_INVALID, RULE_COMPLETE, "the storage moved no data", "real data",
                    result_text(dlfw, "storage", "no_data_note", NULL));
    judge_checkpoint_work(book, s, dlfw);
    if (s->findings.count == before)
        finding_add(&s->findings, LEVEL_OK, RULE_COMPLETE, "the run ended well and did all of its work", NULL, NULL);
}

static void add_notes(struct subject *s)
{
    const json_t *dlfw = json_object_get(s->summary, "dlfw");
    const char *version = result_text(dlfw, "version", NULL);

    if (s->kind == KIND_TRAINING &&
        json_integer_value(json_array_get(json_object_get(s->summary, "potential_caching"), 0)))
        finding_add(&s->findings, LEVEL_NOTE, RULE_CACHE, "the data of a host fits into its memory",
                    "data that does not", "the reads may have come from the page cache");
    if (version)
        finding_add(&s->findings, LEVEL_NOTE, RULE_CODE, arena_format(&s->findings.arena, "made by dlfw %s", version),
                    "CLOSED: the unchanged MLPerf Storage code; OPEN: changes disclosed",
                    "a verdict here is about everything but the engine");
}

void judge_results(const struct rule_book *book, struct subject *s)
{
    judge_files(book, s);
    if (!s->summary)
        return; /* that it is missing has been found */
    judge_summary_files(s);
    judge_hosts(s);
    if (s->kind == KIND_TRAINING && s->benchmark)
        judge_au(s);
    judge_complete(book, s);
    add_notes(s);
}
