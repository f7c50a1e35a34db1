/* SPDX-License-Identifier: Apache-2.0 */
/* What several fuzz targets take for a mistake of the program. Each function ends the process when it sees one. */
#ifndef DLFW_TESTS_FUZZ_FINDING_H
#define DLFW_TESTS_FUZZ_FINDING_H

#include "base/error.h"
#include "config/node.h"

/* Tells what is wrong and ends the process. DLFW_BUG_IF does the same where the condition says it all. */
void finding(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Printed as a block and on one line, the tree reads back as the same tree; secrets as ***. */
void tree_reads_back(const dlfw_node *root);
/* A failure is told, in one line that cannot steer a terminal. */
void message_is_one_line(const char *text);

#endif
