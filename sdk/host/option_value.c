/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text to number: booleans, integers, sizes, durations, rates. Exact or refused: a value that the text does not name
 * exactly (overflow, a fraction of a byte, a leading zero that some would read as octal) is an error, never rounded
 * into another one. Only durations are rounded, to the nearest nanosecond, because 1/3 s is a sensible thing to want.
 */
#include "option_value.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit size_units[] = {
    {"", 1},
    {"B", 1},
    {"KiB", 1ull << 10},
    {"Ki", 1ull << 10},
    {"MiB", 1ull << 20},
    {"Mi", 1ull << 20},
    {"GiB", 1ull << 30},
    {"Gi", 1ull << 30},
    {"TiB", 1ull << 40},
    {"Ti", 1ull << 40},
    {"kB", 1000},
    {"KB", 1000},
    {"k", 1000},
    {"K", 1000},
    {"MB", 1000000},
    {"M", 1000000},
    {"GB", 1000000000},
    {"G", 1000000000},
    {"TB", 1000000000000},
    {"T", 1000000000000},
};
static const struct unit duration_units[] = {
    {"", 1000000000},     {"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"min", 60000000000},
    {"h", 3600000000000},
};

struct shown shown_text(const char *text)
{
    struct shown out;
    size_t len = 0;

    for (; text[len] && len < sizeof out.text - 1; len++)
        out.text[len] = (unsigned char)text[len] < 0x20 || text[len] == 0x7f ? '?' : text[len];
    out.text[len] = '\0';
    if (text[len])
        memcpy(out.text + len - 3, "...", 3);
    return out;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

dlfw_status text_bool(const char *text, uint8_t *ret, dlfw_error *err)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};

    for (uint8_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *ret = i & 1;
            return DLFW_OK;
        }
    }
    return dlfw_fail(err, DLFW_E_INVALID, "'%s' is neither true nor false", shown_text(text).text);
}

/* A run of digits with '_' between them. Returns what follows, NULL when there is no digit or a misplaced '_'. Sets
 * *overflow instead of failing, so that messages can tell the two apart. */
static const char *scan_digits(const char *p, uint64_t *value, uint32_t *count, bool *overflow)
{
    *value = 0;
    *count = 0;
    *overflow = false;
    while (is_digit(*p) || (*p == '_' && *count > 0 && is_digit(p[-1]) && is_digit(p[1]))) {
        if (*p != '_') {
            uint64_t digit = (uint64_t)(*p - '0');

            if (*value > (UINT64_MAX - digit) / 10)
                *overflow = true;
            else
                *value = *value * 10 + digit;
            (*count)++;
        }
        p++;
    }
    return *count ? p : NULL;
}

/* digits points at the number itself, text at what the user wrote. */
static dlfw_status scan_integer(const char *text, const char *digits, uint64_t *ret, dlfw_error *err)
{
    uint32_t count;
    bool overflow;
    const char *end = scan_digits(digits, ret, &count, &overflow);

    if (!end || *end)
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' is not a whole number", shown_text(text).text);
    if (digits[0] == '0' && count > 1)
        return dlfw_fail(err, DLFW_E_INVALID,
                         "'%s' begins with a zero, which some read as octal; write the number in decimal",
                         shown_text(text).text);
    if (overflow)
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' does not fit into 64 bits", shown_text(text).text);
    return DLFW_OK;
}

dlfw_status text_u64(const char *text, uint64_t *ret, dlfw_error *err)
{
    uint64_t value;
    dlfw_status st;

    if (text[0] == '-' && is_digit(text[1]))
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' is negative", shown_text(text).text);
    st = scan_integer(text, text, &value, err);
    if (st < 0)
        return st;
    *ret = value;
    return DLFW_OK;
}

dlfw_status text_i64(const char *text, int64_t *ret, dlfw_error *err)
{
    bool negative = text[0] == '-';
    uint64_t value;
    dlfw_status st = scan_integer(text, text + (negative || text[0] == '+'), &value, err);

    if (st < 0)
        return st;
    if (value > (uint64_t)INT64_MAX + negative)
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' does not fit into 64 bits", shown_text(text).text);
    /* through value - 1, as INT64_MIN has no positive counterpart */
    *ret = negative && value ? -(int64_t)(value - 1) - 1 : (int64_t)value;
    return DLFW_OK;
}

/* The longest prefix that is a decimal number: digits, optional fraction, optional exponent; no hex, no words. Writes
 * it without
 * '_' into buf. Returns what follows, NULL when there is none. */
static const char *scan_decimal(const char *text, char *buf, size_t cap)
{
    const char *p = text;
    size_t len = 0;
    uint32_t digits = 0;

    if (*p == '-' || *p == '+')
        buf[len++] = *p++;
    for (; len + 4 < cap; p++) {
        if (*p == '_' && digits && is_digit(p[-1]) && is_digit(p[1]))
            continue;
        if (*p == '.' && !memchr(buf, '.', len)) {
            buf[len++] = '.';
            continue;
        }
        if (!is_digit(*p))
            break;
        buf[len++] = *p;
        digits++;
    }
    if (!digits || is_digit(*p))
        return NULL;
    if ((*p == 'e' || *p == 'E') && is_digit(p[1 + (p[1] == '-' || p[1] == '+')])) {
        buf[len++] = *p++;
        do {
            buf[len++] = *p++;
        } while (is_digit(*p) && len + 1 < cap);
        if (is_digit(*p))
            return NULL;
    }
    buf[len] = '\0';
    return p;
}

