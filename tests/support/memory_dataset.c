/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An object: header (magic, table offset, samples), [table when metadata_rounds < 2], the units' first ranges, their
 * second ranges, a gap before each, [table]. A table row is a unit: two ranges, first sample, samples.
 */
#include "support/memory_dataset.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "host/content.h"
#include "plugin/serial_lock.h"

#define MAGIC 0x796e6974u
#define HEADER_BYTES 32u
#define GAP 13u /* bytes that belong to no unit */
#define OUT_MASK 0x5au
#define CONTENT_SEED 77u

static const dlfw_side table_side = {.struct_size = sizeof table_side,
                                     .flags = DLFW_SIDE_READ | DLFW_SIDE_REQUIRED,
                                     .folder = "tables",
                                     .suffix = ".tbl",
                                     .summary = "table of units"};

struct unit_row {
    dlfw_range part[2];
    uint64_t first, samples;
};

struct layout {
    uint64_t size;
    uint64_t sample_bytes;
    uint64_t table, units;
    struct unit_row *rows;
};

struct dlfw_reader {
    struct memory_dataset *md;
    const dlfw_object *object;
    struct layout layout;
    uint64_t file;
    uint64_t unit; /* being consumed */
    uint64_t next; /* byte of the object */
    uint32_t part;
    bool has_metadata;
};

static uint64_t unit_count_of(const struct memory_dataset *md)
{
    if (md->config.told_unit)
        return (md->config.samples_per_file + md->config.told_unit - 1) / md->config.told_unit;
    return md->config.sample_ranges ? md->config.samples_per_file : md->config.units;
}

uint64_t memory_sample_bytes(const struct memory_dataset *md, uint64_t file)
{
    return md->config.sample_bytes + (md->config.sample_more ? hash_mix(file) % (md->config.sample_more + 1) : 0);
}

static uint64_t unit_end(const struct memory_config *c, uint64_t units, uint64_t unit)
{
    uint64_t end = (unit + 1) * c->told_unit;

    if (!c->told_unit)
        return (unit + 1) * c->samples_per_file / units;
    return end < c->samples_per_file ? end : c->samples_per_file;
}

/* Where everything of a file lies. The caller frees rows. */
static struct layout layout_of(const struct memory_dataset *md, uint64_t file)
{
    const struct memory_config *c = &md->config;
    struct layout l = {.sample_bytes = memory_sample_bytes(md, file), .units = unit_count_of(md)};
    uint64_t at = HEADER_BYTES, table_bytes = l.units * sizeof *l.rows;

    l.rows = xcalloc(l.units, sizeof *l.rows);
    if (c->table_aside)
        l.table = DLFW_SIDE_OFFSET(0);
    else if (c->metadata_rounds < 2) {
        l.table = at;
        at += table_bytes;
    }
    for (uint32_t part = 0; part < 2; part++) {
        for (uint64_t u = 0; u < l.units; u++) {
            struct unit_row *row = &l.rows[u];
            uint64_t inside;

            row->first = c->told_unit ? u * c->told_unit : u * c->samples_per_file / l.units;
            row->samples = unit_end(c, l.units, u) - row->first;
            inside = c->ranges < 2 ? (part ? 0 : row->samples)
                     : part        ? row->samples / 2
                                   : row->samples - row->samples / 2;
            row->part[part].offset = at += inside ? GAP : 0;
            row->part[part].length = inside * l.sample_bytes;
            at += row->part[part].length;
        }
    }
    if (c->metadata_rounds == 2 && !c->table_aside) {
        l.table = at;
        at += table_bytes;
    }
    l.size = at;
    return l;
}

uint64_t memory_file_bytes(const struct memory_dataset *md, uint64_t file)
{
    struct layout l = layout_of(md, file);

    free(l.rows);
    return l.size;
}

static uint32_t key_of(const struct memory_dataset *md, uint64_t file, char *buf, uint32_t cap)
{
    return dataset_key(&md->ds, file, "tiny", buf, cap);
}

