/* SPDX-License-Identifier: Apache-2.0 */
/* Where the records of one object lie. They follow each other without gaps from offset 0 on, so their ends say all. */
#ifndef DLFW_TFRECORD_RECORD_TABLE_H
#define DLFW_TFRECORD_RECORD_TABLE_H

#include "dlfw/base.h"

struct record_table {
    uint64_t count;
    uint64_t cap;
    uint64_t *ends; /* offset behind each record's last byte, ascending */
};

/* NULL: out of memory. */
struct record_table *record_table_create(void);
void record_table_free(void *table); /* NULL is fine */
/* Appends a record that ends there; DLFW_E_NO_MEMORY without a message. */
dlfw_status record_table_add(struct record_table *t, uint64_t end);
uint64_t record_table_start(const struct record_table *t, uint64_t record); /* record == count: end of the last one */
uint64_t record_table_bytes(const struct record_table *t);                  /* memory that it takes */

#endif
