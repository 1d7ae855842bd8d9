/* SPDX-License-Identifier: BSD-3-Clause */
/* Detectors: which box each cell of a grid is to find, and what all cells have found. */
#include <stdio.h>

#include "base/c_locale.h"
#include "kernels.h"
#include "type_text.h"
#include "types.h"

enum { BOX = 5, OFFSETS = 4, FOUND = 6 };

/* ------------------------------------------------------------ assign_boxes */

static int cells_along(int size, int stride) { return size == HSGD_ANY ? HSGD_ANY : (size - 1) / stride + 1; }

static int assign_infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_assign_boxes *a = n->attributes;
    const struct hsgd_type *boxes = &n->in[0], *image = &n->in[1];
    if (!is_rows_of(boxes, 2, BOX))
        snprintf(why, size, "the first input must be boxes, N x %d floats, not %s", BOX, type_text(boxes).text);
    else if (image->dtype != HSGD_F32 || image->rank != 3)
        snprintf(why, size, "the second input must be the image, height x width x channels, not %s",
                 type_text(image).text);
    else if (a->stride < 1) snprintf(why, size, "stride must be 1 or more, not %d", a->stride);
    else if (!(a->radius >= 0 && a->radius < 1e6f))
        c_snprintf(why, size, "radius must be 0 or more, and less than 1e6, not %g", (double)a->radius);
    else {
        int rows = cells_along(image->dim[0], a->stride), columns = cells_along(image->dim[1], a->stride);
        n->outputs = 2;
        n->out[0] = (struct hsgd_type){ HSGD_I32, 2, { rows, columns } };
        n->out[1] = (struct hsgd_type){ HSGD_F32, 3, { rows, columns, OFFSETS } };
        n->forward_flops = 10.0 * boxes->dim[0] * rows * columns;
        return need_room(&n->out[1], why, size);
    }
    return -1;
}

static void assign_forward(struct hsgd_emit *e)
{
    const struct hsgd_assign_boxes *u = e->node->attributes;
    const struct hsgd_type *grid = &e->node->out[0];
    struct assign_boxes_args a = { e->rows * sample_size(grid), grid->dim[0], grid->dim[1], e->node->in[0].dim[0],
                                   u->radius };
    HSGD_LAUNCH(e, HSGD_KERNEL(assign_boxes), HSGD_ITEMS, a.cells, &a, e->x[0], e->y[0], e->y[1]);
}

#define AT(field) offsetof(struct hsgd_assign_boxes, field)
static const struct hsgd_attribute assign_fields[] = { { "stride", HSGD_INT, AT(stride), true, 0, NULL },
                                                       { "radius", HSGD_FLOAT, AT(radius), false, 0, NULL },
                                                       { 0 } };
#undef AT

const struct hsgd_op hsgd_op_assign_boxes = { .name = "assign_boxes",
                                              .attributes_size = sizeof(struct hsgd_assign_boxes),
                                              .fields = assign_fields,
                                              .inputs = 2,
                                              .layouts = 1u << HSGD_NHWC,
                                              .infer = assign_infer,
                                              .forward = { { assign_forward } },
                                              .backward = { { emit_no_gradients } } };

/* -------------------------------------------------------------- detections */

static int found_infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_detections *a = n->attributes;
    const struct hsgd_type *scores = &n->in[0], *offsets = &n->in[1];
    int least = a->has_background ? 2 : 1;
    if (scores->dtype != HSGD_F32 || scores->rank != 3 || (scores->dim[2] != HSGD_ANY && scores->dim[2] < least))
        snprintf(why, size, "the first input must be rows x columns x %d or more scores, not %s", least,
                 type_text(scores).text);
    else if (!is_rows_of(offsets, 3, OFFSETS) || !dims_fit(scores, offsets, 2))
        snprintf(why, size, "the second input must be %d offsets for each position of %s, not %s", OFFSETS,
                 type_text(scores).text, type_text(offsets).text);
    else if (a->max_detections < 1 || a->max_detections > 1 << 16)
        snprintf(why, size, "max_detections must be from 1 to %d, not %d", 1 << 16, a->max_detections);
    else if (!(a->iou_threshold > 0 && a->iou_threshold <= 1) || !(a->score_threshold > 0 && a->score_threshold <= 1))
        c_snprintf(why, size, "iou_threshold and score_threshold must be in (0, 1], not %g and %g",
                   (double)a->iou_threshold, (double)a->score_threshold);
    else {
        n->outputs = 1;
        n->out[0] = (struct hsgd_type){ HSGD_F32, 2, { a->max_detections, FOUND } };
        n->forward_flops = 2.0 * a->max_detections * sample_size(scores);
        return need_room(scores, why, size);
    }
    return -1;
}

static void found_forward(struct hsgd_emit *e)
{
    const struct hsgd_detections *u = e->node->attributes;
    const struct hsgd_type *scores = &e->node->in[0];
    struct detections_args a = { .samples = e->rows,
                                 .rows = scores->dim[0],
                                 .columns = scores->dim[1],
                                 .classes = scores->dim[2] - u->has_background,
                                 .background = u->has_background,
                                 .most = u->max_detections,
                                 .overlap = u->iou_threshold,
                                 .least = u->score_threshold };
    int64_t cells = (int64_t)e->rows * a.rows * a.columns;
    struct hsgd_ref boxes = hsgd_scratch(e, OFFSETS * cells), left = hsgd_scratch(e, a.classes * cells);
    HSGD_LAUNCH(e, HSGD_KERNEL(detections_decode), HSGD_ITEMS, cells, &a, e->x[0], e->x[1], boxes, left);
    HSGD_LAUNCH(e, HSGD_KERNEL(detections_select), HSGD_WARPS, e->rows, &a, boxes, left, e->y[0]);
}

#define AT(field) offsetof(struct hsgd_detections, field)
static const struct hsgd_attribute found_fields[] = {
    { "max_detections", HSGD_INT, AT(max_detections), false, 32, NULL },
    { "iou_threshold", HSGD_FLOAT, AT(iou_threshold), false, 0.5, NULL },
    { "score_threshold", HSGD_FLOAT, AT(score_threshold), false, 0.05, NULL },
    { "has_background", HSGD_BOOL, AT(has_background), false, 0, NULL },
    { 0 }
};

const struct hsgd_op hsgd_op_detections = { .name = "detections",
                                            .attributes_size = sizeof(struct hsgd_detections),
                                            .fields = found_fields,
                                            .inputs = 2,
                                            .layouts = 1u << HSGD_NHWC,
                                            .infer = found_infer,
                                            .forward = { { found_forward } },
                                            .backward = { { emit_no_gradients } } };
