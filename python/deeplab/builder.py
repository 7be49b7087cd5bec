"""DeepLab v1, v2, v3 and v3+ as Keras functional models whose output stride is a choice, not a property of the weights.

Atrous convolution (v1 section 3.1, v2 section 3.1) makes that possible: where the backbone would take a stride of 2
past the wanted output stride, the stride becomes 1 and every later convolution samples its input twice as far apart.
The kernels do not change, so one list of weights (`model.get_weights()`, or a `.weights.h5` file) fits every output
stride.

Papers, by arXiv number: v1 1412.7062, v2 1606.00915, v3 1706.05587, v3+ 1802.02611, MobileNetV2 1801.04381.
"""

from dataclasses import dataclass

import keras
import tensorflow as tf
from keras import layers

from goldmask.contract.errors import UsageError

VERSIONS = ("v1", "v2", "v3", "v3+")
OUTPUT_STRIDES = (32, 16, 8, 4)
LOW_LEVEL_STRIDE = 4  # where the v3+ decoder takes its low-level features (v3+ section 3.1: a quarter of the input)
PIXEL_MEAN = PIXEL_STD = 127.5  # (byte - mean) / std is the model's input; the exported metadata says the same
FEATURES = "features"  # name of the layer that carries the backbone's features, the input of every head


@dataclass(frozen=True)
class Backbone:
    """A MobileNetV2 body and the head sizes that suit it.

    `rows` are MobileNetV2 table 2: (expansion, channels, repeats, stride of the first repeat). Rates are stated at
    output stride 16; other strides scale them, so that a head sees the same area of the image.
    """

    stem: int
    rows: tuple[tuple[int, int, int, int], ...]
    head_channels: int
    low_level_channels: int
    large_fov_rate: int
    v2_rates: tuple[int, ...]
    v3_rates: tuple[int, ...]


BACKBONES = {
    # The rates are the papers': LargeFOV 12 and ASPP-L (6, 12, 18, 24) at output stride 8, v3's (6, 12, 18) at 16.
    "mobilenet_v2": Backbone(
        stem=32,
        rows=(
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        ),
        head_channels=256,
        low_level_channels=48,
        large_fov_rate=6,
        v2_rates=(3, 6, 9, 12),
        v3_rates=(6, 12, 18),
    ),
    # For inputs of 129 px. Features are then 9 x 9 at output stride 16, where the papers' rates would reach past the
    # border and leave each 3x3 kernel only its centre (v3 section 3.3).
    "small": Backbone(
        stem=16,
        rows=((1, 16, 1, 1), (2, 24, 2, 2), (4, 32, 2, 2), (4, 64, 3, 2), (4, 80, 2, 2)),
        head_channels=64,
        low_level_channels=24,
        large_fov_rate=2,
        v2_rates=(1, 2, 3, 4),
        v3_rates=(1, 2, 4),
    ),
    # For examples of 65 px that a repository can hold by the dozen; features are 5 x 5 at output stride 16.
    "tiny": Backbone(
        stem=8,
        rows=((1, 8, 1, 1), (2, 16, 2, 2), (3, 24, 2, 2), (3, 32, 2, 2)),
        head_channels=24,
        low_level_channels=12,
        large_fov_rate=1,
        v2_rates=(1, 2),
        v3_rates=(1, 2),
    ),
}


def deeplab(
    version: str, backbone: str, output_stride: int, classes: int, input_size: tuple[int, int], alpha: float = 1.0
) -> keras.Model:
    """A DeepLab model: float32 images [n, h, w, 3] in [-1, 1] to float32 logits [n, h, w, classes].

    `version` names the head:

    - "v1": one 3x3 atrous convolution with a large field of view, then the classifier (v1 section 3.2, v2 4.1.1).
    - "v2": atrous spatial pyramid pooling, parallel rates whose class scores are summed (v2 section 3.2).
    - "v3": ASPP with batch normalisation and image-level features; rates double at output stride 8 (v3 section 3.3).
    - "v3+": v3's ASPP out of atrous separable convolutions, and a decoder that joins features at a quarter
      of the input's size (v3+ section 3).

    The fully connected CRF of v1 and v2 is a separate step after the network and is not part of the model.

    `input_size` is (height, width) in pixels; sides of a multiple of the output stride plus one (129, 257, 513) keep
    the features of all output strides in place. `alpha` is MobileNetV2's width multiplier. The logits are resized to
    the input's size bilinearly. Raises UsageError naming what is allowed.
    """
    height, width = input_size
    _require(version in VERSIONS, f"DeepLab version {version!r} is unknown", f"one of {', '.join(VERSIONS)}")
    _require(backbone in BACKBONES, f"backbone {backbone!r} is unknown", f"one of {', '.join(BACKBONES)}")
    _require(
        output_stride in OUTPUT_STRIDES,
        f"output stride {output_stride} cannot be made from strides of 2",
        f"one of {', '.join(map(str, OUTPUT_STRIDES))}",
    )
    _require(2 <= classes <= 256, f"{classes} classes cannot be told apart in an 8-bit mask", "2 to 256 classes")
    _require(
        min(height, width) >= output_stride,
        f"an input of {height}x{width} is smaller than the output stride {output_stride}",
        f"a height and a width of {output_stride} or more",
    )
    _require(alpha > 0, f"a width multiplier of {alpha} leaves no channels", "alpha above 0, as 0.35, 0.5, 0.75 or 1.0")
    spec = BACKBONES[backbone]
    image = keras.Input((height, width, 3), name="image")
    low_level, features = _body(image, spec, output_stride, alpha)
    if version == "v1":
        logits = _large_fov(features, spec, output_stride, classes)
    elif version == "v2":
        logits = _summed_pyramid(features, spec, output_stride, classes)
    else:
        pooled = _pyramid(features, spec, output_stride, separable=version == "v3+")
        decoded = _decode(pooled, low_level, spec) if version == "v3+" else pooled
        logits = layers.Conv2D(classes, 1, name="logits")(decoded)
    name = f"deeplab_{version.replace('+', '_plus')}_{backbone}"
    return keras.Model(image, _resize(logits, (height, width)), name=name)


