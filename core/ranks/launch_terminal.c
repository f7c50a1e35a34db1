/* SPDX-License-Identifier: Apache-2.0 */
#include "ranks/launch_terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

void launch_terminal_resize(int like, int ours)
{
    struct winsize size;

    if (ioctl(like, TIOCGWINSZ, &size) == 0)
        ioctl(ours, TIOCSWINSZ, &size);
}

static bool make_raw(int like, int terminal)
{
    struct termios way;

    if (tcgetattr(like, &way) != 0)
        return false;
    way.c_oflag &= ~(tcflag_t)OPOST; /* the real terminal does it, once is enough */
    way.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    return tcsetattr(terminal, TCSANOW, &way) == 0;
}

bool launch_terminal_open(int like, int *ret_ours, int *ret_ranks)
{
    int ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), ranks = -1, why;
    char name[64];

    if (ours < 0)
        return false;
    if (grantpt(ours) == 0 && unlockpt(ours) == 0 && ptsname_r(ours, name, sizeof name) == 0)
        ranks = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ranks >= 0 && make_raw(like, ranks)) {
        launch_terminal_resize(like, ours);
        *ret_ours = ours;
        *ret_ranks = ranks;
        return true;
    }
    why = errno;
    if (ranks >= 0)
        close(ranks);
    close(ours);
    errno = why;
    return false;
}