static void fill_sample(const struct memory_dataset *md, uint64_t file, uint64_t sample, uint64_t bytes, uint8_t *to)
{
    if (md->config.content) {
        char key[64];

        content_fill(CONTENT_SEED, content_object(key, key_of(md, file, key, sizeof key)), sample * bytes, to, bytes);
        return;
    }
    script_fill(to, bytes, hash_mix(file * 1000003 + sample) & 0xffffff);
    memcpy(to, &file, sizeof file);
    memcpy(to + 8, &sample, sizeof sample);
}

/* The first range holds the first half of the unit's samples, rounded up. */
static uint64_t sample_offset(const struct layout *l, const struct unit_row *row, uint64_t inside)
{
    uint64_t in_first = row->part[0].length / l->sample_bytes;

    if (inside < in_first)
        return row->part[0].offset + inside * l->sample_bytes;
    return row->part[1].offset + (inside - in_first) * l->sample_bytes;
}

static void make_object(struct memory_dataset *md, uint64_t file)
{
    struct layout l = layout_of(md, file);
    uint8_t *data = xmalloc(l.size);
    uint64_t header[4] = {MAGIC, l.table, l.units, file};
    char key[64];

    memset(data, 0xa5, l.size);
    memcpy(data, header, sizeof header);
    if (!md->config.table_aside)
        memcpy(data + l.table, l.rows, l.units * sizeof *l.rows);
    for (uint64_t u = 0; u < l.units; u++) {
        for (uint64_t i = 0; i < l.rows[u].samples; i++)
            fill_sample(md, file, l.rows[u].first + i, l.sample_bytes, data + sample_offset(&l, &l.rows[u], i));
    }
    key_of(md, file, key, sizeof key);
    script_set(md->script, key, data, l.size);
    if (md->config.table_aside && !(md->config.lacks_table && file + 1 == md->config.files)) {
        char side_key[128];

        dataset_side_key(&table_side, key, side_key, sizeof side_key);
        script_set(md->script, side_key, l.rows, l.units * sizeof *l.rows);
    }
    free(data);
    free(l.rows);
}

static uint32_t sides(dlfw_format *fmt, const dlfw_side *const **ret)
{
    static const dlfw_side *const all[] = {&table_side};
    const struct memory_dataset *md = (const struct memory_dataset *)fmt;

    *ret = all;
    return md->config.table_aside ? 1 : 0;
}

static uint64_t unit_samples(dlfw_format *fmt, const dlfw_encode_spec *spec, uint32_t shuffled)
{
    const struct memory_dataset *md = (const struct memory_dataset *)fmt;

    (void)shuffled;
    if (spec->samples != md->config.samples_per_file)
        ck_abort_msg("unit_samples of %llu samples", (unsigned long long)spec->samples);
    return md->config.told_unit;
}

/* Every call of the format passes here. */
static dlfw_status enter(struct memory_dataset *md, enum memory_fault which, dlfw_error *err)
{
    uint64_t nth = atomic_fetch_add(&md->calls[which], 1);

    if (md->config.thread_class != DLFW_THREADS_PER_QUEUE) {
        if (atomic_fetch_add(&md->calls_now, 1))
            ck_abort_msg("two calls at once into a serial format");
        sched_yield();
        atomic_fetch_sub(&md->calls_now, 1);
    }
    if (md->watch)
        md->watch(md->watch_ctx);
    if (md->fault != which || nth != md->fault_at)
        return DLFW_OK;
    if (md->fault_is_silent)
        return DLFW_E_CORRUPT;
    return dlfw_fail(err, DLFW_E_CORRUPT, "a made-up fault in call %llu of kind %d", (unsigned long long)nth,
                     (int)which);
}

