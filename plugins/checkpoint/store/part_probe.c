/* SPDX-License-Identifier: Apache-2.0 */
#include "part_probe.h"

/* Of n even draws from 256 values the squares of the counts sum up to n + n * (n - 1) / 256, give or take a tenth of n.
 */
bool probe_is_uneven(const uint8_t *sample, uint32_t len, uint32_t percent)
{
    uint32_t counts[4][256] = {{0}}; /* four, so that equal bytes in a row do not wait for each other */
    uint64_t squares = 0, n = len;
    uint32_t i = 0;

    for (; i + 4 <= len; i += 4)
        for (uint32_t k = 0; k < 4; k++)
            counts[k][sample[i + k]]++;
    for (; i < len; i++)
        counts[0][sample[i]]++;
    for (uint32_t v = 0; v < 256; v++) {
        uint64_t c = (uint64_t)counts[0][v] + counts[1][v] + counts[2][v] + counts[3][v];

        squares += c * c;
    }
    return squares * 256 > 256 * n + n * (n - 1) + n * n / 100 * percent;
}

uint64_t probe_run_begin(uint64_t count, uint32_t i)
{
    return (count - PROBE_RUN) / (PROBE_RUNS - 1) * i;
}
