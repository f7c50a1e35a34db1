/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the program's main file, which a test of one command does not have. */
#include <stdarg.h>
#include <stdio.h>

#include "cmd/cmd.h"

int cmd_usage_error(const struct command *command, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n%s", command->usage);
    return EXIT_USAGE;
}
