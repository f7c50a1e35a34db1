/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the hdf5 plugin share: the instance, its options, and the entry points of reading and writing. */
#ifndef DLFW_HDF5_H
#define DLFW_HDF5_H

#include "dlfw/format.h"

enum { HDF5_COMPRESSION_NONE = 0, HDF5_COMPRESSION_GZIP = 1, HDF5_COMPRESSION_LZF = 2 };
enum { HDF5_LIBRARY_AUTO = 0, HDF5_LIBRARY_NEVER = 1 };

#define HDF5_RECORDS "records_"

struct hdf5_options {
    const char *dataset;
    int64_t num_dset_per_record;
    dlfw_str_list chunk_dims;
    dlfw_str_list max_shape;
    uint32_t compression; /* HDF5_COMPRESSION_* */
    int64_t compression_level;
    uint32_t library; /* HDF5_LIBRARY_* */
};

/* chunk_dims and max_shape as numbers; count 0: not given. UINT64_MAX: 'unlimited' (max_shape). */
struct hdf5_shape {
    uint32_t count;
    uint64_t dims[32];
};

struct object_cache;

struct dlfw_format {
    const dlfw_host *host;
    void *host_ctx;
    const struct hdf5_options *options;
    struct hdf5_shape chunk_dims, max_shape;
    struct object_cache *cache;
};

dlfw_status hdf5_reader_open(dlfw_format *fmt, dlfw_reader *reader, const dlfw_object *object, dlfw_error *err);
void hdf5_reader_close(dlfw_reader *reader);
dlfw_status hdf5_step(dlfw_reader *reader, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                      uint32_t want_cap, uint32_t *n_want, dlfw_error *err);
uint64_t hdf5_unit_count(dlfw_reader *reader);
dlfw_status hdf5_unit_info(dlfw_reader *reader, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err);
dlfw_status hdf5_consume(dlfw_reader *reader, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret,
                         dlfw_error *err);
dlfw_status hdf5_decode(dlfw_reader *reader, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                        dlfw_view *views, uint32_t view_cap, dlfw_error *err);
dlfw_status hdf5_describe(dlfw_reader *reader, const dlfw_describe *out, dlfw_error *err);

dlfw_status hdf5_file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err);
dlfw_status hdf5_encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err);
uint64_t hdf5_unit_samples(dlfw_format *fmt, const dlfw_encode_spec *spec, uint32_t shuffled);

#endif
