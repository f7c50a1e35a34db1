/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a value of every type: refused with a message, or a value whose print is read as the same value. */
#include <stdlib.h>
#include <string.h>

#include "host/option_parse.h"
#include "finding.h"

struct values {
    uint8_t flag;
    int64_t whole;
    uint64_t count, bytes, time_ns, rate;
    double real;
};

#define ROW(opt_type, member)                                                                                          \
    {                                                                                                                  \
        .struct_size = sizeof(dlfw_option), .type = (opt_type), .offset = offsetof(struct values, member),             \
        .field_size = sizeof(((struct values *)0)->member), .name = #member                                            \
    }

static const dlfw_option rows[] = {
    ROW(DLFW_TYPE_BOOL, flag),  ROW(DLFW_TYPE_I64, whole),        ROW(DLFW_TYPE_U64, count), ROW(DLFW_TYPE_F64, real),
    ROW(DLFW_TYPE_SIZE, bytes), ROW(DLFW_TYPE_DURATION, time_ns), ROW(DLFW_TYPE_RATE, rate),
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The parser of one type by its own name, not through a row. */
static dlfw_status parse(uint32_t type, const char *text, struct values *v, dlfw_error *err)
{
    switch (type) {
    case DLFW_TYPE_BOOL:
        return text_bool(text, &v->flag, err);
    case DLFW_TYPE_I64:
        return text_i64(text, &v->whole, err);
    case DLFW_TYPE_U64:
        return text_u64(text, &v->count, err);
    case DLFW_TYPE_F64:
        return text_f64(text, &v->real, err);
    case DLFW_TYPE_SIZE:
        return text_size(text, &v->bytes, err);
    case DLFW_TYPE_DURATION:
        return text_duration(text, &v->time_ns, err);
    default:
        return text_rate(text, &v->rate, err);
    }
}

static void check(const dlfw_option *row, const char *text)
{
    struct values first, again, stored;
    struct error_slot slot;
    char printed[64];
    uint32_t len;

    memset(&first, 0xa5, sizeof first);
    again = stored = first;
    error_slot_init(&slot);
    if (parse(row->type, text, &first, &slot.e) < 0) {
        message_is_one_line(slot.text);
        DLFW_BUG_IF(memcmp(&first, &again, sizeof first) != 0);
        return;
    }
    DLFW_BUG_IF(option_store(row, text, &stored, NULL, NULL, NULL) < 0);
    DLFW_BUG_IF(memcmp(&first, &stored, sizeof first) != 0);
    len = option_print(row, &first, printed, sizeof printed);
    DLFW_BUG_IF(!len || len >= sizeof printed || strlen(printed) != len);
    if (parse(row->type, printed, &again, &slot.e) < 0 || memcmp(&first, &again, sizeof first) != 0)
        finding("%s '%s' printed as '%s' is read as another value", row->name, text, printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xstrndup((const char *)data, size);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&rows[i], text);
    free(text);
    return 0;
}
