/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dlfw sweep`: how many accelerators a storage feeds at the AU threshold. Each number is a run of this program; this
 * file shows how far it is and writes the results. The search and the figures are
 * core/sweep.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/sweep_flags.h"
#include "report/host_facts.h"
#include "report/json_put.h"
#include "report/result_file.h"
#include "report/result_read.h"
#include "report/units.h"
#include "sweep/cpu_watch.h"
#include "sweep/plan.h"
#include "sweep/show.h"

#define GIB 1073741824.0
#define JSON_NAME "sweep.json"

/* All that lives while the command runs. */
struct session {
    struct sweep_flags flags;
    struct run_arguments args;
    const char **overrides; /* of every run: the user's, --epochs, --steps */
    struct run_config cfg;
    struct sweep_work work;
    struct sweep sweep;
    struct sweep_runner runner;
    struct sweep_facts facts;
    struct host_facts host;
    char *folder, *epochs, *steps;
    uint64_t start_ns;
    uint32_t running; /* accelerators of the run in progress */
    bool terminal;    /* stderr shows a line that changes */
};

/* The user's overrides and what --epochs and --steps stand for, which come last and so prevail. */
static void compose_overrides(struct session *s)
{
    uint32_t count = 0;

    while (s->args.overrides[count])
        count++;
    s->overrides = xcalloc(count + 3u, sizeof *s->overrides);
    memcpy(s->overrides, s->args.overrides, count * sizeof *s->overrides);
    if (s->flags.epochs)
        s->overrides[count++] = s->epochs = xformat("++train.epochs=%u", s->flags.epochs);
    if (s->flags.steps)
        s->overrides[count++] = s->steps = xformat("++train.total_training_steps=%u", s->flags.steps);
}

/* Where a run's results would be, the sweep's are. */
static char *choose_folder(const struct run_config *cfg)
{
    time_t now = time(NULL);
    struct tm tm;
    char when[32];

    if (cfg->output.folder || cfg->hydra_run_dir)
        return xstrdup(cfg->output.folder ? cfg->output.folder : cfg->hydra_run_dir);
    localtime_r(&now, &tm);
    strftime(when, sizeof when, "%Y-%m-%d-%H-%M-%S", &tm);
    return xformat("./hydra_log/%s/%s-sweep", cfg->model.name ? cfg->model.name : "default", when);
}

static dlfw_status read_config(struct session *s)
{
    struct run_config_args args = {
        .path = s->args.config, .config_dir = s->args.config_dir, .overrides = s->overrides, .strict = s->args.strict};
    struct problem_list problems = {.strict = s->args.strict};
    dlfw_status st = run_config_read(&args, &s->cfg, &problems);

    problems_print(&problems);
    problem_list_free(&problems);
    return st;
}

static void tick(void *ctx, double seconds)
{
    struct session *s = ctx;

    if (s->terminal && s->running)
        fprintf(stderr, "\r\033[K%u accelerator%s: running, %s", s->running, s->running == 1 ? "" : "s",
                unit_clock((uint64_t)seconds).text);
    else if (s->terminal)
        fprintf(stderr, "\r\033[Kgenerating the dataset, %s", unit_clock((uint64_t)seconds).text);
}

static void clear_line(const struct session *s)
{
    if (s->terminal)
        fputs("\r\033[K", stderr);
}

static void set_up(struct session *s)
{
    const char *term = getenv("TERM");

    s->terminal = !s->args.quiet && isatty(STDERR_FILENO) && (!term || strcmp(term, "dumb") != 0);
    sweep_init(&s->sweep, &s->flags.range);
    s->sweep.threshold = s->flags.au > 0 ? 100 * s->flags.au : s->work.threshold;
    s->sweep.repeat = s->flags.repeat;
    s->sweep.all = s->flags.all;
    s->sweep.name = s->work.name;
    s->runner = (struct sweep_runner){.plugin_dir = s->args.plugin_dir,
                                      .config_dir = s->args.config_dir,
                                      .config = s->args.config,
                                      .overrides = s->overrides,
                                      .shown = s->cfg.overrides,
                                      .strict = s->args.strict,
                                      .check = s->args.check,
                                      .work = &s->work,
                                      .folder = s->folder,
                                      .force = s->args.force,
                                      .is_generated = !s->work.generates,
                                      .tick = tick,
                                      .tick_ctx = s};
    s->facts = (struct sweep_facts){.config = s->args.config,
                                    .overrides = s->cfg.overrides,
                                    .work = &s->work,
                                    .hostname = s->host.hostname,
                                    .cpus = cpu_usable(),
                                    .memory_bytes = s->host.memory_gib * GIB};
    clock_timestamp(s->facts.started, sizeof s->facts.started);
    s->start_ns = clock_now_ns();
}

/* A folder belongs to one sweep: points of another one must not stand beside this one's. */
static dlfw_status check_folder(const struct session *s, dlfw_error *err)
{
    json_t *old = NULL;
    const char *identity;
    dlfw_status st = result_read_json(s->folder, JSON_NAME, &old, err);

    if (st == DLFW_E_NOT_FOUND || s->args.force)
        st = DLFW_OK;
    identity = result_text(old, "identity", NULL);
    if (st >= 0 && identity && strcmp(identity, s->work.identity) != 0 && !s->args.force)
        st = dlfw_fail(err, DLFW_E_EXISTS,
                       "'%s' holds a sweep of another configuration; choose another folder (++output.folder=DIR), or "
                       "replace it with --force",
                       s->folder);
    json_decref(old);
    return st;
}

static dlfw_status make_run(void *ctx, uint32_t accelerators, uint32_t repetition, struct sweep_run *ret,
                            dlfw_error *err)
{
    struct session *s = ctx;
    dlfw_status st = DLFW_OK;

    if (!s->runner.is_generated && !sweep_runner_has(&s->runner, accelerators, repetition))
        st = sweep_runner_generate(&s->runner, err);
    s->running = accelerators;
    if (st >= 0)
        st = sweep_runner_run(&s->runner, accelerators, repetition, ret, err);
    s->running = 0;
    clear_line(s);
    return st;
}

static void tell_point(const struct session *s, const struct sweep_point *p)
{
    const struct sweep_run *run = &p->runs[p->run_count - 1];
    char limit[32];

    if (s->args.quiet)
        return;
    fprintf(stderr, "%u accelerator%s: AU %.1f %%, %s", p->accelerators, p->accelerators == 1 ? "" : "s",
            run->figures.au, run->figures.au >= s->sweep.threshold ? "ok" : "low, limited by ");
    if (run->figures.au < s->sweep.threshold)
        fputs(sweep_limit_text(sweep_limit_of(&run->figures, s->sweep.threshold), limit, sizeof limit), stderr);
    fprintf(stderr, "%s\n", run->is_stored ? " (from an earlier sweep)" : "");
}

static dlfw_status write_svg(const struct session *s, dlfw_error *err)
{
    struct str svg = STR_EMPTY;
    dlfw_status st;

    sweep_svg(&s->sweep, &svg);
    st = result_file_write(s->folder, "sweep.svg", svg.data, svg.len, err);
    str_free(&svg);
    return st;
}

static dlfw_status told(void *ctx, const struct sweep *sweep, const struct sweep_point *latest, dlfw_error *err)
{
    struct session *s = ctx;

    if (latest)
        tell_point(s, latest);
    else
        clock_timestamp(s->facts.ended, sizeof s->facts.ended);
    s->facts.seconds = (double)(clock_now_ns() - s->start_ns) / (double)NS_PER_S;
    return put_file(sweep_json(sweep, &s->facts), s->folder, JSON_NAME, err);
}

static void print_notes(const struct sweep_notes *notes)
{
    for (uint32_t i = 0; i < notes->count; i++)
        printf("note: %s\n", notes->lines[i]);
}

static void print_text(const struct session *s)
{
    struct sweep_notes found = {0};
    struct str text = STR_EMPTY;

    sweep_table(&s->sweep, &text);
    str_add(&text, "\n");
    sweep_plot(&s->sweep, s->flags.ascii, &text);
    printf("%s\n", text.data);
    print_notes(&s->sweep.notes);
    sweep_result_notes(&s->sweep, &found);
    print_notes(&found);
    str_clear(&text);
    sweep_answer_text(&s->sweep, &text);
    printf("results: %s\n%s\n", s->folder, text.data);
    sweep_notes_free(&found);
    str_free(&text);
}

static void print_json(const struct session *s)
{
    json_t *root = sweep_json(&s->sweep, &s->facts);

    json_dumpf(root, stdout, JSON_INDENT(4) | JSON_REAL_PRECISION(15));
    putchar('\n');
    json_decref(root);
}

static bool is_known(const struct sweep *s)
{
    struct sweep_answer a = sweep_answer(s);

    return a.best || a.next;
}

static dlfw_status sweep_through(struct session *s, dlfw_error *err)
{
    const struct sweep_calls calls = {.make_run = make_run, .told = told, .ctx = s};
    dlfw_status st = result_folder_make(s->folder, err);

    if (st >= 0)
        st = check_folder(s, err);
    if (st < 0)
        return st;
    signals_install();
    st = sweep_execute(&s->sweep, &calls, err);
    if (st >= 0)
        st = write_svg(s, err);
    if (st < 0)
        return st;
    if (s->flags.json)
        print_json(s);
    else if (is_known(&s->sweep))
        print_text(s);
    return fflush(stdout) == 0 ? DLFW_OK : dlfw_fail_errno(err, errno, "cannot write to standard output");
}

static int exit_status(const struct session *s)
{
    if (s->sweep.state == SWEEP_INTERRUPTED)
        return EXIT_INTERRUPTED;
    if (s->sweep.state == SWEEP_FAILED) {
        log_error("%s", s->sweep.failure.text);
        return EXIT_FAILED;
    }
    return sweep_answer(&s->sweep).best ? EXIT_OK : EXIT_FAILED;
}

static void print_plan(const struct session *s)
{
    struct str text = STR_EMPTY;

    sweep_plan_text(&s->sweep, &s->runner, &text);
    fputs(text.data, stdout);
    if (s->sweep.notes.count)
        putchar('\n');
    print_notes(&s->sweep.notes);
    str_free(&text);
}

static int sweep(struct session *s)
{
    struct error_slot err;
    dlfw_status st;

    error_slot_init(&err);
    put_begin();
    compose_overrides(s);
    if (read_config(s) < 0)
        return EXIT_FAILED;
    st = sweep_work_find(&s->cfg, &s->work, &err.e);
    if (st < 0)
        goto out;
    s->folder = choose_folder(&s->cfg);
    host_facts_read(&s->host);
    set_up(s);
    st = sweep_work_check(&s->work, &s->sweep.range, s->facts.memory_bytes, &s->sweep.notes, &err.e);
    if (st >= 0 && s->flags.plan)
        print_plan(s);
    else if (st >= 0)
        st = sweep_through(s, &err.e);
out:
    if (st < 0)
        log_error("%s", err.text);
    return st < 0 ? EXIT_FAILED : s->flags.plan ? EXIT_OK : exit_status(s);
}

static void session_free(struct session *s)
{
    if (s->sweep.points)
        sweep_free(&s->sweep);
    sweep_range_free(&s->flags.range);
    sweep_work_free(&s->work);
    host_facts_free(&s->host);
    run_config_free(&s->cfg);
    free(s->overrides);
    free(s->args.overrides);
    free(s->args.argv);
    free(s->folder);
    free(s->epochs);
    free(s->steps);
    free(s);
}

static int run(int argc, char **argv)
{
    struct session *s = xcalloc(1, sizeof *s);
    int status = sweep_flags_parse(argc, argv, &s->flags, &s->args);

    if (status == EXIT_OK)
        status = sweep(s);
    session_free(s);
    return status;
}

const struct command cmd_sweep = {
    .name = "sweep",
    .summary = "find how many accelerators a storage feeds",
    .usage =
        "usage: dlfw sweep --accelerators LIST [options] CONFIG [OVERRIDE...]\n"
        "       dlfw sweep --accelerators LIST [options] --config-dir DIR workload=NAME [OVERRIDE...]\n"
        "\n"
        "Runs the workload with 1, 2, 4 ... accelerators until the AU is missed, then bisects to the largest number\n"
        "that reaches it. Results: ++output.folder=DIR; a sweep that was stopped goes on there.\n"
        "\n"
        "  --accelerators LIST  numbers that may be tried: 1..64, 8 or 1,2,4..16\n"
        "  --au X               the AU to reach, 0 to 1; metric.au when it is not given\n"
        "  --all                run every number of the list\n"
        "  --repeat K           runs of the points that the answer rests on; their median counts\n"
        "  --epochs E           epochs of each run\n"
        "  --steps S            at most so many steps in each epoch\n"
        "  --plan               say what would be run and how long it takes, and run nothing\n"
        "  --force              run also what is there already\n"
        "  --ascii              the plot without characters beyond ASCII\n"
        "  --json               one JSON object (sweep.json) instead of table and plot\n"
        "  --quiet              no line for each run on stderr\n"
        "  --check              watch the plugins for breaches of the ABI (slower)\n"
        "  --strict             unknown keys are errors\n"
        "  --plugin-dir DIR     look for plugins here first\n"
        "  --config-dir DIR     DIR/workload/NAME.yaml is the run file\n",
    .run = run,
};
