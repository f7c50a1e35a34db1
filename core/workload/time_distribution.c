/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariant: what was read without a problem can be drawn; parameters that would make the generator loop or return
 * nonsense (a negative scale, min above max) are refused at reading, never at drawing.
 */
#include "workload/time_distribution.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

/* A kind, its name in the run file and its parameters, the first of which goes to a and the second to b. */
struct shape {
    uint32_t kind;
    const char *name;
    const char *parameters[3];
};

static const struct shape shapes[] = {
    {TIME_NORMAL, "normal", {"mean", "stdev", NULL}}, {TIME_UNIFORM, "uniform", {"min", "max", NULL}},
    {TIME_GAMMA, "gamma", {"shape", "scale", NULL}},  {TIME_EXPONENTIAL, "exponential", {"scale", NULL, NULL}},
    {TIME_POISSON, "poisson", {"lam", NULL, NULL}},
};

/* DLIO also takes {mean: x} alone; then stdev is 0. */
static const struct shape plain_shape = {TIME_NORMAL, "mean", {"mean", "stdev", NULL}};

static bool read_number(const dlfw_node *node, double *ret, struct problem_list *problems)
{
    struct error_slot slot;

    error_slot_init(&slot);
    if (node_to_f64(node, ret, &slot.e) >= 0)
        return true;
    problem_add_error(problems, &slot.e);
    return false;
}

static const struct shape *find_shape(const dlfw_node *map, struct problem_list *problems)
{
    static const char *const names[] = {"normal", "uniform", "gamma", "exponential", "poisson", NULL};
    const dlfw_node *type = node_get(map, "type");
    const char *text = node_to_str(type), *nearest;

    if (node_is_null(type))
        return &plain_shape;
    for (size_t i = 0; text && i < sizeof shapes / sizeof shapes[0]; i++)
        if (strcmp(text, shapes[i].name) == 0)
            return &shapes[i];
    nearest = text ? schema_nearest(text, NULL, 0, names) : NULL;
    problem_add(problems, true, type,
                "'%s' is no distribution; there are normal, uniform, gamma, exponential and poisson%s%s%s",
                text ? text : "", nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    return NULL;
}

static void check_keys(const dlfw_node *map, const struct shape *shape, struct problem_list *problems)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const struct node_pair *pair = &map->pairs[i];
        bool known = strcmp(pair->key, "type") == 0;

        for (const char *const *name = shape->parameters; *name && !known; name++)
            known = strcmp(pair->key, *name) == 0;
        pair->value->used = true;
        if (!known)
            problem_add_at(problems, problems->strict, pair->key_place,
                           "'%s' is not a parameter of this distribution (%s%s%s)", pair->key, shape->parameters[0],
                           shape->parameters[1] ? ", " : "", shape->parameters[1] ? shape->parameters[1] : "");
    }
}

static bool read_parameter(const dlfw_node *map, const char *name, bool required, double *ret,
                           struct problem_list *problems)
{
    const dlfw_node *node = node_get(map, name);

    if (!node_is_null(node))
        return read_number(node, ret, problems);
    if (required)
        problem_add(problems, true, map, "'%s' is missing in this distribution", name);
    return !required;
}

static bool check_range(const dlfw_node *at, const struct time_distribution *d, struct problem_list *problems)
{
    const char *wrong = NULL;

    if (d->kind == TIME_NORMAL && d->b < 0)
        wrong = "stdev must not be negative";
    if (d->kind == TIME_UNIFORM && d->a > d->b)
        wrong = "min must not be above max";
    if (d->kind == TIME_GAMMA && (d->a <= 0 || d->b < 0))
        wrong = "shape must be above 0 and scale not negative";
    if (d->kind == TIME_EXPONENTIAL && d->a < 0)
        wrong = "scale must not be negative";
    if (d->kind == TIME_POISSON && (d->a < 0 || d->a > 1e9))
        wrong = "lam must lie between 0 and 1e9";
    if (wrong)
        problem_add(problems, true, at, "%s", wrong);
    return !wrong;
}

static bool read_map(const dlfw_node *map, struct time_distribution *d, struct problem_list *problems)
{
    const struct shape *shape = find_shape(map, problems);

    if (!shape)
        return false;
    check_keys(map, shape, problems);
    d->kind = shape->kind;
    if (!read_parameter(map, shape->parameters[0], true, &d->a, problems))
        return false;
    if (shape->parameters[1] && !read_parameter(map, shape->parameters[1], shape != &plain_shape, &d->b, problems))
        return false;
    return check_range(map, d, problems);
}

