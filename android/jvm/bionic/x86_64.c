/* On x86_64 Android's long double is IEEE quad, passed in vector registers; glibc's is the x87's, passed in memory. */

#include "shim.h"

#if defined(__x86_64__)

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <wchar.h>

typedef __float128 quad;

SHIM quad bionic_frexpl(quad value, int *exponent)
{
    return (quad)frexpl((long double)value, exponent);
}

SHIM quad bionic_ldexpl(quad value, int exponent)
{
    return (quad)ldexpl((long double)value, exponent);
}

SHIM quad bionic_truncl(quad value)
{
    return (quad)truncl((long double)value);
}

SHIM quad bionic_strtold(const char *text, char **end)
{
    return (quad)strtold(text, end);
}

SHIM quad bionic_strtold_l(const char *text, char **end, locale_t locale)
{
    extern long double strtold_l(const char *, char **, locale_t);
    return (quad)strtold_l(text, end, locale);
}

SHIM quad bionic_wcstold(const wchar_t *text, wchar_t **end)
{
    return (quad)wcstold(text, end);
}

#endif
