/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw cp`: objects and folders from any storage to any other. */
#include "cmd/copy_operands.h"

static const struct option long_options[] = {COPY_LONG_OPTIONS, COPY_LONG_OPTIONS_OF_OPERANDS, {NULL, 0, NULL, 0}};

static int parse(int argc, char **argv, struct copy_request *r, struct copy_operands *o)
{
    int c, status = EXIT_OK;

    opterr = 0;
    while (status == EXIT_OK && (c = getopt_long(argc, argv, ":r" COPY_SHORT_OPTIONS, long_options, NULL)) != -1)
        status = copy_request_option(r, c, argv);
    if (status != EXIT_OK)
        return status;
    if (argc - optind < 2)
        return cmd_usage_error(&cmd_cp, "a source and a target are needed");
    o->sources = argv + optind;
    o->count = (uint32_t)(argc - optind - 1);
    o->target = argv[argc - 1];
    return copy_operands_check(r, o);
}

static int cp(int argc, char **argv)
{
    struct copy_request r = {.tool = {.command = &cmd_cp}, .doing = "copying", .done = "copied"};
    struct copy_operands o = {.length = UINT64_MAX};
    int status = parse(argc, argv, &r, &o);

    if (status == EXIT_OK)
        status = copy_operands_run(&r, &o);
    tool_end(&r.tool);
    return status;
}

const struct command cmd_cp = {
    .name = "cp",
    .summary = "copy objects between any two storages",
    .usage =
        "usage: dlfw cp [options] SRC DST\n"
        "       dlfw cp [options] SRC... FOLDER/\n"
        "       dlfw cp -r [options] FOLDER... DST\n"
        "\n"
        "Sources and targets are URIs or paths. A target that ends in '/' takes the sources under their own names;\n"
        "any other is what one source becomes. An object appears whole or not at all.\n"
        "\n" COPY_USAGE_OF_OPERANDS COPY_USAGE TOOL_USAGE_OF_NAMES
        "  --json                   one JSON line at the end\n" TOOL_USAGE TOOL_USAGE_OF_SIDES,
    .run = cp,
};
