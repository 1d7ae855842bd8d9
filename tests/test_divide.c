/* SPDX-License-Identifier: BSD-3-Clause */
/* The equations that divide a batch over devices. */
#include "core.h"

#include <math.h>

#include "plan/divide.h"

enum { BLOCK = 8 };

static struct curve straight(double fixed, double per_row, double extra)
{
    struct curve c = { BLOCK, { 32, 128, 512 }, { 0 }, extra, 0, 0 };
    for (int i = 0; i < CURVE_SIZES; i++) c.seconds[i] = fixed + per_row * c.rows[i];
    return c;
}

static void curves(void)
{
    struct curve c = straight(2, 0.5, 0);
    CHECK(fabs(curve_at(&c, 32) - 18) < 1e-12 && fabs(curve_at(&c, 64) - 34) < 1e-12);
    CHECK(fabs(curve_at(&c, 1024) - 514) < 1e-12 && fabs(curve_at(&c, 8) - 6) < 1e-12);
    curve_scale(&c, 3);
    CHECK(fabs(curve_at(&c, 64) - 102) < 1e-12);
    struct curve bent = { BLOCK, { 32, 128, 512 }, { 10, 20, 100 }, 0, 0, 0 };
    CHECK(fabs(curve_at(&bent, 80) - 15) < 1e-12 && fabs(curve_at(&bent, 320) - 60) < 1e-12);
    struct curve noise = { BLOCK, { 32, 128, 512 }, { 30, 20, 10 }, 0, 0, 0 };
    CHECK(curve_at(&noise, 512) == 10 && curve_at(&noise, 256) == 5);
}

/* Rows add up, and every device in use ends within one block of rows of the
 * last. */
static void check_balance(int n, const struct curve *c, int batch, const int *rows)
{
    int sum = 0;
    double last = divide_time(n, c, rows);
    for (int i = 0; i < n; i++) {
        sum += rows[i];
        CHECK(rows[i] == 0 || rows[i] >= MIN_ROWS || rows[i] == batch);
        if (!rows[i] || rows[i] == batch) continue;
        double more = curve_at(&c[i], rows[i] + BLOCK) + c[i].extra;
        CHECK_MSG(more >= last, "device %d with %d of %d rows ends at %g, the last at %g", i, rows[i], batch, more,
                  last);
    }
    CHECK_MSG(sum == batch, "%d rows of %d", sum, batch);
}

static void ratios(void)
{
    for (int batch = 64; batch <= 2048; batch *= 2)
        for (double ratio = 1; ratio <= 4; ratio += 0.5) {
            struct curve c[2] = { straight(0, 1, 0), straight(0, ratio, 0) };
            int rows[2];
            double t = divide_rows(2, c, batch, 0, rows);
            check_balance(2, c, batch, rows);
            if (batch / (1 + ratio) < MIN_ROWS + BLOCK) continue;
            CHECK(rows[1] > 0 && fabs(rows[1] - batch / (1 + ratio)) <= BLOCK);
            CHECK(fabs(t - divide_time(2, c, rows)) < 1e-12);
        }
}

/* A device whose fixed costs are higher than the step is left idle. */
static void idle(void)
{
    struct curve c[2] = { straight(0, 1, 0), straight(200, 1, 0) };
    int rows[2];
    CHECK(divide_rows(2, c, 128, 0, rows) == 128);
    CHECK(rows[0] == 128 && rows[1] == 0);
    CHECK(divide_rows(2, c, 512, 0, rows) < 512 && rows[1] > 0);
    c[1] = straight(0, 1.1, 200); /* the same when the costs are copies, */
    divide_rows(2, c, 128, 0, rows);
    CHECK(rows[0] == 128 && rows[1] == 0);
    c[0] = straight(0, 10, 0); /* which a device that works alone has not */
    CHECK(fabs(divide_rows(2, c, 128, 0, rows) - 140.8) < 1e-9);
    CHECK(rows[0] == 0 && rows[1] == 128);
}

