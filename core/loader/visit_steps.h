/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a visit, shared by visit.c, visit_io.c and visit_decode.c only. Each returns true when the state moved. A failure goes to
 * visit_fail(), which stops the loader; the visit is then wound up by visit_advance. */
#ifndef DLFW_CORE_LOADER_VISIT_STEPS_H
#define DLFW_CORE_LOADER_VISIT_STEPS_H

#include "loader/visit.h"

#define VERIFY_ONE_IN 16 /* reader.verify: sample looks at one file in so many */

void visit_fail(struct visit *v, const dlfw_error *err);
void visit_drop_memory(struct visit *v); /* the visit's own reference */

/* visit_io.c */
bool visit_begin(struct visit *v);
bool visit_read(struct visit *v); /* submits pieces, consumes finished ones in order */
void visit_submit_close(struct visit *v);
void visit_free_piece(struct visit *v, struct piece *p);
void visit_drop_metadata(struct visit *v);
bool visit_submit_metadata(struct visit *v); /* true when every wanted range is asked for */

/* visit_decode.c */
bool visit_opened(struct visit *v, dlfw_error *err); /* object_size is known: opens the format's reader */
bool visit_metadata(struct visit *v);
bool visit_begin_unit(struct visit *v); /* false: no unit left that has wanted samples */
dlfw_status visit_consume(struct visit *v, const dlfw_span *piece, dlfw_error *err);
bool visit_unit_done(struct visit *v); /* all bytes are there: decode, then deliver */

#endif
