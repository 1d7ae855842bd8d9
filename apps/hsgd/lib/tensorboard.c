/* SPDX-License-Identifier: BSD-3-Clause */
/* TensorBoard's event files: records with checksums, each an Event message of
 * tensorflow/core/util/event.proto, written by hand.
 * Source: tensorflow/core/lib/io/record_writer.h, summary.proto. */
#include "tensorboard.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "append.h"

#define MAX_BYTES 400 /* of a record */

/* ---------------------------------------------------------------- checksum */

/* CRC-32C (Castagnoli), bit by bit: the records are short. */
static uint32_t crc32c(const unsigned char *p, size_t n)
{
    uint32_t crc = ~0u;
    while (n--) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static uint32_t masked(const unsigned char *p, size_t n)
{
    uint32_t crc = crc32c(p, n);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

/* ---------------------------------------------------------------- messages */

struct message {
    unsigned char byte[MAX_BYTES];
    size_t size;
};

enum wire { VARINT, FIXED64, BYTES, FIXED32 = 5 };

static void put_little_endian(struct message *m, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) m->byte[m->size++] = (unsigned char)(v >> 8 * i);
}

static void put_varint(struct message *m, uint64_t v)
{
    for (; v >= 128; v >>= 7) m->byte[m->size++] = (unsigned char)(v | 128);
    m->byte[m->size++] = (unsigned char)v;
}

static void put_field(struct message *m, int number, enum wire wire) { put_varint(m, (uint64_t)number << 3 | wire); }

static void put_bytes(struct message *m, int number, const void *bytes, size_t size)
{
    put_field(m, number, BYTES);
    put_varint(m, size);
    memcpy(m->byte + m->size, bytes, size);
    m->size += size;
}

/* Event: wall_time = 1, step = 2 */
static struct message new_event(int64_t step)
{
    struct message m = { .size = 0 };
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    double seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    uint64_t bits;
    memcpy(&bits, &seconds, sizeof bits);
    put_field(&m, 1, FIXED64);
    put_little_endian(&m, bits, 8);
    put_field(&m, 2, VARINT);
    put_varint(&m, (uint64_t)step);
    return m;
}

/* Record: length, its checksum, the message, its checksum. */
static int append(int file, const struct message *m)
{
    struct message r = { .size = 0 };
    put_little_endian(&r, m->size, 8);
    put_little_endian(&r, masked(r.byte, 8), 4);
    memcpy(r.byte + r.size, m->byte, m->size);
    r.size += m->size;
    put_little_endian(&r, masked(m->byte, m->size), 4);
    return append_whole(file, r.byte, r.size);
}

/* ------------------------------------------------------------------- files */

/* A session that starts at a step makes TensorBoard forget later ones, of a
 * run that was killed after its checkpoint. */
static int append_head(int file, int64_t first_step)
{
    static const char version[] = "brain.Event:2";               /* file_version = 3 */
    static const unsigned char start[] = { 1 << 3 | VARINT, 1 }; /* session_log = 7 { status = 1: START } */
    struct message m = new_event(0);
    put_bytes(&m, 3, version, sizeof version - 1);
    if (append(file, &m)) return -1;
    m = new_event(first_step);
    put_bytes(&m, 7, start, sizeof start);
    return append(file, &m);
}

int tensorboard_open(const char *folder, int64_t first_step)
{
    char path[4096], host[256] = "host";
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    gethostname(host, sizeof host - 1);
    snprintf(path, sizeof path, "%s/events.out.tfevents.%lld.%s.%ld.%ld", folder, (long long)now.tv_sec, host,
             (long)getpid(), now.tv_nsec);
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0 || !append_head(file, first_step)) return file;
    close(file);
    return -1;
}

/* summary = 5 { value = 1 { tag = 1, simple_value = 2 } } */
int tensorboard_scalar(int file, const char *tag, int64_t step, double value)
{
    struct message m = new_event(step), v = { .size = 0 }, summary = { .size = 0 };
    float number = (float)value;
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    put_bytes(&v, 1, tag, strnlen(tag, 100));
    put_field(&v, 2, FIXED32);
    put_little_endian(&v, bits, 4);
    put_bytes(&summary, 1, v.byte, v.size);
    put_bytes(&m, 5, summary.byte, summary.size);
    return append(file, &m);
}
