/* SPDX-License-Identifier: Apache-2.0 */
/* options.*: the option table is what users see, so everything in it must be true. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "host/option_parse.h"
#include "kit.h"

static void check_given_options(struct kit *kit)
{
    for (uint32_t i = 0; i < kit->settings->options.count; i++) {
        const char *name = kit->settings->options.items[i].name;
        bool known = false;

        for (uint32_t k = 0; k < kit->file->iface_count; k++) {
            const dlfw_iface *iface = kit->file->ifaces[k].iface;

            known = known || option_find(iface->options, iface->option_count, name);
        }
        KIT_CHECK(kit, known, "no interface of the plugin has the option '%s' that was given", name);
    }
}

static void table(struct kit *kit)
{
    const dlfw_iface *iface = kit->iface->iface;
    char text[512];
    dlfw_error err = FAKE_ERROR(text);

    KIT_CHECK(kit, option_table_check(iface->options, iface->option_count, iface->options_size, &err) >= 0, "%s", text);
    check_given_options(kit);
    for (uint32_t i = 0; i < iface->option_count; i++) {
        const dlfw_option *row = option_row(iface->options, i);

        KIT_CHECK(kit, option_find(iface->options, iface->option_count, row->name) == row, "option '%s' is there twice",
                  row->name);
        KIT_CHECK(kit, strcmp(row->name, "root") != 0, "the name 'root' is the host's");
    }
    KIT_CHECK(kit, !option_find(iface->options, iface->option_count, "dlfw-conform-unknown"),
              "an option called 'dlfw-conform-unknown' is found");
}

/* The value one beyond a limit, as text. False: the type has none. */
static bool beyond(const dlfw_option *row, const char *limit, int direction, char *text, size_t cap)
{
    int64_t i = 0;
    uint64_t u = 0;
    double f = 0;

    switch (row->type) {
    case DLFW_TYPE_I64:
        if (text_i64(limit, &i, NULL) < 0 || i == (direction < 0 ? INT64_MIN : INT64_MAX))
            return false;
        snprintf(text, cap, "%lld", (long long)(i + direction));
        return true;
    case DLFW_TYPE_U64:
        if (text_u64(limit, &u, NULL) < 0)
            return false;
        break;
    case DLFW_TYPE_SIZE:
        if (text_size(limit, &u, NULL) < 0)
            return false;
        break;
    case DLFW_TYPE_DURATION:
        if (text_duration(limit, &u, NULL) < 0 || u == (direction < 0 ? 0 : UINT64_MAX))
            return false;
        snprintf(text, cap, "%lluns", (unsigned long long)(u + (uint64_t)(int64_t)direction));
        return true;
    case DLFW_TYPE_RATE:
        if (text_rate(limit, &u, NULL) < 0 || u == (direction < 0 ? 0 : UINT64_MAX))
            return false;
        snprintf(text, cap, "%lluB/s", (unsigned long long)(u + (uint64_t)(int64_t)direction));
        return true;
    case DLFW_TYPE_F64:
        if (text_f64(limit, &f, NULL) < 0)
            return false;
        snprintf(text, cap, "%.17g", nextafter(f, direction < 0 ? -INFINITY : INFINITY));
        return true;
    default:
        return false;
    }
    if (u == (direction < 0 ? 0 : UINT64_MAX))
        return false;
    snprintf(text, cap, "%llu", (unsigned long long)(u + (uint64_t)(int64_t)direction));
    return true;
}

static void *keep_value(void *ctx, size_t bytes)
{
    return kit_alloc(ctx, bytes);
}

/* create() may refuse a value that passed the table, but has to say why and must leave nothing behind. */
static void create_with(struct kit *kit, const dlfw_option *row, const char *value)
{
    dlfw_create_args args = kit_create_args(kit);
    char text[512], what[192];
    dlfw_error err = FAKE_ERROR(text);
    void *instance;
    dlfw_status st;

    args.flags = DLFW_CREATE_CHECK_ONLY;
    snprintf(what, sizeof what, "create with %s=%s", row->name, value);
    st = kit_create_any(kit, &args, &instance, &err);
    kit_check_error(kit, st, &err, what);
    if (st >= 0)
        kit_destroy_any(kit, instance);
    else
        kit_note(kit, "%s is refused: %s", what, text);
}

