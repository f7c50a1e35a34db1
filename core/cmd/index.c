/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dlfw index FILE...`: the index of TFRecord files of any origin, written anew or compared with the one that is there.
 * The file is read once, whole, with both checksums of every record; what an index looks like only the format knows, so
 * writing and comparing are two sinks for the same bytes.
 */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/index_compare.h"
#include "cmd/start.h"
#include "io/stream_writer.h"
#include "io/uri.h"
#include "plugin/host_table.h"
#include "workload/object_reader.h"

#define WRITER_DEPTH 4u
#define WRITER_MEMORY ((uint64_t)64 << 20)

struct arguments {
    const char *plugin_dir, *kind, *output, *suffix;
    bool check, json;
};

/* The format's instance, for all files. */
struct indexer {
    const struct arguments *args;
    struct registry registry;
    struct node_tree tree;
    struct problem_list problems;
    struct host_instance instance;
    const struct plugin_iface *iface;
    dlfw_format *format;
    json_t *results;
};

/* One file: where it lies, and where its index does. */
struct place {
    char *root_uri, *key;
    struct storage *storage;
};

static bool is_binary(const struct indexer *x)
{
    return strcmp(x->args->kind, "binary") == 0;
}

static dlfw_status create_format(struct indexer *x, dlfw_error *err)
{
    static const struct node_place place = {.file = "command line"};
    dlfw_create_args args = {.struct_size = sizeof args, .numa_node = -1};
    dlfw_node *map = node_new(&x->tree, DLFW_NODE_MAP, place);
    dlfw_status st = registry_find(&x->registry, DLFW_KIND_FORMAT, "tfrecord", &x->iface, err);

    if (st < 0)
        return st;
    if (!x->iface->ops.format.write_side || !x->iface->ops.format.describe)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "the plugin of format 'tfrecord' (%s) is too old to write an index",
                         x->iface->file->path);
    node_append(&x->tree, map, "index", place, node_new_scalar(&x->tree, x->args->kind, strlen(x->args->kind), place));
    args.config = map;
    args.options = registry_options(x->iface, &x->tree, map, "tfrecord", NULL, &x->problems);
    if (x->problems.errors) {
        problems_print(&x->problems);
        return dlfw_fail(err, DLFW_E_CONFIG, "the plugin of format 'tfrecord' does not know this kind of index");
    }
    x->instance = (struct host_instance){.name = "tfrecord", .config = map};
    args.host = host_table();
    args.host_ctx = &x->instance;
    args.instance = "tfrecord";
    return x->iface->ops.format.create(&args, &x->format, err);
}

static dlfw_status open_storage(struct indexer *x, struct place *p, dlfw_error *err)
{
    struct storage_args args = {
        .registry = &x->registry, .uri = p->root_uri, .tree = &x->tree, .name = p->root_uri, .problems = &x->problems};

    return storage_open(&args, &p->storage, err);
}

static void close_place(struct place *p)
{
    storage_close(p->storage);
    free(p->root_uri);
    free(p->key);
    *p = (struct place){0};
}

/* The storage's root is the folder that the file lies in. */
static dlfw_status open_file(struct indexer *x, const char *file, struct place *ret, dlfw_error *err)
{
    struct uri uri = {0};
    char *slash;
    dlfw_status st = uri_parse(file, &uri, err);

    if (st < 0)
        return st;
    slash = strrchr(uri.path, '/');
    ret->key = xstrdup(slash ? slash + 1 : uri.path);
    if (slash)
        slash[slash == uri.path] = '\0';
    ret->root_uri = xformat("%s://%s", uri.scheme, slash ? uri.path : ".");
    uri_free(&uri);
    return *ret->key ? open_storage(x, ret, err) : dlfw_fail(err, DLFW_E_INVALID, "'%s' names no file", file);
}

/* The index lies beside the file, or in --output. */
static dlfw_status open_index(struct indexer *x, const struct place *file, struct place *ret, dlfw_error *err)
{
    struct uri uri = {0};
    dlfw_status st;

    ret->key = xformat("%s%s", file->key, x->args->suffix);
    if (!x->args->output) {
        ret->root_uri = xstrdup(file->root_uri);
        return open_storage(x, ret, err);
    }
    st = uri_parse(x->args->output, &uri, err);
    if (st < 0)
        return st;
    ret->root_uri = uri_text(&uri);
    uri_free(&uri);
    return open_storage(x, ret, err);
}

static void ignore_begin(void *ctx, const char *kind, const char *name)
{
    (void)ctx;
    (void)kind;
    (void)name;
}

static void ignore_text(void *ctx, const char *key, const char *value)
{
    (void)ctx;
    (void)key;
    (void)value;
}

static void take_number(void *ctx, const char *key, uint64_t value)
{
    if (strcmp(key, "records") == 0)
        *(uint64_t *)ctx = value;
}

static void ignore_end(void *ctx)
{
    (void)ctx;
}

static dlfw_status count_records(const struct indexer *x, struct object_reader *r, uint64_t *ret, dlfw_error *err)
{
    const dlfw_describe describe = {.struct_size = sizeof describe,
                                    .ctx = ret,
                                    .begin = ignore_begin,
                                    .text = ignore_text,
                                    .number = take_number,
                                    .end = ignore_end};

    return x->iface->ops.format.describe(object_reader_reader(r), &describe, err);
}

static dlfw_status write_index(const struct indexer *x, struct object_reader *r, const struct place *index,
                               dlfw_error *err)
{
    struct stream_writer_args args = {.key = index->key};
    struct io_queue *queue = NULL;
    struct buffer_pool *pool = NULL;
    struct stream_writer *w = NULL;
    dlfw_sink sink;
    dlfw_status st;

    st = io_queue_create(index->storage, WRITER_DEPTH, &queue, err);
    if (st >= 0 && x->args->output)
        st = io_make_root(queue, "", err);
    if (st >= 0)
        st = pool_create(index->storage, WRITER_MEMORY, &pool, err);
    if (st < 0)
        goto out;
    args.queue = queue;
    args.pool = pool;
    st = writer_open(index->storage, &args, &w, err);
    if (st < 0)
        goto out;
    sink = writer_sink(w);
    st = x->iface->ops.format.write_side(object_reader_reader(r), 0, &sink, err);
    if (st < 0)
        writer_abort(w);
    else
        st = writer_commit(w, err);
out:
    pool_destroy(pool);
    io_queue_destroy(queue);
    return st;
}

/* For people: without the scheme of plain files. */
static char *index_name(const struct place *index)
{
    const char *root = index->root_uri ? index->root_uri : "";

    if (strncmp(root, "file://", 7) == 0)
        root += 7;
    return xformat("%s%s%s", root, *root && root[strlen(root) - 1] != '/' ? "/" : "", index->key ? index->key : "");
}

static void report(const struct indexer *x, const char *file, const struct place *index, uint64_t records,
                   uint64_t bytes, dlfw_status st, const struct error_slot *err)
{
    char *name = index_name(index);

    if (st < 0)
        log_error("%s: %s", file, err->text);
    if (x->results)
        json_array_append_new(x->results,
                              json_pack("{ss ss ss sb sI sI so}", "file", file, "index", name, "kind", x->args->kind,
                                        "good", st >= 0, "records", (json_int_t)records, "bytes", (json_int_t)bytes,
                                        "problem", st < 0 ? json_string(err->text) : json_null()));
    else if (st >= 0)
        printf("%s: %" PRIu64 " records in %" PRIu64 " bytes: %s %s\n", file, records, bytes, name,
               x->args->check ? "fits" : "written");
    free(name);
}

static dlfw_status index_file(struct indexer *x, const char *file)
{
    struct object_reader *r = NULL;
    struct place place = {0}, index = {0};
    struct error_slot err;
    uint64_t records = 0, bytes = 0;
    dlfw_status st;

    error_slot_init(&err);
    st = open_file(x, file, &place, &err.e);
    if (st >= 0)
        st = open_index(x, &place, &index, &err.e);
    if (st >= 0) {
        struct object_reader_args args = {.storage = place.storage,
                                          .key = place.key,
                                          .format_iface = x->iface,
                                          .format = x->format,
                                          .flags = DLFW_OBJECT_VERIFY | DLFW_OBJECT_EXPLORE};

        st = object_reader_open(&args, &r, &err.e);
    }
    if (st >= 0) {
        bytes = object_reader_size(r);
        st = object_reader_verify_all(r, &err.e);
    }
    if (st >= 0)
        st = count_records(x, r, &records, &err.e);
    if (st >= 0)
        st = x->args->check ? index_compare(index.storage, index.key, is_binary(x), &x->iface->ops.format,
                                            object_reader_reader(r), &err.e)
                            : write_index(x, r, &index, &err.e);
    report(x, file, &index, records, bytes, st, &err);
    object_reader_close(r);
    close_place(&index);
    close_place(&place);
    return st;
}

enum { OPT_PLUGIN_DIR = 256, OPT_KIND, OPT_CHECK, OPT_OUTPUT, OPT_SUFFIX, OPT_JSON };

static const struct option long_options[] = {{"plugin-dir", required_argument, NULL, OPT_PLUGIN_DIR},
                                             {"kind", required_argument, NULL, OPT_KIND},
                                             {"check", no_argument, NULL, OPT_CHECK},
                                             {"output", required_argument, NULL, OPT_OUTPUT},
                                             {"suffix", required_argument, NULL, OPT_SUFFIX},
                                             {"json", no_argument, NULL, OPT_JSON},
                                             {NULL, 0, NULL, 0}};

static int parse(int argc, char **argv, struct arguments *args)
{
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        switch (c) {
        case OPT_PLUGIN_DIR:
            args->plugin_dir = optarg;
            break;
        case OPT_KIND:
            args->kind = optarg;
            break;
        case OPT_CHECK:
            args->check = true;
            break;
        case OPT_OUTPUT:
            args->output = optarg;
            break;
        case OPT_SUFFIX:
            args->suffix = optarg;
            break;
        case OPT_JSON:
            args->json = true;
            break;
        default:
            return cmd_usage_error(&cmd_index, c == ':' ? "'%s' needs a value" : "'%s' is not an option",
                                   argv[optind - 1]);
        }
    }
    if (strcmp(args->kind, "dali") != 0 && strcmp(args->kind, "binary") != 0)
        return cmd_usage_error(&cmd_index, "'%s' is no kind of index; dali and binary are", args->kind);
    if (!*args->suffix || strchr(args->suffix, '/'))
        return cmd_usage_error(&cmd_index, "'%s' is no suffix of a file name", args->suffix);
    if (optind == argc)
        return cmd_usage_error(&cmd_index, "no file is given");
    return EXIT_OK;
}

static int print_results(json_t *results)
{
    int failed = json_dumpf(results, stdout, JSON_INDENT(2));

    printf("\n");
    return failed ? EXIT_FAILED : EXIT_OK;
}

static int index_files(int argc, char **argv)
{
    struct arguments args = {.kind = "dali", .suffix = ".idx"};
    struct indexer *x;
    struct error_slot err;
    int status = parse(argc, argv, &args);
    dlfw_status st;

    if (status != EXIT_OK)
        return status;
    x = xcalloc(1, sizeof *x);
    error_slot_init(&err);
    signals_install();
    x->args = &args;
    x->results = args.json ? json_array() : NULL;
    st = registry_scan(&x->registry, args.plugin_dir, &err.e);
    if (st >= 0)
        st = create_format(x, &err.e);
    if (st < 0) {
        log_error("%s", err.text);
        status = EXIT_FAILED;
        goto out;
    }
    for (int i = optind; i < argc && !atomic_load(&host_cancel_level); i++)
        if (index_file(x, argv[i]) < 0)
            status = EXIT_FAILED;
    if (x->results && print_results(x->results) != EXIT_OK)
        status = EXIT_FAILED;
    if (atomic_load(&host_cancel_level))
        status = EXIT_INTERRUPTED;
out:
    if (x->format)
        x->iface->ops.format.destroy(x->format);
    json_decref(x->results);
    registry_free(&x->registry);
    node_tree_free(&x->tree);
    problem_list_free(&x->problems);
    free(x);
    return status;
}

const struct command cmd_index = {
    .name = "index",
    .summary = "write or check the indexes of TFRecord files",
    .usage = "usage: dlfw index [--kind dali|binary] [--check] [--output DIR] [--suffix SUFFIX] [--json]\n"
             "                  [--plugin-dir DIR] FILE...\n"
             "\n"
             "Reads each file whole, verifies both checksums of every record, and writes its index.\n"
             "\n"
             "  --kind dali|binary  text lines 'offset length' (default), or both as 64-bit numbers\n"
             "  --check             compare with the index that is there, write nothing\n"
             "  --output DIR        folder of the indexes (default: beside each file)\n"
             "  --suffix SUFFIX     added to the file's name (default: .idx)\n"
             "  --json              results as JSON\n"
             "  --plugin-dir DIR    look for plugins here first\n",
    .run = index_files,
};
