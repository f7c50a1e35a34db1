/* SPDX-License-Identifier: Apache-2.0 */
/* The program's diagnostics: one line each on stderr, "dlfw: error: ...". DLIO's own log file is report/'s. [any
 * thread] */
#ifndef DLFW_CORE_BASE_LOG_H
#define DLFW_CORE_BASE_LOG_H

#include "dlfw/base.h"

extern volatile uint32_t log_level; /* DLFW_LOG_*; WARNING at start */

void log_line(uint32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Same with a source name: "dlfw: warning: s3: ...". Lines repeated at once are counted, not printed. */
void log_from(uint32_t level, const char *source, const char *text, uint32_t len);

#define log_error(...) log_line(DLFW_LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(DLFW_LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_line(DLFW_LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(DLFW_LOG_DEBUG, __VA_ARGS__)

/* While a progress line is on the terminal: called before and after each log line so that they do not mix. */
void log_set_terminal_line(void (*clear)(void));

#endif
