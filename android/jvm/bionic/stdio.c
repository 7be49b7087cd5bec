/*
 * stdio. Before API 23 bionic's stdin, stdout and stderr are the addresses of elements of an array, __sF, that a
 * library computes by itself; afterwards they are pointers as in glibc, and files are glibc's own in either case.
 */

#define _GNU_SOURCE
#include "shim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

/* sizeof(FILE) in bionic on 64-bit processors. */
enum { FILE_BYTES = 152, FILES = 3, LINE_BYTES = 4096 };

SHIM char __sF[FILES * FILE_BYTES] __attribute__((aligned(16)));

static FILE *real(void *given)
{
    ptrdiff_t offset = (char *)given - __sF;
    if (offset == 0)
        return stdin;
    if (offset == FILE_BYTES)
        return stdout;
    if (offset == 2 * FILE_BYTES)
        return stderr;
    return given;
}

SHIM int bionic_vfprintf(void *stream, const char *format, va_list arguments)
{
    FILE *file = real(stream);
    if (file != stderr)
        return vfprintf(file, format, arguments);
    char line[LINE_BYTES];
    int length = vsnprintf(line, sizeof line, format, arguments);
    if (length > 0)
        goldmask_log(line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
    return length;
}

SHIM int bionic_fprintf(void *stream, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = bionic_vfprintf(stream, format, arguments);
    va_end(arguments);
    return length;
}

SHIM size_t bionic_fwrite(const void *data, size_t size, size_t count, void *stream)
{
    FILE *file = real(stream);
    if (file != stderr || !size)
        return fwrite(data, size, count, file);
    goldmask_log(data, size * count);
    return count;
}

SHIM int bionic_fputs(const char *text, void *stream)
{
    return bionic_fprintf(stream, "%s", text) < 0 ? EOF : 0;
}

SHIM int bionic_fputc(int character, void *stream)
{
    unsigned char byte = (unsigned char)character;
    return bionic_fwrite(&byte, 1, 1, stream) == 1 ? byte : EOF;
}

SHIM int bionic_fflush(void *stream)
{
    return fflush(stream ? real(stream) : NULL);
}

SHIM size_t bionic_fread(void *data, size_t size, size_t count, void *stream)
{
    return fread(data, size, count, real(stream));
}

SHIM char *bionic_fgets(char *text, int size, void *stream)
{
    return fgets(text, size, real(stream));
}

/* Each of these only finds the real stream. */
/* clang-format off */
SHIM int bionic_getc(void *stream) { return getc(real(stream)); }
SHIM int bionic_ungetc(int character, void *stream) { return ungetc(character, real(stream)); }
SHIM int bionic_fclose(void *stream) { return fclose(real(stream)); }
SHIM int bionic_pclose(void *stream) { return pclose(real(stream)); }
SHIM int bionic_feof(void *stream) { return feof(real(stream)); }
SHIM int bionic_ferror(void *stream) { return ferror(real(stream)); }
SHIM int bionic_fileno(void *stream) { return fileno(real(stream)); }
SHIM void bionic_rewind(void *stream) { rewind(real(stream)); }
SHIM long bionic_ftell(void *stream) { return ftell(real(stream)); }
SHIM off_t bionic_ftello(void *stream) { return ftello(real(stream)); }
SHIM int bionic_fseek(void *stream, long offset, int whence) { return fseek(real(stream), offset, whence); }
SHIM int bionic_fseeko(void *stream, off_t offset, int whence) { return fseeko(real(stream), offset, whence); }
/* clang-format on */
