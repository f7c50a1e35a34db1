/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant: what comes out is ascending and holds each number once, however the user wrote it. */
#include "sweep/range.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static bool take_number(const char **at, uint32_t *ret)
{
    unsigned long value;
    char *end = NULL;

    if (!isdigit((unsigned char)**at))
        return false;
    value = strtoul(*at, &end, 10);
    if (value < 1 || value > SWEEP_ACCELERATORS_MAX)
        return false;
    *ret = (uint32_t)value;
    *at = end;
    return true;
}

/* "4" or "4..16" at *at, marked in wanted. */
static bool take_part(const char **at, bool *wanted)
{
    uint32_t first = 0, last = 0;

    if (!take_number(at, &first))
        return false;
    last = first;
    if (strncmp(*at, "..", 2) == 0) {
        *at += 2;
        if (!take_number(at, &last) || last < first)
            return false;
    }
    for (uint32_t n = first; n <= last; n++)
        wanted[n] = true;
    return true;
}

dlfw_status sweep_range_parse(const char *text, struct sweep_range *ret, dlfw_error *err)
{
    bool *wanted = xcalloc(SWEEP_ACCELERATORS_MAX + 1, sizeof *wanted);
    struct sweep_range range = {0};
    const char *at = text;
    bool good = take_part(&at, wanted);

    while (good && *at == ',') {
        at++;
        good = take_part(&at, wanted);
    }
    if (!good || *at) {
        free(wanted);
        return dlfw_fail(err, DLFW_E_INVALID,
                         "'%s' are no numbers of accelerators; 1..64, 8 or 1,2,4..16 are, from 1 to %u", text,
                         SWEEP_ACCELERATORS_MAX);
    }
    range.values = xcalloc(SWEEP_ACCELERATORS_MAX, sizeof *range.values);
    for (uint32_t n = 1; n <= SWEEP_ACCELERATORS_MAX; n++)
        if (wanted[n])
            range.values[range.count++] = n;
    free(wanted);
    *ret = range;
    return DLFW_OK;
}

void sweep_range_free(struct sweep_range *r)
{
    free(r->values);
    *r = (struct sweep_range){0};
}
