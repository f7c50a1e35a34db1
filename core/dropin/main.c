/* SPDX-License-Identifier: Apache-2.0 */
/* dlio_benchmark: the command line of DLIO in front of dlfw's run, for wrappers and scripts that call DLIO by name. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cmd/start.h"
#include "dropin/show.h"

/* DLIO's variable, else dlfw's; words that are none are told when the configuration is read. */
static void set_log_level(void)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    const char *level = getenv("DLFW_LOG_LEVEL");

    if (!level)
        level = getenv("DLIO_LOG_LEVEL");
    for (uint32_t i = 0; level && i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(level, names[i]) == 0)
            log_level = DLFW_LOG_ERROR + i;
}

static int run(struct composition *c)
{
    struct run_arguments args = {
        .config_dir = c->folder, .config = c->file, .overrides = c->overrides, .rank = RANK_REQUEST_NONE};

    c->overrides = NULL; /* run_job frees them */
    return run_job(&args, false);
}

static int compose_and_act(const struct dropin_arguments *args, const char *stock)
{
    struct composition c = {0};
    struct error_slot err;
    int status = EXIT_FAILED;

    error_slot_init(&err);
    if (composition_make(args, stock, &c, &err.e) < 0)
        log_error("%s", err.text);
    else if (args->action == DROPIN_CFG)
        status = show_config(args, &c);
    else if (args->action == DROPIN_INFO)
        status = show_info(args, &c);
    else
        status = run(&c);
    composition_free(&c);
    return status;
}

int main(int argc, char **argv)
{
    struct dropin_arguments args;
    char *stock;
    int status;

    program_start_ns = clock_now_ns();
    set_log_level();
    status = dropin_arguments_parse(argc, argv, &args);
    if (status != EXIT_OK)
        return status;
    stock = stock_folder();
    switch (args.action) {
    case DROPIN_HELP:
        status = show_help(stock);
        break;
    case DROPIN_HYDRA_HELP:
        fputs(dropin_command.usage, stdout);
        break;
    case DROPIN_VERSION:
        printf("dlio_benchmark of dlfw %s (plugin ABI %s)\n", DLFW_VERSION, DLFW_ABI);
        break;
    case DROPIN_CFG:
    case DROPIN_INFO:
    case DROPIN_RUN:
        status = compose_and_act(&args, stock);
        break;
    }
    free(stock);
    free(args.overrides);
    return status;
}
