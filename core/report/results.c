/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a results directory: made and cleared before the run, filled after it, also after a run that failed. */
#include "report/results.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "report/json_put.h"
#include "report/progress.h"
#include "report/result_file.h"
#include "report/result_parts.h"
#include "report/stored_config.h"

#define DEFAULT_LOG "dlio.log"

char *results_choose_folder(const struct run_config *cfg)
{
    time_t now = time(NULL);
    struct tm tm;
    char when[32];

    if (cfg->output.folder)
        return xstrdup(cfg->output.folder);
    if (cfg->hydra_run_dir)
        return xstrdup(cfg->hydra_run_dir);
    localtime_r(&now, &tm);
    strftime(when, sizeof when, "%Y-%m-%d-%H-%M-%S", &tm);
    return xformat("./hydra_log/%s/%s", cfg->model.name ? cfg->model.name : "default", when);
}

static bool is_of_a_rank(const char *name)
{
    static const char *const endings[] = {"_per_epoch_stats.json", "_output.json", "_steps.csv"};
    size_t digits = strspn(name, "0123456789");

    for (uint32_t i = 0; digits && i < sizeof endings / sizeof *endings; i++)
        if (strcmp(name + digits, endings[i]) == 0)
            return true;
    return false;
}

/* A result of an earlier run must not look like one of this run if this one is killed, or has fewer ranks. */
static dlfw_status remove_old(const char *folder, dlfw_error *err)
{
    dlfw_status st = result_file_remove(folder, "summary.json", err);
    const struct dirent *entry;
    DIR *dir;

    if (st < 0)
        return st;
    dir = opendir(folder);
    if (!dir)
        return dlfw_fail_errno(err, errno, "cannot list the results folder '%s'", folder);
    while (st >= 0 && (entry = readdir(dir)))
        if (is_of_a_rank(entry->d_name))
            st = result_file_remove(folder, entry->d_name, err);
    closedir(dir);
    return st;
}

static dlfw_status open_log(const struct run_config *cfg, const char *folder, FILE **ret, dlfw_error *err)
{
    const char *name = cfg->output.log_file ? cfg->output.log_file : DEFAULT_LOG;
    dlfw_status st;
    char *path;

    st = result_file_remove(folder, name, err);
    if (st < 0)
        return st;
    path = xformat("%s/%s", folder, name);
    *ret = fopen(path, "ae");
    if (*ret)
        setvbuf(*ret, NULL, _IOLBF, 0);
    else
        st = dlfw_fail_errno(err, errno, "cannot create the log '%s'", path);
    free(path);
    return st;
}

dlfw_status results_open(const struct run_config *cfg, uint32_t rank, bool quiet_console, struct results *ret,
                         dlfw_error *err)
{
    struct results r = {.quiet_console = quiet_console, .cfg = cfg, .rank = rank};
    dlfw_status st;

    r.folder = results_choose_folder(cfg);
    st = result_folder_make(r.folder, err);
    if (st < 0)
        goto out;
    if (!rank) {
        st = remove_old(r.folder, err);
        if (st < 0)
            goto out;
        st = open_log(cfg, r.folder, &r.log, err);
        if (st < 0)
            goto out;
        st = stored_config_write(cfg, r.folder, err);
        if (st < 0)
            goto out;
    }
    *ret = r;
    r = (struct results){0};
out:
    results_close(&r);
    return st;
}

/* One record: the log gets it whole, and so does the console, without a progress line in between. */
static void print_record(struct results *r, const char *level, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void print_record(struct results *r, const char *level, const char *format, va_list args)
{
    char when[RECORD_TIME_CAP];
    va_list again;
    char *text;
    int len;

    if (!r->log)
        return;
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    DLFW_BUG_IF(len < 0);
    text = xmalloc((size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, args);
    clock_timestamp(when, sizeof when);
    fprintf(r->log, "[%s] %s %s\n", level, when, text);
    if (!r->quiet_console) {
        progress_hide();
        fprintf(stderr, "[%s] %s %s\n", level, when, text);
    }
    free(text);
}

void results_log(struct results *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_record(r, "OUTPUT", format, args);
    va_end(args);
}

void results_log_as(struct results *r, const char *level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_record(r, level, format, args);
    va_end(args);
}

static dlfw_status write_named(const char *folder, uint32_t rank, const char *ending, json_t *root, dlfw_error *err)
{
    char *name = xformat("%u%s", rank, ending);
    dlfw_status st = put_file(root, folder, name, err);

    free(name);
    return st;
}

static dlfw_status write_steps(const char *folder, const struct run_record *rec, dlfw_error *err)
{
    char *name = xformat("%u_steps.csv", rec->rank);
    struct result_file f = {0};
    dlfw_status st;

    st = result_file_begin(folder, name, &f, err);
    if (st >= 0) {
        steps_csv_write(rec, f.stream);
        st = result_file_commit(&f, err);
    }
    free(name);
    return st;
}

dlfw_status results_write(struct results *r, const struct run_record *rec, dlfw_error *err)
{
    struct host_facts host = {0};
    struct run_metrics metrics = {0};
    dlfw_status st;

    put_begin();
    host_facts_read(&host);
    run_metrics_init(rec, &metrics);
    st = write_named(r->folder, rec->rank, "_per_epoch_stats.json", epoch_stats_json(rec), err);
    if (st < 0)
        goto out;
    st = write_named(r->folder, rec->rank, "_output.json", rank_output_json(rec, &host, r->memory, r->memory_count),
                     err);
    if (st < 0)
        goto out;
    st = write_steps(r->folder, rec, err);
    if (st < 0)
        goto out;
    if (!rec->rank)
        st = put_file(summary_json(rec, &host, &metrics), r->folder, "summary.json", err);
    if (st >= 0 && r->log && (fflush(r->log) != 0 || ferror(r->log)))
        st = dlfw_fail(err, DLFW_E_IO, "cannot write the log in '%s': lines are missing", r->folder);
out:
    run_metrics_free(&metrics);
    host_facts_free(&host);
    return st;
}

void results_close(struct results *r)
{
    if (r->log && fclose(r->log) != 0)
        log_warning("cannot write the log in '%s': %s", r->folder, strerror(errno));
    for (uint32_t i = 0; i < r->memory_count; i++)
        free(r->memory[i].text);
    free(r->memory);
    free(r->folder);
    *r = (struct results){0};
}
