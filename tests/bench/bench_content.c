/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GiB/s of one core into and over a hot 256 KiB buffer: content_fill and content_check on each path, CRC-32 and CRC-32C
 * on each path, beside memset and the checksums of zlib, ISA-L and libdeflate. The competitors take turns, so that a
 * disturbed machine disturbs all, and time is the thread's CPU time, so that other programs do not count; the median of
 * the rounds is printed.
 */
#include "host/content.h"
#include "host/crc.h"
#include "host/crc_kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <isa-l/crc.h>
#include <libdeflate.h>
#include <zlib.h>

enum { BUFFER_BYTES = 256 * 1024, ROUNDS = 61, CASES_MAX = 24 };
static const uint64_t round_ns = 4 * 1000 * 1000;

struct bench {
    const char *what, *path;
    void (*once)(const struct bench *b, uint8_t *buf, uint64_t turn);
    const struct crc_path *crc;
    double gib_s[ROUNDS];
};

static volatile uint64_t sink; /* keeps results alive */

static void once_fill(const struct bench *b, uint8_t *buf, uint64_t turn)
{
    (void)b;
    content_fill(1, 2, turn * BUFFER_BYTES, buf, BUFFER_BYTES);
}

static void once_check(const struct bench *b, uint8_t *buf, uint64_t turn)
{
    (void)b;
    (void)turn;
    if (content_check(7, 8, 0, buf, BUFFER_BYTES) != BUFFER_BYTES) {
        fprintf(stderr, "bench_content: path '%s' finds a difference\n", content_path());
        exit(1);
    }
}

static void once_memset(const struct bench *b, uint8_t *buf, uint64_t turn)
{
    (void)b;
    memset(buf, (int)(turn & 0xff), BUFFER_BYTES);
    sink += buf[turn % BUFFER_BYTES];
}

static void once_zlib(const struct bench *b, uint8_t *buf, uint64_t turn)
{
    (void)b;
    (void)turn;
    sink += crc32(0, buf, BUFFER_BYTES);
}

static void once_isal_crc32(const struct bench *b, uint8_t *buf, uint64_t turn)
{
    (void)b;
    (void)turn;
    sink += crc32_gzip_refl(0, buf, BUFFER_BYTES);
}

static void once_isal_crc32c(const struct bench *b, uint8_t *buf, uint64_t turn)
{
    (void)b;
    (void)turn;
    sink += crc32_iscsi(buf, BUFFER_BYTES, 0);
}

static void once_libdeflate(const struct bench *b, uint8_t *buf, uint64_t turn)
{
    (void)b;
    (void)turn;
    sink += libdeflate_crc32(0, buf, BUFFER_BYTES);
}

static void once_crc(const struct bench *b, uint8_t *buf, uint64_t turn)
{
    (void)turn;
    sink += b->crc->run(crc_poly_zip(), 0, buf, BUFFER_BYTES);
}

static void once_crc32c(const struct bench *b, uint8_t *buf, uint64_t turn)
{
    (void)turn;
    sink += b->crc->run(crc_poly_castagnoli(), 0, buf, BUFFER_BYTES);
}

static uint64_t cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static double measure(const struct bench *b, uint8_t *buf)
{
    uint64_t begin, now, turn = 0;

    if (b->once == once_fill || b->once == once_check)
        content_use_path(b->path);
    content_fill(7, 8, 0, buf, BUFFER_BYTES);
    begin = cpu_ns();
    do {
        for (unsigned i = 0; i < 4; i++)
            b->once(b, buf, turn++);
        now = cpu_ns();
    } while (now - begin < round_ns);
    return (double)(turn * BUFFER_BYTES) / (double)(1u << 30) / ((double)(now - begin) / 1e9);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(void)
{
    static const char *const content_paths[] = {"avx512", "avx2", "portable"};
    static struct bench cases[CASES_MAX];
    unsigned n = 0;
    uint8_t *buf = aligned_alloc(4096, BUFFER_BYTES);

    if (!buf)
        return 1;
    cases[n++] = (struct bench){.what = "memset", .path = "libc", .once = once_memset};
    for (unsigned i = 0; i < 3; i++) {
        if (content_use_path(content_paths[i]) != 0)
            continue;
        cases[n++] = (struct bench){.what = "content_fill", .path = content_paths[i], .once = once_fill};
        cases[n++] = (struct bench){.what = "content_check", .path = content_paths[i], .once = once_check};
    }
    cases[n++] = (struct bench){.what = "crc32", .path = "zlib", .once = once_zlib};
    cases[n++] = (struct bench){.what = "crc32", .path = "isa-l", .once = once_isal_crc32};
    cases[n++] = (struct bench){.what = "crc32c", .path = "isa-l", .once = once_isal_crc32c};
    cases[n++] = (struct bench){.what = "crc32", .path = "libdeflate", .once = once_libdeflate};
    for (const struct crc_path *const *p = crc_paths(); *p; p++) {
        cases[n++] = (struct bench){.what = "crc32", .path = (*p)->name, .once = once_crc, .crc = *p};
        cases[n++] = (struct bench){.what = "crc32c", .path = (*p)->name, .once = once_crc32c, .crc = *p};
    }
    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned i = 0; i < n; i++)
            cases[i].gib_s[round] = measure(&cases[i], buf);
    for (unsigned i = 0; i < n; i++) {
        qsort(cases[i].gib_s, ROUNDS, sizeof *cases[i].gib_s, by_value);
        printf("%-14s %-15s %6.1f GiB/s (%.1f .. %.1f)\n", cases[i].what, cases[i].path, cases[i].gib_s[ROUNDS / 2],
               cases[i].gib_s[0], cases[i].gib_s[ROUNDS - 1]);
    }
    free(buf);
    return 0;
}
