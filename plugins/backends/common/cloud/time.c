/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times as services write them. Days are counted by arithmetic, in UTC: the C library's own conversions know time zones
 * and share state between threads, and what arrives here comes from the network.
 */
#include "cloud.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400u
#define FIRST_YEAR 1970u
#define LAST_YEAR 2553u /* the last whole one that 64 bits of nanoseconds reach */

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char day_names[] = "ThuFriSatSunMonTueWed"; /* the epoch was a Thursday */

struct civil {
    uint32_t year, month, day; /* month and day from 1 */
    uint32_t hour, minute, second;
};

uint64_t cloud_now_s(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec > 0 ? (uint64_t)now.tv_sec : 0;
}

static bool is_leap(uint32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint32_t month_days(uint32_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days from the epoch to the first of January. */
static uint64_t days_before(uint32_t year)
{
    uint32_t y = year - 1;

    return (uint64_t)(year - FIRST_YEAR) * 365 + (y / 4 - y / 100 + y / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
}

static bool seconds_of(const struct civil *t, uint64_t *ret)
{
    uint64_t days;

    if (t->year < FIRST_YEAR || t->year > LAST_YEAR || t->month < 1 || t->month > 12 || t->day < 1 ||
        t->day > month_days(t->year, t->month) || t->hour > 23 || t->minute > 59 || t->second > 60)
        return false;
    days = days_before(t->year) + t->day - 1;
    for (uint32_t month = 1; month < t->month; month++)
        days += month_days(t->year, month);
    *ret = days * DAY_S + t->hour * 3600u + t->minute * 60u + t->second;
    return true;
}

static void civil_of(uint64_t seconds, struct civil *ret)
{
    uint64_t days = seconds / DAY_S;
    uint32_t rest = (uint32_t)(seconds % DAY_S);
    uint32_t year = FIRST_YEAR + (uint32_t)(days / 366); /* not later than the year that is looked for */
    uint32_t month = 1;

    while (days_before(year + 1) <= days)
        year++;
    days -= days_before(year);
    while (days >= month_days(year, month))
        days -= month_days(year, month++);
    *ret = (struct civil){.year = year,
                          .month = month,
                          .day = (uint32_t)days + 1,
                          .hour = rest / 3600,
                          .minute = rest / 60 % 60,
                          .second = rest % 60};
}

/* What is left of a text. */
struct cursor {
    const char *at;
    const char *end;
};

static bool take(struct cursor *c, const char *literal)
{
    size_t len = strlen(literal);

    if ((size_t)(c->end - c->at) < len || memcmp(c->at, literal, len) != 0)
        return false;
    c->at += len;
    return true;
}

static bool number(struct cursor *c, uint32_t digits, uint32_t *ret)
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < digits; i++, c->at++) {
        if (c->at == c->end || *c->at < '0' || *c->at > '9')
            return false;
        value = value * 10 + (uint32_t)(*c->at - '0');
    }
    *ret = value;
    return true;
}

static bool clock_time(struct cursor *c, struct civil *t)
{
    return number(c, 2, &t->hour) && take(c, ":") && number(c, 2, &t->minute) && take(c, ":") &&
           number(c, 2, &t->second);
}

/* ".789" or nothing; digits beyond nanoseconds are dropped. */
static bool fraction(struct cursor *c, uint64_t *ret_ns)
{
    uint64_t unit = 100000000;
    uint64_t ns = 0;
    const char *begin;

    *ret_ns = 0;
    if (!take(c, "."))
        return true;
    for (begin = c->at; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++, unit /= 10)
        ns += (uint64_t)(*c->at - '0') * unit;
    *ret_ns = ns;
    return c->at > begin;
}

/* "Z", "+02:00", "-0330" or nothing, which is UTC. */
static bool zone(struct cursor *c, int64_t *ret_s)
{
    bool west = take(c, "-");
    uint32_t hours, minutes;
    int64_t offset;

    *ret_s = 0;
    if (!west && !take(c, "+"))
        return c->at == c->end || (take(c, "Z") && c->at == c->end);
    if (!number(c, 2, &hours) || hours > 23)
        return false;
    (void)take(c, ":");
    if (!number(c, 2, &minutes) || minutes > 59 || c->at != c->end)
        return false;
    offset = (int64_t)hours * 3600 + (int64_t)minutes * 60;
    *ret_s = west ? -offset : offset;
    return true;
}

static uint64_t iso_ns(struct cursor c)
{
    struct civil t = {0};
    uint64_t ns = 0, seconds = 0;
    int64_t offset = 0;

    if (!number(&c, 4, &t.year) || !take(&c, "-") || !number(&c, 2, &t.month) || !take(&c, "-") ||
        !number(&c, 2, &t.day) || !(take(&c, "T") || take(&c, " ")) || !clock_time(&c, &t) || !fraction(&c, &ns) ||
        !zone(&c, &offset) || !seconds_of(&t, &seconds))
        return 0;
    if (offset > 0 && seconds < (uint64_t)offset)
        return 0;
    return (seconds - (uint64_t)offset) * 1000000000 + ns;
}

static uint64_t http_ns(struct cursor c)
{
    struct civil t = {0};
    uint64_t seconds = 0;

    if (c.end - c.at < 5)
        return 0;
    c.at += 3; /* the day of the week follows from the date */
    if (!take(&c, ", ") || !number(&c, 2, &t.day) || !take(&c, " "))
        return 0;
    for (uint32_t month = 1; month <= 12 && c.end - c.at >= 3; month++)
        if (memcmp(c.at, month_names + ((size_t)month - 1) * 3, 3) == 0)
            t.month = month;
    if (t.month == 0)
        return 0;
    c.at += 3;
    if (!take(&c, " ") || !number(&c, 4, &t.year) || !take(&c, " ") || !clock_time(&c, &t) || !take(&c, " GMT") ||
        c.at != c.end || !seconds_of(&t, &seconds))
        return 0;
    return seconds * 1000000000;
}

uint64_t cloud_time_ns(const char *text, size_t len)
{
    struct cursor c = {text, text + len};

    if (len == 0)
        return 0;
    return text[0] >= '0' && text[0] <= '9' ? iso_ns(c) : http_ns(c);
}

void cloud_time_iso(uint64_t seconds, char ret[17])
{
    struct civil t;

    civil_of(seconds, &t);
    (void)snprintf(ret, 17, "%04u%02u%02uT%02u%02u%02uZ", t.year % 10000, t.month, t.day, t.hour, t.minute, t.second);
}

void cloud_time_http(uint64_t seconds, char ret[30])
{
    const char *day = day_names + seconds / DAY_S % 7 * 3;
    struct civil t;

    civil_of(seconds, &t);
    (void)snprintf(ret, 30, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", day, t.day,
                   month_names + ((size_t)t.month - 1) * 3, t.year % 10000, t.hour, t.minute, t.second);
}
