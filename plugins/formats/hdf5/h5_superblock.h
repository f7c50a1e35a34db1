/* SPDX-License-Identifier: Apache-2.0 */
/* The superblock: where an HDF5 file begins to be one. */
#ifndef DLFW_HDF5_SUPERBLOCK_H
#define DLFW_HDF5_SUPERBLOCK_H

#include "h5_source.h"

#define H5_SIGNATURE "\211HDF\r\n\032\n"
#define H5_SIGNATURE_BYTES 8u
#define H5_SUPERBLOCK_BYTES 48u /* of versions 2 and 3 */
#define H5_FIRST_READ 16384u    /* metadata of ordinary files lie in the first few KiB */

struct h5_superblock {
    uint32_t version;
    uint64_t offset; /* of the superblock */
    uint64_t root;   /* address of the root group's object header */
};

/* Finds and checks the superblock; sets s->base. */
dlfw_status h5_superblock_read(struct h5_source *s, struct h5_superblock *ret);

#endif
