/* SPDX-License-Identifier: Apache-2.0 */
/* Digests and codes against published vectors: FIPS 180-2, RFC 1321, RFC 4231, RFC 4648. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/cloud.h"

static const char *hex(const uint8_t *data, size_t len)
{
    static char text[2 * 64 + 1];

    cloud_hex(data, len, text);
    return text;
}

START_TEST(sha256_vectors)
{
    uint8_t d[32];

    cloud_sha256("", 0, d);
    ck_assert_str_eq(hex(d, 32), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    cloud_sha256("abc", 3, d);
    ck_assert_str_eq(hex(d, 32), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    cloud_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, d);
    ck_assert_str_eq(hex(d, 32), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}
END_TEST

START_TEST(md5_vectors)
{
    uint8_t d[16];

    cloud_md5("", 0, d);
    ck_assert_str_eq(hex(d, 16), "d41d8cd98f00b204e9800998ecf8427e");
    cloud_md5("message digest", 14, d);
    ck_assert_str_eq(hex(d, 16), "f96b697d7cb7938d525a2f31aaf161d0");
}
END_TEST

START_TEST(hmac_vectors)
{
    uint8_t key[131], d[32];
    const char *data = "Hi There";

    memset(key, 0x0b, 20);
    cloud_hmac_sha256(key, 20, data, strlen(data), d);
    ck_assert_str_eq(hex(d, 32), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    data = "what do ya want for nothing?";
    cloud_hmac_sha256("Jefe", 4, data, strlen(data), d);
    ck_assert_str_eq(hex(d, 32), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    /* a key longer than a block is hashed first */
    memset(key, 0xaa, 131);
    data = "Test Using Larger Than Block-Size Key - Hash Key First";
    cloud_hmac_sha256(key, 131, data, strlen(data), d);
    ck_assert_str_eq(hex(d, 32), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}
END_TEST

static void *digest_in_thread(void *ctx)
{
    cloud_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, ctx);
    return NULL;
}

/* Each thread has a context of its own, given back when it ends (leak checkers look). */
START_TEST(threads_do_not_share_a_context)
{
    pthread_t threads[4];
    uint8_t d[4][32];

    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, digest_in_thread, d[i]), 0);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_str_eq(hex(d[i], 32), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
END_TEST

static const struct {
    const char *plain, *standard, *safe;
} codes[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/", "-_-_"},
};

START_TEST(base64_both_ways)
{
    struct text t = {0};
    size_t len = strlen(codes[_i].plain);

    cloud_base64(&t, codes[_i].plain, len, false);
    ck_assert_str_eq(t.data ? t.data : "", codes[_i].standard);
    text_clear(&t);
    cloud_base64(&t, codes[_i].plain, len, true);
    ck_assert_str_eq(t.data ? t.data : "", codes[_i].safe);
    for (int safe = 0; safe < 2; safe++) {
        const char *code = safe ? codes[_i].safe : codes[_i].standard;

        text_clear(&t);
        ck_assert(cloud_base64_decode(&t, code, strlen(code)));
        ck_assert_uint_eq(t.len, len);
        ck_assert_int_eq(memcmp(t.data ? t.data : "", codes[_i].plain, len), 0);
    }
    text_free(&t);
}
END_TEST

START_TEST(base64_refuses_what_is_none)
{
    static const char *const bad[] = {"Z", "Zm9vY", "Zm 9", "Zm=v", "====", "Zg\n="};
    struct text t = {0};

    ck_assert_msg(!cloud_base64_decode(&t, bad[_i], strlen(bad[_i])), "'%s' was accepted", bad[_i]);
    text_free(&t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cloud_crypto");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, sha256_vectors);
    tcase_add_test(tc, md5_vectors);
    tcase_add_test(tc, hmac_vectors);
    tcase_add_test(tc, threads_do_not_share_a_context);
    tcase_add_loop_test(tc, base64_both_ways, 0, (int)(sizeof codes / sizeof *codes));
    tcase_add_loop_test(tc, base64_refuses_what_is_none, 0, 6);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