def copy_body(source: keras.Model, target: keras.Model) -> None:
    """Give `target` the backbone weights of `source`: same backbone and alpha, any version and output stride."""
    for layer in target.layers:
        if layer.name.startswith(("stem", "block")):
            layer.set_weights(source.get_layer(layer.name).get_weights())


def _require(condition: bool, what: str, allowed: str) -> None:
    if not condition:
        raise UsageError(what, f"use {allowed}")


def _body(image, spec: Backbone, output_stride: int, alpha: float):
    """MobileNetV2's body (its table 2): the features at LOW_LEVEL_STRIDE and those at `output_stride`."""
    x = _conv(image, _width(spec.stem, alpha), 3, "stem", stride=2)
    nominal, rate, index = 2, 1, 0  # nominal: the stride this depth has in the paper; rate: what atrous makes up for
    low_level = None
    for expansion, channels, repeats, row_stride in spec.rows:
        for repeat in range(repeats):
            stride = row_stride if repeat == 0 else 1
            taken, rate_inside = stride, rate
            nominal *= stride
            if nominal > output_stride:
                # The layer that gives up its stride still sees the old grid; only those after it must skip.
                taken, rate = 1, rate * stride
            width = _width(channels, alpha)
            # Decided by the paper's stride: a block that trades it for a rate must not gain a shortcut.
            shortcut = stride == 1 and width == x.shape[-1]
            x = _inverted_residual(x, expansion, width, taken, rate_inside, shortcut, f"block{index}")
            index += 1
        if nominal == LOW_LEVEL_STRIDE:
            low_level = x
    return low_level, layers.Identity(name=FEATURES)(x)


