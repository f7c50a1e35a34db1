/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both Huffman tables have one code of each length from 1 to 8: 0, 10, 110 ... 11111110. A code of n bits stands for a
 * value of 8 - n more bits, so code and value fill one byte, and nearly every byte is a coefficient of no zeros before:
 * 0vvvvvvv is -127 .. -64 or 64 .. 127, 10vvvvvv half of that, and so on; the amplitudes are those of white noise.
 * 11111110 is "end of block" to the AC table; 11111111 is no code and would need stuffing. Both are content bytes that
 * lose their top bit. Complementing v negates a value: DC differences come in pairs that cancel each other, so that
 * the DC value stays small in images of any size.
 */
#include "jpeg_plan.h"

#include <stdbool.h>
#include <string.h>

#define END_OF_BLOCK 0xfeu
#define CHUNK_BYTES (64u * 1024u) /* stays in the second-level cache between the two passes */
#define SMALLEST_BLOCK 2u         /* the DC value, end of block */
#define DC_QUANTUM 4u
#define COEFFICIENTS 64u
#define LONGEST_CODE 8u

static const uint8_t start_and_jfif[] = {0xff, 0xd8, 0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F',
                                         0,    1,    1,    0,    0, 1,  0,   1,   0,   0};
static const uint8_t quantizers_head[] = {0xff, 0xdb, 0, 3 + COEFFICIENTS, 0}; /* table 0, 8 bits */
static const uint8_t codes_head[] = {0xff, 0xc4, 0, 3 + 16 + LONGEST_CODE};
static const uint8_t scan_head[] = {0xff, 0xda, 0, 8, 1, 1, 0, 0, COEFFICIENTS - 1, 0};
static const uint8_t trailer[JPEG_TRAILER_BYTES] = {0xff, 0xd9};

static uint8_t *put(uint8_t *p, const uint8_t *bytes, uint64_t len)
{
    memcpy(p, bytes, len);
    return p + len;
}

/* One code of each length: of 1 bit for values of 7 bits, of 8 bits for none. */
static uint8_t *put_codes(uint8_t *p, uint8_t table)
{
    p = put(p, codes_head, sizeof codes_head);
    *p++ = table;
    for (uint32_t length = 1; length <= 16; length++)
        *p++ = length <= LONGEST_CODE;
    for (uint32_t bits = LONGEST_CODE; bits-- > 0;)
        *p++ = (uint8_t)bits;
    return p;
}

static void put_header(uint8_t header[JPEG_HEADER_BYTES], uint64_t rows, uint64_t columns)
{
    const uint8_t frame[] = {
        0xff, 0xc0, 0,    11, 8, (uint8_t)(rows >> 8), (uint8_t)rows, (uint8_t)(columns >> 8), (uint8_t)columns,
        1,    1,    0x11, 0}; /* baseline, one component */
    uint8_t *p = put(header, start_and_jfif, sizeof start_and_jfif);

    p = put(p, quantizers_head, sizeof quantizers_head);
    memset(p, 1, COEFFICIENTS);
    *p = DC_QUANTUM;
    p = put(p + COEFFICIENTS, frame, sizeof frame);
    p = put_codes(p, 0x00); /* DC */
    p = put_codes(p, 0x10); /* AC */
    put(p, scan_head, sizeof scan_head);
}

void jpeg_plan_make(uint64_t rows, uint64_t columns, struct jpeg_plan *ret)
{
    const uint64_t frame = JPEG_HEADER_BYTES + JPEG_TRAILER_BYTES;
    uint64_t blocks = ((rows + 7) / 8) * ((columns + 7) / 8);
    uint64_t scan = blocks * SMALLEST_BLOCK;

    if (rows * columns > frame + scan)
        scan = rows * columns - frame;
    ret->blocks = blocks;
    ret->block_bytes = scan / blocks;
    ret->longer = scan % blocks;
    ret->file_bytes = frame + scan;
    put_header(ret->header, rows, columns);
}

