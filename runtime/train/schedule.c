/* SPDX-License-Identifier: BSD-3-Clause */
#include "schedule.h"

#include <math.h>
#include <string.h>

#include "kernels.h"
#include "base/rng.h"
#include "state.h"

static const char *const names[HSGD_SCHEDULES] = { "constant", "step", "cosine", "one-cycle", "polynomial", "plateau" };

const char *hsgd_schedule_name(enum hsgd_schedule s) { return s < HSGD_SCHEDULES ? names[s] : NULL; }

static const char *const scalings[HSGD_RATE_SCALINGS] = { "auto", "linear", "root", "none" };

const char *hsgd_rate_scaling_name(enum hsgd_rate_scaling s) { return s < HSGD_RATE_SCALINGS ? scalings[s] : NULL; }

double schedule_scale(const struct hsgd_train_options *o, double ratio)
{
    enum hsgd_rate_scaling by = o->rate_scaling;
    if (by == HSGD_SCALE_AUTO) by = optimizer_divides(o->optimizer) ? HSGD_SCALE_ROOT : HSGD_SCALE_LINEAR;
    return by == HSGD_SCALE_LINEAR ? ratio : by == HSGD_SCALE_ROOT ? sqrt(ratio) : 1;
}

/* From a to b by half a cosine, as far as `part` of it. */
static double half_cosine(double a, double b, double part)
{
    return b + (a - b) * 0.5 * (1.0 + cos(M_PI * fmin(part, 1.0)));
}

static double one_cycle(const struct hsgd_train_options *o, double s, double n)
{
    double lr = o->learning_rate, first = lr / o->div_factor, last = first / o->final_div_factor;
    double top = o->pct_start * n - 1, end = n - 1;
    if (s <= top) return half_cosine(first, lr, top > 0 ? s / top : 1);
    return half_cosine(lr, last, end > top ? (s - top) / (end - top) : 1);
}

/* A drop that is hardly one is none. */
static double dropped(const struct hsgd_train_options *o, int64_t drops)
{
    double rate = o->learning_rate;
    while (drops-- > 0) {
        double next = fmax(rate * o->step_gamma, o->min_learning_rate);
        if (!(rate - next > 1e-8)) break;
        rate = next;
    }
    return rate;
}

static double decayed(const struct hsgd_train_options *o, const struct plateau *p, double s, double n)
{
    double lr = o->learning_rate, low = o->min_learning_rate;
    switch (o->schedule) {
    case HSGD_STEP_DECAY: return fmax(low, lr * pow(o->step_gamma, floor(s / (double)o->step_size)));
    case HSGD_COSINE: return low + (lr - low) * 0.5 * (1.0 + cos(M_PI * fmin(s / fmax(n, 1), 1.0)));
    case HSGD_ONE_CYCLE: return one_cycle(o, s, n);
    case HSGD_POLYNOMIAL: return low + (lr - low) * pow(1.0 - fmin(s / fmax(n, 1), 1.0), o->power);
    case HSGD_PLATEAU: return dropped(o, p->drops);
    default: return lr;
    }
}

float schedule_rate(const struct hsgd_train_options *o, const struct plateau *p, int64_t step, int64_t steps)
{
    int64_t warm = o->warmup_steps;
    if (step < warm) return o->learning_rate * (float)(step + 1) / (float)warm;
    return (float)decayed(o, p, (double)(step - warm), (double)(steps - warm));
}

void schedule_note_epoch(const struct hsgd_train_options *o, struct plateau *p, double loss)
{
    bool better = !p->seen || loss < p->least * (1.0 - o->rate_threshold);
    if (o->schedule != HSGD_PLATEAU) return;
    p->seen = 1;
    p->since = better ? 0 : p->since + 1;
    if (better) p->least = loss;
    if (p->since <= o->rate_patience) return;
    p->drops++;
    p->since = 0;
}

double schedule_ema_decay(const struct hsgd_train_options *o, int64_t update)
{
    return fmin(o->ema_decay, (1.0 + (double)update) / (10.0 + (double)update));
}

static float bits(uint64_t u)
{
    float f;
    uint32_t low = (uint32_t)u;
    memcpy(&f, &low, sizeof f);
    return f;
}

void schedule_fill(const struct hsgd_train_options *o, const struct schedule_step *step, float *row)
{
    row[HSGD_STEP_RATE] = step->rate;
    row[HSGD_STEP_CORRECT1] = (float)(1.0 / (1.0 - pow(o->beta1, (double)step->updates)));
    row[HSGD_STEP_CORRECT2] = (float)(1.0 / (1.0 - pow(o->beta2, (double)step->updates)));
    row[HSGD_STEP_SCALE] = step->scale;
    row[HSGD_STEP_EMA] = (float)(1.0 - schedule_ema_decay(o, step->updates));
    row[HSGD_STEP_NUMBER] = bits((uint64_t)step->number);
    row[HSGD_STEP_SEED] = bits(hsgd_random(o->seed, 0x5eed + (uint64_t)step->epoch));
}
