/* SPDX-License-Identifier: BSD-3-Clause */
/* Calibrations: what a training step takes on each device, as it is kept for later
 * processes on this machine. */
#ifndef HSGD_CALIBRATION_H
#define HSGD_CALIBRATION_H

#include <hsgd/train.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HSGD_CALIBRATION_SIZES 3
#define HSGD_CALIBRATION_MAX_SPREAD 0.2 /* above it the machine was busy, and the next process measures again */

/* The times of a network's step on one device, which works alone.  They are used for the same kernels, network,
 * optimizer, device and settings only, of which `key` is a digest. */
struct hsgd_calibration {
    size_t size;           /* of this struct */
    char network[64];      /* name of the model, cut after 63 bytes */
    char settings[200];    /* what else the times depend on, in words: "adam, input 28x28x1, 2 devices in use" */
    char device[24];       /* id, as in struct hsgd_device */
    char device_name[128]; /* as the driver calls it */
    char key[65];          /* hexadecimal digits */
    int workers;
    int rows[HSGD_CALIBRATION_SIZES];       /* samples of a step, ascending */
    double seconds[HSGD_CALIBRATION_SIZES]; /* of a step: the least of several rounds of trials */
    double spread[HSGD_CALIBRATION_SIZES];  /* how far the second least is above it, 0.1: by a tenth; NaN: unknown, a
                                             * step that takes long is tried once */
    int64_t taken;                          /* when: seconds since 1970 (UTC) */
};

/* Measures what a step of `trainer` takes on each device in use, at three sizes that suit batches of `batch` samples,
 * where it is not known yet, or everything when `again`; and keeps it.  Fills in up to `max` calibrations, of `size`
 * bytes each, in the order of devices, without those of a device that cannot do a step, for which a warning is logged.
 * out may be NULL if max is 0.  Parameters and the state of the training do not change.
 * Returns their number (which may be more than max), or a negative errno: -EINVAL an argument, a context that is
 * deterministic or places by StarPU's policy, and so uses no calibrations; -ENOMEM; -ENOENT caching is off (HSGD_CACHE,
 * doc/environment.md); or that of open(2), mkdir(2), write(2) or rename(2): what was measured could not be kept. */
HSGD_API int hsgd_trainer_calibrate(struct hsgd_trainer *trainer, int batch, bool again, struct hsgd_calibration *out,
                                    size_t size, int max);

/* Fills in up to `max` calibrations of those that are kept on this machine, of `size` bytes each, by network, settings,
 * device and rows.  Nothing is measured; a context without devices ("none") is enough.  Files that are damaged or of
 * another version are left out.  out may be NULL if max is 0.
 * Returns the number of all that are kept, or -EINVAL, -ENOMEM. */
HSGD_API int hsgd_calibration_list(struct hsgd_context *ctx, struct hsgd_calibration *out, size_t size, int max);

/* What hsgd_calibration_clear() removed. */
struct hsgd_calibration_cleared {
    size_t size;             /* of this struct */
    int calibrations;        /* files of hsgd, in */
    char cache_folder[512];  /* "": caching is off */
    int models;              /* StarPU's performance models of cells, and */
    int transfers;           /* its measurements of transfers that hsgd made, below */
    char starpu_folder[512]; /* "": there is none */
};

/* Removes what hsgd has measured on this machine (STARPU_HOSTNAME, or the host's name): its calibrations, the choice of
 * matrix products on CPUs, StarPU's
 * performance models called hsgd_<network>_<kind>_<hash>, and StarPU's measurements of transfers for hsgd; with a
 * network's name (not NULL) that network's calibrations and models only.  Nothing of an application is removed.  This
 * process keeps what it has in memory, and StarPU writes the models that it has used again when it ends: clear without
 * devices ("none") before.  *cleared, of `size` bytes, may be NULL.
 * Errors: -EINVAL, -ENOMEM, those of unlink(2), after everything else was removed. */
HSGD_API int hsgd_calibration_clear(struct hsgd_context *ctx, const char *network,
                                    struct hsgd_calibration_cleared *cleared, size_t size);

#ifdef __cplusplus
}
#endif
#endif
