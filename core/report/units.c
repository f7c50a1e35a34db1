/* SPDX-License-Identifier: Apache-2.0 */
/* Three significant digits are enough for a line that somebody glances at. */
#include "report/units.h"

#include <stdio.h>

static int decimals_of(double value)
{
    return value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
}

/* value is in names[0]; each further name is factor times larger. */
static struct unit_text scaled(double value, double factor, const char *const *names, uint32_t count)
{
    struct unit_text t;
    uint32_t i = 0;

    for (; i + 1 < count && value >= factor * 0.9995; i++)
        value /= factor;
    snprintf(t.text, sizeof t.text, "%.*f%s", i ? decimals_of(value) : 0, value, names[i]);
    return t;
}

struct unit_text unit_bytes(double bytes)
{
    static const char *const names[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};

    return scaled(bytes, 1024, names, sizeof names / sizeof *names);
}

struct unit_text unit_duration(double ns)
{
    static const char *const names[] = {" ns", " us", " ms", " s"};

    return scaled(ns, 1000, names, sizeof names / sizeof *names);
}

struct unit_text unit_count(double value)
{
    static const char *const names[] = {"", "k", "M", "G", "T"};

    return scaled(value, 1000, names, sizeof names / sizeof *names);
}

struct unit_text unit_clock(uint64_t seconds)
{
    struct unit_text t;
    unsigned long hours = seconds / 3600, minutes = seconds / 60 % 60, rest = seconds % 60;

    if (hours)
        snprintf(t.text, sizeof t.text, "%lu:%02lu:%02lu", hours, minutes, rest);
    else
        snprintf(t.text, sizeof t.text, "%lu:%02lu", minutes, rest);
    return t;
}