/* What devices take from each other counts only where both have rows. */
static void together(void)
{
    struct curve c[2] = { straight(0, 1, 0), straight(0, 1, 0) };
    int rows[2];
    c[0].shared = c[1].shared = 1.25;
    CHECK(fabs(divide_rows(2, c, 128, 0, rows) - 80) < 1e-9 && rows[0] == 64 && rows[1] == 64);
    CHECK(fabs(divide_time(2, c, rows) - 80) < 1e-9 && curve_at(&c[0], 64) == 64);
    c[0].shared = c[1].shared = 2.5;
    CHECK(fabs(divide_rows(2, c, 128, 0, rows) - 128) < 1e-9 && rows[0] == 128);
    curve_correct(&c[0], 0.5, true); /* faster: the others take less, and no more is known of it alone, */
    CHECK(c[0].shared == 1.25 && curve_at(&c[0], 64) == 64);
    curve_correct(&c[0], 0.5, true); /* until they take nothing */
    CHECK(c[0].shared == 1 && curve_at(&c[0], 64) == 40);
    curve_correct(&c[1], 0.5, false);
    CHECK(c[1].shared == 2.5 && curve_at(&c[1], 64) == 32);
    curve_correct(&c[1], 3, true);
    CHECK(c[1].shared == 2.5 && curve_at(&c[1], 64) == 96);
}

/* A part that every device keeps, whatever it costs. */
static void shares(void)
{
    struct curve c[2] = { straight(0, 1, 0), straight(200, 10, 5) };
    int rows[2];
    CHECK(divide_rows(2, c, 128, 0.25, rows) == divide_time(2, c, rows) && rows[0] == 96 && rows[1] == 32);
    divide_rows(2, c, 128, 0.9, rows);
    CHECK(rows[0] == 64 && rows[1] == 64);
    divide_rows(2, c, 128, 0.001, rows);
    CHECK(rows[0] == 120 && rows[1] == 8);
    c[0] = straight(NAN, 1, 0); /* it cannot be used */
    divide_rows(2, c, 128, 0.25, rows);
    CHECK(rows[0] == 0 && rows[1] == 128);
}

static void three(void)
{
    struct curve c[3] = { straight(5, 1, 0), straight(10, 0.5, 3), straight(400, 1, 0) };
    int rows[3];
    divide_rows(3, c, 300, 0, rows);
    check_balance(3, c, 300, rows);
    CHECK(rows[0] > 0 && rows[1] > rows[0] && rows[2] == 0);
    CHECK(divide_rows(3, c, 4, 0, rows) == divide_time(3, c, rows));
    CHECK(rows[0] + rows[1] + rows[2] == 4);
}

/* A device has no more rows than its memory holds, however fast it is. */
static void limited(void)
{
    struct curve c[2] = { straight(0, 10, 0), straight(0, 1, 0) };
    int rows[2];
    c[1].max_rows = 132;
    CHECK(curve_at(&c[1], 132) == 132 && isinf(curve_at(&c[1], 133)));
    divide_rows(2, c, 128, 0, rows);
    CHECK(rows[1] > 100 && rows[0] + rows[1] == 128);
    CHECK(divide_rows(2, c, 256, 0, rows) == 1280);
    CHECK(rows[0] == 128 && rows[1] == 128);
    divide_rows(2, c, 512, 0.4, rows); /* also where the user wants it to have more */
    CHECK(rows[0] == 384 && rows[1] == 128);
    c[1].max_rows = 20;
    c[1].extra = 1e6;
    CHECK(divide_rows(2, c, 256, 0, rows) == 2560 && rows[1] == 0);
    c[0].max_rows = 100; /* neither can */
    c[1].extra = 0;
    CHECK(isinf(divide_rows(2, c, 256, 0, rows)) && rows[0] + rows[1] == 256);
}

/* Slices of one size that end with the division: 1:1 takes two, 2:3 five, 1:3 four, five workers five; where
 * blocks are large, those that come nearest. */
static void slices_alike(void)
{
    static const struct {
        int rows[2], workers[2], block, slices;
    } cases[] = {
        { { 120, 120 }, { 1, 1 }, 8, 2 },  { { 96, 144 }, { 1, 1 }, 8, 5 },    { { 60, 180 }, { 1, 1 }, 8, 4 },
        { { 240, 0 }, { 1, 1 }, 8, 1 },    { { 48, 192 }, { 1, 4 }, 8, 5 },    { { 240, 0 }, { 3, 1 }, 8, 3 },
        { { 96, 144 }, { 1, 1 }, 120, 2 }, { { 112, 128 }, { 1, 1 }, 120, 2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int got = divide_alike(2, cases[i].rows, cases[i].workers, 240, cases[i].block, 1.05, 15);
        CHECK_MSG(got == cases[i].slices, "case %zu: %d slices", i, got);
    }
}

static const struct core_case cases[] = { { "curves", curves },   { "ratios", ratios },
                                          { "idle", idle },       { "together", together },
                                          { "shares", shares },   { "three", three },
                                          { "limited", limited }, { "slices_alike", slices_alike } };
CORE_MAIN(cases)