/* Where a block begins, counted from the first byte of the scan. */
static uint64_t block_start(const struct jpeg_plan *plan, uint64_t block)
{
    return block * plan->block_bytes + (block < plan->longer ? block : plan->longer);
}

static uint64_t block_at(const struct jpeg_plan *plan, uint64_t pos)
{
    const uint64_t longer_bytes = plan->longer * (plan->block_bytes + 1);

    if (pos < longer_bytes)
        return pos / (plan->block_bytes + 1);
    return plan->longer + (pos - longer_bytes) / plan->block_bytes;
}

static uint8_t coded(uint8_t byte)
{
    return byte >= END_OF_BLOCK ? byte & 0x7fu : byte;
}

/* coded() of all, eight at a time: a byte's top bit is cleared where the seven highest bits are set. */
static void code(uint8_t *buf, uint64_t len)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t i = 0;

    for (; len - i >= sizeof ones; i += sizeof ones) {
        uint64_t word;

        memcpy(&word, buf + i, sizeof word);
        word ^= ((word & ones * 0x7e) + ones * 0x02) & word & ones * 0x80;
        memcpy(buf + i, &word, sizeof word);
    }
    for (; i < len; i++)
        buf[i] = coded(buf[i]);
}

/* The negative of a coded value: the bits behind the first zero, complemented. */
static uint8_t negated(uint8_t byte)
{
    uint8_t value_bits = 0x7f;

    for (uint8_t zero = 0x80; byte & zero; zero >>= 1)
        value_bits >>= 1;
    return byte ^ value_bits;
}

/* The DC byte of an odd block: the negative of the one before. */
static uint8_t cancelling(const struct jpeg_plan *plan, const struct jpeg_content *c, uint64_t block, uint64_t pos,
                          const uint8_t *buf)
{
    const uint64_t before = block_start(plan, block - 1);
    uint8_t value;

    if (before >= pos)
        return negated(buf[before - pos]);
    c->host->content_fill(c->seed, c->object, before, &value, 1);
    return negated(coded(value));
}

/* The bytes [pos, pos + len) of the scan. */
static void scan_bytes(const struct jpeg_plan *plan, const struct jpeg_content *c, uint64_t pos, uint8_t *buf,
                       uint64_t len)
{
    const uint64_t end = pos + len;
    uint64_t block = block_at(plan, pos);
    uint64_t start = block_start(plan, block);

    c->host->content_fill(c->seed, c->object, pos, buf, len);
    code(buf, len);
    while (start < end) {
        uint64_t next = start + plan->block_bytes + (block < plan->longer);

        if (block % 2 && start >= pos)
            buf[start - pos] = cancelling(plan, c, block, pos, buf);
        if (next <= end)
            buf[next - 1 - pos] = END_OF_BLOCK;
        start = next;
        block++;
    }
}

/* *ret: how many of the len bytes from offset on lie in the part [begin, end) of the file. */
static bool is_in(uint64_t offset, uint64_t len, uint64_t begin, uint64_t end, uint64_t *ret)
{
    if (offset < begin || offset >= end)
        return false;
    *ret = len < end - offset ? len : end - offset;
    return true;
}

void jpeg_plan_bytes(const struct jpeg_plan *plan, const struct jpeg_content *content, uint64_t offset, uint8_t *buf,
                     uint64_t len)
{
    const uint64_t scan_end = plan->file_bytes - JPEG_TRAILER_BYTES;

    while (len) {
        uint64_t n = 0;

        if (is_in(offset, len, 0, JPEG_HEADER_BYTES, &n)) {
            memcpy(buf, plan->header + offset, n);
        } else if (is_in(offset, len, JPEG_HEADER_BYTES, scan_end, &n)) {
            n = n < CHUNK_BYTES ? n : CHUNK_BYTES;
            scan_bytes(plan, content, offset - JPEG_HEADER_BYTES, buf, n);
        } else {
            n = len;
            memcpy(buf, trailer + (offset - scan_end), n);
        }
        buf += n;
        offset += n;
        len -= n;
    }
}
