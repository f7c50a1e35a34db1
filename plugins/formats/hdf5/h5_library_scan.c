/* SPDX-License-Identifier: Apache-2.0 */
#include "h5_library_scan.h"

#include <inttypes.h>
#include <string.h>

/* Each chunk costs a call. */
#define CHUNKS_MAX (UINT64_C(1) << 24)
/* Once that many ranges are missing, or that many chunks could not be looked up, they are read before more are looked
 * for. */
#define WANTS_ENOUGH 48u
#define MISSES_ENOUGH 2000u

/* Ids of one open data set; 0 is none. */
struct ids {
    hid_t set, space, type, plist;
};

static void close_ids(const struct ids *ids)
{
    if (ids->plist > 0)
        H5Pclose(ids->plist);
    if (ids->type > 0)
        H5Tclose(ids->type);
    if (ids->space > 0)
        H5Sclose(ids->space);
    if (ids->set > 0)
        H5Dclose(ids->set);
}

static bool is_bool(hid_t type)
{
    static const char *const names[] = {"FALSE", "TRUE"};

    if (H5Tget_class(type) != H5T_ENUM || H5Tget_size(type) != 1 || H5Tget_nmembers(type) != 2)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        char *name = H5Tget_member_name(type, i);
        uint8_t value = 0xff;
        bool fits = name && strcmp(name, names[i]) == 0 && H5Tget_member_value(type, i, &value) >= 0 && value == i;

        H5free_memory(name);
        if (!fits)
            return false;
    }
    return true;
}

/* Half precision has no name in the library. */
static bool is_half(hid_t type)
{
    size_t sign, exponent, exponent_bits, mantissa, mantissa_bits;

    return H5Tget_class(type) == H5T_FLOAT && H5Tget_size(type) == 2 && H5Tget_order(type) == H5T_ORDER_LE &&
           H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits) >= 0 && sign == 15 &&
           exponent == 10 && exponent_bits == 5 && mantissa == 0 && mantissa_bits == 10 && H5Tget_ebias(type) == 15;
}

static void take_type(hid_t type, struct h5_type *ret)
{
    const struct {
        hid_t type;
        uint32_t dtype;
    } known[] = {
        {H5T_STD_U8LE, DLFW_DTYPE_UINT8},   {H5T_STD_I8LE, DLFW_DTYPE_INT8},      {H5T_STD_U8BE, DLFW_DTYPE_UINT8},
        {H5T_STD_I8BE, DLFW_DTYPE_INT8},    {H5T_STD_U16LE, DLFW_DTYPE_UINT16},   {H5T_STD_I16LE, DLFW_DTYPE_INT16},
        {H5T_STD_U32LE, DLFW_DTYPE_UINT32}, {H5T_STD_I32LE, DLFW_DTYPE_INT32},    {H5T_STD_U64LE, DLFW_DTYPE_UINT64},
        {H5T_STD_I64LE, DLFW_DTYPE_INT64},  {H5T_IEEE_F32LE, DLFW_DTYPE_FLOAT32}, {H5T_IEEE_F64LE, DLFW_DTYPE_FLOAT64}};
    const size_t bytes = H5Tget_size(type);

    ret->bytes = bytes < UINT32_MAX ? (uint32_t)bytes : 0;
    ret->refused = "another than little-endian numbers";
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (H5Tequal(type, known[i].type) > 0)
            ret->dtype = known[i].dtype;
    if (is_half(type))
        ret->dtype = DLFW_DTYPE_FLOAT16;
    if (is_bool(type))
        ret->dtype = DLFW_DTYPE_BOOL;
}

static dlfw_status take_space(struct h5_source *s, hid_t space, struct h5_set *set)
{
    hsize_t dims[H5S_MAX_RANK], max_dims[H5S_MAX_RANK];
    int rank = H5Sget_simple_extent_dims(space, dims, max_dims);

    if (rank < 0 || rank > (int)H5_RANK_MAX || H5Sget_simple_extent_type(space) == H5S_NULL)
        return h5_library_fail(s, DLFW_E_UNSUPPORTED, "a data set without a shape");
    set->rank = (uint32_t)rank;
    for (int i = 0; i < rank; i++) {
        set->dims[i] = dims[i];
        set->max_dims[i] = max_dims[i] == H5S_UNLIMITED ? UINT64_MAX : max_dims[i];
    }
    return DLFW_OK;
}

