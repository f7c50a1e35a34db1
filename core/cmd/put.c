/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw put`: local files into a storage, or objects that are made up to measure one. */
#include "cmd/copy_operands.h"
#include "cmd/put_generated.h"
#include "host/option_parse.h"
#include "io/uri.h"

enum { OPT_SIZE = COPY_OPT_OWN, OPT_COUNT, OPT_TEMPLATE, OPT_DEDUP, OPT_COMPRESS, OPT_SEED, OPT_ZSTD };

static const struct option long_options[] = {COPY_LONG_OPTIONS,
                                             COPY_LONG_OPTIONS_OF_OPERANDS,
                                             {"size", required_argument, NULL, OPT_SIZE},
                                             {"count", required_argument, NULL, OPT_COUNT},
                                             {"name-template", required_argument, NULL, OPT_TEMPLATE},
                                             {"dedup", required_argument, NULL, OPT_DEDUP},
                                             {"compress", required_argument, NULL, OPT_COMPRESS},
                                             {"seed", required_argument, NULL, OPT_SEED},
                                             {"zstd", required_argument, NULL, OPT_ZSTD},
                                             {NULL, 0, NULL, 0}};

struct put {
    struct copy_request request;
    struct copy_operands operands;
    struct generated generated;
    bool makes_up;        /* --size was given */
    const char *needless; /* an option that means nothing without --size */
};

static int take_level(struct put *p, const char *text)
{
    uint64_t level;
    int status = copy_number(&p->request, "--zstd", text, &level);

    if (status == EXIT_OK && (level < 1 || level > 19))
        return cmd_usage_error(&cmd_put, "--zstd: '%s' is no level (1 to 19)", text);
    if (status == EXIT_OK)
        p->request.compress = (int32_t)level;
    return status;
}

static int take_option(struct put *p, int c, char **argv)
{
    struct error_slot err;

    if (c > OPT_SIZE && c <= OPT_SEED)
        p->needless = c == OPT_COUNT      ? "--count"
                      : c == OPT_TEMPLATE ? "--name-template"
                      : c == OPT_DEDUP    ? "--dedup"
                      : c == OPT_COMPRESS ? "--compress"
                                          : "--seed";
    switch (c) {
    case OPT_SIZE:
        p->makes_up = true;
        return copy_size(&p->request, "--size", optarg, &p->generated.size);
    case OPT_COUNT:
        return copy_number(&p->request, "--count", optarg, &p->generated.count);
    case OPT_TEMPLATE:
        p->generated.key_template = optarg;
        return EXIT_OK;
    case OPT_DEDUP:
        return copy_number(&p->request, "--dedup", optarg, &p->generated.dedup);
    case OPT_COMPRESS:
        error_slot_init(&err);
        if (text_f64(optarg, &p->generated.compress, &err.e) < 0)
            return cmd_usage_error(&cmd_put, "--compress: %s", err.text);
        return EXIT_OK;
    case OPT_SEED:
        return copy_number(&p->request, "--seed", optarg, &p->generated.seed);
    case OPT_ZSTD:
        return take_level(p, optarg);
    default:
        return copy_request_option(&p->request, c, argv);
    }
}

static int check(struct put *p)
{
    const struct copy_request *r = &p->request;

    if (r->compress && r->resume)
        return cmd_usage_error(&cmd_put, "--resume compares sizes, which --zstd changes: use --no-clobber");
    if (!p->makes_up && p->needless)
        return cmd_usage_error(&cmd_put, "%s is about objects that are made up; give their --size", p->needless);
    if (!p->makes_up)
        return copy_operands_check(r, &p->operands);
    if (p->operands.count)
        return cmd_usage_error(&cmd_put, "with --size the objects are made up; '%s' is one operand too many",
                               p->operands.sources[0]);
    if (r->recursive || r->resume || r->tool.matching)
        return cmd_usage_error(&cmd_put,
                               "with --size there is nothing to choose from: -r, --resume, --glob and --regex "
                               "do not go with it");
    return EXIT_OK;
}

static int parse(int argc, char **argv, struct put *p)
{
    int c, status = EXIT_OK;

    opterr = 0;
    while (status == EXIT_OK && (c = getopt_long(argc, argv, ":r" COPY_SHORT_OPTIONS, long_options, NULL)) != -1)
        status = take_option(p, c, argv);
    if (status != EXIT_OK)
        return status;
    if (argc - optind < (p->makes_up ? 1 : 2))
        return cmd_usage_error(&cmd_put, p->makes_up ? "a URI is needed" : "a file and a URI are needed");
    p->operands.sources = argv + optind;
    p->operands.count = (uint32_t)(argc - optind - 1);
    p->operands.target = argv[argc - 1];
    for (uint32_t i = 0; i < p->operands.count; i++)
        if (uri_has_scheme(p->operands.sources[i]))
            return cmd_usage_error(&cmd_put, "'%s' is no local file; cp copies between storages",
                                   p->operands.sources[i]);
    return check(p);
}

static int put(int argc, char **argv)
{
    struct put p = {.request = {.tool = {.command = &cmd_put}, .doing = "uploading", .done = "uploaded"},
                    .operands = {.length = UINT64_MAX},
                    .generated = {.key_template = "object_{}_of_{}.dat", .count = 1, .dedup = 1, .compress = 1.0}};
    int status = parse(argc, argv, &p);

    if (status == EXIT_OK && p.makes_up)
        status = put_generated(&p.request, p.operands.target, &p.generated);
    else if (status == EXIT_OK)
        status = copy_operands_run(&p.request, &p.operands);
    tool_end(&p.request.tool);
    return status;
}

const struct command cmd_put = {
    .name = "put",
    .summary = "upload files, or objects made up for a benchmark",
    .usage = "usage: dlfw put [options] FILE URI\n"
             "       dlfw put [options] FILE... FOLDER/\n"
             "       dlfw put -r [options] FOLDER... URI\n"
             "       dlfw put --size SIZE [--count N] [options] FOLDER\n"
             "\n"
             "  --size SIZE              make up objects of this size\n"
             "  --count N                that many (1)\n"
             "  --name-template TEXT     their names; '{}' is the number, a second one their count\n"
             "                           (object_{}_of_{}.dat)\n"
             "  --dedup R                one of R blocks is unique (1)\n"
             "  --compress R             zstd makes them R times smaller (1)\n"
             "  --seed N                 of the bytes (0)\n"
             "  --zstd LEVEL             store the objects compressed (1 to 19), under the same "
             "names\n" COPY_USAGE_OF_OPERANDS COPY_USAGE TOOL_USAGE_OF_NAMES
             "  --json                   one JSON line at the end\n" TOOL_USAGE TOOL_USAGE_OF_SIDES,
    .run = put,
};
