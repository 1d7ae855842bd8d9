/* SPDX-License-Identifier: BSD-3-Clause */
/* libhsgd: training and running neural networks on everything a machine has.
 *
 * Rules that hold for every function of every header here:
 *
 * Errors.     A function that can fail returns 0 or a negative errno
 *             (-EINVAL, -ENOMEM, -ENODEV, -EIO …); hsgd_error(ctx) then gives
 *             one sentence that names the object, field and value.  Functions
 *             that return a pointer return NULL on error.  Builders accept
 *             NULL and pass it on, so a chain of calls is checked once.
 *             The library never aborts, exits or prints.
 * NULL.       A pointer must not be NULL unless its function says what NULL
 *             means; else -EINVAL (NULL, 0 or NAN, as the function returns),
 *             with a sentence that names the pointer.  Without an object
 *             there is no place for a sentence.  Functions that make or
 *             write data sets and files, and do not train, take ctx NULL:
 *             the sentence is then dropped.  Results that are passed by
 *             pointer beside the main one (loss, accuracy, dropped) may be
 *             NULL: not wanted.
 * Ownership.  hsgd_x_create() is undone by hsgd_x_destroy(&x), which accepts
 *             NULL and sets the pointer to NULL.  Objects made from a context
 *             are destroyed before it.  Memory handed in is copied
 *             (HSGD_COPY) or must outlive the object (HSGD_BORROW).
 * Structs.    Option and result structs begin with their size; every call that
 *             fills one in is given sizeof of it: hsgd_train_defaults(&o,
 *             sizeof o).  Options NULL: the defaults.  A program works with a
 *             newer library of the same soname, see doc/abi.md.
 * Threads.    A context and what was made from it belong to one thread at a
 *             time.  Different contexts are independent, except that one
 *             process has one StarPU.
 * Processes.  In a child of fork() every call with what the parent made returns
 *             -ECHILD (or NULL) at once, and destroying it does nothing.  A child
 *             of a process that has no context open, nor StarPU running, may
 *             create its own, without OpenCL where that process has used it.
 *             An application's StarPU that is paused makes calls that need it
 *             return -EBUSY.
 * Locale.     Numbers in files, messages and variables have a decimal point,
 *             whatever locale the program has set.
 * Layout.     Images are NHWC (sample, row, column, channel), matrices
 *             row-major, numbers are 32-bit floats unless a name says other.
 */
#ifndef HSGD_HSGD_H
#define HSGD_HSGD_H

#include <hsgd/context.h>
#include <hsgd/data.h>
#include <hsgd/file.h>
#include <hsgd/model.h>
#include <hsgd/ops.h>
#include <hsgd/plan.h>
#include <hsgd/trace.h>
#include <hsgd/train.h>
#include <hsgd/version.h>

#endif