def _width(channels: int, alpha: float) -> int:
    """`channels` times `alpha`, rounded to a multiple of 8 but never down by more than a tenth (MobileNetV2's rule)."""
    scaled = max(8, int(channels * alpha + 4) // 8 * 8)
    return scaled + 8 if scaled < 0.9 * channels * alpha else scaled


def _inverted_residual(x, expansion: int, channels: int, stride: int, rate: int, shortcut: bool, name: str):
    """Expand, filter per channel, project without activation (MobileNetV2 section 3.3)."""
    inside = x.shape[-1] * expansion
    y = _conv(x, inside, 1, f"{name}_expand") if expansion > 1 else x
    y = _depthwise(y, f"{name}_depthwise", stride, rate)
    y = _conv(y, channels, 1, f"{name}_project", activate=False)
    return layers.Add(name=f"{name}_add")([x, y]) if shortcut else y


def _conv(x, channels: int, kernel: int, name: str, stride: int = 1, rate: int = 1, activate: bool = True):
    x = layers.Conv2D(
        channels,
        kernel,
        stride,
        padding="valid" if stride > 1 else "same",
        dilation_rate=rate,
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(_pad(x, kernel, stride, f"{name}_pad"))
    return _normalise(x, name, activate)


def _depthwise(x, name: str, stride: int = 1, rate: int = 1):
    x = layers.DepthwiseConv2D(
        3,
        stride,
        padding="valid" if stride > 1 else "same",
        dilation_rate=rate,
        use_bias=False,
        # He's rule for the 9 inputs of one channel. Keras counts the inputs of all channels and starts near zero.
        depthwise_initializer=keras.initializers.RandomNormal(stddev=(2 / 9) ** 0.5),
        name=name,
    )(_pad(x, 3, stride, f"{name}_pad"))
    return _normalise(x, name, activate=True)


def _pad(x, kernel: int, stride: int, name: str):
    """Zeros alike on all sides before a stride, so that output i is centred on input 2i.

    TensorFlow's "same" pads an even input on one side only, which centres it on 2i + 1: the strided and the atrous
    model would then look at different places, and weights could not move between them.
    """
    if stride > 1:
        return layers.ZeroPadding2D(kernel // 2, name=name)(x)
    # Keras orders weights by the depth of their layer, so a layer that is absent at one stride would shuffle them.
    return layers.Identity(name=name)(x)


class _Normalisation(layers.BatchNormalization):
    """Keras's layer, trained by TensorFlow's fused kernel.

    Keras 3.15 computes a batch's mean and variance out of elementwise operations, which is half of a training step of
    the small model on a CPU (0.12 of 0.24 s at batch 16; 0.18 s in all with this layer). Inference is Keras's own.
    """

    def call(self, inputs, training=None, mask=None):
        """As Keras's, but for how a training step finds the batch's mean and variance."""
        if not training:
            return super().call(inputs, training=False, mask=mask)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=True
        )
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return outputs


def _normalise(x, name: str, activate: bool):
    # A momentum of 0.97 follows the few thousand steps of a short training; 0.999 (MobileNetV2) would not.
    x = _Normalisation(momentum=0.97, name=f"{name}_norm")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if activate else x


def _separable(x, channels: int, name: str, rate: int = 1):
    """Atrous separable convolution (v3+ section 3.1): depthwise at `rate`, then pointwise."""
    return _conv(_depthwise(x, f"{name}_depthwise", rate=rate), channels, 1, f"{name}_pointwise")


def _scaled(rate: int, output_stride: int) -> int:
    """A rate stated at output stride 16, as it is at `output_stride`: doubled at 8 (v3 section 3.3)."""
    return max(1, rate * 16 // output_stride)


def _large_fov(features, spec: Backbone, output_stride: int, classes: int):
    rate = _scaled(spec.large_fov_rate, output_stride)
    x = _conv(features, spec.head_channels, 3, "fc6", rate=rate)
    x = _conv(x, spec.head_channels, 1, "fc7")
    return layers.Conv2D(classes, 1, name="logits")(x)


def _summed_pyramid(features, spec: Backbone, output_stride: int, classes: int):
    scores = []
    for index, rate in enumerate(spec.v2_rates):
        x = _conv(features, spec.head_channels, 3, f"aspp{index}_fc6", rate=_scaled(rate, output_stride))
        x = _conv(x, spec.head_channels, 1, f"aspp{index}_fc7")
        scores.append(layers.Conv2D(classes, 1, name=f"aspp{index}_logits")(x))
    return layers.Add(name="logits")(scores)


def _pyramid(features, spec: Backbone, output_stride: int, separable: bool):
    filters = _separable if separable else _atrous
    branches = [_conv(features, spec.head_channels, 1, "aspp0")]
    for index, rate in enumerate(spec.v3_rates, start=1):
        branches.append(filters(features, spec.head_channels, f"aspp{index}", rate=_scaled(rate, output_stride)))
    pooled = layers.GlobalAveragePooling2D(keepdims=True, name="image_pool")(features)
    pooled = _conv(pooled, spec.head_channels, 1, "image_pool_project")
    branches.append(_resize(pooled, features.shape[1:3]))
    return _conv(layers.Concatenate(name="aspp_join")(branches), spec.head_channels, 1, "aspp_project")


def _atrous(x, channels: int, name: str, rate: int):
    return _conv(x, channels, 3, name, rate=rate)


def _decode(pooled, low_level, spec: Backbone):
    """v3+ section 3.1: few low-level channels beside the upsampled encoder, then two 3x3 convolutions."""
    low = _conv(low_level, spec.low_level_channels, 1, "decoder_low_level")
    high = _resize(pooled, low_level.shape[1:3])
    x = layers.Concatenate(name="decoder_join")([high, low])
    x = _separable(x, spec.head_channels, "decoder_conv0")
    return _separable(x, spec.head_channels, "decoder_conv1")


def _resize(x, size: tuple[int, int]):
    """Bilinear, with the corners' centres aligned, as in DeepLab's own code.

    `_pad` centres feature i on pixel i times the stride. Aligned corners keep it there where a side is a multiple of
    the stride plus one, at every output stride. Half-pixel centres would shift it by half a cell, which training makes
    up for at one output stride, and which then is wrong at all the others.
    """
    if tuple(x.shape[1:3]) == tuple(size):
        return layers.Identity()(x)  # keeps the depth, as in _pad
    return _AlignedResize(size)(x)


class _AlignedResize(layers.Layer):
    """TensorFlow's ResizeBilinear with align_corners, which Keras's own resizing does not offer."""

    def __init__(self, size: tuple[int, int], **options) -> None:
        super().__init__(**options)
        self._size = tuple(size)

    def call(self, inputs):
        """float32 [n, h, w, channels] to the size the layer was made for."""
        return tf.compat.v1.image.resize_bilinear(inputs, self._size, align_corners=True)

    def compute_output_shape(self, input_shape):
        """The shape `call` gives, for Keras's own bookkeeping."""
        return (input_shape[0], *self._size, input_shape[3])
