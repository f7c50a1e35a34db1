/* SPDX-License-Identifier: Apache-2.0 */
#include "h5_vfd.h"

#include "common/span_set.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The library reads in small steps; a miss brings the block around it, larger ones once there were many. */
#define BLOCK UINT64_C(65536)
#define SPANS_PER_DOUBLING 32u
#define BLOCK_DOUBLINGS_MAX 8u

struct span_file {
    H5FD_t pub; /* the library's part, first */
    struct h5_source *s;
    haddr_t eoa;
};

struct span_file_info {
    struct h5_source *s;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Under lock. The property list stays: closing it after a failed open would wipe what is said of the failure. */
static struct h5_raw_place *raw_place;
static hid_t driver = H5I_INVALID_HID, access_list = H5I_INVALID_HID;

static H5FD_t *span_open(const char *name, unsigned flags, hid_t fapl, haddr_t max_address)
{
    const struct span_file_info *info = H5Pget_driver_info(fapl);
    struct span_file *f;

    (void)name;
    (void)max_address;
    if (!info || (flags & H5F_ACC_RDWR))
        return NULL;
    f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->s = info->s;
    return &f->pub;
}

static herr_t span_close(H5FD_t *file)
{
    free(file);
    return 0;
}

static herr_t span_query(const H5FD_t *file, unsigned long *flags)
{
    (void)file;
    if (flags)
        *flags = 0;
    return 0;
}

static haddr_t span_get_eoa(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const struct span_file *)file)->eoa;
}

static herr_t span_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t address)
{
    (void)type;
    ((struct span_file *)file)->eoa = address;
    return 0;
}

static haddr_t span_get_eof(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const struct span_file *)file)->s->object->size;
}

/* [offset, offset + len) widened to blocks, as far as it is not there. */
static void want_blocks(struct h5_source *s, uint64_t offset, uint64_t len)
{
    uint32_t doublings = s->n_have / SPANS_PER_DOUBLING;
    uint64_t block = BLOCK << (doublings < BLOCK_DOUBLINGS_MAX ? doublings : BLOCK_DOUBLINGS_MAX);
    uint64_t begin = offset / block * block;

    if (s->want_count && s->wants[s->want_count - 1].offset == begin)
        return; /* calls that fail on the same block follow each other */
    h5_want(s, begin, (offset + len - begin + block - 1) / block * block);
}

static herr_t span_read(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t address, size_t len, void *out)
{
    struct h5_source *s = ((struct span_file *)file)->s;
    const uint64_t size = s->object->size;
    dlfw_range missing;

    (void)dxpl;
    if (address > size || len > size - address)
        return -1;
    if (raw_place && type == H5FD_MEM_DRAW) {
        *raw_place = (struct h5_raw_place){.offset = address, .length = len};
        return 0;
    }
    if (span_missing(s->have, s->n_have, address, address + len, &missing, 1)) {
        want_blocks(s, address, len);
        return -1;
    }
    span_copy(s->have, s->n_have, address, out, len);
    return 0;
}

static herr_t span_write(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t address, size_t len, const void *data)
{
    (void)file;
    (void)type;
    (void)dxpl;
    (void)address;
    (void)len;
    (void)data;
    return -1;
}

static const H5FD_class_t span_class = {
#if H5_VERSION_GE(1, 13, 2)
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)(H5_VFD_RESERVED + 87),
#endif
    .name = "dlfw-spans",
    .maxaddr = HADDR_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(struct span_file_info),
    .open = span_open,
    .close = span_close,
    .query = span_query,
    .get_eoa = span_get_eoa,
    .set_eoa = span_set_eoa,
    .get_eof = span_get_eof,
    .read = span_read,
    .write = span_write,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

void h5_library_lock(void)
{
    pthread_mutex_lock(&lock);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    if (driver < 0)
        driver = H5FDregister(&span_class);
    if (access_list < 0)
        access_list = H5Pcreate(H5P_FILE_ACCESS);
}

void h5_library_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

void h5_vfd_note_raw(struct h5_raw_place *place)
{
    raw_place = place;
}

hid_t h5_vfd_open(struct h5_source *s)
{
    const struct span_file_info info = {.s = s};

    if (driver < 0 || access_list < 0 || H5Pset_driver(access_list, driver, &info) < 0)
        return H5I_INVALID_HID;
    return H5Fopen("object", H5F_ACC_RDONLY, access_list);
}

struct said {
    char text[160];
};

/* The innermost entry says what is wrong, the others where it was noticed. */
static herr_t first_entry(unsigned n, const H5E_error2_t *entry, void *ctx)
{
    struct said *said = ctx;

    (void)n;
    if (!said->text[0] && entry->desc)
        snprintf(said->text, sizeof said->text, "%s", entry->desc);
    return 0;
}

dlfw_status h5_library_fail(struct h5_source *s, dlfw_status status, const char *what)
{
    struct said said = {0};

    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_entry, &said);
    if (s->want_count)
        return DLFW_NEED_IO;
    for (char *p = said.text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    return h5_fail(s->object, status, 0, s->err, "%s: the HDF5 library says '%s'", what,
                   said.text[0] ? said.text : "nothing");
}
