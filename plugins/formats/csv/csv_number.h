/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as text and back, exactly: every item that is written reads as the same item. Integers are decimal; floats
 * have as many digits as tell every value of the type apart (5, 9, 17). Decimal point is '.'.
 */
#ifndef DLFW_FORMATS_CSV_NUMBER_H
#define DLFW_FORMATS_CSV_NUMBER_H

#include "dlfw/format.h"

#include <stdbool.h>

#define CSV_TEXT_MAX 32u   /* bytes that csv_number_write writes at most */
#define CSV_FIELD_MAX 256u /* bytes of a value that is read */

/* Bytes of an item, 0: no such type. */
uint32_t csv_item_bytes(uint32_t dtype);
const char *csv_type_name(uint32_t dtype);
bool csv_type_is_float(uint32_t dtype);

/* What of the content stream goes into a file: booleans keep one bit, infinities and NaN lose the highest bit of their
 * exponent; all other items stay. */
void csv_number_reduce(uint32_t dtype, void *items, uint64_t n);

/* The item's text, without a separator; its length. */
uint32_t csv_number_write(uint32_t dtype, const uint8_t *item, char *text);

/* The value of a field with spaces around it; NULL, or what is wrong with it. */
const char *csv_number_read(uint32_t dtype, const uint8_t *text, uint64_t len, void *item);

/* csv_float.c. Text without spaces; NULL, or what is wrong with it. */
const char *csv_float_read(uint32_t dtype, const char *text, uint64_t len, void *item);
uint32_t csv_float_write(uint32_t dtype, const uint8_t *item, char *text);

#endif
