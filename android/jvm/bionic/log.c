/* Android's log, the abort message and system properties. */

#define _GNU_SOURCE
#include "shim.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 4096, PROPERTY_BYTES = 92 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int file = -1;

static void open_file(void)
{
    const char *name = getenv("GOLDMASK_NATIVE_LOG");
    if (name && *name)
        file = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

void goldmask_log(const char *text, size_t length)
{
    pthread_once(&once, open_file);
    /* A log that cannot be written has nowhere to complain. */
    if (write(STDERR_FILENO, text, length) < 0 || (file >= 0 && write(file, text, length) < 0))
        return;
}

static int log_line(int priority, const char *tag, const char *message)
{
    static const char letters[] = "??VDIWEFS";
    char line[LINE_BYTES];
    char letter = priority > 0 && priority < (int)sizeof letters - 1 ? letters[priority] : '?';
    int length = snprintf(line, sizeof line, "%c/%s: %s\n", letter, tag ? tag : "", message ? message : "");
    if (length >= (int)sizeof line) {
        length = sizeof line - 1;
        line[length - 1] = '\n';
    }
    goldmask_log(line, (size_t)length);
    return length;
}

SHIM int __android_log_write(int priority, const char *tag, const char *message)
{
    return log_line(priority, tag, message);
}

SHIM int __android_log_vprint(int priority, const char *tag, const char *format, va_list arguments)
{
    char message[LINE_BYTES];
    vsnprintf(message, sizeof message, format, arguments);
    return log_line(priority, tag, message);
}

SHIM int __android_log_print(int priority, const char *tag, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = __android_log_vprint(priority, tag, format, arguments);
    va_end(arguments);
    return length;
}

enum { FATAL = 7 };

SHIM void android_set_abort_message(const char *message)
{
    log_line(FATAL, "libc", message);
}

/*
 * A phone of API level 34, as Robolectric's framework is. TensorFlow Lite's Java API looks for XNNPACK only where
 * ro.build.version.sdk is above 19. All other properties are unset, which bionic reports as an empty value.
 */
SHIM int __system_property_get(const char *name, char *value)
{
    const char *said = strcmp(name, "ro.build.version.sdk") == 0 ? "34" : "";
    return snprintf(value, PROPERTY_BYTES, "%s", said);
}
