/* SPDX-License-Identifier: BSD-3-Clause */
/* oneDNN 2.x memories and primitives, as the floor of LeNet uses them. */
#include "floor_impl.h"

#ifdef HAVE_DNNL

#include "floor_lenet.h"

#include <string.h>

void lenet_check(struct replica *r, dnnl_status_t status)
{
    if (status != dnnl_success) r->failed = true;
}

const dnnl_memory_desc_t *lenet_desc_of(dnnl_memory_t memory)
{
    const dnnl_memory_desc_t *desc = NULL;
    if (memory) dnnl_memory_get_memory_desc(memory, &desc);
    return desc;
}

float *lenet_data_of(dnnl_memory_t memory)
{
    void *data = NULL;
    if (memory) dnnl_memory_get_data_handle(memory, &data);
    return data;
}

/* Where `data` is DNNL_MEMORY_ALLOCATE the memory is zeroed. */
dnnl_memory_t lenet_new_memory(struct replica *r, const dnnl_memory_desc_t *desc, void *data)
{
    dnnl_memory_t memory = NULL;
    if (r->failed || !desc || r->memories == MAX_MEMORIES) {
        r->failed = true;
        return NULL;
    }
    lenet_check(r, dnnl_memory_create(&memory, desc, r->net->engine, data));
    if (memory) r->memory[r->memories++] = memory;
    if (memory && data == DNNL_MEMORY_ALLOCATE && lenet_data_of(memory))
        memset(lenet_data_of(memory), 0, dnnl_memory_desc_get_size(desc));
    return memory;
}

dnnl_memory_t lenet_allocate(struct replica *r, const dnnl_memory_desc_t *desc)
{
    return lenet_new_memory(r, desc, DNNL_MEMORY_ALLOCATE);
}

dnnl_memory_desc_t lenet_describe(struct replica *r, int dims, const dnnl_dims_t dim, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t desc;
    memset(&desc, 0, sizeof desc);
    lenet_check(r, dnnl_memory_desc_init_by_tag(&desc, dims, dim, dnnl_f32, tag));
    return desc;
}

/* The same dimensions in another layout. */
dnnl_memory_desc_t lenet_relayout(struct replica *r, const dnnl_memory_desc_t *desc, dnnl_format_tag_t tag)
{
    if (desc) return lenet_describe(r, desc->ndims, desc->dims, tag);
    r->failed = true;
    dnnl_memory_desc_t none;
    memset(&none, 0, sizeof none);
    return none;
}

/* The scratch memory is ours, since oneDNN's belongs to the thread that creates the primitive. */
dnnl_primitive_desc_t lenet_describe_primitive(struct replica *r, const void *op, bool relu, dnnl_primitive_desc_t hint)
{
    dnnl_primitive_desc_t desc = NULL;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t ops = NULL;
    if (r->failed) return NULL;
    lenet_check(r, dnnl_primitive_attr_create(&attr));
    lenet_check(r, dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user));
    if (relu) {
        lenet_check(r, dnnl_post_ops_create(&ops));
        lenet_check(r, dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, 0, 0));
        lenet_check(r, dnnl_primitive_attr_set_post_ops(attr, ops));
        dnnl_post_ops_destroy(ops);
    }
    lenet_check(r, dnnl_primitive_desc_create(&desc, op, attr, r->net->engine, hint));
    dnnl_primitive_attr_destroy(attr);
    return desc;
}

const dnnl_memory_desc_t *lenet_query(struct replica *r, dnnl_primitive_desc_t desc, dnnl_query_t what)
{
    return r->failed ? NULL : dnnl_primitive_desc_query_md(desc, what, 0);
}

void lenet_add_arg(struct replica *r, int arg, dnnl_memory_t memory)
{
    struct call *call = &r->call[r->calls - 1];
    if (!r->failed) call->arg[call->args++] = (dnnl_exec_arg_t){ arg, memory };
}

void lenet_add_call(struct replica *r, dnnl_primitive_desc_t desc)
{
    const dnnl_memory_desc_t *scratchpad = lenet_query(r, desc, dnnl_query_scratchpad_md);
    if (r->failed || r->calls == MAX_CALLS) {
        r->failed = true;
        return;
    }
    struct call *call = &r->call[r->calls++];
    *call = (struct call){ .stream = r->stream };
    lenet_check(r, dnnl_primitive_create(&call->primitive, desc));
    if (scratchpad && dnnl_memory_desc_get_size(scratchpad) > 0)
        lenet_add_arg(r, DNNL_ARG_SCRATCHPAD, lenet_allocate(r, scratchpad));
}

void lenet_add_reorder(struct replica *r, dnnl_memory_t from, dnnl_memory_t to)
{
    dnnl_primitive_desc_t desc = NULL;
    if (r->failed) return;
    lenet_check(r, dnnl_reorder_primitive_desc_create(&desc, lenet_desc_of(from), r->net->engine, lenet_desc_of(to),
                                                      r->net->engine, NULL));
    lenet_add_call(r, desc);
    lenet_add_arg(r, DNNL_ARG_FROM, from);
    lenet_add_arg(r, DNNL_ARG_TO, to);
    dnnl_primitive_desc_destroy(desc);
}

/* `memory` in the layout that a primitive wants: a copy by a reorder unless it already has that layout. */
dnnl_memory_t lenet_in_layout(struct replica *r, dnnl_memory_t memory, const dnnl_memory_desc_t *want)
{
    if (r->failed || dnnl_memory_desc_equal(lenet_desc_of(memory), want)) return memory;
    dnnl_memory_t copy = lenet_allocate(r, want);
    lenet_add_reorder(r, memory, copy);
    return copy;
}

void lenet_execute(void *arg)
{
    const struct call *call = arg;
    dnnl_primitive_execute(call->primitive, call->stream, call->args, call->arg);
    dnnl_stream_wait(call->stream);
}

#endif
