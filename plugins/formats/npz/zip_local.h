/* SPDX-License-Identifier: Apache-2.0 */
/* The local header in front of a member's data; it must tell the same as the directory. */
#ifndef DLFW_NPZ_ZIP_LOCAL_H
#define DLFW_NPZ_ZIP_LOCAL_H

#include "zip_dir.h"

/*
 * data: the file's bytes from m->local_offset on. *ret_need: the header's length (where the member's data begin) or,
 * with DLFW_NEED_IO, how many bytes are needed at least. DLFW_E_CORRUPT names what differs, at which offset.
 */
dlfw_status zip_local_parse(const dlfw_object *object, const struct zip_member *m, const uint8_t *data, uint64_t len,
                            uint64_t *ret_need, dlfw_error *err);

#endif
