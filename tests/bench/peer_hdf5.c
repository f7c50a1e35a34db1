/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What dlfw's reading of HDF5 files is compared with: the HDF5 library. Opens each file, reads the whole of records_0
 * with H5Dread, closes it; one thread. Prints bytes and seconds.
 *
 * usage: peer_hdf5 FILE...
 */
#include <hdf5.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct buffer {
    void *data;
    size_t cap;
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Bytes read; 0 when the file or its data set cannot be. */
static size_t read_file(const char *path, struct buffer *b)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t set = file < 0 ? file : H5Dopen2(file, "records_0", H5P_DEFAULT);
    size_t bytes = 0;

    if (set >= 0) {
        hid_t type = H5Dget_type(set), space = H5Dget_space(set);

        bytes = (size_t)H5Sget_simple_extent_npoints(space) * H5Tget_size(type);
        if (bytes > b->cap) {
            free(b->data);
            b->data = malloc(bytes);
            b->cap = b->data ? bytes : 0;
        }
        if (!b->data || H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, b->data) < 0)
            bytes = 0;
        H5Sclose(space);
        H5Tclose(type);
        H5Dclose(set);
    }
    if (file >= 0)
        H5Fclose(file);
    return bytes;
}

int main(int argc, char **argv)
{
    struct buffer buffer = {0};
    size_t total = 0;
    double start;

    if (argc < 2) {
        fprintf(stderr, "usage: peer_hdf5 FILE...\n");
        return 2;
    }
    start = now();
    for (int i = 1; i < argc; i++) {
        size_t bytes = read_file(argv[i], &buffer);

        if (!bytes) {
            fprintf(stderr, "peer_hdf5: cannot read records_0 of '%s'\n", argv[i]);
            return 1;
        }
        total += bytes;
    }
    printf("%zu bytes %.6f seconds\n", total, now() - start);
    free(buffer.data);
    return 0;
}
