/* SPDX-License-Identifier: Apache-2.0 */
/* Objects written in parts: the handle, its parts, and whose turn it is where a service wants them one after the other.
 */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

#define TURN_PATIENCE_NS 2000000000u /* a part waits so long for one before it that is not under way */

static struct cloud_upload *upload_new(struct cloud *c, const struct cloud_call *call)
{
    struct cloud_upload *up = calloc(1, sizeof *up);

    if (!up)
        return NULL;
    up->kind = CLOUD_UPLOAD;
    up->flags = call->req->flags;
    up->turn_free_ns = c->host->now_ns();
    pthread_mutex_init(&up->lock, NULL);
    text_add(&up->key, call->key.data, call->key.len);
    if (up->key.failed) {
        upload_free(up);
        return NULL;
    }
    pthread_mutex_lock(&c->uploads_lock);
    up->older = c->uploads;
    if (c->uploads)
        c->uploads->newer = up;
    c->uploads = up;
    pthread_mutex_unlock(&c->uploads_lock);
    return up;
}

void upload_free(struct cloud_upload *up)
{
    pthread_mutex_destroy(&up->lock);
    text_free(&up->key);
    text_free(&up->id);
    text_free(&up->tail);
    free(up->parts);
    free(up);
}

static void upload_remove(struct cloud *c, struct cloud_upload *up)
{
    pthread_mutex_lock(&c->uploads_lock);
    if (up->newer)
        up->newer->older = up->older;
    else
        c->uploads = up->older;
    if (up->older)
        up->older->newer = up->newer;
    pthread_mutex_unlock(&c->uploads_lock);
    upload_free(up);
}

dlfw_status upload_begin(struct cloud_call *call, dlfw_error *err)
{
    if (call->req->op == DLFW_OP_WRITE_BEGIN) {
        call->upload = upload_new(call->cloud, call);
        return call->upload ? DLFW_OK : dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an upload");
    }
    call->upload = call->req->handle;
    if (!call->upload || call->upload->kind != CLOUD_UPLOAD) {
        call->upload = NULL;
        return dlfw_fail(err, DLFW_E_INVALID, "the handle of this request does not come from WRITE_BEGIN");
    }
    return DLFW_OK;
}

bool upload_must_wait(struct cloud_call *call)
{
    struct cloud_upload *up = call->upload;
    uint64_t now = call->cloud->host->now_ns();
    bool waits, too_long, late;

    if (!call->cloud->service->parts_in_order)
        return false;
    pthread_mutex_lock(&up->lock);
    waits = call->req->arg > up->next_part || (call->req->arg == up->next_part && up->turn_taken);
    too_long = waits && !up->turn_taken && now - up->turn_free_ns > TURN_PATIENCE_NS;
    if (!waits && call->req->arg == up->next_part)
        up->turn_taken = true;
    pthread_mutex_unlock(&up->lock);
    if (!waits)
        return false;
    late = call->req->deadline_ns && now >= call->req->deadline_ns;
    if (late)
        call_fail(call, DLFW_E_TIMEOUT, 0, "the deadline passed while it waited for the part before it");
    else if (too_long)
        call_fail(call, DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE, "the part before it does not come");
    else
        call_list_add(&call->queue->held, call);
    return true;
}

/* Gives the turn to the next part, or back. */
static void end_of_turn(struct cloud_call *call, dlfw_status status)
{
    struct cloud_upload *up = call->upload;

    pthread_mutex_lock(&up->lock);
    if (up->turn_taken && call->req->arg == up->next_part) {
        up->turn_taken = false;
        up->turn_free_ns = call->cloud->host->now_ns();
        if (status >= 0) {
            up->next_part++;
            up->next_offset += call->req->length;
        }
    }
    pthread_mutex_unlock(&up->lock);
}

/* The handle lives until COMMIT succeeded or ABORT ended in a way that cannot be tried again. */
void upload_ended(struct cloud_call *call, dlfw_status status)
{
    switch (call->req->op) {
    case DLFW_OP_WRITE_BEGIN:
        if (status >= 0)
            call->comp.handle = call->upload;
        else
            upload_remove(call->cloud, call->upload);
        break;
    case DLFW_OP_WRITE_PART:
        if (call->cloud->service->parts_in_order)
            end_of_turn(call, status);
        break;
    case DLFW_OP_WRITE_COMMIT:
        if (status >= 0)
            upload_remove(call->cloud, call->upload);
        break;
    case DLFW_OP_WRITE_ABORT:
        if (status >= 0 || !(call->comp.flags & DLFW_ERR_RETRYABLE))
            upload_remove(call->cloud, call->upload);
        break;
    default:
        break;
    }
    call->upload = NULL;
}

bool cloud_upload_set_part(struct cloud_upload *up, uint64_t number, const char *tag, size_t tag_len, uint64_t size,
                           uint32_t crc32c)
{
    bool ok = false;

    if (number >= 1000000 || tag_len >= sizeof up->parts->tag)
        return false;
    pthread_mutex_lock(&up->lock);
    if (number >= up->part_room) {
        uint32_t room = up->part_room ? up->part_room : 16;
        struct cloud_part *parts;

        while (room <= number)
            room *= 2;
        parts = realloc(up->parts, room * sizeof *parts);
        if (!parts)
            goto out;
        memset(parts + up->part_room, 0, (room - up->part_room) * sizeof *parts);
        up->parts = parts;
        up->part_room = room;
    }
    up->parts[number] = (struct cloud_part){.size = size, .crc32c = crc32c};
    memcpy(up->parts[number].tag, tag, tag_len);
    if (number >= up->part_count)
        up->part_count = (uint32_t)number + 1;
    ok = true;
out:
    pthread_mutex_unlock(&up->lock);
    return ok;
}