static dlfw_status reader_open(dlfw_format *fmt, dlfw_reader *r, const dlfw_object *object, dlfw_error *err)
{
    struct memory_dataset *md = (struct memory_dataset *)fmt;
    const char *digits = memchr(object->name, '_', object->name_len);
    dlfw_status st = enter(md, FAULT_OPEN, err);

    if (st < 0)
        return st;
    if (r->md || object->samples != md->config.samples_per_file)
        ck_abort_msg("reader_open: state not zeroed, or %u samples", object->samples);
    r->md = md;
    r->object = object;
    r->file = strtoull(digits + 1, NULL, 10);
    r->layout = layout_of(md, r->file);
    r->unit = UINT64_MAX;
    if (object->unit_samples != (md->config.told_unit       ? md->config.told_unit
                                 : md->config.sample_ranges ? 1
                                                            : md->config.samples_per_file))
        ck_abort_msg("units of %llu samples", (unsigned long long)object->unit_samples);
    if (md->config.table_aside &&
        (object->side_count != 1 || object->side_sizes[0] != r->layout.units * sizeof *r->layout.rows))
        ck_abort_msg("%u side objects", object->side_count);
    atomic_fetch_add(&md->open_readers, 1);
    return DLFW_OK;
}

static void reader_close(dlfw_reader *r)
{
    free(r->layout.rows);
    atomic_fetch_sub(&r->md->open_readers, 1);
}

static const uint8_t *find(const dlfw_span *have, uint32_t n, uint64_t offset, uint64_t length)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i && have[i].offset < have[i - 1].offset)
            ck_abort_msg("spans are not ascending");
        if (have[i].offset <= offset && offset + length <= have[i].offset + have[i].length)
            return (const uint8_t *)have[i].data + (offset - have[i].offset);
    }
    return NULL;
}

static dlfw_status want_range(dlfw_range *want, uint32_t *n_want, uint64_t offset, uint64_t length)
{
    want[(*n_want)++] = (dlfw_range){.offset = offset, .length = length};
    return DLFW_NEED_IO;
}

static dlfw_status metadata(dlfw_reader *r, const dlfw_span *have, uint32_t n, dlfw_range *want, uint32_t *n_want,
                            dlfw_error *err)
{
    const struct layout *l = &r->layout;
    uint64_t table_bytes = l->units * sizeof *l->rows;
    const uint8_t *header, *table;
    uint64_t magic;

    if (!r->md->config.metadata_rounds) {
        r->has_metadata = true;
        return DLFW_OK;
    }
    header = find(have, n, 0, HEADER_BYTES);
    if (!header && n)
        ck_abort_msg("the header was asked for and is not there");
    if (!header && r->md->config.metadata_rounds == 1 && r->md->config.table_aside) {
        want_range(want, n_want, 0, HEADER_BYTES);
        return want_range(want, n_want, l->table, table_bytes);
    }
    if (!header && r->md->config.metadata_rounds == 1)
        return want_range(want, n_want, 0, HEADER_BYTES + table_bytes);
    if (!header)
        return want_range(want, n_want, 0, HEADER_BYTES);
    memcpy(&magic, header, sizeof magic);
    if (magic != MAGIC)
        return dlfw_fail(err, DLFW_E_CORRUPT, "'%.*s': no tiny header at offset 0", (int)r->object->name_len,
                         r->object->name);
    if (r->object->size < l->size)
        return dlfw_fail(err, DLFW_E_CORRUPT, "'%.*s': truncated at %llu", (int)r->object->name_len, r->object->name,
                         (unsigned long long)r->object->size);
    table = find(have, n, l->table, table_bytes);
    if (!table)
        return want_range(want, n_want, l->table, table_bytes);
    if (memcmp(table, l->rows, table_bytes) != 0)
        ck_abort_msg("file %llu: the table's bytes are wrong", (unsigned long long)r->file);
    r->has_metadata = true;
    return DLFW_OK;
}

