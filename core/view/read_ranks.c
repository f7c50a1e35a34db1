/* SPDX-License-Identifier: Apache-2.0 */
/* dlfw.ranks.per_rank: what each rank measured. */
#include "report/result_read.h"
#include "view/figures.h"

/* Ranks stand in ascending order; one that does not gets the next number, so that no two are called the same. */
static void read_rank(const json_t *item, uint64_t least, struct view_rank *ret)
{
    json_int_t rank = json_integer_value(json_object_get(item, "rank"));

    ret->rank = rank > 0 && (uint64_t)rank > least ? (uint64_t)rank : least;
    ret->host = result_text(item, "host", NULL);
    for (uint32_t i = 0; i < RANK_MEASURES; i++)
        ret->values[i] = result_number(item, VIEW_UNKNOWN, rank_measures[i].key, NULL);
}

void view_read_ranks(struct run_view *v)
{
    const json_t *list = json_object_get(json_object_get(v->dlfw, "ranks"), "per_rank");
    const json_t *item;
    size_t i;

    v->rank_list = arena_alloc(&v->arena, (json_array_size(list) + 1) * sizeof *v->rank_list);
    json_array_foreach(list, i, item) read_rank(item, i ? v->rank_list[i - 1].rank + 1 : 0, &v->rank_list[i]);
    v->rank_count = (uint32_t)json_array_size(list);
    if (v->ranks > 1 && v->dlfw && v->rank_count < 2)
        view_miss(v, "summary.json has no dlfw.ranks.per_rank: the spread over the %.0f ranks is not shown", v->ranks);
    else if (v->rank_count && is_known(v->ranks) && (double)v->rank_count < v->ranks)
        view_miss(v, "dlfw.ranks.per_rank of summary.json has %u of %.0f ranks", v->rank_count, v->ranks);
}
