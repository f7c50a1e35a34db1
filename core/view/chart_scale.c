/* SPDX-License-Identifier: Apache-2.0 */
#include "view/chart_scale.h"

#include <math.h>
#include <stddef.h>

/* The smallest of 1, 2, 5 times a power of ten that is at least value. */
static double round_up(double value)
{
    double power = pow(10, floor(log10(value)));
    double digit = value / power;

    return power * (digit <= 1.0000001 ? 1 : digit <= 2.0000001 ? 2 : digit <= 5.0000001 ? 5 : 10);
}

double scale_at(const struct scale *s, double value)
{
    double at;

    if (!(value > s->min))
        return 0;
    if (value >= s->max)
        return 1;
    at = s->is_log ? log(value / s->min) / log(s->max / s->min) : (value - s->min) / (s->max - s->min);
    return isfinite(at) ? at : 0;
}

struct scale scale_from_zero(double max, uint32_t ticks)
{
    struct scale s = {.max = 1};
    double step;

    if (isfinite(max) && max > 0 && max < 1e300) {
        step = round_up(max / (ticks ? ticks : 1));
        s.max = step * ceil(max / step - 1e-9);
    }
    return s;
}

struct scale scale_decades(double min, double max)
{
    struct scale s = {.min = 1, .max = 10, .is_log = true};

    if (!isfinite(min) || !isfinite(max) || max <= 0 || max > 1e300)
        return s;
    min = min < 1e-300 ? 1e-300 : min;
    s.min = pow(10, floor(log10(min)));
    s.max = pow(10, ceil(log10(max > min ? max : min)));
    if (s.max <= s.min)
        s.max = s.min * 10;
    return s;
}

struct scale scale_around(double min, double max)
{
    struct scale s = {.min = min, .max = max};
    double air = (max - min) * 0.04;

    if (!(air > 0) || !isfinite(air))
        air = fabs(max) > 0 && isfinite(max) ? fabs(max) * 0.01 : 1;
    s.min = isfinite(min) ? min - air : -1;
    s.max = isfinite(max) ? max + air : 1;
    return s;
}

static uint32_t ticks_of_step(const struct scale *s, double step, double ticks[SCALE_TICKS_MAX])
{
    double first = ceil(s->min / step - 1e-9);
    uint32_t count = 0;

    while (count < SCALE_TICKS_MAX && (first + count) * step <= s->max + step * 1e-6) {
        ticks[count] = (first + count) * step;
        count++;
    }
    return count;
}

static uint32_t decade_ticks(const struct scale *s, uint32_t wanted, double ticks[SCALE_TICKS_MAX])
{
    double decades = log10(s->max / s->min), every = ceil(decades / (wanted ? wanted : 1));
    uint32_t count = 0;

    every = every < 1 ? 1 : every;
    for (double d = 0; d <= decades + 1e-6 && count < SCALE_TICKS_MAX; d += every)
        ticks[count++] = s->min * pow(10, d);
    return count;
}

uint32_t scale_ticks(const struct scale *s, uint32_t wanted, double ticks[SCALE_TICKS_MAX])
{
    if (s->is_log)
        return decade_ticks(s, wanted, ticks);
    return ticks_of_step(s, round_up((s->max - s->min) / (wanted ? wanted : 1)), ticks);
}

uint32_t scale_time_ticks(const struct scale *s, uint32_t wanted, double ticks[SCALE_TICKS_MAX])
{
    static const double steps[] = {10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400};
    double step = (s->max - s->min) / (wanted ? wanted : 1);
    size_t i = 0;

    if (step <= 5)
        return scale_ticks(s, wanted, ticks);
    while (i < sizeof steps / sizeof *steps && steps[i] < step)
        i++;
    return ticks_of_step(s, i < sizeof steps / sizeof *steps ? steps[i] : 86400 * round_up(step / 86400), ticks);
}
