/* SPDX-License-Identifier: BSD-3-Clause */
/* libhsgd: training and inference of neural networks on all devices of a machine.
 *
 * Rules for every function of every header:
 *
 * Errors.     A function that can fail returns 0 or a negative errno
 *             (-EINVAL, -ENOMEM, -ENODEV, -EIO …); hsgd_error(ctx) then gives
 *             one sentence that names the object, field and value.  Functions
 *             that return a pointer return NULL on error.  Builders accept
 *             NULL and pass it on, so a chain of calls is checked once.
 *             The library never aborts, exits or prints.
 * NULL.       A pointer must not be NULL unless its function says what NULL
 *             means; else -EINVAL (NULL, 0 or NAN, as the function returns),
 *             with a sentence that names the pointer, unless there is no
 *             object to keep it.  Functions that create or write data sets
 *             and files, and do not train, accept ctx NULL: the sentence is
 *             then dropped.  Secondary results by pointer (loss, accuracy,
 *             dropped) may be NULL: not wanted.
 * Ownership.  hsgd_x_create() is undone by hsgd_x_destroy(&x), which accepts
 *             NULL and sets the pointer to NULL.  Objects created from a
 *             context are destroyed before it.  Memory that a function is
 *             given is only read during the call, unless it is documented as
 *             borrowed (HSGD_BORROW): it must then outlive the object.
 * Structs.    Option and result structs begin with their size; every call that
 *             fills one in takes its sizeof: hsgd_train_defaults(&o,
 *             sizeof o).  Options NULL: the defaults.  A program works with a
 *             newer library of the same soname, see doc/abi.md.
 * Threads.    A context and the objects created from it are used by one thread
 *             at a time.  Different contexts are independent, except that a
 *             process has one StarPU.
 * Processes.  In a child of fork() every call with an object of the parent
 *             returns -ECHILD (or NULL) at once, and destroying it does nothing.
 *             A child may create its own context if the parent has no context
 *             open and no StarPU running, and without OpenCL if the parent has
 *             used that.  While an application's StarPU is paused, calls that
 *             need it return -EBUSY.
 * Locale.     Numbers in files, messages and variables have a decimal point,
 *             whatever the locale of the program.
 * Layout.     Images are NHWC (sample, row, column, channel), matrices are
 *             row-major, values are 32-bit floats unless documented otherwise.
 */
#ifndef HSGD_HSGD_H
#define HSGD_HSGD_H

#include <hsgd/calibration.h>
#include <hsgd/context.h>
#include <hsgd/data.h>
#include <hsgd/file.h>
#include <hsgd/model.h>
#include <hsgd/onnx.h>
#include <hsgd/ops.h>
#include <hsgd/plan.h>
#include <hsgd/session.h>
#include <hsgd/trace.h>
#include <hsgd/train.h>
#include <hsgd/type.h>
#include <hsgd/version.h>

#endif
