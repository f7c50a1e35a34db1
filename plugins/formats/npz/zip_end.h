/* SPDX-License-Identifier: Apache-2.0 */
/* The end records of a ZIP file: where its central directory lies. */
#ifndef DLFW_NPZ_ZIP_END_H
#define DLFW_NPZ_ZIP_END_H

#include "zip_dir.h"

struct zip_end {
    uint64_t dir_offset;
    uint64_t dir_bytes;
    uint64_t entries;
};

/* DLFW_OK (the directory lies inside the file, before the end records), DLFW_NEED_IO or an error. */
dlfw_status zip_find_end(const struct zip_search *s, struct zip_end *ret);

/* DLFW_OK when [begin, end) has been read, else DLFW_NEED_IO with want[] filled. */
dlfw_status zip_need(const struct zip_search *s, uint64_t begin, uint64_t end);
/* "'NAME': WHAT at offset N" as DLFW_E_CORRUPT or the status given. */
dlfw_status zip_fail(const struct zip_search *s, dlfw_status status, uint64_t offset, const char *what);

#endif
