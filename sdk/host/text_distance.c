/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far two names are apart, for "did you mean": optimal string alignment, that is insertions, deletions,
 * substitutions and transpositions of neighbours at one each. Names are short; longer ones than ROW are compared by
 * their beginnings.
 */
#include "option_parse.h"

#include <string.h>

enum { ROW = 128 };

static uint32_t smallest(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t least = a < b ? a : b;

    return least < c ? least : c;
}

uint32_t text_distance(const char *a, const char *b, uint32_t cap)
{
    uint32_t rows[3][ROW + 1];
    uint32_t *before = rows[0], *last = rows[1], *row = rows[2];
    size_t la = strnlen(a, ROW), lb = strnlen(b, ROW);

    if ((la > lb ? la - lb : lb - la) >= cap)
        return cap;
    for (uint32_t j = 0; j <= lb; j++)
        last[j] = j;
    for (uint32_t i = 1; i <= la; i++) {
        uint32_t least = i;
        uint32_t *spare;

        row[0] = i;
        for (uint32_t j = 1; j <= lb; j++) {
            row[j] = smallest(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
            if (row[j] < least)
                least = row[j];
        }
        if (least >= cap)
            return cap;
        spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[lb] < cap ? last[lb] : cap;
}
