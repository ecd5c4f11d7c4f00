/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the tests put on disk, and what they find there. */
#ifndef CRTX_CTESTS_FILES_H
#define CRTX_CTESTS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Well-formed values for markers and options. */
#define DEPLOYMENT "deployment:ctests"
#define PRINCIPAL "operator:4718b4ce16a67de3058dc11ffee75090e5cdc96e57de6d6386d228e4b30f4441"
#define INTENT_DIGEST "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
#define LONG_AGO "2024-02-29T12:34:56.789+00:00"

bool is_absolute(const char *path);
bool exists(const char *path); /* a dangling symlink exists */
void put_bytes(const char *path, const void *bytes, size_t length);
void put_text(const char *path, const char *text);
/* A well-formed marker of DEPLOYMENT that no process holds. */
void put_marker(const char *path, unsigned pid, const char *acquired_at);
/* The file's bytes and a NUL after them; returns the length. The case ends if it cannot be read. */
size_t get_bytes(const char *path, char *buffer, size_t capacity);
bool holds_bytes(const char *path, const void *bytes, size_t length);
bool holds_text(const char *path, const char *text);
struct stat status_of(const char *path); /* lstat; the case ends if there is nothing */
unsigned mode_of(const char *path);      /* permission bits */
bool is_still(const char *path, const struct stat *before); /* same device and inode */
/* How many entries the directory has, without . and .. */
size_t entries_in(const char *directory);
void this_host(char *name, size_t capacity); /* the machine's name */
/* Lets everybody write to a directory. */
void open_to_everybody(const char *directory);
void copy_fixture(const char *name, const char *path);
size_t get_fixture(const char *name, char *buffer, size_t capacity);

#ifndef _WIN32
/* How many descriptors of this process lead into the directory; -1 if that cannot be told. */
int descriptors_below(const char *directory);
#endif

#endif