static dlfw_status step(dlfw_reader *r, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                        uint32_t want_cap, uint32_t *n_want, dlfw_error *err)
{
    dlfw_status st = enter(r->md, goal == DLFW_GOAL_METADATA ? FAULT_METADATA : FAULT_UNIT, err);
    const struct unit_row *row;

    *n_want = 0;
    if (st < 0)
        return st;
    if (want_cap < 64)
        ck_abort_msg("room for %u ranges", want_cap);
    if (r->md->config.lie == WANTS_NOTHING)
        return DLFW_NEED_IO;
    if (goal == DLFW_GOAL_METADATA)
        return metadata(r, have, n_have, want, n_want, err);
    if (!r->has_metadata || goal >= r->layout.units)
        ck_abort_msg("unit %llu of %llu", (unsigned long long)goal, (unsigned long long)r->layout.units);
    r->unit = UINT64_MAX;
    row = &r->layout.rows[goal];
    if (n_have) /* only the whole object is handed in before anything was asked for */
        return have[0].offset == 0 && have[0].length >= r->layout.size
                   ? DLFW_OK
                   : dlfw_fail(err, DLFW_E_INTERNAL, "not the whole object");
    for (uint32_t i = 0; i < 2; i++) {
        if (row->part[i].length)
            want_range(want, n_want, row->part[i].offset, row->part[i].length);
    }
    if (r->md->config.table_aside)
        want_range(want, n_want, DLFW_SIDE_OFFSET(0) + goal * sizeof *row, sizeof *row);
    return DLFW_NEED_IO;
}

static uint64_t unit_count(dlfw_reader *r)
{
    return r->layout.units;
}

/* Of the samples of a unit those that are not missing. */
static uint64_t held_samples(const dlfw_reader *r, const struct unit_row *row)
{
    uint64_t held = r->md->config.samples_per_file - r->md->config.missing_samples;

    return row->first >= held ? 0 : row->first + row->samples > held ? held - row->first : row->samples;
}

static dlfw_status unit_info(dlfw_reader *r, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err)
{
    const struct unit_row *row = &r->layout.rows[unit];

    (void)err;
    if (unit >= r->layout.units)
        ck_abort_msg("unit %llu of %llu", (unsigned long long)unit, (unsigned long long)r->layout.units);
    ret->first_sample = row->first;
    ret->samples = held_samples(r, row);
    if (r->md->config.lie == SKIPS_A_UNIT && unit)
        ret->first_sample++;
    if (r->md->config.lie == HUGE_UNIT)
        ret->samples = UINT64_MAX;
    ret->stored_bytes = row->part[0].length + row->part[1].length;
    ret->out_bytes = r->md->config.decodes_elsewhere ? ret->stored_bytes : 0;
    return DLFW_OK;
}

/* A piece must continue where the last one ended; the whole object may come instead. */
static void check_piece(dlfw_reader *r, uint64_t unit, const struct unit_row *row, const dlfw_span *piece)
{
    if (r->unit != unit) {
        r->unit = unit;
        r->part = row->part[0].length ? 0 : 1;
        r->next = row->part[r->part].offset;
    }
    if (piece->offset != r->next ||
        piece->offset + piece->length > row->part[r->part].offset + row->part[r->part].length)
        ck_abort_msg("piece [%llu + %llu) where %llu comes next", (unsigned long long)piece->offset,
                     (unsigned long long)piece->length, (unsigned long long)r->next);
    r->next += piece->length;
    if (r->next < row->part[r->part].offset + row->part[r->part].length)
        return;
    if (r->part == 0 && row->part[1].length) {
        r->part = 1;
        r->next = row->part[1].offset;
    } else {
        atomic_fetch_add(&r->md->consumed_units, 1);
    }
}

