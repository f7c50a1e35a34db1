/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_codec MIB ROUNDS: the checkpoint store's codecs against libzstd on the same float32 numbers, interleaved. One
 * line per figure, one value per round: ratios of speed, then GiB/s. Single-threaded work is timed by the thread's CPU
 * clock, so that neighbours disturb it less; two threads by the wall clock. Only codecs are timed: checksums are
 * bench_content's.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

#include "host/crc.h"
#include "part_ring.h"

#define PART ((uint64_t)1 << 20)
#define THREADS 2u

enum { NORMAL, UNIFORM, KINDS };

struct bench {
    uint64_t bytes, parts;
    uint8_t *raw, *coded, *back;
    uint64_t *stored; /* of each part in coded, at part * bound */
    uint64_t bound;
    dlfw_host host;
};

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 2685821657736338717u;
}

static void fill(struct bench *b, int kind)
{
    for (uint64_t i = 0; i < b->bytes / 4; i++) {
        double u = ((double)(next_random() >> 11) + 1) * 0x1p-53, v = (double)(next_random() >> 11) * 0x1p-53;
        float f = kind == NORMAL ? (float)(0.02 * sqrt(-2 * log(u)) * cos(6.283185307179586 * v))
                                 : (float)(next_random() >> 40) * 0x1p-24f;

        memcpy(b->raw + 4 * i, &f, sizeof f);
    }
}

static double seconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void die(const char *what)
{
    fprintf(stderr, "bench_codec: %s\n", what);
    exit(1);
}

static uint64_t part_len(const struct bench *b, uint64_t i)
{
    return i + 1 < b->parts ? PART : b->bytes - i * PART;
}

static double ours(struct bench *b, enum codec codec, double *ret_decompress)
{
    struct part_coder *coder = NULL;
    double begin, middle;

    if (part_coder_create(&b->host, 1, &coder, NULL) < 0)
        die("no coder");
    begin = seconds(CLOCK_THREAD_CPUTIME_ID);
    for (uint64_t i = 0; i < b->parts; i++)
        if (part_encode(coder, codec, 4, 0, b->raw + i * PART, part_len(b, i), b->coded + i * b->bound, &b->stored[i],
                        NULL) < 0)
            die("cannot code a part");
    middle = seconds(CLOCK_THREAD_CPUTIME_ID);
    for (uint64_t i = 0; i < b->parts; i++)
        if (part_decode(coder, codec, b->coded + i * b->bound, b->stored[i], b->back + i * PART, part_len(b, i), NULL) <
            0)
            die("cannot decode a part");
    *ret_decompress = seconds(CLOCK_THREAD_CPUTIME_ID) - middle;
    part_coder_destroy(coder);
    if (memcmp(b->raw, b->back, b->bytes) != 0)
        die("what was decoded is not what was coded");
    return middle - begin;
}

/* libzstd -1 on the same pieces, with one context. */
static double theirs(struct bench *b, double *ret_decompress)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    ZSTD_DCtx *d = ZSTD_createDCtx();
    double begin = seconds(CLOCK_THREAD_CPUTIME_ID), middle;

    for (uint64_t i = 0; i < b->parts; i++)
        b->stored[i] = ZSTD_compressCCtx(c, b->coded + i * b->bound, b->bound, b->raw + i * PART, part_len(b, i), 1);
    middle = seconds(CLOCK_THREAD_CPUTIME_ID);
    for (uint64_t i = 0; i < b->parts; i++)
        if (ZSTD_decompressDCtx(d, b->back + i * PART, PART, b->coded + i * b->bound, b->stored[i]) != part_len(b, i))
            die("libzstd cannot decode");
    *ret_decompress = seconds(CLOCK_THREAD_CPUTIME_ID) - middle;
    ZSTD_freeCCtx(c);
    ZSTD_freeDCtx(d);
    return middle - begin;
}

static double their_threads(struct bench *b)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    double begin = seconds(CLOCK_MONOTONIC), end;
    size_t got;

    ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 1);
    if (ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_nbWorkers, THREADS)))
        die("this libzstd has no threads");
    got = ZSTD_compress2(c, b->coded, b->parts * b->bound, b->raw, b->bytes);
    end = seconds(CLOCK_MONOTONIC);
    if (ZSTD_isError(got))
        die("libzstd cannot compress");
    ZSTD_freeCCtx(c);
    return end - begin;
}

static dlfw_status code(void *ctx, struct part_coder *coder, struct part_slot *slot, dlfw_error *reterr)
{
    const struct bench *b = ctx;

    return part_encode(coder, CODEC_ZSTD, 4, 0, b->raw + slot->number * PART, part_len(b, slot->number), slot->stored,
                       &slot->stored_bytes, reterr);
}

