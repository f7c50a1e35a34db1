/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of all parts; png_maker.c writes them. */
#include "png_plan.h"

#include "png_parts.h"

#define BLACK_RUN 258u /* bytes of the longest match */

/* Deflate's fixed codes: block header 3 bits, the first zero 8, matches of 258 at distance 1 13, further zeros 8,
 * end 7.
 */
uint64_t png_black_bits(uint64_t zeros, uint64_t *ret_runs, uint64_t *ret_singles)
{
    *ret_runs = (zeros - 1) / BLACK_RUN;
    *ret_singles = (zeros - 1) % BLACK_RUN;
    return 3 + 8 + *ret_runs * 13 + *ret_singles * 8 + 7;
}

/* The parts with black last rows, without the fill. */
static void lay_out(uint64_t rows, uint64_t columns, uint64_t black_rows, struct png_plan *p)
{
    const uint64_t row_bytes = columns + 1;
    uint64_t runs, singles;

    *p = (struct png_plan){.rows = rows, .columns = columns, .noise_bytes = (rows - black_rows) * row_bytes};
    p->black_bytes = black_rows * row_bytes;
    p->blocks = (p->noise_bytes + PNG_BLOCK_BYTES - 1) / PNG_BLOCK_BYTES;
    p->file_bytes = PNG_HEAD_BYTES + PNG_END_BYTES + PNG_ZLIB_HEAD_BYTES + PNG_ZLIB_CHECK_BYTES + p->noise_bytes +
                    p->blocks * (PNG_CHUNK_FRAME + PNG_BLOCK_HEAD_BYTES);
    if (!black_rows)
        return;
    p->black_data = (png_black_bits(p->black_bytes, &runs, &singles) + 7) / 8 + PNG_ZLIB_CHECK_BYTES;
    p->file_bytes += PNG_CHUNK_FRAME + p->black_data - PNG_ZLIB_CHECK_BYTES;
}

/* Whether the parts are target bytes, or can be filled to as many. */
static int fits(const struct png_plan *p, uint64_t target)
{
    return p->file_bytes == target || p->file_bytes + PNG_CHUNK_FRAME <= target;
}

void png_plan_make(uint64_t rows, uint64_t columns, int exact, struct png_plan *ret)
{
    const uint64_t target = rows * columns;
    uint64_t low = 1, high = rows; /* black rows; at least one row is noise */

    while (exact && low < high) {
        uint64_t middle = low + (high - low) / 2;

        lay_out(rows, columns, middle, ret);
        if (ret->file_bytes <= target)
            high = middle;
        else
            low = middle + 1;
    }
    for (uint64_t black = low; exact && black < rows && black <= low + PNG_CHUNK_FRAME; black++) {
        lay_out(rows, columns, black, ret);
        if (!fits(ret, target))
            continue;
        ret->fill_bytes = target - ret->file_bytes;
        ret->file_bytes = target;
        return;
    }
    lay_out(rows, columns, 0, ret);
}
