/*
 * Calls the bionic shim as an Android library would, by the names that such a library's imports get. Prints a line of
 * results for each command; exits with 1 at the first wrong one.
 *   exercise stdio FILE | sysconf | misc | mutex ROUNDS | cond ROUNDS | overrun
 */

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FILE_BYTES = 152, THREADS = 4, MS_PER_S = 1000, NS_PER_MS = 1000000 };

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                                    \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/* Of bionic's size and alignment, with a word behind each that must stay as it is. */
typedef struct {
    uint32_t words[10], guard;
} mutex;
typedef struct {
    uint32_t words[12], guard;
} condition;
enum { GUARD = 0x5a5a5a5a, RECURSIVE = 1, ERRORCHECK = 2, TYPE_SHIFT = 14 };

extern char __sF[];
extern int *__errno(void);
extern int bionic_fprintf(void *, const char *, ...), bionic_fputs(const char *, void *), bionic_fputc(int, void *);
extern int bionic_fflush(void *), bionic_fclose(void *), bionic_fileno(void *), bionic_feof(void *),
    bionic_getc(void *);
extern int bionic_ungetc(int, void *), bionic_fseek(void *, long, int);
extern long bionic_ftell(void *), bionic_sysconf(int);
extern size_t bionic_fwrite(const void *, size_t, size_t, void *), bionic_fread(void *, size_t, size_t, void *);
extern char *bionic_fgets(char *, int, void *);
extern int bionic_strerror_r(int, char *, size_t);
extern char *__gnu_strerror_r(int, char *, size_t);
extern size_t __strlen_chk(const char *, size_t);
extern int __system_property_get(const char *, char *);
extern int bionic_fnmatch(const char *, const char *, int);
extern int bionic_sigemptyset(uint64_t *), bionic_pthread_sigmask(int, const uint64_t *, uint64_t *);
extern int bionic_pthread_mutexattr_init(int64_t *), bionic_pthread_mutexattr_settype(int64_t *, int);
extern int bionic_pthread_mutex_init(mutex *, const int64_t *), bionic_pthread_mutex_lock(mutex *);
extern int bionic_pthread_mutex_trylock(mutex *), bionic_pthread_mutex_unlock(mutex *);
extern int bionic_pthread_mutex_destroy(mutex *);
extern int bionic_pthread_condattr_init(int64_t *), bionic_pthread_condattr_setclock(int64_t *, clockid_t);
extern int bionic_pthread_cond_init(condition *, const int64_t *), bionic_pthread_cond_wait(condition *, mutex *);
extern int bionic_pthread_cond_timedwait(condition *, mutex *, const struct timespec *);
extern int bionic_pthread_cond_signal(condition *), bionic_pthread_cond_broadcast(condition *);

static void stdio_part(const char *name)
{
    void *out = __sF + FILE_BYTES, *err = __sF + 2 * FILE_BYTES;
    CHECK(bionic_fileno(__sF) == 0 && bionic_fileno(out) == 1 && bionic_fileno(err) == 2);
    CHECK(bionic_fprintf(out, "%d %s\n", 42, "through __sF") == 16);
    CHECK(bionic_fputs("words\n", out) >= 0 && bionic_fputc('!', out) == '!' && bionic_fflush(out) == 0);
    CHECK(bionic_fwrite("to the log\n", 1, 11, err) == 11);
    /* A file of glibc's own is handed through. */
    FILE *file = fopen(name, "w+");
    CHECK(file && bionic_fwrite("line one\nx", 1, 10, file) == 10 && bionic_fseek(file, 0, SEEK_SET) == 0);
    char line[32];
    CHECK(bionic_fgets(line, sizeof line, file) && strcmp(line, "line one\n") == 0 && bionic_ftell(file) == 9);
    CHECK(bionic_getc(file) == 'x' && bionic_ungetc('y', file) == 'y' && bionic_fread(line, 1, 1, file) == 1);
    CHECK(line[0] == 'y' && bionic_getc(file) == EOF && bionic_feof(file) && bionic_fclose(file) == 0);
}

static void sysconf_part(void)
{
    /* The numbers are bionic's; what they mean is asked of glibc. */
    CHECK(bionic_sysconf(0x27) == sysconf(_SC_PAGESIZE) && bionic_sysconf(0x28) == sysconf(_SC_PAGESIZE));
    CHECK(bionic_sysconf(0x60) == sysconf(_SC_NPROCESSORS_CONF));
    CHECK(bionic_sysconf(0x61) == sysconf(_SC_NPROCESSORS_ONLN));
    CHECK(bionic_sysconf(0x62) == sysconf(_SC_PHYS_PAGES) && bionic_sysconf(0x06) == sysconf(_SC_CLK_TCK));
    CHECK(bionic_sysconf(0x0b) == sysconf(_SC_OPEN_MAX));
    errno = 0;
    CHECK(bionic_sysconf(0x7777) == -1 && errno == EINVAL);
}

