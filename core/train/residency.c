/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mincore() of a mapping that nobody touches tells which pages of a file are in the page cache and brings none in.
 * Since Linux 5.2 it says so only to those who own the file or may write to it, and calls every page resident to all
 * others; hence the question before. Invariant: the files looked at are spread over the epoch's order, also when time
 * runs out in between.
 */
#include "train/residency.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/uri.h"

#define PLACES_BITS 8u
#define PLACES (1u << PLACES_BITS) /* of the epoch's order, whose files are looked at */
#define LOOK_NS (50 * NS_PER_S / 1000)

/* Only who owns a file, or has the capability that stands for it, may set O_NOATIME: the kernel's own words for the
 * first half of the rule. */
static dlfw_status open_to_look(const char *path, int *ret, dlfw_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOATIME);

    if (fd < 0 && errno == EPERM) {
        if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0)
            return dlfw_fail(err, DLFW_E_PERMISSION,
                             "only the owner of '%s' or who may write to it can ask how much of it is cached", path);
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0)
        return dlfw_fail_errno(err, errno, "cannot open '%s'", path);
    *ret = fd;
    return DLFW_OK;
}

/* In windows: every one of a small file, else RESIDENCY_WINDOWS of them, the first and the last among these. */
static dlfw_status count_pages(char *map, const char *path, struct file_residency *f, dlfw_error *err)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), window = page * RESIDENCY_WINDOW_PAGES;
    const uint64_t windows = (f->bytes + window - 1) / window;
    const uint64_t chosen = windows < RESIDENCY_WINDOWS ? windows : RESIDENCY_WINDOWS;
    unsigned char pages[RESIDENCY_WINDOW_PAGES];
    uint64_t looked = 0, resident = 0;

    for (uint64_t i = 0; i < chosen; i++) {
        uint64_t from = (chosen > 1 ? i * (windows - 1) / (chosen - 1) : 0) * window;
        uint64_t len = f->bytes - from < window ? f->bytes - from : window, count = (len + page - 1) / page;

        if (mincore(map + from, len, pages) != 0)
            return dlfw_fail_errno(err, errno, "cannot ask how much of '%s' is cached", path);
        for (uint64_t k = 0; k < count; k++)
            resident += pages[k] & 1;
        looked += count;
    }
    f->resident_bytes = (uint64_t)((double)f->bytes * (double)resident / (double)looked);
    return DLFW_OK;
}

dlfw_status residency_of_file(const char *path, struct file_residency *ret, dlfw_error *err)
{
    struct file_residency f = {0};
    char *map = MAP_FAILED;
    struct stat s;
    int fd = -1;
    dlfw_status st;

    st = open_to_look(path, &fd, err);
    if (st < 0)
        return st;
    if (fstat(fd, &s) != 0) {
        st = dlfw_fail_errno(err, errno, "cannot stat '%s'", path);
        goto out;
    }
    f.bytes = (uint64_t)s.st_size;
    if (!f.bytes)
        goto out;
    map = mmap(NULL, f.bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        st = dlfw_fail_errno(err, errno, "cannot map '%s'", path);
        goto out;
    }
    st = count_pages(map, path, &f, err);
out:
    if (map != MAP_FAILED)
        munmap(map, f.bytes);
    close(fd);
    if (st >= 0)
        *ret = f;
    return st;
}

static bool reads_are_cached(const struct run_record *rec)
{
    return (rec->storage_caps & DLFW_BACKEND_LOCAL) &&
           !(rec->storage_caps & (DLFW_BACKEND_DIRECT | DLFW_BACKEND_NO_DATA)) &&
           strcmp(rec->storage_scheme, "file") == 0;
}

/* The ranks on the host of rank 0. Caller frees. */
static uint32_t *host_ranks(const struct world *w, uint32_t *ret_count)
{
    uint32_t *ranks = xcalloc(w->ranks, sizeof *ranks);

    *ret_count = 0;
    for (uint32_t i = 0; i < w->ranks; i++)
        if (strcmp(w->places[i].host, w->places[0].host) == 0)
            ranks[(*ret_count)++] = i;
    return ranks;
}

/* The bits of a place the other way round: any first part of such a count is spread over the whole. */
static uint32_t spread_place(uint32_t i)
{
    uint32_t place = 0;

    for (uint32_t bit = 0; bit < PLACES_BITS; bit++)
        place |= (i >> bit & 1) << (PLACES_BITS - 1 - bit);
    return place;
}

/* The different files at PLACES places of what this host will read, in the order in which to look. */
static uint32_t choose_files(const struct train_run *run, uint64_t epoch, uint64_t files[PLACES])
{
    const uint64_t each = run->steps * run->job->cfg->reader.batch_size;
    uint32_t count = 0, rank_count;
    uint32_t *ranks = host_ranks(&run->job->record.world, &rank_count);
    uint64_t whole = each * rank_count;

    for (uint32_t i = 0; i < PLACES; i++) {
        uint32_t place = spread_place(i), known = 0;
        uint64_t at = whole / PLACES * place + whole % PLACES * place / PLACES;
        uint64_t file = loader_file_at(run->train_loader, epoch, ranks[at / each], at % each);

        while (known < count && files[known] != file)
            known++;
        if (known == count)
            files[count++] = file;
    }
    free(ranks);
    return count;
}

static dlfw_status look(const struct train_run *run, const char *folder, uint64_t epoch, struct file_residency *ret,
                        uint32_t *ret_files, dlfw_error *err)
{
    const uint64_t deadline = clock_now_ns() + LOOK_NS;
    uint64_t files[PLACES];
    uint32_t count = choose_files(run, epoch, files), i;
    dlfw_status st = DLFW_OK;

    *ret = (struct file_residency){0};
    for (i = 0; i < count && st >= 0 && (i == 0 || clock_now_ns() < deadline); i++) {
        struct file_residency f = {0};
        char key[1024], *path;

        file_list_key(&run->train_files, files[i], key, sizeof key);
        path = xformat("%s/%s", folder, key);
        st = residency_of_file(path, &f, err);
        free(path);
        ret->bytes += f.bytes;
        ret->resident_bytes += f.resident_bytes;
    }
    *ret_files = i;
    return st;
}

void residency_note(struct train_run *run, struct epoch_record *e)
{
    struct uri uri = {0};
    struct error_slot slot;
    struct file_residency sum = {0};
    uint32_t files = 0;
    dlfw_status st;

    if (!reads_are_cached(&run->job->record))
        return;
    error_slot_init(&slot);
    st = uri_parse(run->job->record.storage_uri, &uri, &slot.e);
    if (st >= 0)
        st = look(run, uri.path, e->epoch, &sum, &files, &slot.e);
    uri_free(&uri);
    if (st < 0) {
        log_info("how much of the data is in the page cache is not known: %s", slot.text);
    } else if (sum.bytes) {
        e->resident_percent = 100.0 * (double)sum.resident_bytes / (double)sum.bytes;
        e->resident_files = files;
    }
}
