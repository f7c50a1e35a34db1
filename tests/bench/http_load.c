/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_load URL [--threads N] [--connections N] [--size BYTES] [--method GET|PUT] [--seconds S] [--ca FILE]
 * [--congestion NAME]: requests of SIZE bytes to a static_server by the HTTP engine; connections are per thread, each
 * with one exchange at a time. Prints "requests N bytes B wall W cpu C" of this process. Any answer but a whole 200
 * ends it with an error.
 * --congestion is TCP_CONGESTION of its sockets: what counts in an upload (linked with --wrap=socket).
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>

#include "http/http.h"
#include "load_args.h"

struct load {
    pthread_t thread;
    struct http_loop *loop;
    struct http_exchange *exchanges;
    struct iovec *bodies;
    uint64_t requests, bytes;
    uint32_t under_way;
    bool stop;
};

static struct load_args args;
static struct http_client *client;
static struct http_origin origin;

int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);

int __wrap_socket(int domain, int type, int protocol)
{
    int fd = __real_socket(domain, type, protocol);

    if (fd >= 0 && args.congestion &&
        setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, args.congestion, (socklen_t)strlen(args.congestion)) < 0)
        perror("http_load: --congestion");
    return fd;
}

static void on_done(struct http_exchange *x)
{
    struct load *load = x->owner;

    if (x->status != DLFW_OK || x->code != 200 || (!args.put && x->bytes != args.size)) {
        fprintf(stderr, "http_load: %d %s\n", (int)x->code, x->error);
        exit(1);
    }
    load->requests++;
    load->bytes += args.size;
    if (load->stop)
        load->under_way--;
    else
        http_loop_send(load->loop, x);
}

static void prepare_exchange(struct load *load, struct http_exchange *x, struct iovec *body)
{
    char host[300];

    *body = (struct iovec){aligned_alloc(4096, (args.size + 4096) & ~(uint64_t)4095), args.size};
    if (!body->iov_base)
        exit(1);
    memset(body->iov_base, 1, args.size);
    *x = (struct http_exchange){.origin = origin, .done = on_done, .owner = load, .reply_max = 4096};
    http_origin_host(&origin, host, sizeof host);
    text_printf(&x->head, "%s /%llu HTTP/1.1\r\nHost: %s\r\n", args.put ? "PUT" : "GET", (unsigned long long)args.size,
                host);
    if (args.put) {
        text_printf(&x->head, "Content-Length: %llu\r\n\r\n", (unsigned long long)args.size);
        x->body = body;
        x->body_count = 1;
    } else {
        text_str(&x->head, "\r\n");
        x->sink = body->iov_base;
        x->sink_cap = args.size;
    }
}

/* All memory is touched before the clock starts. */
static void prepare(struct load *load)
{
    load->exchanges = calloc(args.connections, sizeof *load->exchanges);
    load->bodies = calloc(args.connections, sizeof *load->bodies);
    if (!load->exchanges || !load->bodies || http_loop_create(client, args.connections, &load->loop, NULL) < 0)
        exit(1);
    for (unsigned i = 0; i < args.connections; i++)
        prepare_exchange(load, &load->exchanges[i], &load->bodies[i]);
}

static void *drive(void *user)
{
    struct load *load = user;
    double end = load_clock() + args.seconds;

    for (unsigned i = 0; i < args.connections; i++) {
        load->under_way++;
        http_loop_send(load->loop, &load->exchanges[i]);
    }
    while (load->under_way) {
        (void)http_loop_run(load->loop, 100000000);
        load->stop = load_clock() >= end;
    }
    return NULL;
}

static void finish(struct load *load)
{
    http_loop_destroy(load->loop);
    for (unsigned i = 0; i < args.connections; i++) {
        http_exchange_free(&load->exchanges[i]);
        free(load->bodies[i].iov_base);
    }
    free(load->exchanges);
    free(load->bodies);
}

int main(int argc, char **argv)
{
    struct http_client_args client_args = {
        .connect_timeout = 10000000000, .first_byte_timeout = 60000000000, .idle_timeout = 30000000000};
    static struct load loads[LOAD_THREADS];
    uint64_t requests = 0, bytes = 0;
    double wall, cpu;

    if (!load_parse(argc, argv, &args))
        return 2;
    client_args.ca_bundle = args.ca_bundle;
    client_args.verify_tls = true;
    if (http_origin_parse(args.url, &origin, NULL, NULL) < 0 || http_client_create(&client_args, &client, NULL) < 0)
        return 2;
    for (unsigned i = 0; i < args.threads; i++)
        prepare(&loads[i]);
    wall = load_clock();
    cpu = load_cpu();
    for (unsigned i = 0; i < args.threads; i++)
        if (pthread_create(&loads[i].thread, NULL, drive, &loads[i]) != 0)
            return 1;
    for (unsigned i = 0; i < args.threads; i++) {
        pthread_join(loads[i].thread, NULL);
        requests += loads[i].requests;
        bytes += loads[i].bytes;
    }
    load_print(requests, bytes, load_clock() - wall, load_cpu() - cpu);
    for (unsigned i = 0; i < args.threads; i++)
        finish(&loads[i]);
    http_client_destroy(client);
    return 0;
}
