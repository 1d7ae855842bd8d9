/* SPDX-License-Identifier: BSD-3-Clause */
#include "onnx/shapes.h"

#include <string.h>

int shape_axes(struct step *s, int input, int rank, unsigned none, unsigned *out)
{
    int64_t axis[ONNX_RANK];
    int n = step_ints(s, "axes", input, ONNX_RANK, axis);
    if (n < -1) return -EINVAL;
    *out = 0;
    if (n <= 0) *out = none;
    for (int i = 0; i < n; i++) {
        int a = step_axis(s, axis[i], rank);
        if (a < 0) return -EINVAL;
        if (*out >> a & 1) return step_refuse(s, "axis %d is given twice", a);
        *out |= 1u << a;
    }
    return 0;
}

static int squeezed(struct step *s, const struct dims *in, struct dims *out)
{
    unsigned ones = 0, axes;
    for (int i = 0; i < in->rank; i++) ones |= in->dim[i] == 1 ? 1u << i : 0;
    int err = shape_axes(s, 1, in->rank, ones, &axes);
    *out = (struct dims){ 0 };
    for (int i = 0; !err && i < in->rank; i++) {
        if (!(axes >> i & 1)) out->dim[out->rank++] = in->dim[i];
        else if (in->dim[i] != 1) err = step_refuse(s, "axis %d has the size %lld, not 1", i, (long long)in->dim[i]);
    }
    return err;
}

static int unsqueezed(struct step *s, const struct dims *in, struct dims *out)
{
    int64_t axis[ONNX_RANK];
    unsigned axes;
    int n = step_ints(s, "axes", 1, ONNX_RANK, axis), from = 0;
    if (n < 0 || in->rank + n > ONNX_RANK)
        return n < -1 ? -EINVAL : step_refuse(s, "its axes are missing, or too many");
    *out = (struct dims){ .rank = in->rank + n };
    int err = shape_axes(s, 1, out->rank, 0, &axes);
    for (int i = 0; !err && i < out->rank; i++) out->dim[i] = axes >> i & 1 ? 1 : in->dim[from++];
    return err;
}

/* 0: as in the input (unless allowzero); -1: what is left. */
static int reshaped(struct step *s, const struct dims *in, struct dims *out)
{
    int64_t dim[ONNX_RANK], count = dims_count(in);
    int n = step_ints(s, NULL, 1, ONNX_RANK, dim), open = -1;
    bool copies = !step_int(s, "allowzero", 0);
    if (n < 0) return n < -1 ? -EINVAL : step_refuse(s, "its shape is missing");
    *out = (struct dims){ .rank = n };
    for (int i = 0; i < n; i++) {
        if (!dim[i] && copies && i < in->rank) dim[i] = in->dim[i];
        if (dim[i] < -1 || (dim[i] == -1 && open >= 0))
            return step_refuse(s, "a size of %lld is not possible", (long long)dim[i]);
        if (dim[i] == -1) open = i;
        out->dim[i] = dim[i] == -1 ? 1 : dim[i];
    }
    if (!dims_valid(out)) return step_refuse(s, "its dimensions are too large");
    if (open >= 0) out->dim[open] = dims_count(out) ? count / dims_count(out) : 0;
    if (dims_count(out) == count) return 0;
    return step_refuse(s, "%s cannot be %s", dims_text(in).text, dims_text(out).text);
}

static int flattened(struct step *s, const struct dims *in, struct dims *out)
{
    int64_t axis = step_int(s, "axis", 1);
    if (axis < 0) axis += in->rank;
    if (axis < 0 || axis > in->rank) return step_refuse(s, "axis %lld is none of %d", (long long)axis, in->rank);
    *out = (struct dims){ 2, { 1, 1 } };
    for (int i = 0; i < in->rank; i++) out->dim[i >= axis] *= in->dim[i];
    return 0;
}

int shape_reshaped(struct step *s, struct dims *out)
{
    const char *op = s->node->op_type;
    const struct dims *in = &s->in[0]->dims;
    if (!strcmp(op, "Squeeze")) return squeezed(s, in, out);
    if (!strcmp(op, "Unsqueeze")) return unsqueezed(s, in, out);
    if (!strcmp(op, "Flatten")) return flattened(s, in, out);
    return reshaped(s, in, out);
}

int shape_permutation(struct step *s, int rank, int axis[ONNX_RANK])
{
    int64_t given[ONNX_RANK];
    unsigned seen = 0;
    int n = step_ints(s, "perm", -1, ONNX_RANK, given);
    if (n < -1 || (n >= 0 && n != rank)) return n < -1 ? -EINVAL : step_refuse(s, "perm has %d axes, not %d", n, rank);
    for (int i = 0; i < rank; i++) {
        axis[i] = n < 0 ? rank - 1 - i : step_axis(s, given[i], rank);
        if (axis[i] < 0) return -EINVAL;
        if (seen >> axis[i] & 1) return step_refuse(s, "perm has axis %d twice", axis[i]);
        seen |= 1u << axis[i];
    }
    return 0;
}

/* Start, end and step of one axis of n, as NumPy clips them. */
static int slice_axis(struct step *s, int64_t n, int64_t start, int64_t end, int64_t step, int axis, struct slice *out)
{
    int64_t low = step < 0 ? -1 : 0, high = step < 0 ? n - 1 : n;
    if (!step) return step_refuse(s, "a step is 0");
    if (start < 0) start += n;
    if (end < 0) end += n;
    start = start < low ? (step < 0 ? -1 : 0) : start > high ? high : start;
    end = end < low ? low : end > high ? high : end;
    if (step < 0 && start < 0) start = -1;
    int64_t count = step > 0 ? (end - start + step - 1) / step : (start - end - step - 1) / -step;
    out->start[axis] = start;
    out->step[axis] = step;
    out->count[axis] = count < 0 ? 0 : count;
    return 0;
}

int shape_sliced(struct step *s, const struct dims *in, struct slice *out)
{
    int64_t starts[ONNX_RANK], ends[ONNX_RANK], axes[ONNX_RANK], steps[ONNX_RANK];
    int n = step_ints(s, "starts", 1, ONNX_RANK, starts), ne = step_ints(s, "ends", 2, ONNX_RANK, ends);
    int na = step_ints(s, "axes", 3, ONNX_RANK, axes), ns = step_ints(s, NULL, 4, ONNX_RANK, steps);
    if (n < -1 || ne < -1 || na < -1 || ns < -1) return -EINVAL;
    if (n < 0 || ne != n || (na >= 0 && na != n) || (ns >= 0 && ns != n) || n > in->rank)
        return step_refuse(s, "its starts, ends, axes and steps are not of one length");
    for (int i = 0; i < in->rank; i++) out->start[i] = 0, out->step[i] = 1, out->count[i] = in->dim[i];
    for (int i = 0; i < n; i++) {
        int axis = step_axis(s, na < 0 ? i : axes[i], in->rank);
        int64_t step = ns < 0 ? 1 : steps[i];
        if (step < -INT32_MAX || step > INT32_MAX) step = step < 0 ? -INT32_MAX : INT32_MAX;
        int err = axis < 0 ? -EINVAL : slice_axis(s, in->dim[axis], starts[i], ends[i], step, axis, out);
        if (err) return err;
    }
    return 0;
}
