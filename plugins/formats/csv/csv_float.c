/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating-point values. Short decimals are converted exactly with one multiplication or division (mantissa below 2^53,
 * power of ten below 10^23: both are exact doubles, so the result is rounded once); everything else by the C library.
 */
#include "csv_number.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANTISSA_MAX (UINT64_C(1) << 53)

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define POWER_MAX 22

static const char not_a_number[] = "no number";
static const char too_large[] = "more than the type can hold";

struct decimal {
    uint64_t mantissa;
    int64_t exponent;
    bool is_negative;
    bool is_exact; /* mantissa holds all digits */
};

static const char *take_digits(const char *p, const char *end, struct decimal *d, bool is_fraction)
{
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        if (d->mantissa >= UINT64_MAX / 10 - 1) {
            d->is_exact = false;
            continue;
        }
        d->mantissa = d->mantissa * 10 + (uint64_t)(*p - '0');
        d->exponent -= is_fraction;
    }
    return p;
}

static const char *take_exponent(const char *p, const char *end, int64_t *ret)
{
    const bool has_sign = p < end && (*p == '-' || *p == '+'), is_negative = has_sign && *p == '-';
    const char *begin = p + has_sign;
    int64_t value = 0;

    for (p = begin; p < end && *p >= '0' && *p <= '9'; p++)
        value = value < 100000 ? value * 10 + (*p - '0') : value;
    *ret = is_negative ? -value : value;
    return p == begin ? NULL : p;
}

/* Digits with a point and an exponent; false: it is something else. */
static bool split(const char *p, const char *end, struct decimal *d)
{
    const char *begin, *point;
    int64_t exponent = 0;

    *d = (struct decimal){.is_exact = true};
    if (p < end && (*p == '-' || *p == '+'))
        d->is_negative = *p++ == '-';
    begin = p;
    p = point = take_digits(p, end, d, false);
    if (p < end && *p == '.')
        p = take_digits(p + 1, end, d, true);
    if (p == begin || (p == begin + 1 && p != point))
        return false;
    if (p < end && (*p == 'e' || *p == 'E'))
        p = take_exponent(p + 1, end, &exponent);
    d->exponent += exponent;
    return p == end;
}

static bool is_word(const char *text, uint64_t len, const char *word)
{
    if (len != strlen(word))
        return false;
    for (uint64_t i = 0; i < len; i++)
        if (tolower((unsigned char)text[i]) != word[i])
            return false;
    return true;
}

static bool read_word(const char *text, uint64_t len, double *ret)
{
    const bool is_negative = len && *text == '-', has_sign = len && (*text == '-' || *text == '+');

    text += has_sign;
    len -= has_sign;
    if (is_word(text, len, "nan"))
        *ret = NAN;
    else if (is_word(text, len, "inf") || is_word(text, len, "infinity"))
        *ret = INFINITY;
    else
        return false;
    if (is_negative)
        *ret = -*ret;
    return true;
}

/* The nearest half, ties to even; NaN stays one. */
static uint16_t half_of(double value)
{
    const uint16_t sign = signbit(value) ? 0x8000 : 0;
    double size = fabs(value), scaled;
    int exponent = 0;

    if (isnan(value))
        return sign | 0x7e00;
    if (size >= 65520.0)
        return sign | 0x7c00;
    if (size < ldexp(1, -14)) /* subnormal: units of 2^-24 */
        return sign | (uint16_t)nearbyint(ldexp(size, 24));
    frexp(size, &exponent); /* size = f * 2^exponent, f in [0.5, 1) */
    scaled = nearbyint(ldexp(size, 11 - exponent));
    if (scaled >= 2048) {
        scaled /= 2;
        exponent++;
    }
    return (uint16_t)(sign | ((unsigned)(exponent + 14) << 10) | ((unsigned)scaled - 1024));
}

static double double_of_half(uint16_t half)
{
    const int exponent = half >> 10 & 31, mantissa = half & 1023;
    double size = exponent == 31  ? (mantissa ? NAN : INFINITY)
                  : exponent == 0 ? ldexp(mantissa, -24)
                                  : ldexp(1024 + mantissa, exponent - 25);

    return half & 0x8000 ? -size : size;
}

/* By the C library, from a text that split() accepted. */
static double read_slowly(const char *text, uint64_t len, bool as_float)
{
    char copy[CSV_FIELD_MAX + 1];

    memcpy(copy, text, len);
    copy[len] = '\0';
    return as_float ? (double)strtof(copy, NULL) : strtod(copy, NULL);
}

/* A double that lies between two floats exactly may have been rounded to there. */
static bool is_between_floats(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return (bits & 0x1fffffff) == 0x10000000;
}

const char *csv_float_read(uint32_t dtype, const char *text, uint64_t len, void *item)
{
    const int64_t power_max = POWER_MAX;
    struct decimal d;
    double value;
    bool is_finite = true;

    if (len > CSV_FIELD_MAX)
        return "longer than any number";
    if (!split(text, text + len, &d)) {
        if (!read_word(text, len, &value))
            return not_a_number;
        is_finite = false;
    } else if (d.is_exact && d.mantissa < MANTISSA_MAX && d.exponent >= -power_max && d.exponent <= power_max) {
        value = (double)d.mantissa;
        value = d.exponent < 0 ? value / powers[-d.exponent] : value * powers[d.exponent];
        value = d.is_negative ? -value : value;
    } else {
        value = read_slowly(text, len, false);
    }
    if (dtype == DLFW_DTYPE_FLOAT64) {
        memcpy(item, &value, sizeof value);
    } else if (dtype == DLFW_DTYPE_FLOAT32) {
        const float single = is_finite && (is_between_floats(value) || fabs(value) < 1e-37)
                                 ? (float)read_slowly(text, len, true)
                                 : (float)value;

        memcpy(item, &single, sizeof single);
        value = single;
    } else {
        const uint16_t half = half_of(value);

        memcpy(item, &half, sizeof half);
        value = double_of_half(half);
    }
    return is_finite && isinf(value) ? too_large : NULL;
}

uint32_t csv_float_write(uint32_t dtype, const uint8_t *item, char *text)
{
    uint16_t half;
    float single;
    double value;

    if (dtype == DLFW_DTYPE_FLOAT64) {
        memcpy(&value, item, sizeof value);
        return (uint32_t)snprintf(text, CSV_TEXT_MAX, "%.17g", value);
    }
    if (dtype == DLFW_DTYPE_FLOAT32) {
        memcpy(&single, item, sizeof single);
        return (uint32_t)snprintf(text, CSV_TEXT_MAX, "%.9g", (double)single);
    }
    memcpy(&half, item, sizeof half);
    return (uint32_t)snprintf(text, CSV_TEXT_MAX, "%.5g", double_of_half(half));
}
