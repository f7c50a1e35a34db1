/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints where every member of every ABI struct lies and what every constant is worth. check_offsets.sh compares the
 * output with the committed file of each frozen minor: a line that was once there must stay, only the size of a struct
 * that may grow may rise.
 */
#include <stdio.h>

#include "dlfw/backend.h"
#include "dlfw/format.h"
#include "dlfw/hook.h"

#define FROZEN(type) printf("size %s %zu frozen\n", #type, sizeof(type))
#define GROWS(type) printf("size %s %zu grows\n", #type, sizeof(type))
#define AT(type, member)                                                                                               \
    printf("member %s.%s %zu %zu\n", #type, #member, offsetof(type, member), sizeof(((type *)0)->member))
#define IS(constant) printf("constant %s %lld\n", #constant, (long long)(constant))

#define STATUS_LINE(name, number, text) printf("constant DLFW_E_%s %d\n", #name, number);
#define DTYPE_LINE(name, number, bytes, text, descr)                                                                   \
    printf("constant DLFW_DTYPE_%s %d of %d bytes %s %s\n", #name, number, bytes, text, descr);

static void base(void)
{
    GROWS(dlfw_error);
    AT(dlfw_error, struct_size), AT(dlfw_error, status), AT(dlfw_error, flags), AT(dlfw_error, sys_errno);
    AT(dlfw_error, http_status), AT(dlfw_error, retry_after_ms), AT(dlfw_error, vendor_code), AT(dlfw_error, message);
    AT(dlfw_error, message_cap), AT(dlfw_error, message_len);
    DLFW_STATUS_LIST(STATUS_LINE)
    IS(DLFW_OK), IS(DLFW_NEED_IO), IS(DLFW_STOP), IS(DLFW_END);
    IS(DLFW_ERR_RETRYABLE), IS(DLFW_ERR_THROTTLED), IS(DLFW_ERR_FATAL);
    IS(DLFW_THREADS_PER_QUEUE), IS(DLFW_THREADS_SERIAL_PROCESS), IS(DLFW_THREADS_SERIAL_INSTANCE),
        IS(DLFW_THREADS_PARALLEL);
    IS(DLFW_KIND_BACKEND), IS(DLFW_KIND_FORMAT), IS(DLFW_KIND_HOOK), IS(DLFW_KIND_COORDINATOR);
    IS(DLFW_LOG_ERROR), IS(DLFW_LOG_WARNING), IS(DLFW_LOG_INFO), IS(DLFW_LOG_DEBUG);
    IS(DLFW_MAGIC);
}

static void option(void)
{
    GROWS(dlfw_option);
    AT(dlfw_option, struct_size), AT(dlfw_option, type), AT(dlfw_option, field_size), AT(dlfw_option, offset);
    AT(dlfw_option, flags), AT(dlfw_option, name), AT(dlfw_option, def), AT(dlfw_option, min), AT(dlfw_option, max);
    AT(dlfw_option, choices), AT(dlfw_option, replaced_by), AT(dlfw_option, help);
    FROZEN(dlfw_str_list);
    AT(dlfw_str_list, items), AT(dlfw_str_list, count);
    IS(DLFW_TYPE_BOOL), IS(DLFW_TYPE_I64), IS(DLFW_TYPE_U64), IS(DLFW_TYPE_F64), IS(DLFW_TYPE_STR), IS(DLFW_TYPE_ENUM);
    IS(DLFW_TYPE_SIZE), IS(DLFW_TYPE_DURATION), IS(DLFW_TYPE_RATE), IS(DLFW_TYPE_PATH), IS(DLFW_TYPE_URI),
        IS(DLFW_TYPE_KEY);
    IS(DLFW_TYPE_SECRET), IS(DLFW_TYPE_LIST_STR), IS(DLFW_TYPE_NODE);
    IS(DLFW_OPT_REQUIRED), IS(DLFW_OPT_DEPRECATED), IS(DLFW_OPT_ADVANCED), IS(DLFW_OPT_UNBOUND);
}

static void host(void)
{
    GROWS(dlfw_stat_sink);
    AT(dlfw_stat_sink, struct_size), AT(dlfw_stat_sink, ctx), AT(dlfw_stat_sink, put);
    GROWS(dlfw_host);
    AT(dlfw_host, struct_size), AT(dlfw_host, abi_major), AT(dlfw_host, abi_minor), AT(dlfw_host, version);
    AT(dlfw_host, log_level), AT(dlfw_host, log), AT(dlfw_host, cancelled), AT(dlfw_host, now_ns),
        AT(dlfw_host, config_fail);
    AT(dlfw_host, node_kind), AT(dlfw_host, node_count), AT(dlfw_host, node_at), AT(dlfw_host, node_key),
        AT(dlfw_host, node_get);
    AT(dlfw_host, node_str), AT(dlfw_host, node_i64), AT(dlfw_host, node_u64), AT(dlfw_host, node_f64),
        AT(dlfw_host, node_bool);
    AT(dlfw_host, node_size), AT(dlfw_host, node_duration), AT(dlfw_host, node_where), AT(dlfw_host, crc32),
        AT(dlfw_host, crc32c);
    AT(dlfw_host, content_fill), AT(dlfw_host, content_check), AT(dlfw_host, extension);
    IS(DLFW_NODE_NULL), IS(DLFW_NODE_SCALAR), IS(DLFW_NODE_LIST), IS(DLFW_NODE_MAP), IS(DLFW_STAT_COUNTER),
        IS(DLFW_STAT_GAUGE);
}

static void plugin(void)
{
    GROWS(dlfw_create_args);
    AT(dlfw_create_args, struct_size), AT(dlfw_create_args, flags), AT(dlfw_create_args, host),
        AT(dlfw_create_args, host_ctx);
    AT(dlfw_create_args, instance), AT(dlfw_create_args, config), AT(dlfw_create_args, options),
        AT(dlfw_create_args, root);
    AT(dlfw_create_args, max_memory), AT(dlfw_create_args, max_threads), AT(dlfw_create_args, max_fds);
    AT(dlfw_create_args, numa_node), IS(DLFW_CREATE_CHECK_ONLY);
    GROWS(dlfw_iface);
    AT(dlfw_iface, struct_size), AT(dlfw_iface, kind), AT(dlfw_iface, name), AT(dlfw_iface, summary),
        AT(dlfw_iface, options);
    AT(dlfw_iface, option_count), AT(dlfw_iface, options_size), AT(dlfw_iface, ops);
    GROWS(dlfw_plugin);
    AT(dlfw_plugin, magic), AT(dlfw_plugin, struct_size), AT(dlfw_plugin, abi_major), AT(dlfw_plugin, abi_minor);
    AT(dlfw_plugin, need_minor), AT(dlfw_plugin, id), AT(dlfw_plugin, version), AT(dlfw_plugin, license);
    AT(dlfw_plugin, summary), AT(dlfw_plugin, url), AT(dlfw_plugin, ifaces), AT(dlfw_plugin, load),
        AT(dlfw_plugin, unload);
    AT(dlfw_plugin, extension), IS(DLFW_NOTE_TYPE);
}

static void backend(void)
{
    FROZEN(dlfw_req);
    AT(dlfw_req, op), AT(dlfw_req, flags), AT(dlfw_req, key_len), AT(dlfw_req, key), AT(dlfw_req, handle),
        AT(dlfw_req, buf);
    AT(dlfw_req, buf_cap), AT(dlfw_req, offset), AT(dlfw_req, length), AT(dlfw_req, reserved_iov);
    AT(dlfw_req, reserved_iov_count), AT(dlfw_req, mem_kind), AT(dlfw_req, mem_handle), AT(dlfw_req, arg);
    AT(dlfw_req, deadline_ns), AT(dlfw_req, error), AT(dlfw_req, scratch), AT(dlfw_req, user), AT(dlfw_req, reserved0);
    FROZEN(dlfw_comp);
    AT(dlfw_comp, req), AT(dlfw_comp, status), AT(dlfw_comp, flags), AT(dlfw_comp, bytes), AT(dlfw_comp, object_size);
    AT(dlfw_comp, first_byte_ns), AT(dlfw_comp, done_ns), AT(dlfw_comp, handle), AT(dlfw_comp, attempts);
    FROZEN(dlfw_list_entry);
    AT(dlfw_list_entry, size), AT(dlfw_list_entry, mtime_ns), AT(dlfw_list_entry, name_off),
        AT(dlfw_list_entry, name_len);
    FROZEN(dlfw_object_info);
    AT(dlfw_object_info, size), AT(dlfw_object_info, mtime_ns), AT(dlfw_object_info, flags);
    AT(dlfw_object_info, crc32c), AT(dlfw_object_info, md5), AT(dlfw_object_info, etag_off);
    AT(dlfw_object_info, etag_len), AT(dlfw_object_info, content_type_off), AT(dlfw_object_info, content_type_len);
    AT(dlfw_object_info, content_encoding_off), AT(dlfw_object_info, content_encoding_len);
    AT(dlfw_object_info, storage_class_off), AT(dlfw_object_info, storage_class_len);
    AT(dlfw_object_info, version_off), AT(dlfw_object_info, version_len), AT(dlfw_object_info, metadata_off);
    AT(dlfw_object_info, metadata_len);
    IS(DLFW_INFO_CRC32C), IS(DLFW_INFO_MD5), IS(DLFW_BACKEND_STREAMS);
    GROWS(dlfw_limits);
    AT(dlfw_limits, struct_size), AT(dlfw_limits, flags), AT(dlfw_limits, mem_align),
        AT(dlfw_limits, read_offset_align);
    AT(dlfw_limits, read_length_align), AT(dlfw_limits, write_offset_align), AT(dlfw_limits, write_length_align);
    AT(dlfw_limits, max_inflight), AT(dlfw_limits, max_queues), AT(dlfw_limits, preferred_io), AT(dlfw_limits, max_io);
    AT(dlfw_limits, min_part), AT(dlfw_limits, max_part), AT(dlfw_limits, max_parts), AT(dlfw_limits, preferred_part);
    GROWS(dlfw_queue_args);
    AT(dlfw_queue_args, struct_size), AT(dlfw_queue_args, depth), AT(dlfw_queue_args, cpu), AT(dlfw_queue_args, flags);
    GROWS(dlfw_backend_ops);
    AT(dlfw_backend_ops, struct_size), AT(dlfw_backend_ops, thread_class), AT(dlfw_backend_ops, caps);
    AT(dlfw_backend_ops, op_mask), AT(dlfw_backend_ops, req_scratch), AT(dlfw_backend_ops, create);
    AT(dlfw_backend_ops, destroy), AT(dlfw_backend_ops, limits), AT(dlfw_backend_ops, check),
        AT(dlfw_backend_ops, stats);
    AT(dlfw_backend_ops, perform), AT(dlfw_backend_ops, queue_create), AT(dlfw_backend_ops, queue_destroy);
    AT(dlfw_backend_ops, submit), AT(dlfw_backend_ops, reap), AT(dlfw_backend_ops, cancel),
        AT(dlfw_backend_ops, wakeup);
    AT(dlfw_backend_ops, mem_register), AT(dlfw_backend_ops, mem_unregister), AT(dlfw_backend_ops, leftovers);
    AT(dlfw_backend_ops, wait_fd);
}

static void backend_constants(void)
{
    IS(DLFW_OP_GET), IS(DLFW_OP_PUT), IS(DLFW_OP_STAT), IS(DLFW_OP_DELETE), IS(DLFW_OP_LIST), IS(DLFW_OP_OPEN),
        IS(DLFW_OP_CLOSE);
    IS(DLFW_OP_WRITE_BEGIN), IS(DLFW_OP_WRITE_PART), IS(DLFW_OP_WRITE_COMMIT), IS(DLFW_OP_WRITE_ABORT),
        IS(DLFW_OP_MAKE_ROOT), IS(DLFW_OP_REMOVE_ROOT), IS(DLFW_OP_COPY);
    IS(DLFW_REQ_WHOLE), IS(DLFW_REQ_DURABLE), IS(DLFW_REQ_EXCLUSIVE), IS(DLFW_REQ_DROP_CACHE), IS(DLFW_REQ_RECURSIVE);
    IS(DLFW_COMP_COPIED), IS(DLFW_COMP_MORE), IS(DLFW_BACKEND_NO_DATA), IS(DLFW_BACKEND_DIRECT), IS(DLFW_BACKEND_LOCAL);
}

static void format(void)
{
    FROZEN(dlfw_range), AT(dlfw_range, offset), AT(dlfw_range, length);
    FROZEN(dlfw_span), AT(dlfw_span, data), AT(dlfw_span, offset), AT(dlfw_span, length);
    FROZEN(dlfw_view), AT(dlfw_view, data), AT(dlfw_view, bytes), AT(dlfw_view, item_stride), AT(dlfw_view, item_size);
    AT(dlfw_view, flags);
    FROZEN(dlfw_payload), AT(dlfw_payload, data), AT(dlfw_payload, content_offset), AT(dlfw_payload, length);
    GROWS(dlfw_object);
    AT(dlfw_object, struct_size), AT(dlfw_object, flags), AT(dlfw_object, name), AT(dlfw_object, name_len);
    AT(dlfw_object, samples), AT(dlfw_object, size), IS(DLFW_OBJECT_VERIFY);
    IS(DLFW_OBJECT_VERIFY_CONTENT), IS(DLFW_OBJECT_EXPLORE);
    AT(dlfw_object, unit_samples);
    AT(dlfw_object, content_seed);
    AT(dlfw_object, content_object);
    AT(dlfw_object, side_sizes);
    AT(dlfw_object, side_count);
    GROWS(dlfw_side);
    AT(dlfw_side, struct_size);
    AT(dlfw_side, flags);
    AT(dlfw_side, folder);
    AT(dlfw_side, suffix);
    AT(dlfw_side, summary);
    IS(DLFW_SIDE_READ), IS(DLFW_SIDE_REQUIRED), IS(DLFW_SIDE_SHIFT), IS(DLFW_MAX_SIDES), IS(DLFW_SIDE_OFFSET(0));
    GROWS(dlfw_unit_info);
    AT(dlfw_unit_info, struct_size), AT(dlfw_unit_info, flags), AT(dlfw_unit_info, first_sample),
        AT(dlfw_unit_info, samples);
    AT(dlfw_unit_info, stored_bytes), AT(dlfw_unit_info, out_bytes);
    GROWS(dlfw_encode_spec);
    AT(dlfw_encode_spec, struct_size), AT(dlfw_encode_spec, dtype), AT(dlfw_encode_spec, dims),
        AT(dlfw_encode_spec, ndim);
    AT(dlfw_encode_spec, samples), AT(dlfw_encode_spec, seed), AT(dlfw_encode_spec, object);
    GROWS(dlfw_sink);
    AT(dlfw_sink, struct_size), AT(dlfw_sink, ctx), AT(dlfw_sink, window), AT(dlfw_sink, advance), AT(dlfw_sink, write);
    AT(dlfw_sink, patch), AT(dlfw_sink, sides), AT(dlfw_sink, side_count), IS(DLFW_PATCH_LIMIT);
    GROWS(dlfw_describe);
    AT(dlfw_describe, struct_size);
    AT(dlfw_describe, ctx);
    AT(dlfw_describe, begin);
    AT(dlfw_describe, text);
    AT(dlfw_describe, number);
    AT(dlfw_describe, end);
    GROWS(dlfw_format_ops);
    AT(dlfw_format_ops, struct_size), AT(dlfw_format_ops, thread_class), AT(dlfw_format_ops, caps);
    AT(dlfw_format_ops, extension), AT(dlfw_format_ops, reader_size), AT(dlfw_format_ops, create);
    AT(dlfw_format_ops, destroy), AT(dlfw_format_ops, reader_open), AT(dlfw_format_ops, reader_close);
    AT(dlfw_format_ops, step), AT(dlfw_format_ops, unit_count), AT(dlfw_format_ops, unit_info),
        AT(dlfw_format_ops, consume);
    AT(dlfw_format_ops, decode), AT(dlfw_format_ops, file_size), AT(dlfw_format_ops, encode);
    AT(dlfw_format_ops, sides);
    AT(dlfw_format_ops, unit_samples);
    AT(dlfw_format_ops, describe);
    AT(dlfw_format_ops, write_side);
    DLFW_DTYPE_LIST(DTYPE_LINE)
    IS(DLFW_FORMAT_SAMPLE_RANGES), IS(DLFW_FORMAT_SERIAL_INSIDE);
}

static void checkpoint(void)
{
    GROWS(dlfw_checkpoint_event);
    AT(dlfw_checkpoint_event, struct_size);
    AT(dlfw_checkpoint_event, what);
    AT(dlfw_checkpoint_event, epoch);
    AT(dlfw_checkpoint_event, number);
    AT(dlfw_checkpoint_event, step);
    AT(dlfw_checkpoint_event, bytes);
    AT(dlfw_checkpoint_event, rank_bytes);
    AT(dlfw_checkpoint_event, stored_bytes);
    AT(dlfw_checkpoint_event, begin_ns);
    AT(dlfw_checkpoint_event, end_ns);
    AT(dlfw_checkpoint_event, model_ns);
    AT(dlfw_checkpoint_event, optimizer_ns);
    AT(dlfw_checkpoint_event, stall_ns);
    AT(dlfw_checkpoint_event, parameters);
    AT(dlfw_checkpoint_event, model_bytes);
    AT(dlfw_checkpoint_event, optimizer_bytes);
    AT(dlfw_checkpoint_event, subset_ranks);
    AT(dlfw_checkpoint_event, subset_of);
    AT(dlfw_checkpoint_event, name);
    IS(DLFW_CHECKPOINT_MODEL), IS(DLFW_CHECKPOINT_SAVE_BEGIN), IS(DLFW_CHECKPOINT_SAVE_END);
    IS(DLFW_CHECKPOINT_LOAD_BEGIN), IS(DLFW_CHECKPOINT_LOAD_END), IS(DLFW_CHECKPOINT_WRITES_BEGIN);
    IS(DLFW_CHECKPOINT_WRITES_END), IS(DLFW_CHECKPOINT_READS_BEGIN), IS(DLFW_CHECKPOINT_READS_END);
    GROWS(dlfw_listed);
    AT(dlfw_listed, struct_size);
    AT(dlfw_listed, name_len);
    AT(dlfw_listed, name);
    AT(dlfw_listed, size);
    AT(dlfw_listed, mtime_ns);
    GROWS(dlfw_plan_sink);
    AT(dlfw_plan_sink, struct_size);
    AT(dlfw_plan_sink, ctx);
    AT(dlfw_plan_sink, file);
    AT(dlfw_plan_sink, figure);
}

static void hook(void)
{
    GROWS(dlfw_hook_services);
    AT(dlfw_hook_services, struct_size), AT(dlfw_hook_services, writer_open), AT(dlfw_hook_services, writer_append);
    AT(dlfw_hook_services, writer_commit), AT(dlfw_hook_services, writer_abort), AT(dlfw_hook_services, source_open);
    AT(dlfw_hook_services, source_read), AT(dlfw_hook_services, source_close), AT(dlfw_hook_services, remove);
    AT(dlfw_hook_services, barrier), AT(dlfw_hook_services, put);
    AT(dlfw_hook_services, writer_window);
    AT(dlfw_hook_services, writer_advance);
    AT(dlfw_hook_services, source_scan);
    AT(dlfw_hook_services, list);
    AT(dlfw_hook_services, make_root);
    AT(dlfw_hook_services, broadcast);
    AT(dlfw_hook_services, gather);
    AT(dlfw_hook_services, checkpoint);
    AT(dlfw_hook_services, remove_root);
    GROWS(dlfw_hook_ctx);
    AT(dlfw_hook_ctx, struct_size), AT(dlfw_hook_ctx, phase), AT(dlfw_hook_ctx, epoch), AT(dlfw_hook_ctx, rank);
    AT(dlfw_hook_ctx, world_size), AT(dlfw_hook_ctx, last_status), AT(dlfw_hook_ctx, step),
        AT(dlfw_hook_ctx, global_step);
    AT(dlfw_hook_ctx, now_ns), AT(dlfw_hook_ctx, samples), AT(dlfw_hook_ctx, bytes), AT(dlfw_hook_ctx, load_ns);
    AT(dlfw_hook_ctx, compute_ns), AT(dlfw_hook_ctx, services), AT(dlfw_hook_ctx, services_ctx);
    GROWS(dlfw_hook_ops);
    AT(dlfw_hook_ops, struct_size), AT(dlfw_hook_ops, thread_class), AT(dlfw_hook_ops, caps), AT(dlfw_hook_ops, create);
    AT(dlfw_hook_ops, destroy), AT(dlfw_hook_ops, initialize), AT(dlfw_hook_ops, after_step),
        AT(dlfw_hook_ops, after_epoch);
    AT(dlfw_hook_ops, finalize), AT(dlfw_hook_ops, ends_block), AT(dlfw_hook_ops, workload), AT(dlfw_hook_ops, plan);
    IS(DLFW_PHASE_INITIALIZE), IS(DLFW_PHASE_STEP), IS(DLFW_PHASE_EPOCH), IS(DLFW_PHASE_FINALIZE);
    IS(DLFW_PHASE_WORKLOAD);
}

int main(void)
{
    printf("abi %d.%d\n", DLFW_ABI_MAJOR, DLFW_ABI_MINOR);
    base();
    option();
    host();
    plugin();
    backend();
    backend_constants();
    format();
    checkpoint();
    hook();
    return 0;
}
