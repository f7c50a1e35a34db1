/* SPDX-License-Identifier: Apache-2.0 */
/* Days are counted by arithmetic, so that no time zone of this machine comes in. */
#include "view/local_time.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

static bool take(const char **at, uint32_t digits, char then, int64_t *ret)
{
    for (*ret = 0; digits; digits--, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *ret = *ret * 10 + (**at - '0');
    }
    return !then || *(*at)++ == then;
}

/* Days since the first of March of year 0 of the Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    month += month <= 2 ? 9 : -3;
    return year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
}

double local_time_seconds(const char *text)
{
    int64_t year, month, day, hour, minute, second;
    double fraction = 0, digit = 0.1;

    if (!take(&text, 4, '-', &year) || !take(&text, 2, '-', &month) || !take(&text, 2, '\0', &day))
        return (double)NAN;
    if ((*text != 'T' && *text != ' ') || month < 1 || month > 12)
        return (double)NAN;
    text++;
    if (!take(&text, 2, ':', &hour) || !take(&text, 2, ':', &minute) || !take(&text, 2, '\0', &second))
        return (double)NAN;
    if (*text == '.')
        for (text++; *text >= '0' && *text <= '9'; text++, digit /= 10)
            fraction += (*text - '0') * digit;
    if (*text)
        return (double)NAN;
    return (double)(days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) + fraction;
}
