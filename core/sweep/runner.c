/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant: point.json is written last, so a folder with it holds the whole results of the run that it describes. */
#include "sweep/runner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/json_put.h"
#include "report/result_file.h"
#include "report/result_read.h"
#include "sweep/cpu_watch.h"

#define LOG_NAME "run.log"
#define POINT_NAME "point.json"

/* A command line that is being put together. */
struct words {
    struct arena arena;
    char **items; /* NULL-terminated */
    uint32_t count;
};

static void add_word(struct words *w, const char *text)
{
    w->items = xrealloc(w->items, (w->count + 2) * sizeof *w->items);
    w->items[w->count++] = arena_strndup(&w->arena, text, strlen(text));
    w->items[w->count] = NULL;
}

static void words_free(struct words *w)
{
    free(w->items);
    arena_free(&w->arena);
}

/* key=value with the value in quotes, so that it may hold any character. */
static void add_quoted(struct words *w, const char *key, const char *value)
{
    struct str text = STR_EMPTY;

    str_add_format(&text, "++%s='", key);
    for (const char *p = value; *p; p++)
        str_add_format(&text, "%s%c", *p == '\'' || *p == '\\' ? "\\" : "", *p);
    str_add(&text, "'");
    add_word(w, text.data);
    str_free(&text);
}

static void add_option(struct words *w, const char *option, const char *value)
{
    if (value) {
        add_word(w, option);
        add_word(w, value);
    }
}

static void add_common(struct words *w, const struct sweep_runner *r, const char *const *overrides)
{
    add_option(w, "--plugin-dir", r->plugin_dir);
    add_option(w, "--config-dir", r->config_dir);
    if (r->strict)
        add_word(w, "--strict");
    if (r->check)
        add_word(w, "--check");
    if (r->config)
        add_word(w, r->config);
    for (; overrides && *overrides; overrides++)
        add_word(w, *overrides);
}

/* accelerators 0: as a pattern for people. */
static void run_words(const struct sweep_runner *r, uint32_t accelerators, const char *folder,
                      const char *const *overrides, struct words *w)
{
    const struct sweep_work *work = r->work;
    uint64_t steps = accelerators ? sweep_steps(work, accelerators) : work->step_cap;
    char text[64];

    add_word(w, "dlfw");
    add_word(w, "run");
    snprintf(text, sizeof text, "%u", accelerators);
    add_option(w, "--ranks", accelerators ? text : "N");
    add_common(w, r, overrides);
    if (work->generates)
        add_word(w, "++workflow.generate_data=False");
    if (work->takes_checkpoints)
        add_word(w, "++workflow.checkpoint=False");
    if (work->step_cap) {
        snprintf(text, sizeof text, "++train.total_training_steps=%lu", steps);
        add_word(w, text);
    }
    add_quoted(w, "output.folder", folder);
}

static void generate_words(const struct sweep_runner *r, const char *folder, const char *const *overrides,
                           struct words *w)
{
    add_word(w, "dlfw");
    add_word(w, "generate");
    add_common(w, r, overrides);
    add_quoted(w, "output.folder", folder);
}

static void print_words(const struct words *w, struct str *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-_./:=,@%";

    for (uint32_t i = 0; i < w->count; i++) {
        const char *word = w->items[i];

        str_add(out, i ? " " : "");
        if (*word && strspn(word, plain) == strlen(word)) {
            str_add(out, word);
            continue;
        }
        str_add(out, "'");
        for (; *word; word++)
            str_add_format(out, *word == '\'' ? "'\\''" : "%c", *word);
        str_add(out, "'");
    }
}

void sweep_runner_command(const struct sweep_runner *r, uint32_t accelerators, struct str *out)
{
    char *folder = accelerators ? xformat("%s/%u", r->folder, accelerators) : xformat("%s/N", r->folder);
    struct words w = {0};

    run_words(r, accelerators, folder, r->shown, &w);
    print_words(&w, out);
    words_free(&w);
    free(folder);
}

void sweep_runner_generate_command(const struct sweep_runner *r, struct str *out)
{
    char *folder = xformat("%s/generate", r->folder);
    struct words w = {0};

    generate_words(r, folder, r->shown, &w);
    print_words(&w, out);
    words_free(&w);
    free(folder);
}

static char *folder_of(const struct sweep_runner *r, uint32_t accelerators, uint32_t repetition)
{
    if (repetition)
        return xformat("%s/%u.%u", r->folder, accelerators, repetition + 1);
    return xformat("%s/%u", r->folder, accelerators);
}

/* True: the folder holds the results of this very run, and *ret has their figures. */
static bool find_stored(const struct sweep_runner *r, const char *folder, uint32_t accelerators,
                        struct sweep_figures *ret)
{
    struct sweep_figures f = {.cpu_machine = NAN, .cpu_run = NAN, .seconds = NAN};
    json_t *point = NULL;
    const char *identity;
    bool found = false;

