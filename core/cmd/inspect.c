/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dlfw inspect URI...`: what files hold, in the words of their formats, and whether they are whole. Each file is read
 * once, unit by unit, with bounded memory. What is known of a damaged file is shown too, with the first thing that is
 * wrong.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/utf8.h"
#include "cmd/inspect_tree.h"
#include "cmd/start.h"
#include "io/uri.h"
#include "plugin/host_table.h"
#include "report/json_put.h"
#include "workload/object_reader.h"

struct arguments {
    const char *plugin_dir;
    const char *format; /* NULL: by the file's extension */
    uint64_t units;     /* to list */
    bool no_verify;
    bool json;
};

/* One file on its way. */
struct inspection {
    const struct arguments *args;
    struct registry *registry;
    const char *uri;
    struct node_tree tree;
    struct problem_list problems;
    char *root, *key; /* the folder it lies in, its name */
    struct storage *storage;
    const struct plugin_iface *iface;
    struct host_instance instance;
    dlfw_format *format;
    struct object_reader *reader;
    json_t *document;
};

/* The storage's root is the folder, so that side objects beside the file are in reach. */
static dlfw_status split_uri(struct inspection *in, dlfw_error *err)
{
    struct uri uri = {0};
    char *slash;
    dlfw_status st = uri_parse(in->uri, &uri, err);

    if (st < 0)
        return st;
    slash = strrchr(uri.path, '/');
    in->key = xstrdup(slash ? slash + 1 : uri.path);
    if (slash)
        slash[slash == uri.path] = '\0';
    in->root = xformat("%s://%s", uri.scheme, slash ? uri.path : ".");
    uri_free(&uri);
    return *in->key ? DLFW_OK : dlfw_fail(err, DLFW_E_INVALID, "'%s' names no file", in->uri);
}

static bool is_usable_format(const struct registry_entry *entry, uint32_t iface)
{
    return !entry->refused && entry->note.ifaces[iface].kind == DLFW_KIND_FORMAT;
}

static void add_name(struct str *names, const char *name)
{
    if (names->len)
        str_add(names, ", ");
    str_add(names, name);
}

/* Other names that people give to files of a format. */
static const char *known_extension(const char *key)
{
    static const char *const also[][2] = {{"h5", "hdf5"},        {"he5", "hdf5"},  {"nc", "hdf5"},
                                          {"jpg", "jpeg"},       {"jpe", "jpeg"},  {"tfrecords", "tfrecord"},
                                          {"tfrec", "tfrecord"}, {"pq", "parquet"}};
    const char *extension = strrchr(key, '.') ? strrchr(key, '.') + 1 : "";

    for (size_t i = 0; i < sizeof also / sizeof *also; i++)
        if (strcasecmp(extension, also[i][0]) == 0 || strcasecmp(extension, also[i][1]) == 0)
            return also[i][1];
    return extension;
}

/* The format whose files have the extension of in->key. The one that is called so is tried first, so that mostly one
 * plugin is loaded. */
static dlfw_status find_format(struct inspection *in, dlfw_error *err)
{
    const char *extension = known_extension(in->key);
    struct registry *reg = in->registry;
    struct str names = STR_EMPTY;
    struct error_slot quiet;
    dlfw_status st = DLFW_E_NOT_FOUND;

    error_slot_init(&quiet);
    if (in->args->format)
        return registry_find(reg, DLFW_KIND_FORMAT, in->args->format, &in->iface, err);
    for (uint32_t pass = 0; pass < 2 && st < 0; pass++)
        for (uint32_t i = 0; i < reg->count && st < 0; i++)
            for (uint32_t j = 0; j < reg->entries[i].note.iface_count && st < 0; j++) {
                const char *name = reg->entries[i].note.ifaces[j].name;
                const struct plugin_iface *iface = NULL;

                if (!is_usable_format(&reg->entries[i], j) || (strcmp(name, extension) == 0) != (pass == 0))
                    continue;
                if (registry_find(reg, DLFW_KIND_FORMAT, name, &iface, &quiet.e) < 0)
                    continue; /* it is among the refused ones now; dlfw plugins list says why */
                if (strcmp(iface->ops.format.extension, extension) != 0) {
                    add_name(&names, name);
                    continue;
                }
                in->iface = iface;
                st = DLFW_OK;
            }
    if (st < 0)
        st = dlfw_fail(err, DLFW_E_NOT_FOUND,
                       "no format has files called '%s'; say which it is with --format (there are: %s)", in->key,
                       names.len ? names.data : "none");
    str_free(&names);
    return st;
}

static dlfw_status create_format(struct inspection *in, dlfw_error *err)
{
    const char *name = in->iface->iface->name;
    dlfw_create_args args = {.struct_size = sizeof args, .numa_node = -1};

    args.options = registry_options(in->iface, &in->tree, NULL, name, NULL, &in->problems);
    if (in->problems.errors)
        return dlfw_fail(err, DLFW_E_CONFIG, "format '%s' cannot be used without options: %s", name,
                         in->problems.items[0].what);
    in->instance = (struct host_instance){.name = name};
    args.host = host_table();
    args.host_ctx = &in->instance;
    args.instance = name;
    return in->iface->ops.format.create(&args, &in->format, err);
}

static dlfw_status open_reader(struct inspection *in, dlfw_error *err)
{
    struct storage_args storage = {.registry = in->registry, .tree = &in->tree, .problems = &in->problems};
    struct object_reader_args args = {.flags = DLFW_OBJECT_EXPLORE};
    dlfw_status st = split_uri(in, err);

    if (st >= 0)
        st = find_format(in, err);
    if (st < 0)
        return st;
    put_text(in->document, "format", in->iface->iface->name);
    st = create_format(in, err);
    if (st < 0)
        return st;
    storage.uri = storage.name = in->root;
    st = storage_open(&storage, &in->storage, err);
    if (st < 0)
        return st;
    if (!in->args->no_verify)
        args.flags |= DLFW_OBJECT_VERIFY;
    args.storage = in->storage;
    args.key = in->key;
    args.format_iface = in->iface;
    args.format = in->format;
    return object_reader_open(&args, &in->reader, err);
}

static dlfw_status put_units(struct inspection *in, dlfw_error *err)
{
    const dlfw_format_ops *ops = &in->iface->ops.format;
    dlfw_reader *reader = object_reader_reader(in->reader);
    uint64_t units = ops->unit_count(reader);
    json_t *list = json_array();
    dlfw_status st = DLFW_OK;

    for (uint64_t i = 0; i < units && i < in->args->units; i++) {
        dlfw_unit_info info = {.struct_size = sizeof info};
        json_t *item = json_object();

        st = ops->unit_info(reader, i, &info, err);
        if (st < 0) {
            json_decref(item);
            break;
        }
        put_u64(item, "first_sample", info.first_sample);
        put_u64(item, "samples", info.samples);
        put_u64(item, "stored_bytes", info.stored_bytes);
        put_u64(item, "decoded_bytes", info.out_bytes);
        json_array_append_new(list, item);
    }
    put_u64(in->document, "bytes", object_reader_size(in->reader));
    put_u64(in->document, "units", units);
    if (in->args->units)
        put_value(in->document, "unit_list", json_incref(list));
    json_decref(list);
    return st;
}

static dlfw_status put_contents(struct inspection *in, dlfw_error *err)
{
    const dlfw_format_ops *ops = &in->iface->ops.format;
    struct inspect_tree tree;
    dlfw_status st = DLFW_OK;

    inspect_tree_begin(&tree);
    if (ops->describe)
        st = ops->describe(object_reader_reader(in->reader), &tree.describe, err);
    put_value(in->document, "contents", inspect_tree_end(&tree));
    return st;
}

/* Everything about the file into in->document; the first failure is kept as what is wrong with it. */
static dlfw_status examine(struct inspection *in, dlfw_error *err)
{
    struct error_slot later;
    dlfw_status st, described;

    error_slot_init(&later);
    st = open_reader(in, err);
    if (st < 0)
        return st;
    if (!in->args->no_verify)
        st = object_reader_verify_all(in->reader, err);
    if (st == DLFW_E_CANCELLED)
        return st;
    described = put_units(in, &later.e);
    if (described >= 0)
        described = put_contents(in, &later.e);
    if (st < 0 || described >= 0)
        return st;
    error_copy(err, &later.e);
    return described;
}

static void add_field(struct str *out, const json_t *document, const char *key, const char *before)
{
    const json_t *value = json_object_get(document, key);

    if (json_is_integer(value) && json_integer_value(value) == 1)
        str_add_format(out, "%s1 %.*s", before, (int)strlen(key) - 1, key); /* keys are plurals */
    else if (json_is_integer(value))
        str_add_format(out, "%s%" JSON_INTEGER_FORMAT " %s", before, json_integer_value(value), key);
    else if (json_is_string(value))
        str_add_format(out, "%s%s", before, json_string_value(value));
}

static void print_text(const json_t *document)
{
    const char *uri = json_string_value(json_object_get(document, "uri"));
    const json_t *problem = json_object_get(document, "problem"), *item;
    struct str out = STR_EMPTY;
    size_t i;

    utf8_add_escaped(&out, uri, strlen(uri));
    add_field(&out, document, "format", ": ");
    add_field(&out, document, "bytes", ", ");
    add_field(&out, document, "units", ", ");
    str_add(&out, "\n");
    inspect_tree_text(json_object_get(document, "contents"), 2, &out);
    json_array_foreach(json_object_get(document, "unit_list"), i, item)
    {
        str_add_format(&out, "  unit %zu\n", i);
        inspect_tree_facts(item, 4, &out);
    }
    str_add_format(&out, "  checks: %s\n",
                   json_string_value(json_is_string(problem) ? problem : json_object_get(document, "checks")));
    fputs(out.data, stdout);
    str_free(&out);
}

static int print_json(const json_t *document)
{
    int failed = json_dumpf(document, stdout, JSON_INDENT(2));

    printf("\n");
    return failed;
}

static void inspection_close(struct inspection *in)
{
    object_reader_close(in->reader);
    if (in->format)
        in->iface->ops.format.destroy(in->format);
    storage_close(in->storage);
    json_decref(in->document);
    node_tree_free(&in->tree);
    problem_list_free(&in->problems);
    free(in->root);
    free(in->key);
}

static bool inspect_file(const struct arguments *args, struct registry *registry, const char *uri)
{
    struct inspection *in = xcalloc(1, sizeof *in);
    struct error_slot err;
    dlfw_status st;

    error_slot_init(&err);
    in->args = args;
    in->registry = registry;
    in->uri = uri;
    in->document = json_object();
    put_text(in->document, "uri", uri);
    st = examine(in, &err.e);
    put_text(in->document, "checks",
             st == DLFW_E_CORRUPT        ? "damaged"
             : st < 0 || args->no_verify ? "not checked"
                                         : "ok");
    put_value(in->document, "problem", st < 0 ? put_new_text(err.text) : json_null());
    if (st < 0)
        log_error("%s: %s", uri, err.text);
    if (args->json && print_json(in->document) != 0)
        st = DLFW_E_IO;
    if (!args->json && in->reader)
        print_text(in->document);
    inspection_close(in);
    free(in);
    return st >= 0;
}

enum { OPT_PLUGIN_DIR = 256, OPT_FORMAT, OPT_NO_VERIFY, OPT_JSON, OPT_UNITS };

static const struct option long_options[] = {
    {"plugin-dir", required_argument, NULL, OPT_PLUGIN_DIR}, {"format", required_argument, NULL, OPT_FORMAT},
    {"no-verify", no_argument, NULL, OPT_NO_VERIFY},         {"json", no_argument, NULL, OPT_JSON},
    {"units", required_argument, NULL, OPT_UNITS},           {NULL, 0, NULL, 0}};

static bool parse_units(const char *text, uint64_t *ret)
{
    char *end = NULL;

    if (*text < '0' || *text > '9' || strlen(text) > 18)
        return false;
    *ret = strtoull(text, &end, 10);
    return !*end;
}

static int parse(int argc, char **argv, struct arguments *args)
{
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        switch (c) {
        case OPT_PLUGIN_DIR:
            args->plugin_dir = optarg;
            break;
        case OPT_FORMAT:
            args->format = optarg;
            break;
        case OPT_NO_VERIFY:
            args->no_verify = true;
            break;
        case OPT_JSON:
            args->json = true;
            break;
        case OPT_UNITS:
            if (!parse_units(optarg, &args->units))
                return cmd_usage_error(&cmd_inspect, "'%s' is no number of units", optarg);
            break;
        default:
            return cmd_usage_error(&cmd_inspect, c == ':' ? "'%s' needs a value" : "'%s' is not an option",
                                   argv[optind - 1]);
        }
    }
    return optind < argc ? EXIT_OK : cmd_usage_error(&cmd_inspect, "no file is given");
}

static int inspect(int argc, char **argv)
{
    struct arguments args = {0};
    struct registry registry = {0};
    struct error_slot err;
    int status = parse(argc, argv, &args);

    if (status != EXIT_OK)
        return status;
    error_slot_init(&err);
    signals_install();
    put_begin();
    if (registry_scan(&registry, args.plugin_dir, &err.e) < 0) {
        log_error("%s", err.text);
        registry_free(&registry);
        return EXIT_FAILED;
    }
    for (int i = optind; i < argc && status != EXIT_INTERRUPTED; i++) {
        if (!inspect_file(&args, &registry, argv[i]))
            status = EXIT_FAILED;
        if (atomic_load(&host_cancel_level))
            status = EXIT_INTERRUPTED;
    }
    registry_free(&registry);
    return status;
}

const struct command cmd_inspect = {
    .name = "inspect",
    .summary = "show what files of any format hold and whether they are whole",
    .usage = "usage: dlfw inspect [--format NAME] [--no-verify] [--json] [--units N] [--plugin-dir DIR] URI...\n"
             "\n"
             "Shows arrays, images, records and so on, with shapes, types and sizes, and reads each file whole to\n"
             "verify its structure and checksums; exit status 1 when one is damaged.\n"
             "\n"
             "  --format NAME     the format of all files (default: each by its extension)\n"
             "  --no-verify       read no more than it takes to say what a file holds\n"
             "  --json            one JSON document per file\n"
             "  --units N         also list the first N units of reading\n"
             "  --plugin-dir DIR  look for plugins here first\n",
    .run = inspect,
};
