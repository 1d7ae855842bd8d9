/* SPDX-License-Identifier: BSD-3-Clause */
/* The library's losses and metrics, and their attributes; a part of <hsgd/ops.h>. */
#ifndef HSGD_LOSSES_H
#define HSGD_LOSSES_H

#include <hsgd/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A loss returns sums { sum of losses, number of correct, number of terms } and the
 * gradient of the sum of losses; PyTorch's reduction="mean" is their quotient.
 *
 * Loss of logits z (x[0]), {.., C}, and a class t (x[1]) for each position:
 * L = sum_r log(sum_j exp z_rj) - sum_j q_rj z_rj;  dz = softmax(z) - q,
 * q = (1 - s) onehot(t) + s/C with s = label_smoothing in training, else 0.
 * A position is a term, and correct when its largest logit (the first of equals) is
 * t.  has_ignore: positions with t == ignore have no loss, no gradient and are no
 * term.  Of labels of positions, one that is no class makes the sums NaN.
 * class_weights w, one of each class: L = -sum_r sum_j w_j q_rj log softmax(z_r)_j, and a
 * position is w_t terms, which is PyTorch's weighted mean.  Of such a loss a position
 * is correct or not whatever it weighs.  At most 128 classes then.
 * Source: Szegedy et al., "Rethinking the Inception architecture", 7. */
struct hsgd_softmax_cross_entropy {
    float label_smoothing;
    bool has_ignore;
    int ignore;
    struct hsgd_floats class_weights;
};
HSGD_API extern const struct hsgd_op hsgd_op_softmax_cross_entropy;

/* Losses of values z (x[0]) and a target t (x[1]) of the same type, of floats; a
 * sample is a term, whose loss is the mean over its values.
 * mse: (z - t)^2; mae: |z - t|; binary_cross_entropy: -t log p - (1 - t) log(1 - p)
 * with p = 1 / (1 + exp(-z)), 0 <= t <= 1.
 * mse of scores {C} and a class t: L = sum_r mean_c (z_rc - onehot(t_r)_c)^2. */
HSGD_API extern const struct hsgd_op hsgd_op_mse, hsgd_op_mae, hsgd_op_binary_cross_entropy;

/* Of binary_cross_entropy: -w t log p - (1 - t) log(1 - p), w = pos_weight, one number for all
 * values, or one for each index of the last axis, at most 128; none: 1.  PyTorch's
 * BCEWithLogitsLoss.  Errors: another number of weights, or one below 0. */
struct hsgd_binary_cross_entropy {
    struct hsgd_floats pos_weight;
};

/* Losses of values z and a target t of the same type, as mse, that are quadratic near
 * the target, with d = z - t: huber: d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2).
 * 0: 1.
 * per_positive: a third input has an integer for each vector of channels, for example
 * the class of a box; where it is above 0 the vector is a term, whose loss is the mean
 * over its values, and elsewhere there is neither loss nor gradient.  per_length: the
 * third input is one integer, the length of the sample; the same, with vectors at the
 * first indices of the first axis, and numbers of a sequence of numbers.
 * Source: Huber 1964. */
struct hsgd_huber {
    float delta;
    bool per_positive, per_length;
};
/* smooth_l1: d^2 / (2 beta) where |d| <= beta, else |d| - beta / 2; all else as huber.
 * Source: Girshick, Fast R-CNN. */
struct hsgd_smooth_l1 {
    float beta;
    bool per_positive, per_length;
};
HSGD_API extern const struct hsgd_op hsgd_op_huber, hsgd_op_smooth_l1;

/* Loss of logits z, {.., C}, and a class t for each position: a binary cross-entropy of
 * every channel, y = 1 at t and 0 elsewhere, in which what is right already counts less:
 * L = sum_r sum_c a (1 - p)^gamma (-log p), p = 1 / (1 + exp(-z)) and a = alpha where
 * y = 1, p = 1 / (1 + exp(z)) and a = 1 - alpha elsewhere; alpha < 0: a = 1.  alpha 0:
 * 0.25, gamma 0: 2.  has_background: y is 0 everywhere where t is 0, so channel 0 is
 * never 1; a position is correct if it has no larger logit than 0 but that of t, or none
 * and t is 0.  A position is a term; per_positive: only one that is not background, while
 * all positions have their losses.  has_ignore, ignore: as softmax_cross_entropy.
 * torchvision's sigmoid_focal_loss with reduction="sum", divided by the terms.
 * Source: Lin et al., Focal loss for dense object detection. */
struct hsgd_focal {
    float alpha, gamma;
    bool has_background, per_positive, has_ignore;
    int ignore;
};
HSGD_API extern const struct hsgd_op hsgd_op_focal;

/* Loss of logarithms of probabilities x and probabilities t of the same type:
 * L = sum t (log t - x) over all values, 0 where t = 0; dx = -t.  A sample is a term:
 * PyTorch's reduction="batchmean".  log_target: the target is log t. */
struct hsgd_kl_divergence {
    bool log_target;
};
HSGD_API extern const struct hsgd_op hsgd_op_kl_divergence;

