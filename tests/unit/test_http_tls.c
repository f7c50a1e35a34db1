/* SPDX-License-Identifier: Apache-2.0 */
/* TLS, its verification, and proxies. The test is its own certificate authority. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "test_http_fixture.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define LENGTH(n) "Content-Length: " #n "\r\n\r\n"
#define PLAIN(n) HEAD, SAY(OK_HEAD LENGTH(n)), BYTES(n)
#define RETRY DLFW_ERR_RETRYABLE

static char bundle[64];
static EVP_PKEY *ca_key;
static X509 *ca;

static void extend(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *make_cert(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key, const char *alt)
{
    static long serial = 1;
    X509 *cert = X509_new();

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
    if (alt)
        extend(cert, NID_subject_alt_name, alt);
    else
        extend(cert, NID_basic_constraints, "critical,CA:TRUE");
    ck_assert_int_gt(X509_sign(cert, issuer_key, EVP_sha256()), 0);
    return cert;
}

static SSL_CTX *make_server(const char *alt)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = make_cert(key, "server", ca, ca_key, alt);

    ck_assert_int_eq(SSL_CTX_use_certificate(ctx, cert), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(ctx, key), 1);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"t", 1);
    X509_free(cert);
    EVP_PKEY_free(key);
    return ctx;
}

static void make_ca(void)
{
    FILE *f;
    int fd;

    (void)snprintf(bundle, sizeof bundle, "/tmp/dlfw-ca-XXXXXX");
    fd = mkstemp(bundle);
    f = fdopen(fd, "w");
    ca_key = EVP_EC_gen("P-256");
    ca = make_cert(ca_key, "test authority", NULL, ca_key, NULL);
    ck_assert_int_eq(PEM_write_X509(f, ca), 1);
    ck_assert_int_eq(fclose(f), 0);
}

static void drop_ca(void)
{
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    (void)unlink(bundle);
}

static void rig_tls(struct rig *rig, const struct peer_script *scripts, size_t count, const char *alt, bool trust)
{
    peer_start_tls(&rig->peer, scripts, count, make_server(alt), NULL);
    rig_args(rig);
    rig->args.ca_bundle = trust ? bundle : NULL;
    rig_open(rig, 4);
}

static void rig_tls_stop(struct rig *rig)
{
    SSL_CTX *tls = rig->peer.tls;

    rig_stop(rig);
    SSL_CTX_free(tls);
}

START_TEST(large_both_ways)
{
    enum { PUT_SIZE = 9 << 20 };
    const struct peer_script script = SCRIPT(HEAD, SAY(OK_HEAD LENGTH(5000001)), BYTES(5000001), PLAIN(10), HEAD,
                                             PAUSE(30), BODY(PUT_SIZE), SAY(OK_HEAD LENGTH(0)), AGAIN);
    struct rig rig;
    struct trip get, put;

    rig_tls(&rig, &script, 1, "IP:127.0.0.1", true);
    trip_get(&rig, &get, 5000001);
    trip_put(&rig, &put, PUT_SIZE, 0);
    for (int i = 0; i < 2; i++) {
        trip_run(&rig, &get);
        trip_is_whole(&get, 200, 5000001);
        trip_run(&rig, &get);
        trip_is_whole(&get, 200, 10);
        trip_run(&rig, &put);
        trip_is_whole(&put, 200, 0);
    }
    ck_assert_uint_eq(peer_connections(&rig.peer), 1);
    trip_free(&get);
    trip_free(&put);
    rig_tls_stop(&rig);
}
END_TEST

/* By name: SNI and the name in the certificate. */
START_TEST(by_name)
{
    const struct peer_script script = SCRIPT(PLAIN(10), HOLD);
    struct rig rig;
    struct trip t;

    rig_tls(&rig, &script, 1, "DNS:localhost", true);
    trip_get(&rig, &t, 10);
    (void)snprintf(t.x.origin.host, sizeof t.x.origin.host, "localhost");
    trip_run(&rig, &t);
    trip_is_whole(&t, 200, 10);
    trip_free(&t);
    rig_tls_stop(&rig);
}
END_TEST

struct verify_case {
    const char *alt;
    bool trust, verify;
    dlfw_status status;
};

static const struct verify_case verify_cases[] = {
    {"IP:127.0.0.1", false, true, DLFW_E_AUTH},
    {"DNS:other.example", true, true, DLFW_E_AUTH},
    {"DNS:other.example", false, false, DLFW_OK},
};