static dlfw_status consume(dlfw_reader *r, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *err)
{
    const struct unit_row *row = &r->layout.rows[unit];
    dlfw_status st = enter(r->md, FAULT_CONSUME, err);
    uint64_t before;

    if (st < 0)
        return st;
    if (ret->data || ret->length)
        ck_abort_msg("the payload is not zeroed");
    if (piece->offset >= DLFW_SIDE_OFFSET(0)) {
        uint64_t at = piece->offset - DLFW_SIDE_OFFSET(0) - unit * sizeof *row;

        if (at >= sizeof *row || piece->length > sizeof *row - at ||
            memcmp(piece->data, (const uint8_t *)row + at, piece->length) != 0)
            ck_abort_msg("unit %llu: wrong bytes of its row", (unsigned long long)unit);
        return DLFW_OK;
    }
    if (piece->offset == 0) {
        if (piece->length != r->object->size)
            ck_abort_msg("a first piece of %llu bytes", (unsigned long long)piece->length);
        atomic_fetch_add(&r->md->consumed_units, 1);
        return DLFW_OK;
    }
    check_piece(r, unit, row, piece);
    if (!r->md->config.content)
        return DLFW_OK;
    before = piece->offset < row->part[0].offset + row->part[0].length ? 0 : row->part[0].length;
    ret->data = piece->data;
    ret->length = piece->length;
    ret->content_offset =
        row->first * r->layout.sample_bytes + before + (piece->offset - row->part[before ? 1 : 0].offset);
    return DLFW_OK;
}

static dlfw_status decode(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                          dlfw_view *views, uint32_t view_cap, dlfw_error *err)
{
    const struct unit_row *row = &r->layout.rows[unit];
    const struct layout *l = &r->layout;
    dlfw_status st = enter(r->md, FAULT_DECODE, err);

    if (st < 0)
        return st;
    if (view_cap < held_samples(r, row) || (r->md->config.decodes_elsewhere && (!out || (uintptr_t)out % 64)))
        ck_abort_msg("room for %u views, out is %p", view_cap, out);
    for (uint64_t i = 0; i < held_samples(r, row); i++) {
        const uint8_t *data = find(have, n_have, sample_offset(l, row, i), l->sample_bytes);
        uint8_t *to = r->md->config.decodes_elsewhere ? (uint8_t *)out + i * l->sample_bytes : NULL;

        if (!data)
            ck_abort_msg("decode without the bytes of sample %llu", (unsigned long long)i);
        for (uint64_t b = 0; to && b < l->sample_bytes; b++)
            to[b] = data[b] ^ OUT_MASK;
        views[i] = (dlfw_view){.data = to ? to : data, .bytes = l->sample_bytes, .item_stride = 1, .item_size = 1};
    }
    return DLFW_OK;
}

uint64_t memory_identify(const struct memory_dataset *md, const dlfw_view *view)
{
    uint8_t mask = md->config.decodes_elsewhere ? OUT_MASK : 0;
    uint8_t *got = xmalloc(view->bytes), *want = xmalloc(view->bytes);
    uint64_t file, sample;

    for (uint64_t i = 0; i < view->bytes; i++)
        got[i] = ((const uint8_t *)view->data)[i] ^ mask;
    memcpy(&file, got, sizeof file);
    memcpy(&sample, got + 8, sizeof sample);
    ck_assert_uint_lt(file, md->config.files);
    ck_assert_uint_lt(sample, md->config.samples_per_file);
    ck_assert_uint_eq(view->bytes, memory_sample_bytes(md, file));
    fill_sample(md, file, sample, view->bytes, want);
    ck_assert_msg(memcmp(got, want, view->bytes) == 0, "file %llu sample %llu: wrong bytes", (unsigned long long)file,
                  (unsigned long long)sample);
    free(got);
    free(want);
    return file * md->config.samples_per_file + sample;
}

static dlfw_status listed_size(void *ctx, uint64_t file, uint64_t *ret, dlfw_error *err)
{
    struct memory_dataset *md = ctx;

    (void)err;
    *ret = md->config.tell_nothing ? UINT64_MAX : memory_file_bytes(md, file) - md->config.tell_bytes;
    return DLFW_OK;
}

