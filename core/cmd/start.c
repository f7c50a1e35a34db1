/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/start.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "plugin/host_table.h"
#include "ranks/launch.h"
#include "train/job.h"

uint64_t program_start_ns;

int cmd_usage_error(const struct command *command, const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_error("%s", text);
    fputs(command->usage, stderr);
    return EXIT_USAGE;
}

enum {
    OPT_PLUGIN_DIR = 256,
    OPT_CONFIG_DIR,
    OPT_STRICT,
    OPT_CHECK,
    OPT_QUIET,
    OPT_FORCE,
    OPT_STRICT_AU,
    OPT_RANKS,
    OPT_WORLD_SIZE,
    OPT_RANK,
    OPT_RUN_ID,
    OPT_COORDINATOR,
    OPT_LEGACY_KEYS
};

static const struct option long_options[] = {{"plugin-dir", required_argument, NULL, OPT_PLUGIN_DIR},
                                             {"config-dir", required_argument, NULL, OPT_CONFIG_DIR},
                                             {"strict", no_argument, NULL, OPT_STRICT},
                                             {"check", no_argument, NULL, OPT_CHECK},
                                             {"quiet", no_argument, NULL, OPT_QUIET},
                                             {"force", no_argument, NULL, OPT_FORCE},
                                             {"strict-au", no_argument, NULL, OPT_STRICT_AU},
                                             {"legacy-keys", no_argument, NULL, OPT_LEGACY_KEYS},
                                             {"ranks", required_argument, NULL, OPT_RANKS},
                                             {"world-size", required_argument, NULL, OPT_WORLD_SIZE},
                                             {"rank", required_argument, NULL, OPT_RANK},
                                             {"run-id", required_argument, NULL, OPT_RUN_ID},
                                             {"coordinator", required_argument, NULL, OPT_COORDINATOR},
                                             {NULL, 0, NULL, 0}};

#define RANKS_MAX 65536

/* A whole number from min to RANKS_MAX. */
static bool take_number(const char *text, uint32_t min, uint32_t *ret)
{
    char *end;
    long n;

    errno = 0;
    n = strtol(text, &end, 10);
    if (end == text || *end || errno || n < (long)min || n > RANKS_MAX)
        return false;
    *ret = (uint32_t)n;
    return true;
}

static const char *rank_option_name(int c)
{
    for (const struct option *o = long_options; o->name; o++)
        if (o->val == c)
            return o->name;
    return "";
}

/* An option with a value; false when it is none of these or the value makes no sense. */
static bool take_rank_option(int c, struct run_arguments *args)
{
    switch (c) {
    case OPT_RANKS:
        return take_number(optarg, 1, &args->local_ranks);
    case OPT_WORLD_SIZE:
        return take_number(optarg, 1, &args->rank.world_size);
    case OPT_RANK:
        return take_number(optarg, 0, &args->rank.rank);
    case OPT_RUN_ID:
        args->rank.run_id = optarg;
        return true;
    default:
        args->rank.coordinator = optarg;
        return true;
    }
}

/* The command line of each rank that --ranks starts. argv: "run", ... */
static char **rank_command(int argc, char **argv)
{
    char **command = xcalloc((size_t)argc + 2, sizeof *command);
    int n = 0;

    command[n++] = (char *)"dlfw";
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--ranks") == 0)
            i++;
        else if (strncmp(argv[i], "--ranks=", 8) != 0)
            command[n++] = argv[i];
    }
    return command;
}

static bool is_override(const char *text)
{
    return strchr("+~", text[0]) || strchr(text, '=');
}

static int take_operands(const struct command *command, int argc, char **argv, struct run_arguments *args)
{
    uint32_t count = 0;

    args->overrides = xcalloc((size_t)argc + 1, sizeof *args->overrides);
    for (int i = optind; i < argc; i++) {
        if (is_override(argv[i]))
            args->overrides[count++] = argv[i];
        else if (!args->config)
            args->config = argv[i];
        else
            return cmd_usage_error(command, "'%s' is a second config file; one is run at a time", argv[i]);
    }
    if (!args->config && !args->config_dir)
        return cmd_usage_error(command, "no config file is given");
    return EXIT_OK;
}

