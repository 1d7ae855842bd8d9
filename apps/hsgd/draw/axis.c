/* SPDX-License-Identifier: BSD-3-Clause */
/* Axes: their ranges and tick labels. */
#include "axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ACROSS_GAP 16 /* minimum pixels between two labels */
#define UP_GAP 18

struct axis axis_none(void) { return (struct axis){ .low = INFINITY, .high = -INFINITY }; }

void axis_add(struct axis *a, double value)
{
    if (!isfinite(value)) return;
    a->low = fmin(a->low, value);
    a->high = fmax(a->high, value);
}

/* Nearly equal values would need labels with many digits. */
static double linear_margin(const struct axis *a)
{
    double range = a->high - a->low, min = 1e-4 * fmax(fabs(a->high), fabs(a->low));
    if (range > min) return 0.04 * range;
    return min > 0 ? 1e3 * min : 1;
}

void axis_finish(struct axis *a, enum axis_kind kind)
{
    if (!(a->low <= a->high)) a->low = 0, a->high = 1;
    a->logarithmic = kind == AXIS_AUTO && a->low > 0 && a->high >= 5 * a->low;
    double factor = a->logarithmic ? pow(a->high / a->low, 0.04) : 1;
    double margin = a->logarithmic ? 0 : linear_margin(a);
    a->low = a->low / factor - margin;
    a->high = a->high * factor + margin;
}

double axis_part(const struct axis *a, double value)
{
    return a->logarithmic ? log(value / a->low) / log(a->high / a->low) : (value - a->low) / (a->high - a->low);
}

/* ------------------------------------------------------------------ labels */

/* In superscript digits. */
static size_t print_exponent(char *out, size_t size, int exponent)
{
    static const char *const digits[] = { "⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹" };
    char plain[12];
    size_t used = 0;
    snprintf(plain, sizeof plain, "%d", exponent);
    for (const char *c = plain; *c && used < size; c++)
        used += (size_t)snprintf(out + used, size - used, "%s", *c == '-' ? "⁻" : digits[*c - '0']);
    return used;
}

static int exponent_of(double v) { return (int)floor(log10(fabs(v)) + 1e-9); }

/* "10⁻⁵", "2×10⁻⁵" */
static void print_power(char out[32], double value)
{
    int exponent = exponent_of(value);
    double mantissa = value / pow(10, exponent);
    int used = fabs(mantissa - 1) < 1e-6 ? snprintf(out, 32, "10") : snprintf(out, 32, "%.3g×10", mantissa);
    print_exponent(out + used, 32 - (size_t)used, exponent);
}

static int decimals_of(double step)
{
    int n = (int)ceil(-log10(step) - 1e-9);
    return n < 0 ? 0 : n > 9 ? 9 : n;
}

void axis_number(char out[32], double value, double largest, double step)
{
    static const struct {
        double unit;
        const char *name;
    } units[] = {
        { 1e12, "T" },
        { 1e9, "G" },
        { 1e6, "M" },
        { 1e4, "k" },
    };
    if (!value) {
        snprintf(out, 32, "0");
        return;
    }
    if (largest < 1e-3 || largest >= 1e15) {
        print_power(out, value);
        return;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        double unit = units[i].unit == 1e4 ? 1e3 : units[i].unit;
        if (largest < units[i].unit) continue;
        snprintf(out, 32, "%.*f%s", decimals_of(step / unit), value / unit, units[i].name);
        return;
    }
    snprintf(out, 32, "%.*f", decimals_of(step), value);
}

/* ------------------------------------------------------------------- ticks */

/* The smallest of 1, 2, 5 times a power of ten that is not below v. */
static double round_up(double v)
{
    double unit = pow(10, floor(log10(v) + 1e-9)), n = v / unit * (1 - 1e-9);
    return unit * (n > 5 ? 10 : n > 2 ? 5 : n > 1 ? 2 : 1);
}

static void add_tick(struct ticks *t, const struct axis *a, double value, double step)
{
    if (t->n == AXIS_TICKS || value < a->low - 1e-9 * step || value > a->high + 1e-9 * step) return;
    t->value[t->n] = fabs(value) < 1e-9 * step ? 0 : value;
    axis_number(t->text[t->n++], value, fmax(fabs(a->low), fabs(a->high)), step);
}

static void linear_ticks(struct ticks *t, const struct axis *a, int max)
{
    double step = round_up((a->high - a->low) / max);
    if (a->integer) step = fmax(1, step);
    t->n = 0;
    for (double i = ceil(a->low / step - 1e-9); i * step <= a->high + 1e-9 * step && t->n < AXIS_TICKS; i++)
        add_tick(t, a, i * step, step);
}

/* Plain numbers near 1, powers elsewhere. */
static void power_text(char out[32], double value)
{
    if (value >= 0.999e-3 && value < 1e4) snprintf(out, 32, "%.3g", value);
    else print_power(out, value);
}

static void logarithmic_ticks(struct ticks *t, const struct axis *a, int max)
{
    static const int digits[] = { 1, 2, 5 };
    int first = exponent_of(a->low), last = exponent_of(a->high), decades = last - first + 1;
    bool few = 2 * log10(a->high / a->low) <= max; /* then 2 and 5 have space, too */
    int every = few || decades <= max ? 1 : (decades + max - 1) / max;
    t->n = 0;
    for (int e = first; e <= last; e += every)
        for (int k = 0; k < (few ? 3 : 1); k++) {
            double v = digits[k] * pow(10, e);
            if (v < a->low * (1 - 1e-9) || v > a->high * (1 + 1e-9) || t->n == AXIS_TICKS) continue;
            t->value[t->n] = v;
            power_text(t->text[t->n++], v);
        }
}

static double longest_text(const struct ticks *t)
{
    double longest = 0;
    for (int i = 0; i < t->n; i++) longest = fmax(longest, canvas_text_width(TEXT_SMALL, t->text[i]));
    return longest;
}

void axis_ticks(struct ticks *t, const struct axis *a, double length, bool across)
{
    int max = (int)(length / (across ? 48 : 2 * UP_GAP));
    for (max = max < 2 ? 2 : max;; max--) {
        if (a->logarithmic) logarithmic_ticks(t, a, max);
        else linear_ticks(t, a, max);
        if (!across || max < 2 || t->n < 2) return;
        double pitch = length * (axis_part(a, t->value[1]) - axis_part(a, t->value[0]));
        if (longest_text(t) + ACROSS_GAP <= pitch) return;
    }
}
