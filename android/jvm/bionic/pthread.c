/*
 * Mutexes and condition variables. bionic's are arrays of 4-byte words, 40 and 48 bytes long and aligned to 4 bytes.
 * glibc's mutex is 48 bytes long on arm64, and its condition variable is updated by 8-byte atomics, which trap there
 * when it is not aligned to 8 bytes. All users of these objects are inside the libraries that the shim serves, so
 * both are the shim's own, on futexes (Drepper, "Futexes Are Tricky", 2011, mutex3). The static initialisers are
 * bionic's: all zero, and a type in bits 14 and 15 of the first word.
 */

#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { FREE = 0, HELD = 1, CONTENDED = 2 };
enum { NORMAL = 0, RECURSIVE = 1, ERRORCHECK = 2, TYPE_SHIFT = 14, TYPE_MASK = 3 };

typedef struct {
    uint32_t initial; /* the static initialiser's word: holds the type */
    uint32_t state;
    uint32_t owner; /* thread id, of recursive and error-checking mutexes only */
    uint32_t depth;
    uint32_t reserved[6];
} bionic_mutex;

typedef struct {
    uint32_t sequence;
    uint32_t monotonic; /* which clock a deadline is of */
    uint32_t reserved[10];
} bionic_cond;

typedef int64_t bionic_attr; /* pthread_mutexattr_t and pthread_condattr_t are long */

_Static_assert(sizeof(bionic_mutex) == 40, "bionic's pthread_mutex_t");
_Static_assert(sizeof(bionic_cond) == 48, "bionic's pthread_cond_t");

static int futex(uint32_t *word, int operation, uint32_t value, const struct timespec *deadline)
{
    int saved = errno;
    long result =
        syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, deadline, NULL, FUTEX_BITSET_MATCH_ANY);
    int error = result < 0 ? errno : 0;
    errno = saved;
    return error;
}

static void wake(uint32_t *word, int count)
{
    futex(word, FUTEX_WAKE, (uint32_t)count, NULL);
}

static int type_of(const bionic_mutex *mutex)
{
    return (mutex->initial >> TYPE_SHIFT) & TYPE_MASK;
}

static uint32_t thread_id(void)
{
    static __thread uint32_t id;
    if (!id)
        id = (uint32_t)syscall(SYS_gettid);
    return id;
}

