/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the text of a value to the member that a row binds, and back to text. Whatever is stored went through
 * option_value_check(), be it the user's value or the table's default.
 */
#include "option_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t field_size;
    bool ordered;
} types[] = {
    [0] = {"unknown", 0, false},
    [DLFW_TYPE_BOOL] = {"bool", sizeof(uint8_t), false},
    [DLFW_TYPE_I64] = {"integer", sizeof(int64_t), true},
    [DLFW_TYPE_U64] = {"unsigned integer", sizeof(uint64_t), true},
    [DLFW_TYPE_F64] = {"number", sizeof(double), true},
    [DLFW_TYPE_STR] = {"string", sizeof(const char *), false},
    [DLFW_TYPE_ENUM] = {"choice", sizeof(uint32_t), false},
    [DLFW_TYPE_SIZE] = {"size", sizeof(uint64_t), true},
    [DLFW_TYPE_DURATION] = {"duration", sizeof(uint64_t), true},
    [DLFW_TYPE_RATE] = {"rate", sizeof(uint64_t), true},
    [DLFW_TYPE_PATH] = {"path", sizeof(const char *), false},
    [DLFW_TYPE_URI] = {"uri", sizeof(const char *), false},
    [DLFW_TYPE_KEY] = {"key", sizeof(const char *), false},
    [DLFW_TYPE_SECRET] = {"secret", sizeof(const char *), false},
    [DLFW_TYPE_LIST_STR] = {"list", sizeof(dlfw_str_list), false},
    [DLFW_TYPE_NODE] = {"node", sizeof(const dlfw_node *), false},
};

static uint32_t type_index(uint16_t type)
{
    return type < sizeof types / sizeof *types ? type : 0;
}

const char *option_type_name(uint16_t type)
{
    return types[type_index(type)].name;
}

uint32_t option_field_size(uint16_t type)
{
    return types[type_index(type)].field_size;
}

bool option_type_is_ordered(uint16_t type)
{
    return types[type_index(type)].ordered;
}

const dlfw_option *option_row(const dlfw_option *rows, uint32_t index)
{
    return (const dlfw_option *)(const void *)((const char *)rows + (size_t)index * rows->struct_size);
}

const dlfw_option *option_find(const dlfw_option *rows, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        const dlfw_option *row = option_row(rows, i);

        if (strcmp(row->name, name) == 0)
            return row;
    }
    return NULL;
}

