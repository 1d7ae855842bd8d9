/* SPDX-License-Identifier: BSD-3-Clause */
/* A folder of this process alone, for what other libraries must write somewhere
 * and the user's own folders do not take. */
#ifndef HSGD_RUNTIME_IO_PRIVATE_FOLDER_H
#define HSGD_RUNTIME_IO_PRIVATE_FOLDER_H

/* Its path; created by the first call, with what is in it removed when the
 * process ends.  NULL with errno: there is no place for it either. */
const char *private_folder(void);

#endif
