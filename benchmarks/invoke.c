/*
 * Runs a model through the C API that TensorFlow Lite's AAR exports, and prints a JSON line per run:
 *   invoke LIBRARY MODEL THREADS cpu|xnnpack INPUT OUTPUT RUNS
 * INPUT and OUTPUT are the bytes of the first tensors. With 0 threads the runtime's own default holds, as it does for
 * XNNPACK in the Java API.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { USAGE = 2, FAILED = 3, DELEGATE_OPTION_WORDS = 64 };

static void *library;

static void *find(const char *name)
{
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "the library has no %s\n", name);
        exit(FAILED);
    }
    return found;
}

static void need(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "%s failed\n", what);
    exit(FAILED);
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int count, char **words)
{
    if (count != 8)
        return USAGE;
    int threads = atoi(words[3]), runs = atoi(words[7]);
    library = dlopen(words[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return FAILED;
    }
    void *(*model_from_file)(const char *) = find("TfLiteModelCreateFromFile");
    void *(*options_create)(void) = find("TfLiteInterpreterOptionsCreate");
    void (*set_threads)(void *, int) = find("TfLiteInterpreterOptionsSetNumThreads");
    void (*add_delegate)(void *, void *) = find("TfLiteInterpreterOptionsAddDelegate");
    void *(*interpreter_create)(void *, void *) = find("TfLiteInterpreterCreate");
    int (*allocate)(void *) = find("TfLiteInterpreterAllocateTensors");
    void *(*input_tensor)(void *, int) = find("TfLiteInterpreterGetInputTensor");
    void *(*output_tensor)(void *, int) = find("TfLiteInterpreterGetOutputTensor");
    int (*invoke)(void *) = find("TfLiteInterpreterInvoke");
    size_t (*byte_size)(void *) = find("TfLiteTensorByteSize");
    void *(*tensor_data)(void *) = find("TfLiteTensorData");

    void *model = model_from_file(words[2]);
    need(model != NULL, "loading the model");
    void *options = options_create();
    if (threads)
        set_threads(options, threads);
    if (strcmp(words[4], "xnnpack") == 0) {
        /* TfLiteXNNPackDelegateOptions begins with num_threads; zeros are valid defaults for the rest. */
        int delegate_options[DELEGATE_OPTION_WORDS] = {threads};
        void *(*delegate_create)(const void *) = find("TfLiteXNNPackDelegateCreate");
        void *delegate = delegate_create(delegate_options);
        need(delegate != NULL, "creating the XNNPACK delegate");
        add_delegate(options, delegate);
    }
    void *interpreter = interpreter_create(model, options);
    need(interpreter != NULL && allocate(interpreter) == 0, "making an interpreter");

    void *input = input_tensor(interpreter, 0);
    size_t size = byte_size(input);
    char *bytes = malloc(size);
    FILE *file = fopen(words[5], "rb");
    need(bytes && file && fread(bytes, 1, size, file) == size, "reading the input");
    fclose(file);
    for (int run = 0; run < runs; run++) {
        memcpy(tensor_data(input), bytes, size);
        double started = now_ms();
        need(invoke(interpreter) == 0, "running the model");
        printf("{\"ms\": %.3f}\n", now_ms() - started);
    }
    void *output = output_tensor(interpreter, 0);
    file = fopen(words[6], "wb");
    need(file && fwrite(tensor_data(output), 1, byte_size(output), file) == byte_size(output), "writing the output");
    fclose(file);
    free(bytes);
    /* The interpreter's threads still spin; destructors of the library's globals would take away what they look at. */
    need(fflush(stdout) == 0, "writing the times");
    _exit(0);
}
