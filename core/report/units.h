/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers for people: "3.21 GiB", "1.5 ms", "2:05". Files for machines have plain numbers with the unit in the key. */
#ifndef DLFW_CORE_REPORT_UNITS_H
#define DLFW_CORE_REPORT_UNITS_H

#include <stdint.h>

#define UNIT_TEXT_CAP 32

struct unit_text {
    char text[UNIT_TEXT_CAP];
};

struct unit_text unit_bytes(double bytes);     /* binary: "512 B", "1.50 MiB" */
struct unit_text unit_duration(double ns);     /* "850 ns", "1.50 ms", "2.25 s" */
struct unit_text unit_clock(uint64_t seconds); /* "0:07", "2:05", "1:00:00" */
struct unit_text unit_count(double value);     /* "950", "12.3k", "4.56M" */

#endif