static dlfw_status parse_choice(const dlfw_option *row, const char *text, uint32_t *ret, dlfw_error *err)
{
    const char *nearest = NULL;
    uint32_t least = 3;
    char list[256] = "";
    size_t len = 0;

    for (uint32_t i = 0; row->choices[i]; i++) {
        uint32_t distance = text_distance(text, row->choices[i], least);
        int n;

        if (strcmp(text, row->choices[i]) == 0) {
            *ret = i;
            return DLFW_OK;
        }
        /* two edits make anything of a two-letter word */
        if (distance < least && distance < strlen(row->choices[i])) {
            least = distance;
            nearest = row->choices[i];
        }
        n = snprintf(list + len, sizeof list - len, "%s%s", i ? ", " : "", row->choices[i]);
        len = n > 0 && len + (size_t)n < sizeof list ? len + (size_t)n : sizeof list - 1;
    }
    return dlfw_fail(err, DLFW_E_INVALID, "'%s' is none of %s%s%s%s", shown_text(text).text, list,
                     nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

dlfw_status option_value_parse(const dlfw_option *row, const char *text, union option_value *ret, dlfw_error *err)
{
    switch (row->type) {
    case DLFW_TYPE_BOOL:
        return text_bool(text, &ret->b, err);
    case DLFW_TYPE_I64:
        return text_i64(text, &ret->i, err);
    case DLFW_TYPE_U64:
        return text_u64(text, &ret->u, err);
    case DLFW_TYPE_F64:
        return text_f64(text, &ret->f, err);
    case DLFW_TYPE_ENUM:
        return parse_choice(row, text, &ret->choice, err);
    case DLFW_TYPE_SIZE:
        return text_size(text, &ret->u, err);
    case DLFW_TYPE_DURATION:
        return text_duration(text, &ret->u, err);
    case DLFW_TYPE_RATE:
        return text_rate(text, &ret->u, err);
    case DLFW_TYPE_STR:
    case DLFW_TYPE_PATH:
    case DLFW_TYPE_URI:
    case DLFW_TYPE_KEY:
    case DLFW_TYPE_SECRET:
        ret->s = text;
        return DLFW_OK;
    default:
        return dlfw_fail(err, DLFW_E_INVALID, "type %u takes no text", row->type);
    }
}

/* -1, 0, 1 as a is below, equal to or above b. */
static int compare(uint16_t type, const union option_value *a, const union option_value *b)
{
    if (type == DLFW_TYPE_I64)
        return (a->i > b->i) - (a->i < b->i);
    if (type == DLFW_TYPE_F64)
        return (a->f > b->f) - (a->f < b->f);
    return (a->u > b->u) - (a->u < b->u);
}

dlfw_status option_value_check(const dlfw_option *row, const char *text, union option_value *ret, dlfw_error *err)
{
    union option_value limit;
    dlfw_status st = option_value_parse(row, text, ret, err);

    if (st < 0 || !option_type_is_ordered(row->type))
        return st;
    if (row->min) {
        st = option_value_parse(row, row->min, &limit, err);
        if (st < 0)
            return st;
        if (compare(row->type, ret, &limit) < 0)
            return dlfw_fail(err, DLFW_E_INVALID, "'%s' is below the minimum %s", shown_text(text).text, row->min);
    }
    if (row->max) {
        st = option_value_parse(row, row->max, &limit, err);
        if (st < 0)
            return st;
        if (compare(row->type, ret, &limit) > 0)
            return dlfw_fail(err, DLFW_E_INVALID, "'%s' is above the maximum %s", shown_text(text).text, row->max);
    }
    return DLFW_OK;
}

/* A list given as one scalar. */
static dlfw_status store_one_item(const dlfw_option *row, const char *text, void *base, option_keep *keep,
                                  void *keep_ctx, dlfw_error *err)
{
    dlfw_str_list list = {.count = 1};
    const char **items;

    if (!base || row->offset == DLFW_OPT_UNBOUND)
        return DLFW_OK;
    items = keep ? keep(keep_ctx, sizeof *items) : NULL;
    if (!items)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "cannot keep a list: out of memory");
    items[0] = text;
    list.items = items;
    memcpy((char *)base + row->offset, &list, sizeof list);
    return DLFW_OK;
}

dlfw_status option_store(const dlfw_option *row, const char *text, void *base, option_keep *keep, void *keep_ctx,
                         dlfw_error *err)
{
    union option_value value = {.u = 0};
    dlfw_status st;

    if (row->type == DLFW_TYPE_LIST_STR)
        return store_one_item(row, text, base, keep, keep_ctx, err);
    st = option_value_check(row, text, &value, err);
    if (st == DLFW_OK && row->type == DLFW_TYPE_SECRET)
        st = secret_resolve(text, base ? keep : NULL, keep_ctx, &value.s, err);
    if (st == DLFW_OK && base && row->offset != DLFW_OPT_UNBOUND)
        memcpy((char *)base + row->offset, &value, option_field_size(row->type));
    return st;
}

dlfw_status option_store_defaults(const dlfw_option *rows, uint32_t count, void *base, option_keep *keep,
                                  void *keep_ctx, dlfw_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const dlfw_option *row = option_row(rows, i);
        dlfw_status st;

        if (row->offset == DLFW_OPT_UNBOUND)
            continue;
        /* a secret's default names a variable that the user may well do without */
        if (!row->def ||
            (row->type == DLFW_TYPE_SECRET && strncmp(row->def, "env:", 4) == 0 && !getenv(row->def + 4))) {
            memset((char *)base + row->offset, 0, option_field_size(row->type));
            continue;
        }
        st = option_store(row, row->def, base, keep, keep_ctx, err);
        if (st < 0)
            return st;
    }
    return DLFW_OK;
}

static uint32_t print_u64(uint64_t value, const char *unit, char *buf, uint32_t cap)
{
    int n = snprintf(buf, cap, "%" PRIu64 "%s", value, unit);

    return n > 0 ? (uint32_t)n : 0;
}

