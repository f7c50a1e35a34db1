/* SPDX-License-Identifier: Apache-2.0 */
/* Times of day in results. */
#ifndef DLFW_CORE_VIEW_LOCAL_TIME_H
#define DLFW_CORE_VIEW_LOCAL_TIME_H

/* "2026-01-31T12:00:00.123456" as seconds; only differences mean something, since the text names no time zone. NAN for
 * another text. The fraction may be missing, as Python leaves it out when it is 0. */
double local_time_seconds(const char *text);

#endif
