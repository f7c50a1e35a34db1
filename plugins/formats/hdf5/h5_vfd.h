/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HDF5 library on bytes that the host has read: a file driver that serves reads from spans. What it lacks it notes
 * as wanted and fails the call. All calls of the library happen between h5_library_lock and h5_library_unlock.
 */
#ifndef DLFW_HDF5_VFD_H
#define DLFW_HDF5_VFD_H

#include "h5_source.h"

#include <hdf5.h>

/* Takes the lock and silences the library's own messages. */
void h5_library_lock(void);
void h5_library_unlock(void);

/* The object as an open file, read-only; negative when the library fails. [locked] */
hid_t h5_vfd_open(struct h5_source *s);
/* Where a read of data goes: between begin and end reads of data are not done but noted here. */
struct h5_raw_place {
    uint64_t offset, length; /* of the last one; length 0: none */
};
void h5_vfd_note_raw(struct h5_raw_place *place); /* NULL: reads are done again. [locked] */

/* NEED_IO when bytes were missing; else status, with what the library said of the call that just failed. [locked] */
dlfw_status h5_library_fail(struct h5_source *s, dlfw_status status, const char *what);

#endif
