/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the hdf5 plugin share: an instance with any options, and files from the golden folder. */
#ifndef DLFW_TESTS_HDF5_FIXTURE_H
#define DLFW_TESTS_HDF5_FIXTURE_H

#include "support/format_driver.h"

#include <check.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HDF5_PLUGIN PLUGIN_DIR "/dlfw-format-hdf5.so"

struct hdf5_setting {
    const char *name;
    const char *value; /* of a list: its items with commas between them */
};

static struct {
    char text[16][64];
    const char *items[4][16];
    uint32_t texts, lists;
} hdf5_memory;

static inline dlfw_status hdf5_config_fail(void *ctx, const char *option, const char *text, dlfw_error *err)
{
    (void)ctx;
    return dlfw_fail(err, DLFW_E_CONFIG, "'%s' %s", option, text);
}

static inline uint64_t hdf5_content_check(uint64_t seed, uint64_t object, uint64_t offset, const void *data,
                                          uint64_t len)
{
    uint8_t *good = malloc(len + 1);
    uint64_t same = 0;

    format_driver_content(seed, object, offset, good, len);
    while (same < len && good[same] == ((const uint8_t *)data)[same])
        same++;
    free(good);
    return same;
}

static inline void hdf5_set_list(dlfw_str_list *list, const char *value)
{
    const char **items = hdf5_memory.items[hdf5_memory.lists++ % 4];

    *list = (dlfw_str_list){.items = items};
    while (*value) {
        char *text = hdf5_memory.text[hdf5_memory.texts++ % 16];
        size_t len = strcspn(value, ",");

        snprintf(text, 64, "%.*s", (int)len, value);
        items[list->count++] = text;
        value += len + (value[len] == ',');
    }
}

/* As format_driver_load, which knows no lists. settings end with a NULL name. Returns what create() returned. */
static inline dlfw_status hdf5_load(struct format_driver *d, const struct hdf5_setting *settings, dlfw_error *err)
{
    dlfw_create_args args = {.struct_size = sizeof args, .instance = "test", .numa_node = -1};
    const dlfw_plugin *plugin;
    const dlfw_iface *iface;
    dlfw_status st;

    *d = (struct format_driver){.file = dlopen(HDF5_PLUGIN, RTLD_NOW | RTLD_LOCAL)};
    ck_assert_msg(d->file, "%s", dlerror());
    plugin = dlsym(d->file, "dlfw_plugin_v1");
    iface = plugin->ifaces[0];
    d->ops = iface->ops;
    d->host = (dlfw_host){.struct_size = sizeof d->host,
                          .abi_major = DLFW_ABI_MAJOR,
                          .version = "test",
                          .config_fail = hdf5_config_fail,
                          .content_fill = format_driver_content,
                          .content_check = hdf5_content_check};
    d->options = calloc(1, iface->options_size);
    for (uint32_t i = 0; i < iface->option_count; i++) {
        const dlfw_option *row = &iface->options[i];
        const char *value = row->def;
        char *field = (char *)d->options + row->offset;
        uint32_t choice = 0;

        for (const struct hdf5_setting *s = settings; s && s->name; s++)
            if (strcmp(s->name, row->name) == 0)
                value = s->value;
        if (!value)
            continue;
        if (row->type == DLFW_TYPE_LIST_STR)
            hdf5_set_list((dlfw_str_list *)(void *)field, value);
        else if (row->type == DLFW_TYPE_I64)
            memcpy(field, &(int64_t){strtoll(value, NULL, 10)}, 8);
        else if (row->type == DLFW_TYPE_STR)
            memcpy(field, &value, sizeof value);
        for (; row->choices && row->choices[choice]; choice++)
            if (strcmp(row->choices[choice], value) == 0)
                memcpy(field, &choice, sizeof choice);
    }
    args.host = &d->host;
    args.options = d->options;
    st = d->ops->create(&args, &d->fmt, err);
    if (st < 0) {
        free(d->options);
        dlclose(d->file);
    }
    return st;
}

static inline uint8_t *hdf5_golden(const char *name, uint64_t *size)
{
    char path[512];
    uint8_t *data = malloc(1 << 20);
    FILE *f;

    snprintf(path, sizeof path, GOLDEN_DIR "/%s", name);
    f = fopen(path, "rb");
    ck_assert_msg(f && data, "%s", path);
    *size = fread(data, 1, 1 << 20, f);
    fclose(f);
    return data;
}

#endif