static void default_run(struct memory_dataset *md)
{
    struct run_config *cfg = &md->cfg;

    cfg->dataset.file_prefix = "img";
    cfg->dataset.num_files_train = md->config.files;
    cfg->dataset.num_samples_per_file = md->config.samples_per_file;
    cfg->reader.read_threads = 2;
    cfg->reader.prefetch_size = 2;
    cfg->reader.verify = VERIFY_CHECKSUMS;
    cfg->train.seed = 123;
    cfg->train.seed_change_epoch = true;
    cfg->content.seed = CONTENT_SEED;
    md->ds = (struct dataset){
        .cfg = cfg, .folder = "train", .files = md->config.files, .samples_per_file = md->config.samples_per_file};
}

/* Several threads submit at once here; the scripted backend counts its submits without a lock. */
static pthread_mutex_t submit_lock = PTHREAD_MUTEX_INITIALIZER;
static int32_t (*script_submit)(dlfw_queue *q, dlfw_req *const *reqs, uint32_t n);

static int32_t submit_one_thread(dlfw_queue *q, dlfw_req *const *reqs, uint32_t n)
{
    int32_t taken;

    pthread_mutex_lock(&submit_lock);
    taken = script_submit(q, reqs, n);
    pthread_mutex_unlock(&submit_lock);
    return taken;
}

static struct storage *open_storage(struct memory_dataset *md)
{
    struct storage_args args = {.name = "dataset"};
    struct storage *st = NULL;
    struct error_slot err;

    error_slot_init(&err);
    md->backend_ops = *script_ops(md->script);
    if (md->backend_ops.submit) {
        script_submit = md->backend_ops.submit;
        md->backend_ops.submit = submit_one_thread;
    }
    if (storage_open_ops(&md->backend_ops, script_instance(md->script), "script://root", &args, &st, &err.e) < 0)
        ck_abort_msg("%s", err.text);
    return st;
}

struct memory_dataset *memory_dataset_create(const struct memory_config *config)
{
    struct memory_dataset *md = xcalloc(1, sizeof *md);
    struct error_slot err;

    error_slot_init(&err);
    md->config = *config;
    default_run(md);
    md->iface = (dlfw_iface){.struct_size = sizeof md->iface, .kind = DLFW_KIND_FORMAT, .name = "tiny"};
    md->format_iface.iface = &md->iface;
    md->format_iface.ops.format = (dlfw_format_ops){.struct_size = sizeof(dlfw_format_ops),
                                                    .caps = config->sample_ranges ? DLFW_FORMAT_SAMPLE_RANGES : 0,
                                                    .extension = "tiny",
                                                    .reader_size = sizeof(struct dlfw_reader),
                                                    .reader_open = reader_open,
                                                    .reader_close = reader_close,
                                                    .step = step,
                                                    .unit_count = unit_count,
                                                    .unit_info = unit_info,
                                                    .sides = sides,
                                                    .unit_samples = unit_samples,
                                                    .consume = consume,
                                                    .decode = decode};
    pthread_mutex_init(&md->lock, NULL);
    md->script = script_create(&config->backend);
    md->storage = open_storage(md);
    for (uint64_t i = 0; i < config->files; i++)
        make_object(md, i);
    if (file_list_computed(&md->ds, "tiny", listed_size, md, &md->files, &err.e) < 0)
        ck_abort_msg("%s", err.text);
    return md;
}

void memory_dataset_destroy(struct memory_dataset *md)
{
    ck_assert_uint_eq(atomic_load(&md->open_readers), 0);
    file_list_free(&md->files);
    storage_close(md->storage);
    script_destroy(md->script);
    free(md);
}

struct loader_args memory_dataset_args(struct memory_dataset *md, uint64_t batch, uint32_t rank, uint32_t ranks)
{
    return (struct loader_args){.format_serial = serial_lock(md->config.thread_class, &md->lock),
                                .storage = md->storage,
                                .format_iface = &md->format_iface,
                                .format = (dlfw_format *)md,
                                .files = &md->files,
                                .batch = batch,
                                .rank = rank,
                                .ranks = ranks,
                                .may_shuffle = true};
}
