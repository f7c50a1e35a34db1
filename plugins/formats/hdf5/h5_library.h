/* SPDX-License-Identifier: Apache-2.0 */
/* What the parser does not read itself, through the HDF5 library: metadata of any kind, data only behind filters that
 * the library alone has. */
#ifndef DLFW_HDF5_LIBRARY_H
#define DLFW_HDF5_LIBRARY_H

#include "h5_find.h"
#include "h5_reader.h"

/* As h5_find(). */
dlfw_status h5_library_find(struct h5_source *s, const struct h5_search *search, struct h5_file *file);
/* The unit's rows of a set with library_decodes, put where they belong in out. have: the unit's ranges. */
dlfw_status h5_library_decode(dlfw_reader *r, uint32_t set, const dlfw_span *have, uint32_t n_have, uint8_t *out,
                              dlfw_error *err);

#endif