/* The largest unit that divides the value. */
static uint32_t print_bytes(uint64_t value, const char *tail, char *buf, uint32_t cap)
{
    static const struct {
        uint64_t factor;
        const char *name;
    } units[] = {
        {1ull << 40, "TiB"}, {1000000000000, "TB"}, {1ull << 30, "GiB"}, {1000000000, "GB"},
        {1ull << 20, "MiB"}, {1000000, "MB"},       {1ull << 10, "KiB"}, {1000, "kB"},
    };
    const char *name = *tail ? "B" : "";
    char unit[8];

    for (size_t i = 0; value && i < sizeof units / sizeof *units; i++) {
        if (value % units[i].factor == 0) {
            value /= units[i].factor;
            name = units[i].name;
            break;
        }
    }
    snprintf(unit, sizeof unit, "%s%s", name, tail);
    return print_u64(value, unit, buf, cap);
}

static uint32_t print_duration(uint64_t ns, char *buf, uint32_t cap)
{
    static const struct {
        uint64_t factor;
        const char *name;
    } units[] = {{3600000000000, "h"}, {60000000000, "min"}, {1000000000, "s"}, {1000000, "ms"}, {1000, "us"}};

    if (ns == 0)
        return print_u64(0, "s", buf, cap);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (ns % units[i].factor == 0)
            return print_u64(ns / units[i].factor, units[i].name, buf, cap);
    }
    return print_u64(ns, "ns", buf, cap);
}

static uint32_t print_text(const char *text, char *buf, uint32_t cap)
{
    int n = snprintf(buf, cap, "%s", text);

    return n > 0 ? (uint32_t)n : 0;
}

static uint32_t print_f64(double value, char *buf, uint32_t cap)
{
    char text[40];

    /* the shortest that reads back as the same number */
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return print_text(text, buf, cap);
}

static uint32_t print_list(const dlfw_str_list *list, char *buf, uint32_t cap)
{
    uint32_t len = print_text("[", buf, cap);

    for (uint32_t i = 0; i <= list->count; i++) {
        uint32_t used = len < cap ? len : cap;

        if (i == list->count)
            len += print_text("]", buf + used, cap - used);
        else
            len += (uint32_t)snprintf(buf + used, cap - used, "%s%s", i ? ", " : "", list->items[i]);
    }
    return len;
}

uint32_t option_print(const dlfw_option *row, const void *base, char *buf, uint32_t cap)
{
    const void *field = (const char *)base + row->offset;
    union option_value value = {.u = 0};
    dlfw_str_list list;
    uint32_t n = 0;

    if (cap)
        buf[0] = '\0';
    if (row->offset == DLFW_OPT_UNBOUND || row->type == DLFW_TYPE_NODE)
        return 0;
    if (row->type == DLFW_TYPE_LIST_STR) {
        memcpy(&list, field, sizeof list);
        return print_list(&list, buf, cap);
    }
    memcpy(&value, field, option_field_size(row->type));
    switch (row->type) {
    case DLFW_TYPE_BOOL:
        return print_text(value.b ? "true" : "false", buf, cap);
    case DLFW_TYPE_I64:
        n = (uint32_t)snprintf(buf, cap, "%" PRId64, value.i);
        return n;
    case DLFW_TYPE_U64:
        return print_u64(value.u, "", buf, cap);
    case DLFW_TYPE_F64:
        return print_f64(value.f, buf, cap);
    case DLFW_TYPE_ENUM:
        /* walked, as only the terminator says how many there are */
        while (n < value.choice && row->choices[n])
            n++;
        return print_text(row->choices[n] ? row->choices[n] : "", buf, cap);
    case DLFW_TYPE_SIZE:
        return print_bytes(value.u, "", buf, cap);
    case DLFW_TYPE_RATE:
        return print_bytes(value.u, "/s", buf, cap);
    case DLFW_TYPE_DURATION:
        return print_duration(value.u, buf, cap);
    case DLFW_TYPE_SECRET:
        return print_text(value.s ? "***" : "", buf, cap);
    default:
        return print_text(value.s ? value.s : "", buf, cap);
    }
}
