/* SPDX-License-Identifier: Apache-2.0 */
#include "parquet_fixture.h"

#include <check.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_pair(struct parquet_instance *p, uint32_t column, const char *key, const char *value)
{
    struct dlfw_node *map = &p->maps[column];

    if (!value)
        return;
    p->pairs[column][map->count] = (struct dlfw_node){.kind = DLFW_NODE_SCALAR, .key = key, .text = value};
    map->count++;
}

static void build_columns(struct parquet_instance *p, const struct parquet_column *columns)
{
    p->list = (struct dlfw_node){.kind = DLFW_NODE_LIST, .items = p->maps};
    for (uint32_t i = 0; columns[i].name; i++) {
        ck_assert(i < FIXTURE_COLUMNS);
        p->maps[i] = (struct dlfw_node){.kind = DLFW_NODE_MAP, .items = p->pairs[i]};
        add_pair(p, i, "name", columns[i].name);
        add_pair(p, i, "dtype", columns[i].dtype);
        add_pair(p, i, "size", columns[i].size);
        add_pair(p, i, "read", columns[i].read);
        p->list.count++;
    }
}

static const dlfw_option *find_row(const dlfw_iface *iface, const char *name)
{
    for (uint32_t i = 0; i < iface->option_count; i++)
        if (strcmp(iface->options[i].name, name) == 0)
            return &iface->options[i];
    ck_abort_msg("no option %s", name);
}

/* The driver's instance is made again with the node that the driver cannot give, and with a host that knows nodes. */
void parquet_open(struct parquet_instance *p, const struct parquet_column *columns,
                  const struct format_setting *settings)
{
    struct format_driver *d = &p->driver;
    dlfw_create_args args = {.struct_size = sizeof args, .instance = "test", .numa_node = -1};
    dlfw_error err = {.struct_size = sizeof err, .message = p->message, .message_cap = sizeof p->message};
    const dlfw_node *list = NULL;
    const dlfw_plugin *plugin;

    memset(p, 0, sizeof *p);
    format_driver_load(d, PLUGIN_DIR "/dlfw-format-parquet.so", settings);
    d->ops->destroy(d->fmt);
    d->fmt = NULL;
    if (columns) {
        build_columns(p, columns);
        list = &p->list;
    }
    plugin = dlsym(d->file, "dlfw_plugin_v1");
    memcpy((char *)d->options + find_row(plugin->ifaces[0], "columns")->offset, &list, sizeof list);
    fake_host_init(&p->host);
    p->host.log_level = DLFW_LOG_DEBUG;
    p->host.table.crc32 = d->host.crc32;
    p->host.table.content_fill = d->host.content_fill;
    p->host.table.content_check = d->host.content_check;
    args.host = &p->host.table;
    args.host_ctx = &p->host;
    args.options = d->options;
    p->status = d->ops->create(&args, &d->fmt, &err);
}

static void keep(dlfw_format *fmt)
{
    (void)fmt;
}

void parquet_close(struct parquet_instance *p)
{
    static const dlfw_format_ops none = {.destroy = keep};

    if (p->status < 0)
        p->driver.ops = &none;
    format_driver_close(&p->driver);
}

void parquet_generate(struct parquet_instance *p, uint64_t samples, uint64_t row_bytes, struct memory_sink *ret)
{
    const uint64_t dims[] = {row_bytes ? row_bytes : 1};
    const dlfw_encode_spec spec = {.struct_size = sizeof spec,
                                   .dtype = DLFW_DTYPE_UINT8,
                                   .dims = dims,
                                   .ndim = 1,
                                   .samples = samples,
                                   .seed = FIXTURE_SEED,
                                   .object = FIXTURE_OBJECT};
    char text[512] = "";
    dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};

    ck_assert_msg(p->status == DLFW_OK, "%s", p->message);
    memory_sink_init(ret);
    ck_assert_msg(p->driver.ops->encode(p->driver.fmt, &spec, &ret->sink, &err) == DLFW_OK, "%s", text);
}

uint8_t *parquet_golden(const char *name, uint64_t *size)
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
