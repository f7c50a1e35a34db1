/* SPDX-License-Identifier: Apache-2.0 */
/* dataset.parquet.columns and select: what columns generated files have and which are read. */
#include "parquet.h"

#include "column_type.h"
#include "parquet_format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 100000u
#define NAME_MAX_BYTES 1024u
#define SIZE_MAX_ITEMS (UINT64_C(1) << 31) /* a page's values are counted in 31 bits */

static dlfw_status refuse(const struct dlfw_format *fmt, const dlfw_node *node, dlfw_error *err, const char *what,
                          const char *name)
{
    char where[128];

    fmt->host->node_where(node, where, sizeof where);
    return dlfw_fail(err, DLFW_E_CONFIG, "%s: column '%s' %s", where, name, what);
}

static dlfw_status check_name(const struct dlfw_format *fmt, const dlfw_node *node, const char *name, uint32_t len,
                              uint32_t known, dlfw_error *err)
{
    if (!len || len > NAME_MAX_BYTES || strlen(name) != len)
        return refuse(fmt, node, err, "needs a name of 1 to 1024 bytes", name);
    if (strchr(name, '.'))
        return refuse(fmt, node, err, "has a dot in its name, which would make a path of it", name);
    for (uint32_t i = 0; i < known; i++)
        if (strcmp(fmt->columns[i].name, name) == 0)
            return refuse(fmt, node, err, "is there twice", name);
    return DLFW_OK;
}

/* size means items of a list, or bytes of binary; the others are one value. */
static dlfw_status read_size(const struct dlfw_format *fmt, const dlfw_node *node, bool is_list_dtype,
                             struct column_spec *col, dlfw_error *err)
{
    const dlfw_node *size = fmt->host->node_get(node, "size");
    dlfw_status st;

    col->size = 1;
    if (size) {
        st = fmt->host->node_u64(size, &col->size, err);
        if (st < 0)
            return st;
    }
    if (!col->size || col->size >= SIZE_MAX_ITEMS)
        return refuse(fmt, size, err, "needs a size from 1 to 2147483647", col->name);
    if (col->type->kind == VALUE_BINARY)
        return DLFW_OK;
    if (col->size > 1 && (col->type->kind == VALUE_STRING || col->type->kind == VALUE_BIT))
        return refuse(fmt, size, err, "holds one value per row: remove its size", col->name);
    col->is_list = is_list_dtype || col->size > 1;
    return DLFW_OK;
}

static dlfw_status check_keys(const struct dlfw_format *fmt, const dlfw_node *node, const char *name, dlfw_error *err)
{
    static const char *const known[] = {"name", "dtype", "size", "read"};
    uint32_t count = fmt->host->node_count(node);

    for (uint32_t i = 0; i < count; i++) {
        const char *key = fmt->host->node_key(node, i);
        uint32_t k = 0;

        while (k < 4 && strcmp(key, known[k]) != 0)
            k++;
        if (k == 4)
            return refuse(fmt, fmt->host->node_at(node, i), err,
                          "has an unknown key; known are name, dtype, size and read", name);
    }
    return DLFW_OK;
}

static dlfw_status read_column(struct dlfw_format *fmt, const dlfw_node *node, dlfw_error *err)
{
    const dlfw_host *host = fmt->host;
    struct column_spec *col = &fmt->columns[fmt->column_count];
    const dlfw_node *name = NULL, *dtype = NULL, *read = NULL;
    const char *text = "float32", *name_text = NULL;
    uint32_t len = 0;
    uint8_t is_read = 1;
    bool is_list_dtype;
    dlfw_status st;

    if (host->node_kind(node) == DLFW_NODE_MAP) {
        name = host->node_get(node, "name");
        dtype = host->node_get(node, "dtype");
        read = host->node_get(node, "read");
    }
    if (name)
        name_text = host->node_str(name, &len);
    if (!name_text)
        return refuse(fmt, node, err, "must be a mapping {name, dtype, size, read} with a name", "");
    st = check_name(fmt, name, name_text, len, fmt->column_count, err);
    if (st >= 0)
        st = check_keys(fmt, node, name_text, err);
    if (st < 0)
        return st;
    if (dtype)
        text = host->node_str(dtype, NULL);
    is_list_dtype = text && strcmp(text, "list") == 0;
    col->type = text ? column_type_find(is_list_dtype ? "float32" : text) : NULL;
    if (!col->type)
        return refuse(fmt, dtype, err,
                      "has an unknown dtype; known are uint8 to uint64, int8 to int64, float16, float32, float64, "
                      "bool, list, string and binary",
                      name_text);
    if (read)
        st = host->node_bool(read, &is_read, err);
    if (st < 0)
        return st;
    col->is_read = is_read;
    col->name = name_text;
    fmt->column_count++;
    return read_size(fmt, node, is_list_dtype, col, err);
}

static dlfw_status read_columns(struct dlfw_format *fmt, dlfw_error *err)
{
    const dlfw_node *list = fmt->options->columns;
    uint32_t count;
    dlfw_status st = DLFW_OK;

    if (!list || fmt->host->node_kind(list) == DLFW_NODE_NULL)
        return DLFW_OK;
    count = fmt->host->node_count(list);
    if (fmt->host->node_kind(list) != DLFW_NODE_LIST || count > COLUMNS_MAX)
        return fmt->host->config_fail(fmt->host_ctx, "columns", "must be a list of at most 100000 columns", err);
    if (!count)
        return DLFW_OK;
    fmt->columns = calloc(count, sizeof *fmt->columns);
    if (!fmt->columns)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for %" PRIu32 " columns of format 'parquet'", count);
    for (uint32_t i = 0; i < count && st >= 0; i++)
        st = read_column(fmt, fmt->host->node_at(list, i), err);
    return st;
}

static dlfw_status check_select(struct dlfw_format *fmt, dlfw_error *err)
{
    const dlfw_str_list *select = &fmt->options->select;

    for (uint32_t i = 0; i < select->count && fmt->column_count; i++) {
        bool found = false;

        for (uint32_t c = 0; c < fmt->column_count && !found; c++)
            found = strcmp(fmt->columns[c].name, select->items[i]) == 0;
        if (!found)
            return fmt->host->config_fail(fmt->host_ctx, "select", "names a column that columns does not have", err);
    }
    fmt->selection = (struct parquet_selection){.names = select->items, .count = select->count};
    return DLFW_OK;
}

/* Without select: the columns that are not read: false. */
static dlfw_status select_read_columns(struct dlfw_format *fmt, dlfw_error *err)
{
    uint32_t n = 0;

    if (!fmt->column_count)
        return DLFW_OK;
    fmt->selected = calloc(fmt->column_count, sizeof *fmt->selected);
    if (!fmt->selected)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for the columns of format 'parquet'");
    for (uint32_t i = 0; i < fmt->column_count; i++)
        if (fmt->columns[i].is_read)
            fmt->selected[n++] = fmt->columns[i].name;
    if (!n)
        return fmt->host->config_fail(fmt->host_ctx, "columns", "every column has read: false, nothing would be read",
                                      err);
    fmt->selection = (struct parquet_selection){.names = fmt->selected, .count = n};
    return DLFW_OK;
}

dlfw_status parquet_columns_init(struct dlfw_format *fmt, dlfw_error *err)
{
    dlfw_status st = read_columns(fmt, err);

    if (st < 0)
        return st;
    return fmt->options->select.count ? check_select(fmt, err) : select_read_columns(fmt, err);
}

void parquet_columns_free(struct dlfw_format *fmt)
{
    free(fmt->columns);
    free(fmt->selected);
}
