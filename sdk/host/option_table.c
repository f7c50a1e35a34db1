/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin's option table checked before anything is stored through it: after this no row can write outside the options
 * struct, and every default is a value that the user could have written.
 */
#include "option_value.h"

#include <stdio.h>
#include <string.h>

/* The size of a row at ABI 1.0: forever the smallest that is accepted. */
#define OPTION_SIZE_1_0 (offsetof(dlfw_option, help) + sizeof(((dlfw_option *)0)->help))

static bool name_is_good(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

    return len > 0 && len < 64 && name[len] == '\0' && !strchr("0123456789-", name[0]);
}

static dlfw_status check_text(const dlfw_option *row, dlfw_error *err)
{
    if (!row->help || !*row->help || strchr(row->help, '\n'))
        return dlfw_fail(err, DLFW_E_INVALID, "needs a help text of one line");
    if (row->type == DLFW_TYPE_ENUM && (!row->choices || !row->choices[0]))
        return dlfw_fail(err, DLFW_E_INVALID, "is a choice without choices");
    if (row->type != DLFW_TYPE_ENUM && row->choices)
        return dlfw_fail(err, DLFW_E_INVALID, "has choices but is of type %s", option_type_name(row->type));
    if ((row->min || row->max) && !option_type_is_ordered(row->type))
        return dlfw_fail(err, DLFW_E_INVALID, "has a range, which type %s does not know", option_type_name(row->type));
    if (row->replaced_by && !(row->flags & DLFW_OPT_DEPRECATED))
        return dlfw_fail(err, DLFW_E_INVALID, "names '%s' as its replacement but is not deprecated", row->replaced_by);
    return DLFW_OK;
}

static dlfw_status check_place(const dlfw_option *row, uint32_t options_size, dlfw_error *err)
{
    uint32_t want = option_field_size(row->type);
    uint32_t align = want < 8 ? want : 8;

    if (!want)
        return dlfw_fail(err, DLFW_E_INVALID, "is of type %u, which this dlfw does not know", row->type);
    if (row->offset == DLFW_OPT_UNBOUND)
        return DLFW_OK;
    if (row->field_size != want)
        return dlfw_fail(err, DLFW_E_INVALID, "is of type %s, which takes %u bytes, but its member has %u",
                         option_type_name(row->type), want, row->field_size);
    if (row->offset > options_size || options_size - row->offset < want || row->offset % align)
        return dlfw_fail(err, DLFW_E_INVALID,
                         "has its member at %u, outside or misaligned in an options struct of %u bytes", row->offset,
                         options_size);
    return DLFW_OK;
}

static dlfw_status check_default(const dlfw_option *row, dlfw_error *err)
{
    union option_value low, high, value;
    dlfw_status st = DLFW_OK;

    if (row->min)
        st = option_value_parse(row, row->min, &low, err);
    if (st == DLFW_OK && row->max)
        st = option_value_parse(row, row->max, &high, err);
    /* the maximum lies in the range exactly when the range is not empty */
    if (st == DLFW_OK && row->min && row->max)
        st = option_value_check(row, row->max, &value, err);
    if (st < 0 || !row->def)
        return st;
    if (row->flags & DLFW_OPT_REQUIRED)
        return dlfw_fail(err, DLFW_E_INVALID, "is required and yet has a default");
    if (row->type == DLFW_TYPE_NODE)
        return dlfw_fail(err, DLFW_E_INVALID, "is of type node, which cannot have a default");
    if (row->type == DLFW_TYPE_SECRET && strncmp(row->def, "env:", 4) != 0)
        return dlfw_fail(err, DLFW_E_INVALID, "is a secret, whose default can only be env:NAME");
    return row->type == DLFW_TYPE_LIST_STR ? DLFW_OK : option_value_check(row, row->def, &value, err);
}

static dlfw_status check_row(const dlfw_option *rows, uint32_t count, uint32_t index, uint32_t options_size,
                             dlfw_error *err)
{
    const dlfw_option *row = option_row(rows, index);
    dlfw_status st;

    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(option_row(rows, i)->name, row->name) == 0)
            return dlfw_fail(err, DLFW_E_INVALID, "has the name of option %u", i + 1);
    }
    st = check_place(row, options_size, err);
    if (st == DLFW_OK)
        st = check_text(row, err);
    if (st == DLFW_OK)
        st = check_default(row, err);
    if (st == DLFW_OK && row->replaced_by && !option_find(rows, count, row->replaced_by))
        st = dlfw_fail(err, DLFW_E_INVALID, "is replaced by '%s', which is no option", row->replaced_by);
    return st;
}

dlfw_status option_table_check(const dlfw_option *rows, uint32_t count, uint32_t options_size, dlfw_error *err)
{
    char text[256];
    dlfw_error why = {.struct_size = sizeof why, .message = text, .message_cap = sizeof text};

    if (count && !rows)
        return dlfw_fail(err, DLFW_E_INVALID, "declares %u options but has no table", count);
    if (count && (rows->struct_size < OPTION_SIZE_1_0 || rows->struct_size % _Alignof(dlfw_option)))
        return dlfw_fail(err, DLFW_E_INVALID, "option rows are %u bytes, at least %zu are needed", rows->struct_size,
                         OPTION_SIZE_1_0);
    for (uint32_t i = 0; i < count; i++) {
        const dlfw_option *row = option_row(rows, i);

        if (row->struct_size != rows->struct_size)
            return dlfw_fail(err, DLFW_E_INVALID, "option row %u says that it is %u bytes, the first one says %u",
                             i + 1, row->struct_size, rows->struct_size);
        if (!row->name || !name_is_good(row->name))
            return dlfw_fail(err, DLFW_E_INVALID, "option row %u has no usable name", i + 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (check_row(rows, count, i, options_size, &why) < 0)
            return dlfw_fail(err, DLFW_E_INVALID, "option '%s' %s%s", option_row(rows, i)->name,
                             why.message[0] == '\'' ? "has a bad default or range: " : "", text);
    }
    return DLFW_OK;
}