static void lock(bionic_mutex *mutex)
{
    uint32_t seen = FREE;
    if (__atomic_compare_exchange_n(&mutex->state, &seen, HELD, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    if (seen != CONTENDED)
        seen = __atomic_exchange_n(&mutex->state, CONTENDED, __ATOMIC_ACQUIRE);
    while (seen != FREE) {
        futex(&mutex->state, FUTEX_WAIT_BITSET, CONTENDED, NULL);
        seen = __atomic_exchange_n(&mutex->state, CONTENDED, __ATOMIC_ACQUIRE);
    }
}

static void unlock(bionic_mutex *mutex)
{
    if (__atomic_exchange_n(&mutex->state, FREE, __ATOMIC_RELEASE) == CONTENDED)
        wake(&mutex->state, 1);
}

SHIM int bionic_pthread_mutexattr_init(bionic_attr *attr)
{
    *attr = NORMAL;
    return 0;
}

SHIM int bionic_pthread_mutexattr_destroy(bionic_attr *attr)
{
    *attr = -1;
    return 0;
}

SHIM int bionic_pthread_mutexattr_settype(bionic_attr *attr, int type)
{
    if (type < NORMAL || type > ERRORCHECK)
        return EINVAL;
    *attr = type;
    return 0;
}

SHIM int bionic_pthread_mutex_init(bionic_mutex *mutex, const bionic_attr *attr)
{
    memset(mutex, 0, sizeof *mutex);
    mutex->initial = attr ? (uint32_t)(*attr & TYPE_MASK) << TYPE_SHIFT : 0;
    return 0;
}

SHIM int bionic_pthread_mutex_destroy(bionic_mutex *mutex)
{
    return __atomic_load_n(&mutex->state, __ATOMIC_RELAXED) == FREE ? 0 : EBUSY;
}

/* What to do about a mutex that this thread holds already; -1 where it does not. */
static int again(bionic_mutex *mutex)
{
    if (type_of(mutex) == NORMAL || __atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) != thread_id())
        return -1;
    if (type_of(mutex) == ERRORCHECK)
        return EDEADLK;
    mutex->depth++;
    return 0;
}

static void own(bionic_mutex *mutex)
{
    if (type_of(mutex) != NORMAL)
        __atomic_store_n(&mutex->owner, thread_id(), __ATOMIC_RELAXED);
}

SHIM int bionic_pthread_mutex_lock(bionic_mutex *mutex)
{
    int held = again(mutex);
    if (held >= 0)
        return held;
    lock(mutex);
    own(mutex);
    return 0;
}

SHIM int bionic_pthread_mutex_trylock(bionic_mutex *mutex)
{
    int held = again(mutex);
    if (held >= 0)
        return held == EDEADLK ? EBUSY : held;
    uint32_t seen = FREE;
    if (!__atomic_compare_exchange_n(&mutex->state, &seen, HELD, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return EBUSY;
    own(mutex);
    return 0;
}

SHIM int bionic_pthread_mutex_unlock(bionic_mutex *mutex)
{
    if (type_of(mutex) != NORMAL) {
        if (__atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) != thread_id())
            return EPERM;
        if (mutex->depth) {
            mutex->depth--;
            return 0;
        }
        __atomic_store_n(&mutex->owner, 0, __ATOMIC_RELAXED);
    }
    unlock(mutex);
    return 0;
}

SHIM int bionic_pthread_condattr_init(bionic_attr *attr)
{
    *attr = 0;
    return 0;
}

SHIM int bionic_pthread_condattr_destroy(bionic_attr *attr)
{
    *attr = -1;
    return 0;
}

/* Bit 1 is bionic's own choice too, but nobody outside looks. */
enum { MONOTONIC_ATTR = 2 };

SHIM int bionic_pthread_condattr_setclock(bionic_attr *attr, clockid_t clock)
{
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
        return EINVAL;
    *attr = clock == CLOCK_MONOTONIC ? MONOTONIC_ATTR : 0;
    return 0;
}

SHIM int bionic_pthread_cond_init(bionic_cond *cond, const bionic_attr *attr)
{
    memset(cond, 0, sizeof *cond);
    cond->monotonic = attr && (*attr & MONOTONIC_ATTR);
    return 0;
}

SHIM int bionic_pthread_cond_destroy(bionic_cond *cond)
{
    (void)cond;
    return 0;
}

static int pulse(bionic_cond *cond, int count)
{
    __atomic_fetch_add(&cond->sequence, 1, __ATOMIC_SEQ_CST);
    wake(&cond->sequence, count);
    return 0;
}

SHIM int bionic_pthread_cond_signal(bionic_cond *cond)
{
    return pulse(cond, 1);
}

SHIM int bionic_pthread_cond_broadcast(bionic_cond *cond)
{
    return pulse(cond, INT32_MAX);
}

/* Spurious wake-ups are allowed; a lost one is not: the sequence is read before the mutex is given up. */
static int wait_until(bionic_cond *cond, bionic_mutex *mutex, const struct timespec *deadline)
{
    uint32_t sequence = __atomic_load_n(&cond->sequence, __ATOMIC_SEQ_CST);
    int error = bionic_pthread_mutex_unlock(mutex);
    if (error)
        return error;
    int clock = cond->monotonic ? 0 : FUTEX_CLOCK_REALTIME;
    error = futex(&cond->sequence, FUTEX_WAIT_BITSET | clock, sequence, deadline);
    bionic_pthread_mutex_lock(mutex);
    return error == ETIMEDOUT || error == EINVAL ? error : 0;
}

SHIM int bionic_pthread_cond_wait(bionic_cond *cond, bionic_mutex *mutex)
{
    return wait_until(cond, mutex, NULL);
}

SHIM int bionic_pthread_cond_timedwait(bionic_cond *cond, bionic_mutex *mutex, const struct timespec *deadline)
{
    return wait_until(cond, mutex, deadline);
}
