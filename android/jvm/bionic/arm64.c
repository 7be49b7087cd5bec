/*
 * On arm64 bionic keeps the stack protector's canary in the thread: compiled code reads it 40 bytes above the thread
 * pointer. In glibc that is where the thread-local variables of whatever was loaded first lie; a variable that changes
 * between the entry and the exit of a function would look like a smashed stack. So this library must be loaded first
 * (LD_PRELOAD); it puts a constant there.
 */

#include "shim.h"

#if defined(__aarch64__)

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { CANARY_OFFSET = 40 };

static __thread volatile uint64_t canary[8] __attribute__((aligned(16))) = {
    0x676f6c646d61736b, 0x676f6c646d61736b, 0x676f6c646d61736b, 0x676f6c646d61736b,
    0x676f6c646d61736b, 0x676f6c646d61736b, 0x676f6c646d61736b, 0x676f6c646d61736b,
};

__attribute__((constructor)) static void check_canary(void)
{
    uintptr_t thread, first = (uintptr_t)canary;
    __asm__("mrs %0, tpidr_el0" : "=r"(thread));
    uintptr_t place = thread + CANARY_OFFSET;
    if (place >= first && place + sizeof *canary <= first + sizeof canary)
        return;
    static const char why[] = "F/goldmask: libgoldmask_bionic.so must be preloaded (LD_PRELOAD) on arm64\n";
    goldmask_log(why, sizeof why - 1);
    abort();
}

#endif
