/* SPDX-License-Identifier: Apache-2.0 */
/* Errors inside core: the ABI's dlfw_error with room for its text. Every function that can fail takes dlfw_error *err
 * last. */
#ifndef DLFW_CORE_BASE_ERROR_H
#define DLFW_CORE_BASE_ERROR_H

#include "dlfw/base.h"

struct error_slot {
    dlfw_error e;
    char text[480];
};

void error_slot_init(struct error_slot *slot);
/* Puts "prefix: " before err's message; keeps what fits. */
void error_prefix(dlfw_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Copies status, numbers and text. dst may be NULL. */
void error_copy(dlfw_error *dst, const dlfw_error *src);

/* Broken invariants of our own: prints file:line and aborts, also in release; a benchmark must not report numbers then.
 * Never on input, plugin behaviour or I/O. */
#define DLFW_BUG_IF(condition) ((condition) ? error_bug(__FILE__, __LINE__, #condition) : (void)0)
void error_bug(const char *file, int line, const char *condition) __attribute__((noreturn));

#endif
