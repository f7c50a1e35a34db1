/* SPDX-License-Identifier: Apache-2.0 */
/* The row groups of a footer, kept for the columns that are read; what belongs to other columns is stepped over. */
#include "footer.h"

#include "parquet_format.h"
#include "schema.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX ((UINT64_C(1) << 56) - 1) /* what parquet_chunk.bytes holds */
/* Rows that a row group of so many bytes may hold: runs of equal values take next to nothing. */
#define ROWS_FREE (UINT64_C(1) << 20)
#define ROWS_PER_BYTE 1024u
/* Bytes of paths that a footer of so many bytes may make. */
#define PATH_FREE (UINT64_C(1) << 20)
#define PATH_PER_BYTE 64u

struct parsing {
    const dlfw_object *object;
    const struct parquet_selection *selection;
    struct thrift t;
    struct parquet_file *file;
    uint32_t *slot_of_leaf; /* index among the columns that are read + 1; 0: not read */
    uint32_t leaf_cap, column_cap;
    uint64_t group_cap, chunk_cap;
    uint64_t last_end;               /* of the chunk before */
    uint64_t path_bytes, path_limit; /* names of groups are repeated in the path of each of their leaves */
    int64_t rows_said;
    bool is_out_of_memory;
};

/* Room for one more item; the array grows by half. */
static bool reserve(struct parsing *p, void *array, uint64_t *cap, uint64_t count, size_t item)
{
    void *old = *(void **)array, *more;
    uint64_t want = *cap + *cap / 2 + 16;

    if (count < *cap)
        return true;
    more = realloc(old, want * item);
    if (!more) {
        p->is_out_of_memory = true;
        thrift_bad(&p->t, "out of memory for its footer");
        return false;
    }
    *(void **)array = more;
    *cap = want;
    return true;
}

static bool is_wanted(const struct parquet_selection *s, const char *path, uint32_t root_len)
{
    if (!s->count)
        return true;
    for (uint32_t i = 0; i < s->count; i++)
        if (strcmp(s->names[i], path) == 0 ||
            (strlen(s->names[i]) == root_len && memcmp(s->names[i], path, root_len) == 0))
            return true;
    return false;
}

static void add_leaf(struct parsing *p, const struct schema_walk *w, const struct schema_element *e,
                     const struct parquet_leaf *leaf)
{
    struct parquet_file *f = p->file;
    uint32_t index = f->leaf_count;
    uint64_t cap = p->leaf_cap;
    char *path;

    if (!reserve(p, &p->slot_of_leaf, &cap, index, sizeof *p->slot_of_leaf))
        return;
    p->leaf_cap = (uint32_t)cap;
    f->leaf_count++;
    p->slot_of_leaf[index] = 0;
    cap = p->column_cap;
    if (!reserve(p, &f->columns, &cap, f->column_count, sizeof *f->columns))
        return;
    p->column_cap = (uint32_t)cap;
    p->path_bytes += schema_path(w, e, NULL) + UINT64_C(1);
    path = p->path_bytes <= p->path_limit ? malloc((size_t)schema_path(w, e, NULL) + 1) : NULL;
    if (!path) {
        p->is_out_of_memory = p->path_bytes <= p->path_limit;
        thrift_bad(&p->t,
                   p->is_out_of_memory ? "out of memory for its schema" : "the names in its schema are too long");
        return;
    }
    schema_path(w, e, path);
    if (!is_wanted(p->selection, path, w->depth > 1 ? w->open[1].name_len : e->name_len)) {
        free(path);
        return;
    }
    f->columns[f->column_count] = *leaf;
    f->columns[f->column_count].path = path;
    f->columns[f->column_count].index = index;
    f->columns[f->column_count].root_len = w->depth > 1 ? w->open[1].name_len : e->name_len;
    p->slot_of_leaf[index] = ++f->column_count;
}

static void parse_schema(struct parsing *p, const struct thrift_field *field)
{
    struct thrift *t = &p->t;
    struct schema_walk *w = calloc(1, sizeof *w);
    uint32_t count = thrift_list(t, field, THRIFT_STRUCT);

    if (!w) {
        p->is_out_of_memory = true;
        thrift_bad(t, "out of memory for its schema");
        return;
    }
    if (p->file->leaf_count)
        thrift_bad(t, "it has two schemas");
    for (uint32_t i = 0; i < count && !t->problem; i++) {
        struct schema_element e;
        struct parquet_leaf leaf;

        if (schema_next(t, w, &e, &leaf))
            add_leaf(p, w, &e, &leaf);
    }
    if (!t->problem && (!schema_is_complete(w) || !p->file->leaf_count))
        thrift_bad(t, "its schema has fewer elements than its tree");
    free(w);
}

/* What a ColumnMetaData says. */
struct chunk_facts {
    int64_t values, bytes, data_offset, dictionary_offset;
    int32_t type, codec;
    bool has_metadata;
};

