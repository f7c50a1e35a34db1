/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a plugin is unit-tested without dlfw: include its source, give it the fake host, look at what it did. Compiled by
 * test_installed_sdk.sh against the installed SDK, so the mock that authors get is known to work.
 */
#include "myhook.c"

#include <string.h>

#include "fake_host.h"
#include "fake_services.h"

static struct fake_host host;
static struct fake_services services;

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition);                                            \
            return 1;                                                                                                  \
        }                                                                                                              \
    } while (0)

int main(void)
{
    struct options options = {.output = "slow.txt", .limit = 1000};
    dlfw_create_args args = {.struct_size = sizeof args, .host = &host.table, .host_ctx = &host, .options = &options};
    dlfw_hook_ctx ctx = {.struct_size = sizeof ctx, .epoch = 1, .step = 7, .world_size = 1, .services_ctx = &services};
    const struct fake_object *object;
    char text[256];
    dlfw_error err = FAKE_ERROR(text);
    dlfw_hook *hook = NULL;

    fake_host_init(&host);
    fake_services_init(&services);
    ctx.services = &services.table;
    EXPECT(my_create(&args, &hook, &err) == DLFW_OK);
    ctx.load_ns = 1000;
    EXPECT(after_step(hook, &ctx, &err) == DLFW_OK); /* not slow */
    ctx.load_ns = 5000000;
    EXPECT(after_step(hook, &ctx, &err) == DLFW_OK);
    EXPECT(finalize(hook, &ctx, &err) == DLFW_OK);
    object = fake_services_object(&services, "slow.txt");
    EXPECT(object && object->len == strlen("epoch 1 step 7 waited 5000 us\n"));
    EXPECT(memcmp(object->data, "epoch 1 step 7 waited 5000 us\n", object->len) == 0);
    EXPECT(services.figures == 1 && services.writers_open == 0);

    services.fail_at = services.calls + 2; /* the append of the next finalize */
    EXPECT(finalize(hook, &ctx, &err) == DLFW_E_NO_SPACE);
    EXPECT(services.writers_open == 0);
    my_destroy(hook);
    fake_services_free(&services);
    return 0;
}
