/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw stat`: all that a storage tells about objects. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/storage_output.h"
#include "plugin/host_table.h"
#include "report/json_put.h"
#include "report/units.h"

static void md5_text(const uint8_t md5[16], char text[33])
{
    for (int i = 0; i < 16; i++)
        snprintf(text + 2 * i, 3, "%02x", md5[i]);
}

static void add_field(struct str *text, const char *name, const char *value)
{
    if (!value)
        return;
    str_add_format(text, "%-17s ", name);
    name_add(text, value, strlen(value), true);
    str_add(text, "\n");
}

static void print_text(const char *uri, const struct io_object_info *info)
{
    char number[80], when[40], md5[33];
    struct str text = STR_EMPTY;

    add_field(&text, "uri:", uri);
    if (info->size != UINT64_MAX) {
        snprintf(number, sizeof number, "%" PRIu64 " (%s)", info->size, unit_bytes((double)info->size).text);
        add_field(&text, "size:", number);
    }
    if (info->mtime_ns) {
        time_text(info->mtime_ns, true, when, sizeof when);
        add_field(&text, "modified:", when);
    }
    add_field(&text, "etag:", info->etag);
    if (info->has_crc32c) {
        snprintf(number, sizeof number, "%08" PRIx32, info->crc32c);
        add_field(&text, "crc32c:", number);
    }
    if (info->has_md5) {
        md5_text(info->md5, md5);
        add_field(&text, "md5:", md5);
    }
    add_field(&text, "content type:", info->content_type);
    add_field(&text, "content encoding:", info->content_encoding);
    add_field(&text, "storage class:", info->storage_class);
    add_field(&text, "version:", info->version);
    for (const char *line = info->metadata; line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
        char *one = xstrndup(line, strcspn(line, "\n"));

        add_field(&text, "metadata:", one);
        free(one);
    }
    tool_print(text.data);
    str_free(&text);
}

/* "name: value\n" lines as an object. */
static json_t *metadata_object(const char *lines)
{
    json_t *object = json_object();

    while (*lines) {
        size_t len = strcspn(lines, "\n"), name_len = strcspn(lines, ":\n");
        char *name = xstrndup(lines, name_len);
        char *value = name_len < len ? xstrndup(lines + name_len + 1, len - name_len - 1) : xstrdup("");

        if (json_object_set_new(object, name, put_new_text(value + strspn(value, " "))) != 0)
            log_warning("metadata with the name '%s' is left out: it is no UTF-8", name);
        free(value);
        free(name);
        lines += len + (lines[len] == '\n');
    }
    return object;
}

static void print_json(const char *uri, const struct io_object_info *info)
{
    char text[40];
    json_t *o = json_object();

    put_text(o, "uri", uri);
    if (info->size != UINT64_MAX)
        put_u64(o, "size", info->size);
    if (info->mtime_ns) {
        time_text(info->mtime_ns, true, text, sizeof text);
        put_text(o, "mtime", text);
    }
    put_text(o, "etag", info->etag);
    if (info->has_crc32c) {
        snprintf(text, sizeof text, "%08" PRIx32, info->crc32c);
        put_text(o, "crc32c", text);
    }
    if (info->has_md5) {
        md5_text(info->md5, text);
        put_text(o, "md5", text);
    }
    put_text(o, "content_type", info->content_type);
    put_text(o, "content_encoding", info->content_encoding);
    put_text(o, "storage_class", info->storage_class);
    put_text(o, "version", info->version);
    if (info->metadata)
        put_value(o, "metadata", metadata_object(info->metadata));
    tool_print_json(o);
}

static int stat_all(struct tool *t, char **uris, int count)
{
    int status = tool_start(t);

    for (int i = 0; i < count && status != EXIT_INTERRUPTED && !ferror(stdout); i++) {
        struct io_object_info info = {0};
        struct error_slot err;
        dlfw_status st;

        error_slot_init(&err);
        st = tool_info(t, uris[i], &info, &err.e);
        if (st < 0) {
            status = tool_exit(st, &err);
        } else if (t->json) {
            print_json(uris[i], &info);
        } else {
            if (i)
                tool_print("\n");
            print_text(uris[i], &info);
        }
        io_object_info_free(&info);
    }
    return tool_finish_output(status);
}

static const struct option long_options[] = {TOOL_LONG_OPTIONS_OF_STORAGE, TOOL_LONG_OPTION_JSON, {NULL, 0, NULL, 0}};

static int run(int argc, char **argv)
{
    struct tool t = {.command = &cmd_stat};
    int c, status = EXIT_OK;

    opterr = 0;
    while (status == EXIT_OK && (c = getopt_long(argc, argv, ":o:", long_options, NULL)) != -1)
        status = tool_option(&t, c, argv);
    if (status == EXIT_OK && argc == optind)
        status = cmd_usage_error(&cmd_stat, "no URI is given");
    if (status == EXIT_OK)
        status = stat_all(&t, argv + optind, argc - optind);
    tool_end(&t);
    return status;
}

const struct command cmd_stat = {
    .name = "stat",
    .summary = "show what a storage tells about an object",
    .usage = "usage: dlfw stat [--json] URI...\n"
             "\n"
             "Shows size, time of the last change, checksums, type and metadata, as far as the storage knows them.\n"
             "\n"
             "  --json                   one object per line\n" TOOL_USAGE_OF_STORAGE,
    .run = run,
};
