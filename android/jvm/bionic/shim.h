/* What the parts of the shim share. The libraries it serves are compiled against bionic, Android's C library. */

#ifndef GOLDMASK_BIONIC_SHIM_H
#define GOLDMASK_BIONIC_SHIM_H

#include <stddef.h>

/* A library's call of `name` comes to `bionic_name`: glibc has a function of that name with another ABI. */
#define SHIM __attribute__((visibility("default")))

/* Writes text to stderr, and to the file that GOLDMASK_NATIVE_LOG names; each call is one write, so lines stay whole. */
void goldmask_log(const char *text, size_t length);

#endif
