/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_read EPOCHS < RANGES: reads the ranges of stdin, one "FILE OFFSET LENGTH" per line (LENGTH 0: to the end), with
 * pread in pieces of 256 KiB into one hot buffer, EPOCHS times; prints bytes and seconds of the fastest epoch. A file
 * is opened once per run of lines that name it. What a format's reading is compared with: the same bytes, nothing done.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 256 * 1024 };

struct range {
    char *file;
    uint64_t offset, length;
};

static void fail(const char *what)
{
    fprintf(stderr, "peer_read: '%s': %s\n", what, strerror(errno));
    exit(1);
}

static struct range *read_list(size_t *ret_count)
{
    struct range *list = NULL;
    size_t count = 0, cap = 0;
    char file[4096];
    uint64_t offset, length;

    while (scanf("%4095s %" SCNu64 " %" SCNu64, file, &offset, &length) == 3) {
        if (count == cap) {
            cap = cap ? cap * 2 : 1024;
            list = realloc(list, cap * sizeof *list);
            if (!list)
                fail("list");
        }
        list[count] = (struct range){.offset = offset, .length = length};
        if (count && strcmp(list[count - 1].file, file) == 0)
            list[count].file = list[count - 1].file;
        else
            list[count].file = strdup(file);
        count++;
    }
    *ret_count = count;
    return list;
}

static uint64_t read_range(int fd, const struct range *r, uint8_t *buf)
{
    uint64_t at = r->offset, end = r->length ? r->offset + r->length : UINT64_MAX;

    while (at < end) {
        size_t want = end - at < PIECE ? (size_t)(end - at) : PIECE;
        ssize_t got = pread(fd, buf, want, (off_t)at);

        if (got < 0)
            fail(r->file);
        if (got == 0)
            break;
        at += (uint64_t)got;
    }
    return at - r->offset;
}

static double seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    size_t count;
    struct range *list = read_list(&count);
    uint8_t *buf = aligned_alloc(4096, PIECE);
    long epochs = argc > 1 ? strtol(argv[1], NULL, 10) : 1;
    uint64_t bytes = 0;
    double best = 1e30;

    if (!buf || !count)
        return 2;
    for (long e = 0; e < epochs; e++) {
        double begin = seconds(), took;
        int fd = -1;

        bytes = 0;
        for (size_t i = 0; i < count; i++) {
            if (i == 0 || list[i].file != list[i - 1].file) {
                if (fd >= 0)
                    close(fd);
                fd = open(list[i].file, O_RDONLY | O_CLOEXEC);
                if (fd < 0)
                    fail(list[i].file);
            }
            bytes += read_range(fd, &list[i], buf);
        }
        close(fd);
        took = seconds() - begin;
        best = took < best ? took : best;
    }
    printf("%" PRIu64 " %.6f\n", bytes, best);
    return 0;
}
