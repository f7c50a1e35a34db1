/* SPDX-License-Identifier: Apache-2.0 */
/* A pseudo terminal for rank 0 when the launcher writes to a real one: rank 0 draws its progress line as always, and
 * the launcher sees what it prints, so that the lines of the other ranks neither end up in it nor repeat it. */
#ifndef DLFW_CORE_RANKS_LAUNCH_TERMINAL_H
#define DLFW_CORE_RANKS_LAUNCH_TERMINAL_H

#include <stdbool.h>

/* A terminal of the size of `like`, which passes bytes on unchanged. False, with errno, when there is none to have. */
bool launch_terminal_open(int like, int *ret_ours, int *ret_ranks);
/* The window of `like` has changed. */
void launch_terminal_resize(int like, int ours);

#endif
