/* SPDX-License-Identifier: Apache-2.0 */
/* What http_load and peer_curl are told, and the line that both print, so that the same row of figures comes from
 * either. */
#ifndef DLFW_TESTS_BENCH_LOAD_ARGS_H
#define DLFW_TESTS_BENCH_LOAD_ARGS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { LOAD_THREADS = 256 };

struct load_args {
    const char *url; /* "http://127.0.0.1:8080" */
    unsigned threads, connections;
    uint64_t size, buffer;
    double seconds;
    bool put;
    const char *ca_bundle, *congestion;
};

static inline double load_clock(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static inline double load_cpu(void)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static inline void load_print(uint64_t requests, uint64_t bytes, double wall, double cpu)
{
    printf("requests %llu bytes %llu wall %.4f cpu %.4f\n", (unsigned long long)requests, (unsigned long long)bytes,
           wall, cpu);
}

static inline bool load_parse(int argc, char **argv, struct load_args *args)
{
    static const struct option options[] = {
        {"threads", 1, NULL, 't'}, {"connections", 1, NULL, 'c'}, {"size", 1, NULL, 's'},
        {"method", 1, NULL, 'm'},  {"seconds", 1, NULL, 'S'},     {"ca", 1, NULL, 'a'},
        {"buffer", 1, NULL, 'b'},  {"congestion", 1, NULL, 'C'},  {0}};
    int o;

    *args = (struct load_args){.threads = 2, .connections = 2, .size = 65536, .seconds = 2};
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (o == 't')
            args->threads = (unsigned)strtoul(optarg, NULL, 10);
        else if (o == 'c')
            args->connections = (unsigned)strtoul(optarg, NULL, 10);
        else if (o == 's')
            args->size = strtoull(optarg, NULL, 10);
        else if (o == 'm')
            args->put = strcmp(optarg, "PUT") == 0;
        else if (o == 'S')
            args->seconds = strtod(optarg, NULL);
        else if (o == 'a')
            args->ca_bundle = optarg;
        else if (o == 'b')
            args->buffer = strtoull(optarg, NULL, 10);
        else if (o == 'C')
            args->congestion = optarg;
        else
            return false;
    }
    args->url = argv[optind];
    return args->url && optind + 1 == argc && args->threads && args->threads <= LOAD_THREADS && args->connections;
}

#endif
