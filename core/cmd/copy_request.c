/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/copy_request.h"

#include "host/option_parse.h"

int copy_size(const struct copy_request *r, const char *option, const char *text, uint64_t *ret)
{
    struct error_slot err;

    error_slot_init(&err);
    if (text_size(text, ret, &err.e) < 0)
        return cmd_usage_error(r->tool.command, "%s: %s", option, err.text);
    return EXIT_OK;
}

int copy_number(const struct copy_request *r, const char *option, const char *text, uint64_t *ret)
{
    struct error_slot err;

    error_slot_init(&err);
    if (text_u64(text, ret, &err.e) < 0)
        return cmd_usage_error(r->tool.command, "%s: %s", option, err.text);
    return EXIT_OK;
}

int copy_request_option(struct copy_request *r, int c, char **argv)
{
    switch (c) {
    case 'r':
        r->recursive = true;
        return EXIT_OK;
    case 'n':
        r->dry_run = true;
        return EXIT_OK;
    case COPY_OPT_CHECKSUM:
        r->checksum = true;
        return EXIT_OK;
    case COPY_OPT_VERIFY:
        r->verify = true;
        return EXIT_OK;
    case COPY_OPT_NO_CLOBBER:
        r->no_clobber = true;
        return EXIT_OK;
    case COPY_OPT_RESUME:
        r->resume = true;
        return EXIT_OK;
    case COPY_OPT_FAIL_FAST:
        r->fail_fast = true;
        return EXIT_OK;
    case COPY_OPT_DURABLE:
        r->durable = true;
        return EXIT_OK;
    case COPY_OPT_MEMORY:
        return copy_size(r, "--memory", optarg, &r->memory);
    default:
        return tool_option(&r->tool, c, argv);
    }
}

int copy_request_check(const struct copy_request *r)
{
    const struct command *command = r->tool.command;

    if (r->no_clobber && r->resume)
        return cmd_usage_error(command, "--no-clobber leaves every object that exists, --resume only some: use one");
    if (r->tool.matching && !r->recursive)
        return cmd_usage_error(command, "--glob and --regex choose among the objects of a folder; add -r");
    return EXIT_OK;
}