START_TEST(verification)
{
    const struct verify_case *c = &verify_cases[_i];
    const struct peer_script script = SCRIPT(PLAIN(10), HOLD);
    struct rig rig;
    struct trip t;

    peer_start_tls(&rig.peer, &script, 1, make_server(c->alt), NULL);
    rig_args(&rig);
    rig.args.ca_bundle = c->trust ? bundle : NULL;
    rig.args.verify_tls = c->verify;
    rig_open(&rig, 4);
    trip_get(&rig, &t, 10);
    trip_run(&rig, &t);
    if (c->status == DLFW_OK)
        trip_is_whole(&t, 200, 10);
    else
        trip_failed(&t, c->status, 0, "no connection: SSL");
    trip_free(&t);
    rig_tls_stop(&rig);
}
END_TEST

START_TEST(no_bundle)
{
    const struct peer_script script = SCRIPT(PLAIN(10), HOLD);
    struct rig rig;
    struct trip t;

    peer_start_tls(&rig.peer, &script, 1, make_server("IP:127.0.0.1"), NULL);
    rig_args(&rig);
    rig.args.ca_bundle = "/nonexistent/ca.pem";
    rig_open(&rig, 4);
    trip_get(&rig, &t, 10);
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_CONFIG, 0, "/nonexistent/ca.pem");
    trip_free(&t);
    rig_tls_stop(&rig);
}
END_TEST

/* Who speaks no TLS where TLS is wished. */
START_TEST(plain_server)
{
    const struct peer_script script = SCRIPT(SAY("HTTP/1.1 400 Bad Request\r\n\r\n"), HOLD);
    struct rig rig;
    struct trip t;

    rig_start(&rig, &script, 1);
    trip_get(&rig, &t, 10);
    t.x.origin.tls = true;
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_UNAVAILABLE, RETRY, "no connection: ");
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

/* The next connection resumes the session of the one before. */
START_TEST(resumed)
{
    const struct peer_script script = SCRIPT(PLAIN(10), HOLD);
    struct rig rig;
    struct trip t;

    rig_tls(&rig, &script, 1, "IP:127.0.0.1", true);
    trip_get(&rig, &t, 10);
    t.x.flags = HTTP_FRESH;
    for (int i = 0; i < 3; i++) {
        trip_run(&rig, &t);
        trip_is_whole(&t, 200, 10);
    }
    ck_assert_uint_ge(atomic_load(&rig.peer.resumed), 1);
    trip_free(&t);
    rig_tls_stop(&rig);
}
END_TEST

/* Only a proper end of TLS ends a body that has no other end; cut bodies are seen as everywhere. */
static const struct peer_script cuts[] = {
    SCRIPT(HEAD, SAY(OK_HEAD "Connection: close\r\n\r\n"), BYTES(100)),
    SCRIPT(HEAD, SAY(OK_HEAD "Connection: close\r\n\r\n"), BYTES(100), RESET),
    SCRIPT(HEAD, SAY(OK_HEAD LENGTH(65536)), BYTES(4096)),
    SCRIPT(HEAD, SAY(OK_HEAD LENGTH(65536)), BYTES(4096), RESET),
    SCRIPT(HEAD, RESET),
};

START_TEST(cut)
{
    struct rig rig;
    struct trip t;

    rig_tls(&rig, &cuts[_i], 1, "IP:127.0.0.1", true);
    trip_get(&rig, &t, 65536);
    trip_run(&rig, &t);
    if (_i == 0) {
        trip_is_whole(&t, 200, 100);
    } else {
        ck_assert_int_lt(t.x.status, 0);
        ck_assert_uint_eq(t.x.error_flags, RETRY);
        ck_assert(strstr(t.x.error, "the connection was ") == t.x.error);
    }
    trip_free(&t);
    rig_tls_stop(&rig);
}
END_TEST

/* A kept connection that the server ends, in order or not, is not reused; a stale one is replaced. */
static const struct peer_script ends[] = {
    SCRIPT(PLAIN(10)),
    SCRIPT(PLAIN(10), RESET),
    SCRIPT(PLAIN(10), SAY(OK_HEAD LENGTH(4) "evil"), HOLD),
    SCRIPT(PLAIN(10), HEAD, RESET),
};

START_TEST(kept)
{
    const struct peer_script scripts[] = {ends[_i], SCRIPT(PLAIN(10), AGAIN)};
    struct rig rig;
    struct trip t;

    rig_tls(&rig, scripts, 2, "IP:127.0.0.1", true);
    trip_get(&rig, &t, 10);
    trip_run(&rig, &t);
    trip_is_whole(&t, 200, 10);
    (void)usleep(30000);
    for (int i = 0; i < 3; i++) {
        trip_run(&rig, &t);
        trip_is_whole(&t, 200, 10);
    }
    ck_assert_uint_eq(peer_connections(&rig.peer), 2);
    trip_free(&t);
    rig_tls_stop(&rig);
}
END_TEST

