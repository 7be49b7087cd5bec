/* On a host: what the framework TensorFlowLiteC has on iOS. The headers are TensorFlow Lite's own, out of its AAR. */
#ifndef GOLDMASK_TENSORFLOWLITEC_H
#define GOLDMASK_TENSORFLOWLITEC_H

#if !__has_include("tensorflow/lite/c/c_api.h")
#error "TensorFlow Lite's headers are missing: build with ./goldmask check --target ios-host (docs/ios.md)"
#endif

#include <stdbool.h>
#include <stdint.h>

#include "tensorflow/lite/c/c_api.h"
#include "tensorflow/lite/c/common.h"

/*
 * The library has these functions, but its AAR has no header for them. This follows TensorFlow Lite 2.16.1, where the
 * options have 24 bytes.
 */
struct TfLiteXNNPackDelegateWeightsCache;

typedef struct {
    int32_t num_threads;
    uint32_t flags;
    struct TfLiteXNNPackDelegateWeightsCache *weights_cache;
    bool handle_variable_ops;
    bool experimental_adaptive_avx_optimization;
} TfLiteXNNPackDelegateOptions;

TfLiteXNNPackDelegateOptions TfLiteXNNPackDelegateOptionsDefault(void);
TfLiteDelegate *TfLiteXNNPackDelegateCreate(const TfLiteXNNPackDelegateOptions *options);
void TfLiteXNNPackDelegateDelete(TfLiteDelegate *delegate);

#endif
