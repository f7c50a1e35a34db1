/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts, random numbers and memory of a case. Verdict lines go to the parent through a pipe: a letter, then the
 * text. */
#include "kit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

static void send_line(struct kit *kit, char letter, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void send_line(struct kit *kit, char letter, const char *format, va_list args)
{
    char line[1024];
    int n;

    line[0] = letter;
    n = vsnprintf(line + 1, sizeof line - 2, format, args);
    n = n < 0 ? 0 : n > (int)sizeof line - 3 ? (int)sizeof line - 3 : n;
    for (int i = 1; i <= n; i++)
        if (line[i] == '\n')
            line[i] = ' ';
    line[n + 1] = '\n';
    if (kit->report_fd < 0)
        report_in_process(letter, line + 1, (size_t)n);
    else if (write(kit->report_fd, line, (size_t)n + 2) < 0)
        _exit(3); /* the parent is gone; nobody is left to tell */
}

static _Noreturn void leave(struct kit *kit)
{
    if (kit->report_fd >= 0)
        _exit(0);
    if (!pthread_equal(pthread_self(), kit->main_thread))
        exit(1); /* in process, a thread cannot jump to the main thread's frame */
    longjmp(kit->leave, 1);
}

void kit_fail(struct kit *kit, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    send_line(kit, 'F', format, args);
    va_end(args);
    leave(kit);
}

void kit_skip(struct kit *kit, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    send_line(kit, 'S', format, args);
    va_end(args);
    leave(kit);
}

void kit_note(struct kit *kit, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    send_line(kit, 'N', format, args);
    va_end(args);
}

uint64_t kit_random(struct kit *kit)
{
    uint64_t x = kit->random += 0x9E3779B97F4A7C15u;

    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

uint64_t kit_below(struct kit *kit, uint64_t n)
{
    return kit_random(kit) % n;
}

static void keep(struct kit *kit, void *p)
{
    void **grown;

    pthread_mutex_lock(&kit->memory_lock);
    grown = p ? realloc(kit->memory, (kit->memory_count + 1) * sizeof *grown) : NULL;
    if (grown) {
        kit->memory = grown;
        kit->memory[kit->memory_count++] = p;
    }
    pthread_mutex_unlock(&kit->memory_lock);
    if (!grown)
        kit_fail(kit, "dlfw-conform itself is out of memory");
}

void *kit_alloc(struct kit *kit, uint64_t bytes)
{
    size_t rounded = (size_t)((bytes + 4096) & ~(uint64_t)4095);
    void *p = aligned_alloc(4096, rounded);

    keep(kit, p);
    memset(p, 0, rounded);
    return p;
}

char *kit_format(struct kit *kit, const char *format, ...)
{
    va_list args;
    char *text = NULL;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    keep(kit, text);
    return text;
}

uint64_t kit_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void kit_check_error(struct kit *kit, dlfw_status status, const dlfw_error *err, const char *what)
{
    KIT_CHECK(kit, status >= -64, "%s: %d is no status of this ABI", what, status);
    if (status >= 0)
        return;
    KIT_CHECK(kit, strcmp(dlfw_status_name(status), "UNKNOWN") != 0, "%s: %d is no status of this ABI", what, status);
    KIT_CHECK(kit, err->message_len < err->message_cap, "%s: the error text is longer than its room", what);
    KIT_CHECK(kit, err->message[err->message_len] == '\0', "%s: the error text does not end where message_len says",
              what);
    if (status == DLFW_E_CANCELLED)
        return;
    KIT_CHECK(kit, err->message_len > 0, "%s: failed with %s and no text", what, dlfw_status_name(status));
    KIT_CHECK(kit, !strchr(err->message, '\n'), "%s: the error text has more than one line", what);
    KIT_CHECK(kit, err->status == status, "%s: returned %s, but its error struct says %s", what,
              dlfw_status_name(status), dlfw_status_name(err->status));
}