static void misc_part(void)
{
    char text[92];
    errno = EAGAIN;
    CHECK(*__errno() == EAGAIN && __errno() == &errno);
    CHECK(bionic_strerror_r(ENOENT, text, sizeof text) == 0 && strcmp(text, strerror(ENOENT)) == 0);
    CHECK(strcmp(__gnu_strerror_r(ENOENT, text, sizeof text), strerror(ENOENT)) == 0);
    CHECK(__strlen_chk("four", 5) == 4);
    CHECK(__system_property_get("ro.build.version.sdk", text) == 2 && strcmp(text, "34") == 0);
    CHECK(__system_property_get("ro.no.such", text) == 0 && text[0] == 0);
    /* bionic's FNM_NOESCAPE is 1 and FNM_PATHNAME 2; glibc has them the other way round. */
    CHECK(bionic_fnmatch("*", "a/b", 2) != 0 && bionic_fnmatch("*", "a/b", 1) == 0);
    uint64_t set[2] = {~(uint64_t)0, GUARD}, old[2] = {0, GUARD};
    CHECK(bionic_sigemptyset(set) == 0 && set[0] == 0 && set[1] == GUARD);
    set[0] = 1ull << (10 - 1);
    CHECK(bionic_pthread_sigmask(0, set, NULL) == 0 && bionic_pthread_sigmask(0, NULL, old) == 0);
    CHECK((old[0] & set[0]) == set[0] && old[1] == GUARD);
}

static mutex shared = {.guard = GUARD};
static condition turn = {.guard = GUARD};
static long counter, rounds;

static void *count_up(void *unused)
{
    (void)unused;
    for (long i = 0; i < rounds; i++) {
        CHECK(bionic_pthread_mutex_lock(&shared) == 0);
        long seen = counter;
        if (i % 64 == 0)
            sched_yield(); /* inside, so that others find it taken */
        counter = seen + 1;
        CHECK(bionic_pthread_mutex_unlock(&shared) == 0);
    }
    return NULL;
}

static void *take_turns(void *number)
{
    long own = (long)(intptr_t)number;
    for (long i = 0; i < rounds; i++) {
        CHECK(bionic_pthread_mutex_lock(&shared) == 0);
        while (counter % THREADS != own)
            CHECK(bionic_pthread_cond_wait(&turn, &shared) == 0);
        counter++;
        CHECK(bionic_pthread_cond_broadcast(&turn) == 0);
        CHECK(bionic_pthread_mutex_unlock(&shared) == 0);
    }
    return NULL;
}

static void in_threads(void *(*work)(void *))
{
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(counter == THREADS * rounds && shared.guard == GUARD && turn.guard == GUARD);
}

static void mutex_part(void)
{
    in_threads(count_up);
    /* bionic's static initialiser of a recursive mutex is a type in the first word. */
    mutex recursive = {.words = {RECURSIVE << TYPE_SHIFT}, .guard = GUARD};
    CHECK(bionic_pthread_mutex_lock(&recursive) == 0 && bionic_pthread_mutex_trylock(&recursive) == 0);
    CHECK(bionic_pthread_mutex_unlock(&recursive) == 0 && bionic_pthread_mutex_destroy(&recursive) == EBUSY);
    CHECK(bionic_pthread_mutex_unlock(&recursive) == 0 && bionic_pthread_mutex_destroy(&recursive) == 0);
    int64_t attr;
    mutex checked = {.guard = GUARD};
    CHECK(bionic_pthread_mutexattr_init(&attr) == 0 && bionic_pthread_mutexattr_settype(&attr, ERRORCHECK) == 0);
    CHECK(bionic_pthread_mutex_init(&checked, &attr) == 0 && bionic_pthread_mutex_unlock(&checked) == EPERM);
    CHECK(bionic_pthread_mutex_lock(&checked) == 0 && bionic_pthread_mutex_lock(&checked) == EDEADLK);
    CHECK(bionic_pthread_mutex_trylock(&checked) == EBUSY && bionic_pthread_mutex_unlock(&checked) == 0);
    CHECK(recursive.guard == GUARD && checked.guard == GUARD);
}

static void cond_part(void)
{
    in_threads(take_turns);
    for (int monotonic = 0; monotonic < 2; monotonic++) {
        clockid_t clock = monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME;
        int64_t attr;
        condition never = {.guard = GUARD};
        mutex held = {.guard = GUARD};
        CHECK(bionic_pthread_condattr_init(&attr) == 0 && bionic_pthread_condattr_setclock(&attr, clock) == 0);
        CHECK(bionic_pthread_cond_init(&never, &attr) == 0 && bionic_pthread_mutex_lock(&held) == 0);
        struct timespec began, deadline, ended;
        clock_gettime(clock, &began);
        deadline = began;
        deadline.tv_nsec += 50 * NS_PER_MS;
        if (deadline.tv_nsec >= MS_PER_S * NS_PER_MS) {
            deadline.tv_sec++;
            deadline.tv_nsec -= MS_PER_S * NS_PER_MS;
        }
        CHECK(bionic_pthread_cond_timedwait(&never, &held, &deadline) == ETIMEDOUT);
        clock_gettime(clock, &ended);
        long waited_ms = (ended.tv_sec - began.tv_sec) * MS_PER_S + (ended.tv_nsec - began.tv_nsec) / NS_PER_MS;
        CHECK(waited_ms >= 49);
        CHECK(bionic_pthread_mutex_trylock(&held) == EBUSY); /* the wait took it again */
        CHECK(bionic_pthread_mutex_unlock(&held) == 0 && never.guard == GUARD && held.guard == GUARD);
    }
}

int main(int count, char **words)
{
    const char *part = count > 1 ? words[1] : "";
    if (count > 2)
        rounds = atol(words[2]);
    if (strcmp(part, "stdio") == 0)
        stdio_part(words[2]);
    else if (strcmp(part, "sysconf") == 0)
        sysconf_part();
    else if (strcmp(part, "misc") == 0)
        misc_part();
    else if (strcmp(part, "mutex") == 0)
        mutex_part();
    else if (strcmp(part, "cond") == 0)
        cond_part();
    else if (strcmp(part, "overrun") == 0)
        return (int)__strlen_chk("four", 4);
    else
        return 2;
    printf("%s well\n", part);
    return 0;
}