/* Loss of logits z, {T, C}, and a sequence of labels, {l}: -log P / max(labels, 1), P the
 * probability of all ways in which T steps, each with a class by softmax(z_t), give the
 * labels when equal neighbours are taken as one and then blanks away.  Two more inputs,
 * an integer each, may tell how many of the steps and of the labels there are; other
 * labels are padding.  A sample is a term: PyTorch's CTCLoss of log_softmax(z) with
 * reduction="mean".  Labels that T steps cannot give: infinity, and a gradient of NaN;
 * zero_infinity: 0 and 0.  A label that is no class or is the blank, and a length that
 * is not possible, make both NaN.
 * Units: logarithms, rescaled in every step; the error of log P is at most
 * 2^-24 T (C + 30 + 12 max -log softmax(z) - log P).
 * Source: Graves et al. 2006. */
struct hsgd_ctc {
    int blank;
    bool zero_infinity;
};
HSGD_API extern const struct hsgd_op hsgd_op_ctc;

/* Metrics of scores z (x[0]), {.., C}, and a class t (x[1]) for each position, over
 * the positions that are not ignored.  accuracy: the fraction whose largest score
 * (the first of equals) is t; top_k: one of the k largest; perplexity: exp of the
 * mean softmax cross-entropy.  A label that is no class makes them NaN. */
struct hsgd_accuracy {
    bool has_ignore;
    int ignore;
};
/* As hsgd_accuracy, of the k largest scores. */
struct hsgd_top_k {
    int k;
    bool has_ignore;
    int ignore;
};
/* As hsgd_accuracy. */
struct hsgd_perplexity {
    bool has_ignore;
    int ignore;
};
HSGD_API extern const struct hsgd_op hsgd_op_accuracy, hsgd_op_top_k, hsgd_op_perplexity;

/* How the figures of classes become one: their mean over the classes that are guessed
 * or right anywhere; that of all guesses together; the figure of the last of two classes. */
enum hsgd_average { HSGD_AVERAGE_MACRO, HSGD_AVERAGE_MICRO, HSGD_AVERAGE_BINARY };
/* Metrics of scores z, {.., C}, and a class t for each position, of which the largest
 * score (the first of equals) is the guess, or of scores and targets of the same type,
 * of floats: there each channel is a class of its own, guessed where z > threshold and
 * right where t > 1/2.  Of a class with r right guesses, w others of it and m misses:
 * precision = r / (r + w), recall = r / (r + m), f1 = 2 r / (2 r + w + m); 0 / 0 is 0.
 * An invalid label or score makes them NaN.  C is limited by the sums of a model. */
struct hsgd_f1 {
    enum hsgd_average average;
    float threshold;
    bool has_ignore;
    int ignore;
};
HSGD_API extern const struct hsgd_op hsgd_op_precision, hsgd_op_recall, hsgd_op_f1;

/* Area under the ROC curve: the fraction of all pairs of a positive and a negative in
 * which the positive has the larger score.  Of scores {.., 2} and a class t of two for
 * each position: z_1 - z_0; of scores and targets of one type, of floats: z, positive
 * where t > 1/2.  From histograms of 256 bins, even in z / (1 + |z|), or, with low <
 * high, from low to high; a pair in one bin counts as a half, so the error is at most
 * half the fraction of pairs that share a bin.  NaN: one kind is missing, or a label or
 * score is invalid. */
struct hsgd_auc {
    float low, high;
    bool has_ignore;
    int ignore;
};
HSGD_API extern const struct hsgd_op hsgd_op_auc;

/* Mean average precision of detections x[0], {m, 6} (hsgd_detections), against boxes x[1], {n, 5}
 * (hsgd_assign_boxes), over all samples.  A sample's detections are taken from the largest score
 * on; one is right if, of the boxes of its class that no other has taken, the one that it
 * overlaps most has an intersection over union of at least iou_threshold, and takes it.  Of a
 * class: the area under precision as a function of recall, with the largest precision at that
 * recall or a larger one (all points); the mean over the classes that have boxes.
 * Scores, from 0 to 1, are counted in `bins` even bins; what is in one comes together.  So the
 * result is that of exact scores in the least favourable order of each bin, below it by at most
 * the fraction of a class's boxes whose detections share a bin with wrong ones.  0:
 * iou_threshold 0.5, bins 1024.
 * NaN: there is no box, or a class or score is invalid.
 * Errors: a model's sums are at most 32768, and there are 2 bins + 1 for each class.
 * Source: Everingham et al. 2010; Lin et al., Microsoft COCO, 2014 (assignment). */
struct hsgd_mean_average_precision {
    int classes;
    float iou_threshold;
    int bins;
};
HSGD_API extern const struct hsgd_op hsgd_op_mean_average_precision;

/* Metrics of values z (x[0]) and a target t (x[1]) of the same type, of floats:
 * rmse: sqrt(mean (z - t)^2); mean_absolute_error: mean |z - t|;
 * r2: the mean over channels of 1 - sum (z - t)^2 / sum (t - mean t)^2.
 * Its sums are of t - center: the relative error of the denominator is some 1e-6
 * (1 + (mean t - center)^2 / variance of t), so center should be near the mean; 0
 * suits normalised targets. */
struct hsgd_r2 {
    float center;
};
HSGD_API extern const struct hsgd_op hsgd_op_rmse, hsgd_op_mean_absolute_error, hsgd_op_r2;

#ifdef __cplusplus
}
#endif
#endif
