/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw report DIR`: a run's results for people (text, or a page), for programs and for Prometheus. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "report/json_put.h"
#include "report/result_file.h"
#include "view/html_report.h"
#include "view/json_report.h"
#include "view/prometheus.h"
#include "view/text_report.h"

struct arguments {
    const char *folder;
    const char *compare;    /* NULL: one run */
    const char *html;       /* NULL: no page */
    const char *prometheus; /* NULL: none */
    bool json;
};

enum { OPT_HTML = 256, OPT_COMPARE, OPT_PROMETHEUS, OPT_JSON };

static const struct option long_options[] = {{"html", required_argument, NULL, OPT_HTML},
                                             {"compare", required_argument, NULL, OPT_COMPARE},
                                             {"prometheus", required_argument, NULL, OPT_PROMETHEUS},
                                             {"json", no_argument, NULL, OPT_JSON},
                                             {NULL, 0, NULL, 0}};

static int parse(int argc, char **argv, struct arguments *args)
{
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        switch (c) {
        case OPT_HTML:
            args->html = optarg;
            break;
        case OPT_COMPARE:
            args->compare = optarg;
            break;
        case OPT_PROMETHEUS:
            args->prometheus = optarg;
            break;
        case OPT_JSON:
            args->json = true;
            break;
        default:
            return cmd_usage_error(&cmd_report, c == ':' ? "'%s' needs a value" : "'%s' is not an option",
                                   argv[optind - 1]);
        }
    }
    if (optind >= argc)
        return cmd_usage_error(&cmd_report, "no folder is given");
    if (optind + 1 < argc)
        return cmd_usage_error(&cmd_report, "one folder is expected; '%s' is another", argv[optind + 1]);
    args->folder = argv[optind];
    return EXIT_OK;
}

/* The whole text under its name at once, so that no reader sees half of it. */
static dlfw_status write_file(const char *path, const struct str *text, dlfw_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char *folder = !slash ? xstrdup(".") : slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
    dlfw_status st = *name ? result_file_write(folder, name, text->data, text->len, err)
                           : dlfw_fail(err, DLFW_E_INVALID, "'%s' is no name of a file", path);

    free(folder);
    return st;
}

static dlfw_status write_pages(const struct arguments *args, const struct run_view *v, const struct comparison *c,
                               dlfw_error *err)
{
    struct str text = STR_EMPTY;
    dlfw_status st = DLFW_OK;

    if (args->html) {
        html_report(&text, v, c);
        st = write_file(args->html, &text, err);
    }
    if (st >= 0 && args->prometheus) {
        str_clear(&text);
        prometheus_report(&text, v);
        st = write_file(args->prometheus, &text, err);
    }
    str_free(&text);
    return st;
}

static dlfw_status print(const struct arguments *args, const struct run_view *v, const struct comparison *c,
                         dlfw_error *err)
{
    struct str text = STR_EMPTY;
    int failed = 0;

    if (args->json) {
        json_t *root = json_report(v, c);

        failed = json_dumpf(root, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF;
        json_decref(root);
    } else if (!args->html && !args->prometheus) {
        text_report(&text, v);
        if (c)
            text_comparison(&text, c);
        failed = fputs(text.data, stdout) == EOF;
    }
    str_free(&text);
    return failed || fflush(stdout) != 0 ? dlfw_fail(err, DLFW_E_IO, "cannot write to standard output") : DLFW_OK;
}

static dlfw_status show(const struct arguments *args, struct run_view *a, struct run_view *b, dlfw_error *err)
{
    struct arena arena = {0};
    struct comparison c;
    dlfw_status st = run_view_open(args->folder, a, err);

    if (st >= 0 && args->compare)
        st = run_view_open(args->compare, b, err);
    if (st >= 0 && args->compare)
        compare_runs(&arena, a, b, &c);
    if (st >= 0)
        st = write_pages(args, a, args->compare ? &c : NULL, err);
    if (st >= 0)
        st = print(args, a, args->compare ? &c : NULL, err);
    arena_free(&arena);
    return st;
}

static int report(int argc, char **argv)
{
    struct run_view *views = NULL;
    struct arguments args = {0};
    struct error_slot err;
    int status = parse(argc, argv, &args);

    if (status != EXIT_OK)
        return status;
    error_slot_init(&err);
    put_begin();
    views = xcalloc(2, sizeof *views);
    if (show(&args, &views[0], &views[1], &err.e) < 0) {
        log_error("%s", err.text);
        status = EXIT_FAILED;
    }
    run_view_free(&views[0]);
    run_view_free(&views[1]);
    free(views);
    return status;
}

const struct command cmd_report = {
    .name = "report",
    .summary = "show the results of a run, compare two, make a page or a Prometheus file",
    .usage = "usage: dlfw report [--html FILE] [--compare DIR2] [--prometheus FILE] [--json] DIR\n"
             "\n"
             "Prints what the results folder DIR of a run says, as text unless another output is asked for.\n"
             "\n"
             "  --html FILE        write one page with charts that needs nothing else, no network and no script\n"
             "  --compare DIR2     also the run of DIR2: both side by side, and whether they really differ\n"
             "  --prometheus FILE  write DIR's figures in the text format of Prometheus\n"
             "  --json             print one JSON document\n",
    .run = report,
};
