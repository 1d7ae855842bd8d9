/* SPDX-License-Identifier: BSD-3-Clause */
/* Connectionist temporal classification: all ways in which the steps of a sequence can give its labels. */
#include <stdio.h>

#include "loss.h"
#include "type_text.h"

enum { LOGITS, LABELS, INPUT_LENGTH, LABEL_LENGTH };

static const struct hsgd_ctc *attributes(const struct hsgd_node *n) { return n->attributes; }

static bool is_number(const struct hsgd_type *t) { return t->dtype == HSGD_I32 && !t->rank; }

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_type *z = &n->in[LOGITS], *labels = &n->in[LABELS];
    if (z->dtype != HSGD_F32 || z->rank != 2 || (z->dim[1] != HSGD_ANY && z->dim[1] < 2))
        snprintf(why, size, "the input must be steps of C >= 2 scores, not %s", type_text(z).text);
    else if (labels->dtype != HSGD_I32 || labels->rank != 1)
        snprintf(why, size, "the target must be a sequence of classes, not %s", type_text(labels).text);
    else if (n->inputs == 3 || (n->inputs > 3 && !(is_number(&n->in[INPUT_LENGTH]) && is_number(&n->in[LABEL_LENGTH]))))
        snprintf(why, size,
                 "after the target there must be two integers, the numbers of steps and of labels, or nothing");
    else if (attributes(n)->blank < 0 || (z->dim[1] != HSGD_ANY && attributes(n)->blank >= z->dim[1]))
        snprintf(why, size, "blank must be one of the classes of %s, not %d", type_text(z).text, attributes(n)->blank);
    else {
        n->sums[HSGD_FORWARD][0] = 3;
        n->terms = 1;
        n->forward_flops = 60.0 * sample_size(z) + 200.0 * z->dim[0] * (2.0 * labels->dim[0] + 1);
        return 0;
    }
    return -1;
}

static void forward(struct hsgd_emit *e)
{
    const struct hsgd_type *z = &e->node->in[LOGITS];
    bool has_lengths = e->node->inputs > 2, back = hsgd_wanted(e->dx[0]);
    struct ctc_args a = { e->rows,
                          z->dim[0],
                          z->dim[1],
                          e->node->in[LABELS].dim[0],
                          attributes(e->node)->blank,
                          has_lengths,
                          attributes(e->node)->zero_infinity };
    struct hsgd_ref labels = e->x[LABELS], input_length = has_lengths ? e->x[INPUT_LENGTH] : labels;
    struct hsgd_ref label_length = has_lengths ? e->x[LABEL_LENGTH] : labels;
    struct hsgd_ref stats = hsgd_scratch(e, CTC_STATS * (int64_t)a.samples);
    struct hsgd_ref paths = hsgd_scratch(e, (int64_t)a.samples * (a.steps + 2) * (2 * a.labels + 1));
    struct hsgd_ref lp = back ? e->dx[0] : hsgd_scratch(e, (int64_t)a.samples * a.steps * a.classes);
    HSGD_LAUNCH(e, HSGD_KERNEL(ctc_log_softmax), HSGD_WARPS, a.samples * a.steps, &a, e->x[LOGITS], lp);
    HSGD_LAUNCH(e, HSGD_KERNEL(ctc_paths), HSGD_ROWS, a.samples, &a, lp, labels, input_length, label_length, paths,
                stats);
    if (back)
        HSGD_LAUNCH(e, HSGD_KERNEL(ctc_gradient), HSGD_ROWS, a.samples * a.steps, &a, paths, labels, input_length,
                    label_length, stats, lp);
    emit_row_sums(e, a.samples, 1, 3, (float)a.samples, stats);
}

#define AT(field) offsetof(struct hsgd_ctc, field)
static const struct hsgd_attribute fields[] = { { "blank", HSGD_INT, AT(blank), false, 0, NULL },
                                                { "zero_infinity", HSGD_BOOL, AT(zero_infinity), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_ctc = { .name = "ctc",
                                     .attributes_size = sizeof(struct hsgd_ctc),
                                     .fields = fields,
                                     .layouts = 1u << HSGD_NHWC,
                                     .inputs = 2,
                                     .max_inputs = 4,
                                     .is_loss = true,
                                     .pads_targets = true,
                                     .infer = infer,
                                     .forward = { { forward } } };
