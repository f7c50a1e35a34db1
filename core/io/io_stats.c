/* SPDX-License-Identifier: Apache-2.0 */
/* What a queue counts per finished operation, and the words for operations in messages. */
#include <string.h>

#include "io/io_queue_parts.h"

static struct histogram *histogram_of(struct io_stats *stats, uint16_t op)
{
    switch (op) {
    case DLFW_OP_OPEN:
        return &stats->open_ns;
    case DLFW_OP_GET:
        return &stats->read_ns;
    case DLFW_OP_PUT:
    case DLFW_OP_WRITE_PART:
        return &stats->write_ns;
    case DLFW_OP_WRITE_COMMIT:
        return &stats->commit_ns;
    default:
        return NULL;
    }
}

_Atomic uint64_t io_trouble;

void stats_count(struct io_stats *stats, const struct io_op *op, uint64_t fetched)
{
    struct histogram *h = histogram_of(stats, op->op);

    if (op->op < sizeof stats->requests / sizeof *stats->requests)
        stats->requests[op->op]++;
    if (op->op == DLFW_OP_GET)
        stats->bytes_fetched += fetched;
    if (op->status < 0) {
        stats->errors++;
        if (op->status != DLFW_E_NOT_FOUND)
            atomic_fetch_add_explicit(&io_trouble, 1, memory_order_relaxed);
        return;
    }
    if (op->op == DLFW_OP_GET)
        stats->bytes_read += op->bytes;
    if (op->op == DLFW_OP_PUT || op->op == DLFW_OP_WRITE_PART)
        stats->bytes_written += op->length;
    if (h)
        histogram_record(h, op->done_ns > op->submit_ns ? op->done_ns - op->submit_ns : 0);
    if (op->first_byte_ns > op->submit_ns)
        histogram_record(&stats->first_byte_ns, op->first_byte_ns - op->submit_ns);
}

void stats_count_part(struct io_stats *stats, const struct io_op *part, uint64_t fetched)
{
    stats->requests[DLFW_OP_GET]++;
    stats->bytes_fetched += fetched;
    if (part->status >= 0 && part->first_byte_ns > part->submit_ns)
        histogram_record(&stats->first_byte_ns, part->first_byte_ns - part->submit_ns);
}

void stats_count_split(struct io_stats *stats, const struct io_op *op)
{
    stats->split_reads++;
    if (op->status < 0) {
        stats->errors++;
        return;
    }
    stats->bytes_read += op->bytes;
    histogram_record(&stats->read_ns, op->done_ns > op->submit_ns ? op->done_ns - op->submit_ns : 0);
}

void io_stats_merge(struct io_stats *into, const struct io_stats *from)
{
    for (size_t i = 0; i < sizeof into->requests / sizeof *into->requests; i++)
        into->requests[i] += from->requests[i];
    into->bytes_read += from->bytes_read;
    into->bytes_fetched += from->bytes_fetched;
    into->bytes_written += from->bytes_written;
    into->split_reads += from->split_reads;
    into->retries += from->retries;
    into->throttled += from->throttled;
    into->errors += from->errors;
    histogram_merge(&into->open_ns, &from->open_ns);
    histogram_merge(&into->read_ns, &from->read_ns);
    histogram_merge(&into->first_byte_ns, &from->first_byte_ns);
    histogram_merge(&into->write_ns, &from->write_ns);
    histogram_merge(&into->commit_ns, &from->commit_ns);
}

const char *op_verb(uint16_t op)
{
    switch (op) {
    case DLFW_OP_GET:
        return "read";
    case DLFW_OP_PUT:
        return "write";
    case DLFW_OP_WRITE_BEGIN:
        return "begin to write";
    case DLFW_OP_WRITE_PART:
        return "write a part of";
    case DLFW_OP_WRITE_COMMIT:
        return "commit";
    case DLFW_OP_WRITE_ABORT:
        return "abort the writing of";
    case DLFW_OP_STAT:
        return "stat";
    case DLFW_OP_DELETE:
        return "delete";
    case DLFW_OP_LIST:
        return "list";
    case DLFW_OP_OPEN:
        return "open";
    case DLFW_OP_CLOSE:
        return "close";
    case DLFW_OP_MAKE_ROOT:
        return "create";
    case DLFW_OP_REMOVE_ROOT:
        return "remove";
    case DLFW_OP_COPY:
        return "copy to";
    default:
        return "do this to";
    }
}

/* Whether the message has 'key' or '.../key' as a subject. */
static bool names_key(const dlfw_error *err, const char *key, uint32_t key_len)
{
    const char *at = err->message, *end = err->message + err->message_len;

    while (key_len && (at = memmem(at, (size_t)(end - at), key, key_len))) {
        at += key_len;
        if (*at == '\'')
            return true;
    }
    return false;
}

void op_error_finish(struct io_op *op)
{
    dlfw_error *err = &op->err.e;
    bool named;

    if (!err->message_len)
        dlfw_fail(err, op->status, "%s", dlfw_status_text(op->status));
    err->status = op->status;
    named = names_key(err, op->key, op->key_len);
    if (op->attempts > 1)
        error_prefix(err, "after %u attempts", op->attempts);
    if (named)
        return;
    if (op->key_len)
        error_prefix(err, "cannot %s '%.*s'", op_verb(op->op), (int)op->key_len, op->key);
    else
        error_prefix(err, "cannot %s %s", op_verb(op->op), op->handle ? "an open object" : "the storage's root");
}
