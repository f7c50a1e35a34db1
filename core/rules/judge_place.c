/* SPDX-License-Identifier: Apache-2.0 */
/* Data and results must not lie on one file system (v3.0): what is written about the run would be part of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "io/uri.h"
#include "rules/judge.h"

/* The device of path or, before a run, of the nearest folder above it that exists. */
static bool device_of(const char *path, bool may_be_above, dev_t *ret)
{
    char *at = xstrdup(path);
    struct stat st;
    bool good;

    while (!(good = stat(at, &st) == 0) && may_be_above && errno == ENOENT) {
        char *slash = strrchr(at, '/');

        if (!slash) {
            good = stat(".", &st) == 0;
            break;
        }
        slash[slash == at] = '\0';
        if (slash == at && strcmp(path, "/") == 0)
            break;
    }
    *ret = good ? st.st_dev : 0;
    free(at);
    return good;
}

static bool is_local(const struct run_config *cfg, const struct uri *uri, bool has_scheme)
{
    const char *kind = has_scheme ? uri->scheme : cfg->storage.storage_type;

    return strcmp(kind, "file") == 0 || strcmp(kind, "direct") == 0 || strcmp(kind, "local_fs") == 0;
}

static char *data_place(const struct rule_book *book, struct subject *s)
{
    const char *folder;

    if (s->kind != KIND_CHECKPOINTING)
        return uri_join(s->cfg.storage.storage_root, s->cfg.dataset.data_folder);
    folder = subject_value(book, s, "checkpoint.checkpoint_folder");
    return xstrdup(folder ? folder : "./checkpoints/");
}

static const char *results_place(const struct subject *s)
{
    if (s->finished)
        return s->name;
    if (s->cfg.output.folder)
        return s->cfg.output.folder;
    return s->cfg.hydra_run_dir ? s->cfg.hydra_run_dir : "./hydra_log";
}

static void compare(struct subject *s, const char *data, const char *results)
{
    struct arena *arena = &s->findings.arena;
    const char *both = arena_format(arena, "data in '%s', results in '%s'", data, results);
    dev_t data_device = 0, results_device = 0;
    bool same;

    if (!device_of(data, !s->finished, &data_device) || !device_of(results, !s->finished, &results_device)) {
        finding_add(&s->findings, LEVEL_NOTE, RULE_FILE_SYSTEMS, both, "two file systems",
                    "they cannot be compared: one of the folders is not on this machine");
        return;
    }
    same = data_device == results_device;
    finding_add(&s->findings, same ? LEVEL_INVALID : LEVEL_OK, RULE_FILE_SYSTEMS, both, "two file systems",
                same ? "they are on the same one; results must not be written to the storage under test" : NULL);
}

void judge_place(const struct rule_book *book, struct subject *s)
{
    struct arena *arena = &s->findings.arena;
    char *data;
    struct uri uri = {0};
    struct error_slot err;

    error_slot_init(&err);
    if (!book->version->separate_file_systems)
        return;
    data = data_place(book, s);
    if (uri_parse(data, &uri, &err.e) < 0)
        finding_add(&s->findings, LEVEL_INVALID, RULE_FILE_SYSTEMS, arena_format(arena, "data in '%s'", data), NULL,
                    arena_format(arena, "%s", err.text));
    else if (is_local(&s->cfg, &uri, uri_has_scheme(data)))
        compare(s, uri.path, results_place(s));
    else
        finding_add(&s->findings, LEVEL_OK, RULE_FILE_SYSTEMS, arena_format(arena, "data in '%s'", data), NULL,
                    "which is no file system");
    uri_free(&uri);
    free(data);
}