dlfw_status text_f64(const char *text, double *ret, dlfw_error *err)
{
    char buf[128] = "";
    const char *end = scan_decimal(text, buf, sizeof buf);
    const char *digits = buf + (buf[0] == '-' || buf[0] == '+');
    double value;

    if (!end || *end)
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' is not a number", shown_text(text).text);
    if (digits[0] == '0' && is_digit(digits[1]))
        return dlfw_fail(err, DLFW_E_INVALID,
                         "'%s' begins with a zero, which some read as octal; write the number in decimal",
                         shown_text(text).text);
    value = strtod(buf, NULL);
    if (!isfinite(value))
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' is too large for a floating-point number", shown_text(text).text);
    *ret = value;
    return DLFW_OK;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

/* A decimal without sign and exponent, held exactly: whole + part / 10^places, no trailing zero in part. */
struct decimal {
    uint64_t whole;
    uint64_t part;
    uint64_t scale; /* 10^places */
    bool overflow;
};

static const char *scan_exact(const char *text, struct decimal *d)
{
    uint32_t count = 0;
    bool overflow = false;
    const char *p = scan_digits(text, &d->whole, &count, &d->overflow);

    d->part = 0;
    d->scale = 1;
    if (!p || (text[0] == '0' && count > 1))
        return NULL;
    if (*p != '.')
        return p;
    p = scan_digits(p + 1, &d->part, &count, &overflow);
    if (!p)
        return NULL;
    /* 19 places are 10^19 < 2^64; zeros at the end say nothing */
    for (; d->part && d->part % 10 == 0 && count; count--)
        d->part /= 10;
    if (!d->part && !overflow)
        count = 0;
    if (overflow || count > 19) {
        d->overflow = true;
        return p;
    }
    while (count--)
        d->scale *= 10;
    return p;
}

static const struct unit *find_unit(const struct unit *units, size_t n, const char *text, size_t len)
{
    for (size_t i = 0; i < n; i++) {
        if (strlen(units[i].name) == len && memcmp(units[i].name, text, len) == 0)
            return &units[i];
    }
    return NULL;
}

/* whole * factor with the fraction's share added; UINT64_MAX means that it does not fit. */
static uint64_t add_scaled(uint64_t whole, uint64_t factor, uint64_t part)
{
    if (whole > UINT64_MAX / factor || whole * factor > UINT64_MAX - part)
        return UINT64_MAX;
    return whole * factor + part;
}

/* what: "a size", example: how to write one. tail: text after the unit that must be there when a unit is ("/s"). */
static dlfw_status scan_size(const char *text, const char *tail, const char *what, const char *example, uint64_t *ret,
                             dlfw_error *err)
{
    const struct unit *unit = NULL;
    size_t tail_len = strlen(tail);
    struct decimal d;
    const char *p = scan_exact(text, &d);
    uint64_t common, value;

    if (p) {
        size_t len;

        while (*p == ' ')
            p++;
        len = strlen(p);
        if (len == 0)
            unit = &size_units[0];
        else if (len >= tail_len && strcmp(p + len - tail_len, tail) == 0)
            unit = find_unit(size_units, sizeof size_units / sizeof *size_units, p, len - tail_len);
    }
    if (!unit)
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' is not %s; write it like %s", shown_text(text).text, what, example);
    if (d.overflow)
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' does not fit into 64 bits", shown_text(text).text);
    common = gcd(unit->factor, d.scale);
    if (d.part % (d.scale / common))
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' is not a whole number of bytes", shown_text(text).text);
    value = add_scaled(d.whole, unit->factor, d.part / (d.scale / common) * (unit->factor / common));
    /* the largest value itself stands for "unknown" and "no limit" all over the ABI */
    if (value == UINT64_MAX)
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' does not fit into 64 bits", shown_text(text).text);
    *ret = value;
    return DLFW_OK;
}

dlfw_status text_size(const char *text, uint64_t *ret_bytes, dlfw_error *err)
{
    return scan_size(text, "", "a size", "4096, 64KiB, 8MiB or 1GB", ret_bytes, err);
}

dlfw_status text_rate(const char *text, uint64_t *ret_bytes_per_s, dlfw_error *err)
{
    return scan_size(text, "/s", "a rate", "100MiB/s or 1GB/s", ret_bytes_per_s, err);
}

dlfw_status text_duration(const char *text, uint64_t *ret_ns, dlfw_error *err)
{
    const struct unit *unit = NULL;
    char buf[128];
    const char *p = scan_decimal(text, buf, sizeof buf);
    struct decimal d;
    uint64_t value = 0;
    double f;

    if (p && text[0] != '-' && text[0] != '+') {
        while (*p == ' ')
            p++;
        unit = find_unit(duration_units, sizeof duration_units / sizeof *duration_units, p, strlen(p));
    }
    if (!unit || (buf[0] == '0' && is_digit(buf[1])))
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' is not a duration; write it like 250ms, 1.5s, 2min or 1h",
                         shown_text(text).text);
    /* exact where the text is plain; through a double with an exponent or more digits than 64 bits hold */
    p = scan_exact(buf, &d);
    if (p && !*p && !d.overflow) {
        value = add_scaled(d.whole, unit->factor,
                           (uint64_t)llround((double)d.part / (double)d.scale * (double)unit->factor));
    } else {
        f = strtod(buf, NULL) * (double)unit->factor;
        value = f < 18446744073709549568.0 ? (uint64_t)(f + 0.5) : UINT64_MAX;
    }
    if (value == UINT64_MAX)
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' is longer than 584 years", shown_text(text).text);
    if (value == 0 && strpbrk(buf, "123456789") && strtod(buf, NULL) > 0)
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' is shorter than a nanosecond", shown_text(text).text);
    *ret_ns = value;
    return DLFW_OK;
}
