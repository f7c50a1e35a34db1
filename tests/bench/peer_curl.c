/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_curl: http_load's arguments and line, over libcurl's easy interface as it is: one handle and one connection per
 * thread (threads x connections of them), which is its fastest way. --buffer is CURLOPT_BUFFERSIZE and
 * CURLOPT_UPLOAD_BUFFERSIZE.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "load_args.h"

struct load {
    pthread_t thread;
    CURL *easy;
    char *buf;
    uint64_t at, requests, bytes;
};

static struct load_args args;

static size_t on_write(char *data, size_t size, size_t count, void *user)
{
    struct load *load = user;

    if (load->at + count > args.size)
        return 0;
    memcpy(load->buf + load->at, data, size * count);
    load->at += count;
    return count;
}

static size_t on_read(char *to, size_t size, size_t count, void *user)
{
    struct load *load = user;
    size_t n = args.size - load->at < size * count ? (size_t)(args.size - load->at) : size * count;

    memcpy(to, load->buf + load->at, n);
    load->at += n;
    return n;
}

static int on_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
    (void)user;
    (void)purpose;
    return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, args.congestion, (socklen_t)strlen(args.congestion)) < 0
               ? CURL_SOCKOPT_ERROR
               : CURL_SOCKOPT_OK;
}

static void prepare(struct load *load, struct curl_slist *headers)
{
    CURL *easy = curl_easy_init();
    char url[400];

    (void)snprintf(url, sizeof url, "%s/%llu", args.url, (unsigned long long)args.size);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, load);
    if (args.ca_bundle)
        curl_easy_setopt(easy, CURLOPT_CAINFO, args.ca_bundle);
    if (args.buffer) {
        curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)args.buffer);
        curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)args.buffer);
    }
    if (args.congestion)
        curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    if (args.put) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(easy, CURLOPT_READDATA, load);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)args.size);
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    load->easy = easy;
    load->buf = aligned_alloc(4096, (args.size + 4096) & ~(uint64_t)4095);
    if (!easy || !load->buf)
        exit(1);
    memset(load->buf, 1, args.size);
}

static void *drive(void *user)
{
    struct load *load = user;
    double end = load_clock() + args.seconds;

    do {
        CURLcode code;

        load->at = 0;
        code = curl_easy_perform(load->easy);
        if (code != CURLE_OK || load->at != args.size) {
            fprintf(stderr, "peer_curl: %s\n", curl_easy_strerror(code));
            exit(1);
        }
        load->requests++;
        load->bytes += args.size;
    } while (load_clock() < end);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct load loads[LOAD_THREADS];
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    uint64_t requests = 0, bytes = 0;
    double wall, cpu;
    unsigned count;

    if (!load_parse(argc, argv, &args))
        return 2;
    count = args.threads * args.connections;
    if (count > LOAD_THREADS || curl_global_init(CURL_GLOBAL_DEFAULT))
        return 2;
    for (unsigned i = 0; i < count; i++)
        prepare(&loads[i], headers);
    wall = load_clock();
    cpu = load_cpu();
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&loads[i].thread, NULL, drive, &loads[i]) != 0)
            return 1;
    for (unsigned i = 0; i < count; i++) {
        pthread_join(loads[i].thread, NULL);
        requests += loads[i].requests;
        bytes += loads[i].bytes;
    }
    load_print(requests, bytes, load_clock() - wall, load_cpu() - cpu);
    for (unsigned i = 0; i < count; i++) {
        curl_easy_cleanup(loads[i].easy);
        free(loads[i].buf);
    }
    curl_slist_free_all(headers);
    return 0;
}