static void accept(struct kit *kit, const dlfw_option *row, const char *value)
{
    char text[512];
    dlfw_error err = FAKE_ERROR(text);

    KIT_CHECK(kit, option_store(row, value, NULL, keep_value, kit, &err) >= 0, "option '%s' refuses its own '%s': %s",
              row->name, value, text);
    if (row->offset == DLFW_OPT_UNBOUND)
        return;
    kit_fill_options(kit);
    KIT_CHECK(kit, option_store(row, value, kit->options, keep_value, kit, &err) >= 0, "%s", text);
    create_with(kit, row, value);
}

static void refuse(struct kit *kit, const dlfw_option *row, const char *value)
{
    char text[512];
    dlfw_error err = FAKE_ERROR(text);

    KIT_CHECK(kit, option_store(row, value, NULL, keep_value, kit, &err) < 0,
              "option '%s' accepts '%s', beyond its range", row->name, value);
}

static void ranges(struct kit *kit)
{
    const dlfw_iface *iface = kit->iface->iface;
    uint32_t judged = 0;
    char value[64];

    for (uint32_t i = 0; i < iface->option_count; i++) {
        const dlfw_option *row = option_row(iface->options, i);

        if (row->min) {
            accept(kit, row, row->min);
            if (beyond(row, row->min, -1, value, sizeof value))
                refuse(kit, row, value);
        }
        if (row->max) {
            accept(kit, row, row->max);
            if (beyond(row, row->max, 1, value, sizeof value))
                refuse(kit, row, value);
        }
        for (const char *const *choice = row->choices; choice && *choice; choice++)
            accept(kit, row, *choice);
        if (row->choices)
            refuse(kit, row, "dlfw-conform-no-such-choice");
        judged += row->min || row->max || row->choices;
    }
    if (!judged)
        kit_skip(kit, "no option has a range or choices");
}

#define SENTINEL "s3ntinel-of-dlfw-conform"

static void look_for_secret(struct kit *kit, const char *text, const char *where)
{
    KIT_CHECK(kit, !strstr(text, SENTINEL), "a secret was printed in %s", where);
}

/* Sets every secret, lets create, check and one failing operation talk, and searches what they said. */
static void secrets(struct kit *kit)
{
    const dlfw_iface *iface = kit->iface->iface;
    dlfw_create_args args;
    uint32_t count = 0;
    char text[512];
    dlfw_error err = FAKE_ERROR(text);
    void *instance;
    dlfw_status st;

    for (uint32_t i = 0; i < iface->option_count; i++) {
        const dlfw_option *row = option_row(iface->options, i);

        if (row->type != DLFW_TYPE_SECRET || row->offset == DLFW_OPT_UNBOUND)
            continue;
        count++;
        KIT_CHECK(kit, option_store(row, SENTINEL, kit->options, keep_value, kit, &err) >= 0, "%s", text);
    }
    if (!count)
        kit_skip(kit, "no option is a secret");
    args = kit_create_args(kit);
    st = kit_create_any(kit, &args, &instance, &err);
    look_for_secret(kit, text, "the error of create");
    if (st >= 0 && iface->kind == DLFW_KIND_BACKEND && kit->iface->ops.backend.check) {
        kit->iface->ops.backend.check(instance, &err);
        look_for_secret(kit, text, "the error of check");
    }
    if (st >= 0)
        kit_destroy_any(kit, instance);
    look_for_secret(kit, kit->host.log, "the log");
}

const struct kit_case kit_cases_options[] = {
    {"options.table", 0, 0, table},
    {"options.ranges", 0, 0, ranges},
    {"options.secrets", 0, 0, secrets},
    {0},
};