static void parse_chunk_metadata(struct thrift *t, struct chunk_facts *c)
{
    struct thrift_field f = {0};

    c->has_metadata = true;
    while (thrift_field(t, &f)) {
        switch (f.id) {
        case 1:
            c->type = thrift_i32(t, &f);
            break;
        case 4:
            c->codec = thrift_i32(t, &f);
            break;
        case 5:
            c->values = thrift_i64(t, &f);
            break;
        case 7:
            c->bytes = thrift_i64(t, &f);
            break;
        case 9:
            c->data_offset = thrift_i64(t, &f);
            break;
        case 11:
            c->dictionary_offset = thrift_i64(t, &f);
            break;
        default:
            thrift_skip(t, &f);
        }
    }
}

static void parse_chunk(struct thrift *t, struct chunk_facts *c)
{
    struct thrift_field f = {0};

    *c = (struct chunk_facts){.type = -1, .codec = -1, .values = -1, .bytes = -1, .data_offset = -1};
    while (thrift_field(t, &f)) {
        if (f.id == 3) {
            thrift_struct(t, &f);
            parse_chunk_metadata(t, c);
        } else if (f.id == 1) {
            thrift_bad(t, "its columns lie in other files, which is not supported");
        } else if (f.id == 8) {
            thrift_bad(t, "its columns are encrypted, which is not supported");
        } else {
            thrift_skip(t, &f);
        }
    }
}

static void keep_chunk(struct parsing *p, const struct parquet_leaf *leaf, const struct chunk_facts *c)
{
    struct parquet_file *f = p->file;
    uint64_t index = (uint64_t)f->group_count * f->column_count + (uint64_t)(leaf - f->columns);
    int64_t begin = c->data_offset;

    if (c->dictionary_offset > 0 && c->dictionary_offset < begin)
        begin = c->dictionary_offset;
    if (!c->has_metadata || c->type != (int32_t)leaf->type || c->codec < 0 || c->codec >= PARQUET_CODECS)
        thrift_bad(&p->t, "a column chunk has no metadata, or of another type, or of an unknown codec");
    else if (c->values < 0 || c->bytes < 0 || begin < 0 || (c->values && !c->bytes))
        thrift_bad(&p->t, "a column chunk has no or a negative offset or size");
    else if (c->values && ((uint64_t)begin < p->last_end || (uint64_t)begin > f->footer_offset ||
                           (uint64_t)c->bytes > f->footer_offset - (uint64_t)begin || (uint64_t)c->bytes > BYTES_MAX))
        thrift_bad(&p->t, "a column chunk reaches into the one before it or beyond the data");
    if (p->t.problem || !reserve(p, &f->chunks, &p->chunk_cap, index, sizeof *f->chunks))
        return;
    if (c->values) /* without any, as in a row group without rows, its place says nothing */
        p->last_end = (uint64_t)begin + (uint64_t)c->bytes;
    f->chunks[index] = (struct parquet_chunk){
        .offset = (uint64_t)begin, .values = (uint64_t)c->values, .bytes = (uint64_t)c->bytes & BYTES_MAX};
    f->chunks[index].codec = (uint8_t)c->codec;
}

/* The chunks of one row group; *ret_bytes: of those that are read. */
static void parse_chunks(struct parsing *p, const struct thrift_field *field, uint64_t *ret_bytes)
{
    struct thrift *t = &p->t;
    uint32_t count = thrift_list(t, field, THRIFT_STRUCT);

    if (!t->problem && count != p->file->leaf_count)
        thrift_bad(t, "a row group has another number of columns than the schema");
    for (uint32_t i = 0; i < count && !t->problem; i++) {
        const struct thrift_field one = {.type = THRIFT_STRUCT};
        uint32_t slot = p->slot_of_leaf[i];
        struct chunk_facts c;

        if (!slot) {
            thrift_skip(t, &one);
            continue;
        }
        parse_chunk(t, &c);
        if (!t->problem)
            keep_chunk(p, &p->file->columns[slot - 1], &c);
        if (!t->problem)
            *ret_bytes += (uint64_t)c.bytes;
    }
}

/* A flat column has one value for every row. */
static void check_group(struct parsing *p, uint64_t rows, uint64_t bytes)
{
    const struct parquet_file *f = p->file;

    if (rows > ROWS_FREE + bytes * ROWS_PER_BYTE || rows > UINT32_MAX)
        thrift_bad(&p->t, "a row group says that it holds more rows than its bytes can");
    for (uint32_t c = 0; c < f->column_count && !p->t.problem; c++) {
        uint64_t values = parquet_chunk(f, f->group_count, c)->values;

        if (f->columns[c].max_rep ? values < rows : values != rows)
            thrift_bad(&p->t, "a column chunk has another number of values than its row group has rows");
    }
}

