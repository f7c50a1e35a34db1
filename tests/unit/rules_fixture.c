/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/rules_fixture.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool has_finding(const struct finding_list *list, uint32_t rule, uint32_t level, const char *text)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct finding *f = &list->items[i];

        if (f->rule == rule && f->level == level &&
            (!text || strstr(f->found, text) || (f->wanted && strstr(f->wanted, text)) ||
             (f->why && strstr(f->why, text))))
            return true;
    }
    return false;
}

char *findings_text(const struct finding_list *list)
{
    struct str out = STR_EMPTY;
    char *copy;

    for (uint32_t i = 0; i < list->count; i++) {
        const struct finding *f = &list->items[i];

        str_add_format(&out, "\n%s %s: %s; %s; %s", finding_level_name(f->level), rule_name(f->rule), f->found,
                       f->wanted ? f->wanted : "", f->why ? f->why : "");
    }
    copy = xstrdup(out.data);
    str_free(&out);
    return copy;
}

static void write_text(const struct results_folder *folder, const char *name, const char *text, const char *leave_out)
{
    char *path = xformat("%s/%s", folder->path, name);
    FILE *f;

    if (!leave_out || strcmp(name, leave_out) != 0) {
        f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        fputs(text, f);
        ck_assert_int_eq(fclose(f), 0);
    }
    free(path);
}

/* Replaces the first place; the text must be there. */
static void replace(struct str *text, const char *what, const char *with)
{
    char *at = strstr(text->data, what), *rest;

    ck_assert_msg(at != NULL, "'%s' is not in the configuration", what);
    rest = xstrdup(at + strlen(what));
    text->len = (size_t)(at - text->data);
    str_add(text, with);
    str_add(text, rest);
    free(rest);
}

static void write_config(const struct results_folder *folder, const struct results_shape *shape, const char *subdir)
{
    char *path = xformat("%s/%s.yaml", EXAMPLES_DIR, shape->example ? shape->example : "unet3d_h100");
    char *name = xformat("%s/config.yaml", subdir), line[512];
    struct str text = STR_EMPTY;
    FILE *f = fopen(path, "r");

    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f)) {
        if (shape->files && strstr(line, "num_files_train:"))
            snprintf(line, sizeof line, "  num_files_train: %s\n", shape->files);
        str_add(&text, line);
    }
    fclose(f);
    if (shape->config_edit[0])
        replace(&text, shape->config_edit[0], shape->config_edit[1]);
    write_text(folder, name, text.data, shape->leave_out);
    str_free(&text);
    free(name);
    free(path);
}

static void write_summary(const struct results_folder *folder, const struct results_shape *shape)
{
    char *text =
        xformat("{%s \"start\": \"%s\", \"end\": \"%s\", \"num_accelerators\": %u, \"num_hosts\": 1,"
                "\"hostname\": \"n1\", \"metric\": %s, \"num_files_train\": %s, \"host_memory_GB\": [64.0],"
                "\"potential_caching\": [0], \"epochs\": 5,"
                "\"dlfw\": {%s \"version\": \"0\", \"status\": \"ok\", \"storage\": {\"real_data\": true},"
                "\"coverage\": [{\"epoch\": 1, \"train\": {\"ok\": true}}]}}",
                shape->summary ? shape->summary : "", shape->start ? shape->start : "2026-01-31T12:00:00.000000",
                shape->end ? shape->end : "2026-01-31T12:10:00.500000", shape->ranks ? shape->ranks : 1,
                shape->metric ? shape->metric
                              : "{\"train_au_mean_percentage\": 95.5,"
                                "\"train_throughput_mean_samples_per_second\": 20.0}",
                shape->files ? shape->files : "0", shape->dlfw ? shape->dlfw : "");

    write_text(folder, "summary.json", text, shape->leave_out);
    free(text);
}

void results_make(struct results_folder *folder, const struct results_shape *shape)
{
    const char *subdir = shape->subdir ? shape->subdir : "dlio_config";
    char name[256];

    snprintf(folder->path, sizeof folder->path, "/tmp/dlfw-rules-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder->path));
    snprintf(name, sizeof name, "%s/%s", folder->path, subdir);
    ck_assert_int_eq(mkdir(name, 0755), 0);
    write_config(folder, shape, subdir);
    snprintf(name, sizeof name, "%s/overrides.yaml", subdir);
    write_text(folder, name, shape->overrides ? shape->overrides : "[]\n", shape->leave_out);
    snprintf(name, sizeof name, "%s/hydra.yaml", subdir);
    write_text(folder, name, "hydra: {}\n", shape->leave_out);
    write_text(folder, "dlio.log", "log\n", shape->leave_out);
    for (unsigned rank = 0; rank < (shape->ranks ? shape->ranks : 1); rank++) {
        snprintf(name, sizeof name, "%u_output.json", rank);
        write_text(folder, name, "{}\n", shape->leave_out);
        snprintf(name, sizeof name, "%u_per_epoch_stats.json", rank);
        write_text(folder, name, "{}\n", shape->leave_out);
    }
    write_summary(folder, shape);
}

static void remove_all(const char *path, int depth)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        char *below = xformat("%s/%s", path, entry->d_name);

        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && unlink(below) != 0 && depth > 0)
            remove_all(below, depth - 1);
        free(below);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

void results_remove(struct results_folder *folder)
{
    remove_all(folder->path, 1);
}
