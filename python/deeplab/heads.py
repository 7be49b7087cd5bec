"""Other ends of a trained DeepLab than scores: a class map with the argmax inside, and a soft mask of one channel."""

import keras
import tensorflow as tf

from goldmask.contract.errors import UsageError

HEADS = ("classes", "soft")
BACKGROUND = 0


class _Argmax(keras.layers.Layer):
    """Scores [n, h, w, classes] to the classes that win, int32 [n, h, w]; of equal scores the lowest class."""

    def call(self, inputs):
        """The class map of scores."""
        return tf.argmax(inputs, axis=-1, output_type=tf.int32)

    def compute_output_shape(self, input_shape):
        """The shape `call` gives, for Keras's own bookkeeping."""
        return input_shape[:-1]


class _Foreground(keras.layers.Layer):
    """Scores [n, h, w, classes] to how probable it is that a pixel is not background, float32 [n, h, w, 1]."""

    def call(self, inputs):
        """The softmax of all classes but the background, added up."""
        return 1.0 - tf.nn.softmax(inputs)[..., BACKGROUND : BACKGROUND + 1]

    def compute_output_shape(self, input_shape):
        """The shape `call` gives, for Keras's own bookkeeping."""
        return (*input_shape[:-1], 1)


def with_head(model: keras.Model, head: str) -> keras.Model:
    """`model`, float32 images [n, h, w, 3] to scores [n, h, w, classes], with one of HEADS behind it.

    "classes" gives int32 [n, h, w], "soft" float32 [n, h, w, 1] from 0 to 1. Raises UsageError for another head.
    """
    if head not in HEADS:
        raise UsageError(f"head {head!r} is unknown", f"use one of {', '.join(HEADS)}")
    layer = _Argmax(name="classes") if head == "classes" else _Foreground(name="soft")
    return keras.Model(model.input, layer(model.output), name=f"{model.name}_{head}")