/* The old ..._stdev key: it makes a mean a normal distribution. */
static void read_stdev(const dlfw_node *node, struct time_distribution *d, struct problem_list *problems)
{
    double stdev = 0;

    if (node_is_null(node) || !read_number(node, &stdev, problems))
        return;
    if (stdev < 0)
        problem_add(problems, true, node, "a standard deviation must not be negative");
    else if (d->kind == TIME_NONE)
        problem_add(problems, stdev > 0, node, "a standard deviation without the time that it belongs to");
    else if (d->kind == TIME_CONSTANT || (d->kind == TIME_NORMAL && !(d->b > 0)))
        *d = (struct time_distribution){.kind = stdev > 0 ? TIME_NORMAL : TIME_CONSTANT, .a = d->a, .b = stdev};
    else
        problem_add(problems, false, node, "has no effect: the distribution has its own parameters");
}

void time_distribution_read(const dlfw_node *node, const dlfw_node *stdev_node, struct time_distribution *ret,
                            struct problem_list *problems)
{
    struct time_distribution d = {0};
    bool good = true;

    if (!node_is_null(node) && node->kind == DLFW_NODE_SCALAR) {
        d.kind = TIME_CONSTANT;
        good = read_number(node, &d.a, problems);
    } else if (!node_is_null(node) && node->kind == DLFW_NODE_MAP && node->count) {
        good = read_map(node, &d, problems);
        if (good && d.kind == TIME_NORMAL && !(d.b > 0))
            d.kind = TIME_CONSTANT;
    } else if (!node_is_null(node) && node->kind == DLFW_NODE_LIST) {
        problem_add(problems, true, node, "a number or a distribution is wanted, not a list");
        good = false;
    }
    if (good)
        read_stdev(stdev_node, &d, problems);
    *ret = good ? d : (struct time_distribution){0};
}

uint64_t time_distribution_draw(const struct time_distribution *d, struct legacy_random *random)
{
    double seconds = 0, ns;

    switch (d->kind) {
    case TIME_CONSTANT:
        seconds = d->a;
        break;
    case TIME_NORMAL:
        seconds = legacy_normal(random, d->a, d->b);
        break;
    case TIME_UNIFORM:
        seconds = d->a + (d->b - d->a) * legacy_double(random);
        break;
    case TIME_GAMMA:
        seconds = legacy_gamma(random, d->a, d->b);
        break;
    case TIME_EXPONENTIAL:
        seconds = legacy_exponential(random, d->a);
        break;
    case TIME_POISSON:
        seconds = (double)legacy_poisson(random, d->a);
        break;
    default:
        break;
    }
    ns = fabs(seconds) * (double)NS_PER_S + 0.5;
    return ns < 9.2e18 ? (uint64_t)ns : INT64_MAX;
}

/* Python's repr of a float: the shortest digits that read back as the same number, and ".0" behind a whole one. */
static void print_float(double value, char *buf, size_t cap)
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(buf, cap, "%.*g", digits, value);
        if (!(strtod(buf, NULL) < value) && !(strtod(buf, NULL) > value))
            break;
    }
    if (fabs(value) >= 1e-4 && fabs(value) < 1e16 && strchr(buf, 'e'))
        snprintf(buf, cap, "%.0f", value);
    if (!strpbrk(buf, ".e")) {
        size_t len = strlen(buf);

        snprintf(buf + len, cap - len, ".0");
    }
}

void time_distribution_print(const struct time_distribution *d, char *buf, uint32_t cap)
{
    char a[48], b[48];

    print_float(d->a, a, sizeof a);
    print_float(d->b, b, sizeof b);
    if (d->kind == TIME_NONE)
        snprintf(buf, cap, "{}");
    else if (d->kind == TIME_CONSTANT)
        snprintf(buf, cap, "{'mean': %s}", a);
    else if (d->kind == TIME_NORMAL)
        snprintf(buf, cap, "{'mean': %s, 'stdev': %s}", a, b);
    for (size_t i = 1; i < sizeof shapes / sizeof shapes[0]; i++) {
        const struct shape *s = &shapes[i];

        if (s->kind == d->kind && s->parameters[1])
            snprintf(buf, cap, "{'type': '%s', '%s': %s, '%s': %s}", s->name, s->parameters[0], a, s->parameters[1], b);
        else if (s->kind == d->kind)
            snprintf(buf, cap, "{'type': '%s', '%s': %s}", s->name, s->parameters[0], a);
    }
}
