/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

volatile uint32_t log_level = DLFW_LOG_WARNING;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void (*clear_terminal_line)(void);
static char last[560];
static uint32_t repeats;

static const char *level_name(uint32_t level)
{
    static const char *const names[] = {"", "error: ", "warning: ", "", "debug: "};

    return level < sizeof names / sizeof *names ? names[level] : "";
}

/* Under the lock. A line equal to the one before is counted instead of printed. */
static void print_line(const char *line)
{
    if (repeats < UINT32_MAX && strcmp(line, last) == 0) {
        repeats++;
        return;
    }
    if (clear_terminal_line)
        clear_terminal_line();
    if (repeats)
        fprintf(stderr, "dlfw: (the last line %u more times)\n", repeats);
    repeats = 0;
    snprintf(last, sizeof last, "%s", line);
    fprintf(stderr, "dlfw: %s\n", line);
}

void log_line(uint32_t level, const char *format, ...)
{
    char text[512];
    char line[560];
    va_list args;

    if (level > log_level)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(line, sizeof line, "%s%s", level_name(level), text);
    pthread_mutex_lock(&lock);
    print_line(line);
    pthread_mutex_unlock(&lock);
}

void log_from(uint32_t level, const char *source, const char *text, uint32_t len)
{
    if (source && *source)
        log_line(level, "%s: %.*s", source, (int)len, text);
    else
        log_line(level, "%.*s", (int)len, text);
}

void log_set_terminal_line(void (*clear)(void))
{
    pthread_mutex_lock(&lock);
    clear_terminal_line = clear;
    pthread_mutex_unlock(&lock);
}