static dlfw_status take_filters(struct h5_source *s, hid_t plist, struct h5_set *set)
{
    int count = H5Pget_nfilters(plist);

    if (count < 0 || count > (int)H5_FILTERS_MAX)
        return h5_library_fail(s, DLFW_E_CORRUPT, "the filters cannot be read");
    set->filter_count = (uint32_t)count;
    for (int i = 0; i < count; i++) {
        unsigned flags, config, values[8] = {0};
        size_t value_count = 8;
        H5Z_filter_t id = H5Pget_filter2(plist, (unsigned)i, &flags, &value_count, values, 0, NULL, &config);

        if (id < 0)
            return h5_library_fail(s, DLFW_E_CORRUPT, "the filters cannot be read");
        set->filters[i] = (struct h5_filter){.id = (uint32_t)id, .value = values[0]};
        set->library_decodes |=
            id != H5_FILTER_DEFLATE && id != H5_FILTER_SHUFFLE && id != H5_FILTER_FLETCHER && id != H5_FILTER_LZF;
    }
    return DLFW_OK;
}

static dlfw_status take_layout(struct h5_source *s, hid_t plist, struct h5_set *set)
{
    hsize_t dims[H5S_MAX_RANK];

    switch (H5Pget_layout(plist)) {
    case H5D_COMPACT: /* inside the object header, where the library does not tell */
        set->layout = H5_COMPACT;
        set->library_decodes = true;
        set->offset = H5_UNDEFINED;
        return DLFW_OK;
    case H5D_CONTIGUOUS:
        set->layout = H5Pget_external_count(plist) > 0 ? H5_VIRTUAL : H5_CONTIGUOUS;
        return DLFW_OK;
    case H5D_CHUNKED:
        set->layout = H5_CHUNKED;
        if (H5Pget_chunk(plist, H5S_MAX_RANK, dims) != (int)set->rank || !set->rank)
            return h5_library_fail(s, DLFW_E_CORRUPT, "the shape of the chunks cannot be read");
        for (uint32_t i = 0; i < set->rank; i++) {
            set->chunk_dims[i] = dims[i];
            if (!dims[i])
                return h5_corrupt(s, 0, "chunks of no items");
        }
        return DLFW_OK;
    case H5D_VIRTUAL:
        set->layout = H5_VIRTUAL;
        return DLFW_OK;
    case H5D_LAYOUT_ERROR:
    case H5D_NLAYOUTS:
        break;
    }
    return h5_library_fail(s, DLFW_E_CORRUPT, "the layout of a data set cannot be read");
}

static dlfw_status take_properties(struct h5_source *s, const struct ids *ids, struct h5_set *set)
{
    H5D_fill_value_t state;
    dlfw_status st = take_layout(s, ids->plist, set);

    if (st >= 0)
        st = take_filters(s, ids->plist, set);
    if (st < 0)
        return st;
    /* never called for a type that the library would have to convert */
    if (set->type.dtype && H5Pfill_value_defined(ids->plist, &state) >= 0 && state == H5D_FILL_VALUE_USER_DEFINED &&
        H5Pget_fill_value(ids->plist, ids->type, set->fill) < 0)
        return h5_library_fail(s, DLFW_E_CORRUPT, "the fill value cannot be read");
    return DLFW_OK;
}

/*
 * The chunk at a place of the grid; NEED_IO notes what is missing. The library has a call that tells a chunk's place,
 * but it goes through all chunks each time; so the chunk is read, and the driver notes where the bytes would come from
 * without reading them.
 */
static dlfw_status take_chunk(struct h5_source *s, hid_t id, struct h5_set *set, uint64_t index, uint64_t *cap)
{
    hsize_t at[H5_RANK_MAX], bytes = 0;
    struct h5_raw_place place = {0};
    uint32_t mask = 0;
    uint64_t rest = index;
    uint8_t nothing[8];
    herr_t result;

    for (uint32_t i = set->rank; i-- > 0; rest /= set->grid[i])
        at[i] = rest % set->grid[i] * set->chunk_dims[i];
    if (H5Dget_chunk_storage_size(id, at, &bytes) < 0)
        return h5_library_fail(s, DLFW_E_CORRUPT, "the size of a chunk cannot be read");
    if (!bytes)
        return DLFW_OK;
    h5_vfd_note_raw(&place);
    result = H5Dread_chunk(id, H5P_DEFAULT, at, &mask, nothing);
    h5_vfd_note_raw(NULL);
    if (result < 0 || place.length != bytes)
        return h5_library_fail(s, DLFW_E_CORRUPT, "the place of a chunk cannot be read");
    if (bytes > UINT32_MAX)
        return h5_corrupt(s, place.offset, "a chunk of more than 4 GiB");
    return h5_chunk_table_add(
        s, set, cap,
        &(struct h5_chunk){.index = index, .offset = place.offset, .bytes = (uint32_t)bytes, .mask = mask});
}

