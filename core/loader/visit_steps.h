/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a visit, shared by visit.c, visit_io.c and visit_decode.c only. Each returns true when the state moved.
 * A failure goes to visit_fail(), which stops the loader; the visit is then wound up by visit_advance. */
#ifndef DLFW_CORE_LOADER_VISIT_STEPS_H
#define DLFW_CORE_LOADER_VISIT_STEPS_H

#include "loader/visit.h"

#define VERIFY_ONE_IN 16 /* reader.verify: sample looks at one file in so many */

void visit_fail(struct visit *v, dlfw_error *err); /* of a format call, or filled */

/* visit.c */
bool visit_may_begin(struct visit *v);
void visit_has_metadata(struct visit *v, bool known); /* known: they were read to the end */

/* visit_memory.c */
void visit_reserve(struct visit *v, uint64_t bytes); /* at least that many bytes of the budget */
void visit_charge(struct visit *v, struct unit_memory *m,
                  uint64_t bytes);                             /* gives m its part of the visit's reservation */
dlfw_status visit_take_unit(struct visit *v, dlfw_error *err); /* memory for the unit's ranges */
void visit_share_whole(struct visit *v);                       /* the same, in the object that is already in memory */
void visit_add_loaded(struct visit *v);                        /* the unit is decoded */
uint32_t visit_loaded(struct visit *v, uint64_t sample);       /* index of the unit that holds it */
void visit_lend(struct visit *v, uint32_t at);                 /* a reference for one of its samples */
void visit_drop(struct visit *v, struct unit_memory **m);      /* the visit's own reference */
void visit_drop_all(struct visit *v);

/* Where reading of a range begins. */
static inline uint64_t visit_range_start(const struct visit *v, const dlfw_range *r)
{
    return r->offset & ~(v->thread->loader->start_align - 1);
}

/* visit_io.c */
bool visit_begin(struct visit *v);
bool visit_ask_sides(struct visit *v); /* then visit_opened */
bool visit_read(struct visit *v);      /* submits pieces, consumes finished ones in order */
void visit_submit_close(struct visit *v);
void visit_free_piece(struct visit *v, struct piece *p);
void visit_drop_metadata(struct visit *v);
bool visit_submit_metadata(struct visit *v); /* true when every wanted range is asked for */

/* visit_decode.c */
bool visit_opened(struct visit *v, dlfw_error *err); /* object_size is known: opens the format's reader */
bool visit_metadata(struct visit *v);
bool visit_begin_unit(struct visit *v); /* the next one, from v->unit on, that has wanted samples */
dlfw_status visit_consume(struct visit *v, const dlfw_span *piece, dlfw_error *err);
bool visit_unit_done(struct visit *v);                    /* all bytes are there: decode, then deliver */
void visit_want(struct visit *v);                         /* after the claim: which samples of the file */
uint64_t visit_sample(const struct visit *v, uint32_t i); /* of the file: at the visit's i-th position */

#endif
