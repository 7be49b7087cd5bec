/* Functions that both libraries have under one name with other constants, structures or results. */

#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

SHIM int *__errno(void)
{
    return &errno;
}

static _Noreturn void fortify_failed(const char *function)
{
    char line[256];
    int length = snprintf(line, sizeof line, "F/libc: FORTIFY: %s read past the end of a buffer\n", function);
    goldmask_log(line, (size_t)length);
    abort();
}

SHIM size_t __strlen_chk(const char *text, size_t size)
{
    size_t length = strlen(text);
    if (length >= size)
        fortify_failed("strlen");
    return length;
}

/* bionic's strerror_r is the one of POSIX; glibc's symbol of that name is GNU's, which bionic calls __gnu_strerror_r. */
SHIM int bionic_strerror_r(int number, char *buffer, size_t size)
{
    extern int __xpg_strerror_r(int, char *, size_t);
    return __xpg_strerror_r(number, buffer, size);
}

SHIM char *__gnu_strerror_r(int number, char *buffer, size_t size)
{
    return strerror_r(number, buffer, size);
}

/* The numbers are bionic's (its <bits/sysconf.h>), in order. */
static const struct {
    int bionic, glibc;
} sysconf_names[] = {
    {0x00, _SC_ARG_MAX},    {0x06, _SC_CLK_TCK},      {0x0b, _SC_OPEN_MAX},         {0x26, _SC_IOV_MAX},
    {0x27, _SC_PAGESIZE},   {0x28, _SC_PAGESIZE},     {0x60, _SC_NPROCESSORS_CONF}, {0x61, _SC_NPROCESSORS_ONLN},
    {0x62, _SC_PHYS_PAGES}, {0x63, _SC_AVPHYS_PAGES},
};

SHIM long bionic_sysconf(int name)
{
    for (size_t i = 0; i < sizeof sysconf_names / sizeof *sysconf_names; i++)
        if (sysconf_names[i].bionic == name)
            return sysconf(sysconf_names[i].glibc);
    /* A guess would be the answer to another question. */
    char line[96];
    int length = snprintf(line, sizeof line, "W/goldmask: sysconf(0x%x) is not translated\n", (unsigned)name);
    goldmask_log(line, (size_t)length);
    errno = EINVAL;
    return -1;
}

enum { BIONIC_NOESCAPE = 1, BIONIC_PATHNAME = 2, BIONIC_SAME_FLAGS = ~3 };

SHIM int bionic_fnmatch(const char *pattern, const char *text, int flags)
{
    int translated = flags & BIONIC_SAME_FLAGS;
    if (flags & BIONIC_NOESCAPE)
        translated |= FNM_NOESCAPE;
    if (flags & BIONIC_PATHNAME)
        translated |= FNM_PATHNAME;
    return fnmatch(pattern, text, translated);
}

/* bionic's 64-bit sigset_t is the kernel's: one word, where glibc's has 128 bytes. */
typedef uint64_t bionic_sigset;

SHIM int bionic_sigemptyset(bionic_sigset *set)
{
    *set = 0;
    return 0;
}

SHIM int bionic_sigfillset(bionic_sigset *set)
{
    *set = ~(bionic_sigset)0;
    return 0;
}

SHIM int bionic_pthread_sigmask(int how, const bionic_sigset *set, bionic_sigset *old)
{
    sigset_t wanted, before;
    if (set) {
        sigemptyset(&wanted);
        memcpy(&wanted, set, sizeof *set);
    }
    int error = pthread_sigmask(how, set ? &wanted : NULL, &before);
    if (!error && old)
        memcpy(old, &before, sizeof *old);
    return error;
}

struct bionic_sigaction {
    int flags;
    void (*handler)(int, siginfo_t *, void *);
    bionic_sigset mask;
    void (*restorer)(void);
};

SHIM int bionic_sigaction(int number, const struct bionic_sigaction *action, struct bionic_sigaction *old)
{
    struct sigaction wanted, before;
    if (action) {
        memset(&wanted, 0, sizeof wanted);
        wanted.sa_flags = action->flags;
        wanted.sa_sigaction = action->handler;
        memcpy(&wanted.sa_mask, &action->mask, sizeof action->mask);
    }
    int result = sigaction(number, action ? &wanted : NULL, &before);
    if (!result && old) {
        old->flags = before.sa_flags;
        old->handler = before.sa_sigaction;
        memcpy(&old->mask, &before.sa_mask, sizeof old->mask);
        old->restorer = NULL;
    }
    return result;
}