static void parse_group(struct parsing *p)
{
    struct parquet_file *f = p->file;
    struct thrift_field field = {0};
    uint64_t bytes = 0, cap = p->group_cap;
    int64_t rows = -1;
    bool has_columns = false;

    while (thrift_field(&p->t, &field)) {
        if (field.id == 1 && !has_columns) {
            has_columns = true;
            parse_chunks(p, &field, &bytes);
        } else if (field.id == 3) {
            rows = thrift_i64(&p->t, &field);
        } else {
            thrift_skip(&p->t, &field);
        }
    }
    if (!p->t.problem && (!has_columns || rows < 0))
        thrift_bad(&p->t, "a row group has no columns or no number of rows");
    if (p->t.problem || !rows) /* an empty row group is no unit */
        return;
    check_group(p, (uint64_t)rows, bytes);
    if (p->t.problem || !reserve(p, &f->groups, &cap, f->group_count, sizeof *f->groups))
        return;
    p->group_cap = cap;
    f->groups[f->group_count++] = (struct parquet_group){.first_row = f->rows, .rows = (uint64_t)rows};
    f->rows += (uint64_t)rows;
}

static void parse_groups(struct parsing *p, const struct thrift_field *field)
{
    uint32_t count = thrift_list(&p->t, field, THRIFT_STRUCT);

    if (!p->file->leaf_count || p->file->group_count)
        thrift_bad(&p->t, "its row groups do not follow the schema");
    for (uint32_t i = 0; i < count && !p->t.problem; i++)
        parse_group(p);
}

static void parse_file(struct parsing *p)
{
    struct thrift_field field = {0};
    bool has_groups = false;

    while (thrift_field(&p->t, &field)) {
        if (field.id == 2) {
            parse_schema(p, &field);
        } else if (field.id == 3) {
            p->rows_said = thrift_i64(&p->t, &field);
        } else if (field.id == 4) {
            has_groups = true;
            parse_groups(p, &field);
        } else if (field.id == 8) {
            thrift_bad(&p->t, "it is encrypted, which is not supported");
        } else {
            thrift_skip(&p->t, &field);
        }
    }
    if (p->t.problem)
        return;
    if (!has_groups || p->rows_said < 0 || (uint64_t)p->rows_said != p->file->rows)
        thrift_bad(&p->t, "its row groups do not add up to its rows");
    else if (p->t.at != p->t.end)
        thrift_bad(&p->t, "bytes follow its metadata");
}

/* Every wanted name is there. */
static dlfw_status check_selection(const struct parsing *p, dlfw_error *err)
{
    for (uint32_t i = 0; i < p->selection->count; i++) {
        const struct parquet_selection one = {.names = &p->selection->names[i], .count = 1};
        bool found = false;

        for (uint32_t c = 0; c < p->file->column_count && !found; c++)
            found = is_wanted(&one, p->file->columns[c].path, p->file->columns[c].root_len);
        if (!found)
            return dlfw_fail(err, DLFW_E_NOT_FOUND, "'%.*s': the schema at offset %" PRIu64 " has no column '%s'",
                             (int)p->object->name_len, p->object->name, p->file->footer_offset, one.names[0]);
    }
    return DLFW_OK;
}

static dlfw_status fail(const struct parsing *p, dlfw_error *err)
{
    dlfw_status st = DLFW_E_CORRUPT;

    if (p->is_out_of_memory)
        st = DLFW_E_NO_MEMORY;
    else if (strstr(p->t.problem, "not supported"))
        st = DLFW_E_UNSUPPORTED;
    return dlfw_fail(err, st, "'%.*s': footer at offset %" PRIu64 ": %s", (int)p->object->name_len, p->object->name,
                     p->file->footer_offset + (uint64_t)(p->t.at - p->t.begin), p->t.problem);
}

dlfw_status parquet_footer_parse(const dlfw_object *object, const uint8_t *footer, uint64_t len,
                                 const struct parquet_selection *selection, struct parquet_file **ret, dlfw_error *err)
{
    struct parsing p = {.object = object, .selection = selection, .rows_said = -1, .last_end = PARQUET_MAGIC_BYTES};
    dlfw_status st;

    p.path_limit = PATH_FREE + len * PATH_PER_BYTE;
    p.file = calloc(1, sizeof *p.file);
    if (!p.file)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "'%.*s': out of memory for its footer", (int)object->name_len,
                         object->name);
    p.file->footer_offset = object->size - PARQUET_TAIL_BYTES - len;
    thrift_open(&p.t, footer, len);
    parse_file(&p);
    st = p.t.problem ? fail(&p, err) : check_selection(&p, err);
    free(p.slot_of_leaf);
    if (st < 0) {
        parquet_file_free(p.file);
        return st;
    }
    *ret = p.file;
    return DLFW_OK;
}

void parquet_file_free(void *file)
{
    struct parquet_file *f = file;

    if (!f)
        return;
    for (uint32_t i = 0; i < f->column_count; i++)
        free(f->columns[i].path);
    free(f->columns);
    free(f->groups);
    free(f->chunks);
    free(f);
}

uint64_t parquet_file_memory(const struct parquet_file *file)
{
    uint64_t bytes = sizeof *file + file->column_count * sizeof *file->columns;

    return bytes + file->group_count * (sizeof *file->groups + file->column_count * sizeof *file->chunks);
}
