/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One object of a storage read through a format, unit by unit, outside of any loader: what `dlfw inspect` and `dlfw
 * index` need. Pieces of 1 MiB, a few in flight, each given to the format's consume() in file order; nothing is kept
 * but the metadata. One thread.
 */
#ifndef DLFW_CORE_WORKLOAD_OBJECT_READER_H
#define DLFW_CORE_WORKLOAD_OBJECT_READER_H

#include "io/storage.h"

struct object_reader;

struct object_reader_args {
    struct storage *storage;
    const char *key; /* below the storage's root; side objects lie below that root as well */
    const struct plugin_iface *format_iface;
    dlfw_format *format;
    uint32_t flags; /* DLFW_OBJECT_VERIFY, DLFW_OBJECT_EXPLORE */
};

/* Opens the object and reads its metadata. An object that is not there is DLFW_E_NOT_FOUND. */
dlfw_status object_reader_open(const struct object_reader_args *args, struct object_reader **ret, dlfw_error *err);
/* Reads and consumes every unit. Stops with DLFW_E_CANCELLED after Ctrl-C. */
dlfw_status object_reader_verify_all(struct object_reader *r, dlfw_error *err);
/* For unit_count, describe and write_side; belongs to r. */
dlfw_reader *object_reader_reader(struct object_reader *r);
uint64_t object_reader_size(const struct object_reader *r);  /* bytes of the object */
void object_reader_close(struct object_reader *r);           /* NULL is fine */

#endif