/* As a checkpoint is written: parts through workers, taken back in order, copied to where they go. */
static double our_threads(struct bench *b)
{
    struct part_ring_args args = {.host = &b->host,
                                  .work = code,
                                  .ctx = b,
                                  .threads = THREADS,
                                  .slots = 2 * THREADS + 1,
                                  .raw_bytes = 1,
                                  .stored_bytes = b->bound,
                                  .level = 1};
    double begin = seconds(CLOCK_MONOTONIC);
    struct part_ring *ring = NULL;
    struct part_slot *slot;
    uint64_t sent = 0, at = 0;

    if (part_ring_create(&args, &ring, NULL) < 0)
        die("no ring");
    for (uint64_t taken = 0; taken < b->parts; taken++) {
        for (; sent < b->parts && part_ring_next(ring); sent++)
            part_ring_send(ring);
        if (part_ring_take(ring, &slot, NULL) < 0)
            die("cannot code a part");
        memcpy(b->coded + at, slot->stored, slot->stored_bytes);
        at += slot->stored_bytes;
    }
    part_ring_destroy(ring);
    return seconds(CLOCK_MONOTONIC) - begin;
}

#define FIGURES 14
static const char *const names[FIGURES] = {
    "threads",
    "float compress",
    "float decompress",
    "uniform float compress",
    "uniform float decompress",
    "zstd per core",
    "zstd -1 GiB/s",
    "zstd -1 decompress GiB/s",
    "float GiB/s",
    "float decompress GiB/s",
    "uniform float GiB/s",
    "uniform float decompress GiB/s",
    "two threads GiB/s",
    "nbWorkers=2 GiB/s",
};

static void one_round(struct bench *b, double figures[FIGURES])
{
    double z[KINDS], zd[KINDS], f[KINDS], fd[KINDS], own, own_d, two[2], gib = (double)b->bytes / 0x1p30;

    for (int kind = UNIFORM; kind >= NORMAL; kind--) {
        fill(b, kind);
        z[kind] = theirs(b, &zd[kind]);
        f[kind] = ours(b, CODEC_FLOAT, &fd[kind]);
    }
    own = ours(b, CODEC_ZSTD, &own_d);
    two[0] = our_threads(b);
    two[1] = their_threads(b);
    memcpy(figures,
           (double[FIGURES]){two[1] / two[0], z[NORMAL] / f[NORMAL], zd[NORMAL] / fd[NORMAL], z[UNIFORM] / f[UNIFORM],
                             zd[UNIFORM] / fd[UNIFORM], z[NORMAL] / own, gib / z[NORMAL], gib / zd[NORMAL],
                             gib / f[NORMAL], gib / fd[NORMAL], gib / f[UNIFORM], gib / fd[UNIFORM], gib / two[0],
                             gib / two[1]},
           FIGURES * sizeof *figures);
}

int main(int argc, char **argv)
{
    uint64_t mib = argc > 1 ? strtoull(argv[1], NULL, 10) : 64, rounds = argc > 2 ? strtoull(argv[2], NULL, 10) : 5;
    struct bench b = {.bytes = mib << 20, .bound = part_bound(CODEC_FLOAT, PART) + 4096};
    double(*figures)[FIGURES] = calloc(rounds + 1, sizeof *figures);

    b.parts = (b.bytes + PART - 1) / PART;
    b.host = (dlfw_host){.struct_size = sizeof b.host, .crc32 = crc32_update, .crc32c = crc32c_update};
    b.raw = malloc(b.bytes + 1);
    b.back = malloc(b.bytes + 1);
    b.coded = malloc(b.parts * b.bound + 1);
    b.stored = calloc(b.parts + 1, sizeof *b.stored);
    if (!figures || !b.raw || !b.back || !b.coded || !b.stored || !b.parts)
        die("cannot allocate, or MIB is 0");
    memset(b.coded, 1, b.parts * b.bound);
    memset(b.back, 1, b.bytes);
    for (uint64_t i = 0; i < rounds; i++)
        one_round(&b, figures[i]);
    for (int k = 0; k < FIGURES; k++) {
        printf("%s:", names[k]);
        for (uint64_t i = 0; i < rounds; i++)
            printf(" %.3f", figures[i][k]);
        printf("\n");
    }
    free(b.stored);
    free(b.coded);
    free(b.back);
    free(b.raw);
    free(figures);
    return 0;
}