int run_arguments_parse(const struct command *command, int argc, char **argv, struct run_arguments *args)
{
    int c, status;

    opterr = 0;
    *args = (struct run_arguments){.rank = RANK_REQUEST_NONE};
    while ((c = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        switch (c) {
        case OPT_PLUGIN_DIR:
            args->plugin_dir = optarg;
            break;
        case OPT_CONFIG_DIR:
            args->config_dir = optarg;
            break;
        case OPT_STRICT:
            args->strict = true;
            break;
        case OPT_CHECK:
            args->check = true;
            break;
        case OPT_QUIET:
            args->quiet = true;
            break;
        case OPT_FORCE:
            args->force = true;
            break;
        case OPT_STRICT_AU:
            args->strict_au = true;
            break;
        case OPT_LEGACY_KEYS:
            args->legacy_keys = true;
            break;
        case OPT_RANKS:
        case OPT_WORLD_SIZE:
        case OPT_RANK:
        case OPT_RUN_ID:
        case OPT_COORDINATOR:
            if (!take_rank_option(c, args))
                return cmd_usage_error(command, "'%s' is no number that --%s takes", optarg, rank_option_name(c));
            break;
        default:
            return cmd_usage_error(command, c == ':' ? "'%s' needs a value" : "'%s' is not an option",
                                   argv[optind - 1]);
        }
    }
    if (args->local_ranks && (args->rank.world_size || args->rank.rank != DLFW_RANK_UNKNOWN || args->rank.run_id))
        return cmd_usage_error(
            command, "--ranks starts all ranks here; leave out --world-size, --rank and --run-id, which join a "
                     "run by hand");
    if (args->local_ranks)
        args->argv = rank_command(argc, argv);
    status = take_operands(command, argc, argv, args);
    if (status != EXIT_OK) {
        free(args->overrides);
        free(args->argv);
        args->overrides = NULL;
        args->argv = NULL;
    }
    return status;
}

void problems_print(const struct problem_list *problems)
{
    for (uint32_t i = 0; i < problems->count; i++)
        log_line(problems->items[i].is_error ? DLFW_LOG_ERROR : DLFW_LOG_WARNING, "%s", problems->items[i].text);
}

#define SAME_STOP_NS 200000000u

/* A launcher and whoever stops it may both send the signal; what comes that soon is the same wish. */
static void on_stop_signal(int number)
{
    static _Atomic uint64_t first_ns;
    uint64_t now = clock_now_ns(), none = 0;

    (void)number;
    if (!atomic_compare_exchange_strong(&first_ns, &none, now) && now - none < SAME_STOP_NS)
        return;
    if (atomic_fetch_add(&host_cancel_level, 1) >= 1)
        _exit(EXIT_INTERRUPTED);
}

void signals_install(void)
{
    struct sigaction stop = {.sa_handler = on_stop_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

static int exit_status(dlfw_status st, bool au_met, const struct run_arguments *args, const struct error_slot *err,
                       bool already_told)
{
    if (st == DLFW_E_CANCELLED)
        return EXIT_INTERRUPTED;
    if (st < 0 && !already_told)
        log_error("%s", err->text);
    if (st < 0)
        return EXIT_FAILED;
    if (args->strict_au && !au_met) {
        log_error("the accelerator utilization is below metric.au");
        return EXIT_FAILED;
    }
    return EXIT_OK;
}

static int launch(const struct run_arguments *args)
{
    struct launch_args launch = {.ranks = args->local_ranks, .argv = args->argv, .insert_at = 2};
    struct error_slot err;
    int status = EXIT_FAILED;

    error_slot_init(&err);
    if (ranks_launch(&launch, &status, &err.e) < 0)
        log_error("%s", err.text);
    free(args->overrides);
    free(args->argv);
    return status;
}

/* One rank speaks for all about the run file; what only another one finds fails the run there. */
static bool speaks_for_all(const struct run_arguments *args)
{
    struct rank_identity identity;

    return rank_identity_find(&args->rank, &identity, NULL) < 0 || identity.rank == 0 ||
           identity.rank == DLFW_RANK_UNKNOWN;
}

static void print_from(const struct problem_list *problems, uint32_t first, bool with_warnings)
{
    for (uint32_t i = first; i < problems->count; i++)
        if (problems->items[i].is_error || with_warnings)
            log_line(problems->items[i].is_error ? DLFW_LOG_ERROR : DLFW_LOG_WARNING, "%s", problems->items[i].text);
}

static int run_rank(const struct run_arguments *args, bool generate_only)
{
    struct run_config_args config_args = {.path = args->config,
                                          .config_dir = args->config_dir,
                                          .overrides = args->overrides,
                                          .strict = args->strict,
                                          .legacy_keys = args->legacy_keys};
    struct problem_list problems = {.strict = args->strict};
    struct registry registry = {.check = args->check};
    struct run_config *cfg = xcalloc(1, sizeof *cfg);
    struct job_args job = {.cfg = cfg,
                           .registry = &registry,
                           .problems = &problems,
                           .program_start_ns = program_start_ns,
                           .generate_only = generate_only,
                           .force = args->force,
                           .quiet = args->quiet,
                           .ranks = args->rank};
    const bool speaks = speaks_for_all(args);
    struct error_slot err;
    bool au_met = true;
    dlfw_status st;
    uint32_t shown;

    error_slot_init(&err);
    signals_install();
    st = run_config_read(&config_args, cfg, &problems);
    print_from(&problems, 0, speaks);
    shown = problems.count;
    if (st < 0)
        goto out;
    st = registry_scan(&registry, args->plugin_dir, &err.e);
    if (st >= 0)
        st = job_run(&job, &au_met, &err.e);
    print_from(&problems, shown, speaks);
out:
    st = exit_status(st, au_met, args, &err, problems.errors > 0 && st == DLFW_E_CONFIG);
    registry_free(&registry);
    run_config_free(cfg);
    free(cfg);
    problem_list_free(&problems);
    free(args->overrides);
    free(args->argv);
    return st;
}

int run_job(const struct run_arguments *args, bool generate_only)
{
    return args->local_ranks > 1 ? launch(args) : run_rank(args, generate_only);
}