static dlfw_status take_chunks(struct h5_source *s, hid_t id, struct h5_set *set)
{
    H5D_chunk_index_t kind;
    uint64_t cap = 0;
    uint32_t misses = 0;

    if (H5Dget_chunk_index_type(id, &kind) >= 0)
        set->index = kind == H5D_CHUNK_IDX_BTREE ? H5_INDEX_TREE1 : (enum h5_index)kind;
    if (set->chunk_count > CHUNKS_MAX)
        return h5_fail(s->object, DLFW_E_UNSUPPORTED, 0, s->err,
                       "'%s' has %" PRIu64 " chunks in an index that only the HDF5 library reads", set->name,
                       set->chunk_count);
    for (uint64_t i = 0; i < set->chunk_count && s->want_count < WANTS_ENOUGH && misses < MISSES_ENOUGH; i++) {
        dlfw_status st = take_chunk(s, id, set, i, &cap);

        if (st < 0)
            return st;
        misses += st == DLFW_NEED_IO;
    }
    return misses ? DLFW_NEED_IO : h5_chunk_table_finish(s, set);
}

static dlfw_status take_place(struct h5_source *s, hid_t id, struct h5_set *set)
{
    haddr_t offset;

    if (set->layout == H5_CHUNKED)
        return take_chunks(s, id, set);
    if (set->layout != H5_CONTIGUOUS)
        return DLFW_OK;
    offset = H5Dget_offset(id);
    set->offset = offset == HADDR_UNDEF ? H5_UNDEFINED : offset;
    if (set->offset != H5_UNDEFINED && (set->offset > s->object->size || set->bytes > s->object->size - set->offset))
        return h5_fail(s->object, DLFW_E_CORRUPT, set->offset, s->err,
                       "'%s' has %" PRIu64 " bytes, which reach beyond the file", set->name, set->bytes);
    return DLFW_OK;
}

static dlfw_status scan_set(struct h5_source *s, uint32_t what, const struct ids *ids, struct h5_set *set)
{
    dlfw_status st;

    if (ids->space < 0 || ids->type < 0 || ids->plist < 0)
        return h5_library_fail(s, DLFW_E_CORRUPT, "a data set cannot be opened");
    st = take_space(s, ids->space, set);
    if (st != DLFW_OK)
        return st;
    take_type(ids->type, &set->type);
    st = take_properties(s, ids, set);
    if (st == DLFW_OK)
        st = h5_dataset_derive(s, 0, set);
    if (st == DLFW_OK && set->layout == H5_CHUNKED)
        st = h5_dataset_derive_chunks(s, 0, set);
    if (st != DLFW_OK || what == H5_DATASET_SHAPE)
        return st;
    st = h5_dataset_check(s, 0, set);
    return st == DLFW_OK ? take_place(s, ids->set, set) : st;
}

dlfw_status h5_library_scan(struct h5_source *s, hid_t file, const char *path, uint32_t what, struct h5_set *set,
                            bool *ret_is_dataset)
{
    struct ids ids = {0};
    hid_t object = H5Oopen(file, path, H5P_DEFAULT);
    dlfw_status st;

    *ret_is_dataset = false;
    if (object < 0)
        return h5_library_fail(s, DLFW_E_NOT_FOUND, "the data set cannot be opened");
    *ret_is_dataset = H5Iget_type(object) == H5I_DATASET;
    if (!*ret_is_dataset) {
        H5Oclose(object);
        return DLFW_OK;
    }
    ids.set = object;
    ids.space = H5Dget_space(object);
    ids.type = H5Dget_type(object);
    ids.plist = H5Dget_create_plist(object);
    st = scan_set(s, what, &ids, set);
    close_ids(&ids);
    return st;
}
