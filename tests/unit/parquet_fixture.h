/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the parquet plugin share: an instance with a list of columns, objects generated in memory, golden
 * files. */
#ifndef DLFW_TESTS_PARQUET_FIXTURE_H
#define DLFW_TESTS_PARQUET_FIXTURE_H

#include "fake_host.h"
#include "support/format_driver.h"

struct parquet_column {
    const char *name, *dtype, *size, *read; /* as in the run file; NULL: not there */
};

#define FIXTURE_COLUMNS 256

/* An instance and the configuration it points to. */
struct parquet_instance {
    struct format_driver driver;
    struct fake_host host; /* its log is what the plugin has said */
    struct dlfw_node list, maps[FIXTURE_COLUMNS], pairs[FIXTURE_COLUMNS][4];
    dlfw_status status; /* of create() */
    char message[512];
};

/* columns: ended by a NULL name, or NULL: none. The status of create() is in the instance; ends the process only when
 * the plugin itself does not come up. */
void parquet_open(struct parquet_instance *p, const struct parquet_column *columns,
                  const struct format_setting *settings);
void parquet_close(struct parquet_instance *p);

/* A file of samples rows; without columns of row_bytes each. */
void parquet_generate(struct parquet_instance *p, uint64_t samples, uint64_t row_bytes, struct memory_sink *ret);
#define FIXTURE_SEED 5u
#define FIXTURE_OBJECT 9u

uint8_t *parquet_golden(const char *name, uint64_t *size); /* to be freed */

#endif