    if (r->force || result_read_json(folder, POINT_NAME, &point, NULL) < 0)
        return false;
    identity = result_text(point, "identity", NULL);
    f.cpu_machine = result_number(point, NAN, "cpu_machine_percent", NULL);
    f.cpu_run = result_number(point, NAN, "cpu_run_percent", NULL);
    f.seconds = result_number(point, NAN, "seconds", NULL);
    if (identity && strcmp(identity, r->work->identity) == 0 &&
        sweep_figures_read(folder, accelerators, &f, NULL) >= 0) {
        *ret = f;
        found = true;
    }
    json_decref(point);
    return found;
}

bool sweep_runner_has(const struct sweep_runner *r, uint32_t accelerators, uint32_t repetition)
{
    char *folder = folder_of(r, accelerators, repetition);
    struct sweep_figures f;
    bool found = find_stored(r, folder, accelerators, &f);

    free(folder);
    return found;
}

/* Runs words with its output in the folder's log; an exit status other than 0 is an error that the log words. */
static dlfw_status run_child(const struct sweep_runner *r, const struct words *w, const char *folder, const char *what,
                             struct child_result *ret, dlfw_error *err)
{
    char *log = xformat("%s/%s", folder, LOG_NAME), *text;
    const struct child_args args = {
        .argv = w->items, .program = r->program, .log_path = log, .tick = r->tick, .ctx = r->tick_ctx};
    dlfw_status st = child_run(&args, ret, err);

    if (st >= 0 && ret->exit_status != 0) {
        text = child_first_error(log);
        if (ret->exit_status > 128)
            st = dlfw_fail(err, DLFW_E_IO, "%s was ended by signal %d; '%s' has its output", what,
                           ret->exit_status - 128, log);
        else
            st = dlfw_fail(err, DLFW_E_IO, "%s failed: %s ('%s' has its output)", what,
                           *text ? text : "it gave no reason", log);
        free(text);
    }
    free(log);
    return st;
}

dlfw_status sweep_runner_generate(struct sweep_runner *r, dlfw_error *err)
{
    char *folder = xformat("%s/generate", r->folder);
    struct child_result child;
    struct words w = {0};
    dlfw_status st = result_folder_make(folder, err);

    if (st >= 0) {
        generate_words(r, folder, r->overrides, &w);
        st = run_child(r, &w, folder, "generating the dataset", &child, err);
    }
    r->is_generated = st >= 0;
    words_free(&w);
    free(folder);
    return st;
}

static dlfw_status store(const struct sweep_runner *r, const char *folder, uint32_t accelerators,
                         const struct sweep_figures *f, dlfw_error *err)
{
    struct str command = STR_EMPTY;
    json_t *root = json_object();

    sweep_runner_command(r, accelerators, &command);
    put_text(root, "identity", r->work->identity);
    put_u64(root, "accelerators", accelerators);
    put_text(root, "command", command.data);
    put_real(root, "seconds", f->seconds);
    put_real(root, "cpu_machine_percent", f->cpu_machine);
    put_real(root, "cpu_run_percent", f->cpu_run);
    str_free(&command);
    return put_file(root, folder, POINT_NAME, err);
}

static dlfw_status make_run(struct sweep_runner *r, const char *folder, uint32_t accelerators,
                            struct sweep_figures *ret, dlfw_error *err)
{
    char *what = xformat("the run with %u accelerator%s", accelerators, accelerators == 1 ? "" : "s");
    struct child_result child = {0};
    struct sweep_figures f = {0};
    struct words w = {0};
    dlfw_status st;

    st = result_folder_make(folder, err);
    if (st >= 0)
        st = result_file_remove(folder, POINT_NAME, err);
    if (st < 0)
        goto out;
    run_words(r, accelerators, folder, r->overrides, &w);
    st = run_child(r, &w, folder, what, &child, err);
    if (st < 0)
        goto out;
    f.seconds = child.seconds;
    f.cpu_machine = child.cpu_machine;
    f.cpu_run = child.seconds > 0 ? 100.0 * child.cpu_seconds / (child.seconds * cpu_usable()) : NAN;
    st = sweep_figures_read(folder, accelerators, &f, err);
    if (st < 0) {
        error_prefix(err, "%s", what);
        goto out;
    }
    st = store(r, folder, accelerators, &f, err);
    *ret = f;
out:
    words_free(&w);
    free(what);
    return st;
}

dlfw_status sweep_runner_run(void *runner, uint32_t accelerators, uint32_t repetition, struct sweep_run *ret,
                             dlfw_error *err)
{
    struct sweep_runner *r = runner;
    char *folder = folder_of(r, accelerators, repetition);
    struct sweep_run run = {.folder = folder};
    dlfw_status st = DLFW_OK;

    run.is_stored = find_stored(r, folder, accelerators, &run.figures);
    if (!run.is_stored)
        st = make_run(r, folder, accelerators, &run.figures, err);
    if (st < 0) {
        free(folder);
        return st;
    }
    *ret = run;
    return DLFW_OK;
}
