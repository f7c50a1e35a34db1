/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The random numbers that NumPy's legacy interface draws, so that the dimensions and shuffles of a run file are those
 * that DLIO makes of it. Every distribution is the published algorithm that NumPy uses, with the same draws in the same
 * order and the same operations on doubles: this file is compiled without contraction of floating-point expressions.
 */
#include "workload/legacy_random.h"

#include <math.h>

enum { STATE_WORDS = 624, MIDDLE = 397 };

void legacy_seed(struct legacy_random *r, uint32_t seed)
{
    *r = (struct legacy_random){.position = STATE_WORDS};
    r->state[0] = seed;
    for (uint32_t i = 1; i < STATE_WORDS; i++)
        r->state[i] = 1812433253u * (r->state[i - 1] ^ r->state[i - 1] >> 30) + i;
}

/* MT19937: 624 new words of state. */
static void twist(uint32_t *s)
{
    for (uint32_t i = 0; i < STATE_WORDS; i++) {
        uint32_t y = (s[i] & 0x80000000u) | (s[(i + 1) % STATE_WORDS] & 0x7fffffffu);

        s[i] = s[(i + MIDDLE) % STATE_WORDS] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
}

uint32_t legacy_u32(struct legacy_random *r)
{
    uint32_t y;

    if (r->position >= STATE_WORDS) {
        twist(r->state);
        r->position = 0;
    }
    y = r->state[r->position++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

double legacy_double(struct legacy_random *r)
{
    uint32_t high = legacy_u32(r) >> 5, low = legacy_u32(r) >> 6;

    return ((double)high * 67108864.0 + (double)low) / 9007199254740992.0; /* 27 + 26 bits of 2^53 */
}

/* Marsaglia's polar method; the second variate of a pair is handed out first, the first one kept for the next call. */
static double standard_normal(struct legacy_random *r)
{
    double x, y, square, factor;

    if (r->has_gauss) {
        r->has_gauss = false;
        return r->gauss;
    }
    do {
        x = 2.0 * legacy_double(r) - 1.0;
        y = 2.0 * legacy_double(r) - 1.0;
        square = x * x + y * y;
    } while (square >= 1.0 || square <= 0.0);
    factor = sqrt(-2.0 * log(square) / square);
    r->gauss = factor * x;
    r->has_gauss = true;
    return factor * y;
}

double legacy_normal(struct legacy_random *r, double mean, double stdev)
{
    return mean + stdev * standard_normal(r);
}

static double standard_exponential(struct legacy_random *r)
{
    return -log(1.0 - legacy_double(r));
}

double legacy_exponential(struct legacy_random *r, double scale)
{
    return scale * standard_exponential(r);
}

/* Ahrens and Dieter's rejection for shape < 1. */
static double gamma_small(struct legacy_random *r, double shape)
{
    for (;;) {
        double u = legacy_double(r), e = standard_exponential(r), x;

        if (u <= 1.0 - shape) {
            x = pow(u, 1.0 / shape);
            if (x <= e)
                return x;
        } else {
            double y = -log((1.0 - u) / shape);

            x = pow(1.0 - shape + shape * y, 1.0 / shape);
            if (x <= e + y)
                return x;
        }
    }
}

/* Marsaglia and Tsang's method for shape > 1. */
static double gamma_large(struct legacy_random *r, double shape)
{
    const double d = shape - 1.0 / 3.0, c = 1.0 / sqrt(9.0 * d);

    for (;;) {
        double x, u, v;

        do {
            x = standard_normal(r);
            v = 1.0 + c * x;
        } while (v <= 0.0);
        v = v * v * v;
        u = legacy_double(r);
        if (u < 1.0 - 0.0331 * (x * x) * (x * x))
            return d * v;
        if (log(u) < 0.5 * x * x + d * (1.0 - v + log(v)))
            return d * v;
    }
}

double legacy_gamma(struct legacy_random *r, double shape, double scale)
{
    if (shape <= 0.0)
        return 0.0;
    if (shape < 1.0)
        return scale * gamma_small(r, shape);
    if (shape > 1.0)
        return scale * gamma_large(r, shape);
    return scale * standard_exponential(r);
}

/* Counts how many uniforms can be multiplied before the product falls to e^-lam. */
static uint64_t poisson_product(struct legacy_random *r, double lam)
{
    const double limit = exp(-lam);
    double product = legacy_double(r);
    uint64_t n = 0;

    while (product > limit) {
        product *= legacy_double(r);
        n++;
    }
    return n;
}

/* Hoermann's transformed rejection with squeeze, "PTRS", for lam >= 10. */
static uint64_t poisson_rejection(struct legacy_random *r, double lam)
{
    const double log_lam = log(lam), b = 0.931 + 2.53 * sqrt(lam), a = -0.059 + 0.02483 * b;
    const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), v_r = 0.9277 - 3.6224 / (b - 2.0);

    for (;;) {
        double u = legacy_double(r) - 0.5, v = legacy_double(r), us = 0.5 - fabs(u);
        double k = floor((2.0 * a / us + b) * u + lam + 0.43);
        int sign;

        if (us >= 0.07 && v <= v_r)
            return (uint64_t)k;
        if (k < 0.0 || (us < 0.013 && v > us))
            continue;
        if (log(v) + log(inverse_alpha) - log(a / (us * us) + b) <= -lam + k * log_lam - lgamma_r(k + 1.0, &sign))
            return (uint64_t)k;
    }
}

uint64_t legacy_poisson(struct legacy_random *r, double lam)
{
    if (lam >= 10.0)
        return poisson_rejection(r, lam);
    return lam > 0.0 ? poisson_product(r, lam) : 0;
}

uint64_t legacy_interval(struct legacy_random *r, uint64_t max)
{
    uint64_t mask, value;

    if (!max)
        return 0;
    mask = UINT64_MAX >> __builtin_clzll(max);
    do {
        value = legacy_u32(r);
        if (max > UINT32_MAX)
            value = value << 32 | legacy_u32(r);
        value &= mask;
    } while (value > max);
    return value;
}

void legacy_shuffle(struct legacy_random *r, uint64_t *values, uint64_t n)
{
    for (uint64_t i = n; i-- > 1;) {
        uint64_t j = legacy_interval(r, i), kept = values[i];

        values[i] = values[j];
        values[j] = kept;
    }
}
