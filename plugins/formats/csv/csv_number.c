/* SPDX-License-Identifier: Apache-2.0 */
/* Integers and booleans; floats are in csv_float.c. */
#include "csv_number.h"

#include <string.h>

struct type {
    const char *name;
    uint32_t bytes;
};

#define TYPE_ROW(name, number, bytes, text, descr) [number] = {(text), (bytes)},
static const struct type types[] = {DLFW_DTYPE_LIST(TYPE_ROW)};
#define TYPE_COUNT (sizeof types / sizeof types[0])

uint32_t csv_item_bytes(uint32_t dtype)
{
    return dtype < TYPE_COUNT ? types[dtype].bytes : 0;
}

const char *csv_type_name(uint32_t dtype)
{
    return dtype < TYPE_COUNT && types[dtype].name ? types[dtype].name : "?";
}

bool csv_type_is_float(uint32_t dtype)
{
    return dtype == DLFW_DTYPE_FLOAT16 || dtype == DLFW_DTYPE_FLOAT32 || dtype == DLFW_DTYPE_FLOAT64;
}

static bool is_signed(uint32_t dtype)
{
    return dtype == DLFW_DTYPE_INT8 || dtype == DLFW_DTYPE_INT16 || dtype == DLFW_DTYPE_INT32 ||
           dtype == DLFW_DTYPE_INT64;
}

void csv_number_reduce(uint32_t dtype, void *items, uint64_t n)
{
    uint8_t *p = items;

    if (dtype == DLFW_DTYPE_BOOL)
        for (uint64_t i = 0; i < n; i++)
            p[i] &= 1;
    /* little endian: the highest byte has sign and exponent, the highest bit of the exponent is bit 6 of it */
    if (dtype == DLFW_DTYPE_FLOAT16)
        for (uint64_t i = 0; i < n; i++)
            if ((p[2 * i + 1] & 0x7c) == 0x7c)
                p[2 * i + 1] &= 0xbf;
    if (dtype == DLFW_DTYPE_FLOAT32)
        for (uint64_t i = 0; i < n; i++)
            if ((p[4 * i + 3] & 0x7f) == 0x7f && (p[4 * i + 2] & 0x80))
                p[4 * i + 3] &= 0xbf;
    if (dtype == DLFW_DTYPE_FLOAT64)
        for (uint64_t i = 0; i < n; i++)
            if ((p[8 * i + 7] & 0x7f) == 0x7f && (p[8 * i + 6] & 0xf0) == 0xf0)
                p[8 * i + 7] &= 0xbf;
}

static inline uint64_t load_unsigned(const uint8_t *item, uint32_t bytes)
{
    uint64_t value8;
    uint32_t value4;
    uint16_t value2;

    switch (bytes) {
    case 1:
        return *item;
    case 2:
        memcpy(&value2, item, sizeof value2);
        return value2;
    case 4:
        memcpy(&value4, item, sizeof value4);
        return value4;
    default:
        memcpy(&value8, item, sizeof value8);
        return value8;
    }
}

/* "00" to "99" */
static const char pairs[201] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                               "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                               "8081828384858687888990919293949596979899";

static uint32_t put_decimal(char *text, uint64_t value)
{
    char digits[20], *p = digits + sizeof digits;
    uint32_t n;

    while (value >= 100) {
        p -= 2;
        memcpy(p, pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        p -= 2;
        memcpy(p, pairs + 2 * value, 2);
    } else {
        *--p = (char)('0' + value);
    }
    n = (uint32_t)(digits + sizeof digits - p);
    memcpy(text, p, n);
    return n;
}

/* Up to 255, without a branch on the number of digits. */
static inline uint32_t put_byte(char *text, uint32_t value)
{
    const uint32_t hundreds = value / 100, rest = value - 100 * hundreds, n = 1u + (value >= 10) + (value >= 100);
    const char digits[4] = {(char)('0' + hundreds), pairs[2 * rest], pairs[2 * rest + 1], 0};

    text[0] = digits[3 - n];
    text[1] = digits[(4 - n) & 3];
    text[2] = digits[2];
    return n;
}

uint32_t csv_number_write(uint32_t dtype, const uint8_t *item, char *text)
{
    const uint32_t bytes = types[dtype].bytes;
    uint64_t value, sign_bit;

    if (dtype == DLFW_DTYPE_UINT8 || dtype == DLFW_DTYPE_BOOL)
        return put_byte(text, *item);
    if (csv_type_is_float(dtype))
        return csv_float_write(dtype, item, text);
    value = load_unsigned(item, bytes);
    sign_bit = UINT64_C(1) << (8 * bytes - 1);
    if (!is_signed(dtype) || !(value & sign_bit))
        return put_decimal(text, value);
    *text = '-';
    return 1 + put_decimal(text + 1, 2 * sign_bit - value); /* 2^bits - value; for 64 bits the same modulo 2^64 */
}

static const char *read_integer(uint32_t dtype, const char *text, uint64_t len, void *item)
{
    const bool has_sign = len && (*text == '-' || *text == '+'), is_negative = has_sign && *text == '-';
    const uint32_t bits = 8 * types[dtype].bytes;
    uint64_t limit = dtype == DLFW_DTYPE_BOOL ? 1 : UINT64_MAX >> (64 - bits), value = 0;

    if (is_signed(dtype))
        limit = (limit >> 1) + is_negative;
    else if (is_negative)
        limit = 0;
    if (len == has_sign)
        return "no number";
    for (uint64_t i = has_sign; i < len; i++) {
        const uint64_t digit = (uint64_t)(uint8_t)text[i] - '0';

        if (digit > 9)
            return "no integer";
        if (value > (UINT64_MAX - digit) / 10 || value * 10 + digit > limit)
            return is_negative && !is_signed(dtype) ? "negative, which the type cannot hold"
                                                    : "more than the type can hold";
        value = value * 10 + digit;
    }
    value = is_negative ? 0 - value : value;
    memcpy(item, &value, types[dtype].bytes);
    return NULL;
}

static bool is_text(const char *text, uint64_t len, const char *word)
{
    return len == strlen(word) && memcmp(text, word, len) == 0;
}

const char *csv_number_read(uint32_t dtype, const uint8_t *field, uint64_t len, void *item)
{
    const char *text = (const char *)field;

    while (len && (*text == ' ' || *text == '\t')) {
        text++;
        len--;
    }
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        len--;
    if (!len)
        return "no value";
    if (*text == '"' || *text == '\'')
        return "quoted, which is not read";
    if (dtype == DLFW_DTYPE_BOOL && (is_text(text, len, "True") || is_text(text, len, "False"))) {
        *(uint8_t *)item = *text == 'T';
        return NULL;
    }
    return csv_type_is_float(dtype) ? csv_float_read(dtype, text, len, item) : read_integer(dtype, text, len, item);
}
