/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw get`: objects to local files, to standard output, or, to measure a storage, to nowhere. */
#include <string.h>

#include "cmd/copy_operands.h"
#include "cmd/get_keys.h"
#include "cmd/get_stream.h"

enum { OPT_DISCARD = COPY_OPT_OWN, OPT_KEYLIST, OPT_OFFSET, OPT_LENGTH };

static const struct option long_options[] = {COPY_LONG_OPTIONS,
                                             COPY_LONG_OPTIONS_OF_OPERANDS,
                                             {"discard", no_argument, NULL, OPT_DISCARD},
                                             {"keylist", required_argument, NULL, OPT_KEYLIST},
                                             {"offset", required_argument, NULL, OPT_OFFSET},
                                             {"length", required_argument, NULL, OPT_LENGTH},
                                             {NULL, 0, NULL, 0}};

struct get {
    struct copy_request request;
    struct copy_operands operands;
    const char *keylist;
    char *source;
};

static int take_option(struct get *g, int c, char **argv)
{
    switch (c) {
    case OPT_DISCARD:
        g->request.discard = true;
        return EXIT_OK;
    case OPT_KEYLIST:
        g->keylist = optarg;
        return EXIT_OK;
    case OPT_OFFSET:
        return copy_size(&g->request, "--offset", optarg, &g->operands.offset);
    case OPT_LENGTH:
        return copy_size(&g->request, "--length", optarg, &g->operands.length);
    default:
        return copy_request_option(&g->request, c, argv);
    }
}

static bool is_stdout(const char *target)
{
    return target && strcmp(target, "-") == 0;
}

/* Options that say how something is written. */
static bool says_how_to_write(const struct copy_request *r)
{
    return r->dry_run || r->verify || r->no_clobber || r->resume || r->durable;
}

static int check(struct get *g)
{
    const struct copy_operands *o = &g->operands;
    const struct copy_request *r = &g->request;

    if (r->discard && says_how_to_write(r))
        return cmd_usage_error(&cmd_get, "--discard writes nothing; options about writing do not go with it");
    if (is_stdout(o->target) && (r->recursive || g->keylist || r->checksum || r->tool.json || says_how_to_write(r)))
        return cmd_usage_error(&cmd_get, "one object goes to standard output, as it is; only --offset and --length "
                                         "go with '-'");
    if (g->keylist && (r->recursive || o->offset || o->length != UINT64_MAX))
        return cmd_usage_error(&cmd_get, "the list says which objects: -r, --offset and --length do not go with it");
    return g->keylist ? EXIT_OK : copy_operands_check(r, o);
}

static int parse(int argc, char **argv, struct get *g)
{
    int c, status = EXIT_OK;

    opterr = 0;
    while (status == EXIT_OK && (c = getopt_long(argc, argv, ":r" COPY_SHORT_OPTIONS, long_options, NULL)) != -1)
        status = take_option(g, c, argv);
    if (status != EXIT_OK)
        return status;
    if (argc - optind < 1)
        return cmd_usage_error(&cmd_get, "a URI is needed");
    if (argc - optind > (g->request.discard ? 1 : 2))
        return cmd_usage_error(&cmd_get, "'%s' is one operand too many", argv[argc - 1]);
    g->operands.sources = argv + optind;
    g->operands.count = 1;
    if (!g->request.discard)
        g->operands.target = argc - optind == 2 ? argv[optind + 1] : "./";
    return check(g);
}

static int get(int argc, char **argv)
{
    struct get g = {.request = {.tool = {.command = &cmd_get}}, .operands = {.length = UINT64_MAX}};
    int status = parse(argc, argv, &g);

    g.request.doing = g.request.discard ? "reading" : "downloading";
    g.request.done = g.request.discard ? "read" : "downloaded";
    if (status == EXIT_OK && g.keylist)
        status = get_keys(&g.request, &g.operands, g.keylist);
    else if (status == EXIT_OK && is_stdout(g.operands.target))
        status = get_stream(&g.request, &g.operands);
    else if (status == EXIT_OK)
        status = copy_operands_run(&g.request, &g.operands);
    tool_end(&g.request.tool);
    return status;
}

const struct command cmd_get = {
    .name = "get",
    .summary = "download objects, or read them for a benchmark",
    .usage = "usage: dlfw get [options] URI [FILE|FOLDER/|-]\n"
             "       dlfw get -r [options] URI [FOLDER]\n"
             "       dlfw get --keylist FILE [options] URI [FOLDER]\n"
             "       dlfw get --discard [-r | --keylist FILE] [options] URI\n"
             "\n"
             "The target is the working directory unless given; '-' is standard output.\n"
             "\n"
             "  --discard                read, count and drop: a benchmark\n"
             "  --keylist FILE           keys below URI, one per line; lines that begin with '#' are comments\n"
             "  --offset N, --length N   a part of one object\n" COPY_USAGE_OF_OPERANDS COPY_USAGE TOOL_USAGE_OF_NAMES
             "  --json                   one JSON line at the end\n" TOOL_USAGE TOOL_USAGE_OF_SIDES,
    .run = get,
};