/* Several large answers at once: no connection waits for epoll while its bytes lie inside TLS. */
START_TEST(several_at_once)
{
    const struct peer_script script = SCRIPT(HEAD, SAY(OK_HEAD LENGTH(12000000)), BYTES(12000000), AGAIN);
    struct trip trips[8];
    struct rig rig;
    uint32_t done = 0;

    rig_tls(&rig, &script, 1, "IP:127.0.0.1", true);
    for (size_t i = 0; i < 8; i++) {
        trip_get(&rig, &trips[i], 12000000);
        http_loop_send(rig.loop, &trips[i].x);
    }
    while (done < 8) {
        uint32_t n = http_loop_run(rig.loop, 10 * SECONDS);

        ck_assert_uint_gt(n, 0);
        done += n;
    }
    for (size_t i = 0; i < 8; i++) {
        trip_is_whole(&trips[i], 200, 12000000);
        trip_free(&trips[i]);
    }
    rig_tls_stop(&rig);
}
END_TEST

/* proxy_tls and target_tls: what the scripted proxy and the server behind it speak. */
static void through_proxy(bool proxy_tls, bool target_tls, bool by_environment)
{
    const struct peer_script script = SCRIPT(TUNNEL, PLAIN(300000), PLAIN(300000), HOLD);
    SSL_CTX *outer = proxy_tls ? make_server("IP:127.0.0.1") : NULL;
    SSL_CTX *inner = target_tls ? make_server("DNS:object.example") : NULL;
    char proxy[64];
    struct rig rig;
    struct trip t;

    peer_start_tls(&rig.peer, &script, 1, outer, inner);
    rig_args(&rig);
    (void)snprintf(proxy, sizeof proxy, "%s://127.0.0.1:%u", proxy_tls ? "https" : "http", (unsigned)rig.peer.port);
    if (by_environment)
        (void)setenv(target_tls ? "https_proxy" : "http_proxy", proxy, 1);
    else
        rig.args.proxy = proxy;
    rig.args.ca_bundle = bundle;
    rig_open(&rig, 4);
    trip_get(&rig, &t, 300000);
    t.x.origin = (struct http_origin){.tls = target_tls, .port = 8443, .host = "object.example"};
    trip_run(&rig, &t);
    trip_is_whole(&t, 200, 300000);
    trip_run(&rig, &t);
    trip_is_whole(&t, 200, 300000);
    ck_assert_uint_eq(peer_connections(&rig.peer), 1);
    trip_free(&t);
    rig_stop(&rig);
    SSL_CTX_free(outer);
    SSL_CTX_free(inner);
}

START_TEST(proxies)
{
    through_proxy(false, _i % 2, _i >= 2);
}
END_TEST

START_TEST(proxy_over_tls)
{
    through_proxy(true, false, false);
}
END_TEST

struct refusal {
    struct peer_script script;
    dlfw_status status;
    uint32_t flags;
};

static const struct refusal refusals[] = {
    {SCRIPT(HEAD, SAY("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"), HOLD), DLFW_E_AUTH,
     0},
    {SCRIPT(HEAD, SAY("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"), HOLD), DLFW_E_UNAVAILABLE, 0},
    {SCRIPT(HEAD, SAY("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"), HOLD), DLFW_E_UNAVAILABLE, RETRY},
    {SCRIPT(HEAD), DLFW_E_IO, RETRY},
};

START_TEST(proxy_refuses)
{
    struct rig rig;
    struct trip t;
    char proxy[64];

    peer_start(&rig.peer, &refusals[_i].script, 1);
    rig_args(&rig);
    (void)snprintf(proxy, sizeof proxy, "http://user:secret@127.0.0.1:%u", (unsigned)rig.peer.port);
    rig.args.proxy = proxy;
    rig_open(&rig, 4);
    trip_get(&rig, &t, 10);
    t.x.origin = (struct http_origin){.tls = true, .port = 443, .host = "object.example"};
    trip_run(&rig, &t);
    trip_failed(&t, refusals[_i].status, refusals[_i].flags, "no connection: ");
    ck_assert_ptr_null(strstr(t.x.error, "secret"));
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_tls");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_unchecked_fixture(t, make_ca, drop_ca);
    tcase_add_test(t, large_both_ways);
    tcase_add_test(t, by_name);
    tcase_add_loop_test(t, verification, 0, 3);
    tcase_add_test(t, no_bundle);
    tcase_add_test(t, plain_server);
    tcase_add_test(t, resumed);
    tcase_add_loop_test(t, cut, 0, (int)(sizeof cuts / sizeof cuts[0]));
    tcase_add_loop_test(t, kept, 0, (int)(sizeof ends / sizeof ends[0]));
    tcase_add_test(t, several_at_once);
    tcase_add_loop_test(t, proxies, 0, 4);
    tcase_add_test(t, proxy_over_tls);
    tcase_add_loop_test(t, proxy_refuses, 0, 4);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
