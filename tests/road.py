"""A small network that is really trained, in a few seconds, on pictures of a road below a sky with a kerb between."""

from collections.abc import Sequence

import numpy as np

SIZE = (32, 48)
LABELS = ("road", "kerb", "sky")
ROAD, KERB, SKY = range(3)
COLOURS = np.array([(110, 100, 105), (190, 180, 120), (90, 140, 210)], float)


def picture(seed: int, light: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """A photograph, uint8 [32, 48, 3], and its classes, uint8 [32, 48]: where they lie is decided by the seed."""
    random = np.random.default_rng(seed)
    height, width = SIZE
    horizon = random.integers(8, 18) + (random.uniform(-0.2, 0.2) * np.arange(width)).astype(int)
    rows = np.arange(height)[:, None]
    classes = np.where(rows < horizon, SKY, np.where(rows < horizon + 5, KERB, ROAD)).astype(np.uint8)
    pixels = COLOURS[classes] * light + random.normal(0, 12, (height, width, 3))
    return np.clip(pixels, 0, 255).astype(np.uint8), classes


def train(samples: Sequence[tuple[np.ndarray, np.ndarray]], seed: int = 1):
    """A Keras model of three convolutions: float32 [1, 32, 48, 3] in -1 to 1 to logits [1, 32, 48, 3]."""
    import keras

    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((*SIZE, 3)),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(len(LABELS), 1),
        ]
    )
    images = np.stack([normalised(pixels) for pixels, _ in samples])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss=loss)
    model.fit(images, np.stack([classes for _, classes in samples]), epochs=12, batch_size=8, verbose=0)
    return model


def normalised(pixels: np.ndarray) -> np.ndarray:
    """Pixels as the network takes them."""
    return (pixels / 127.5 - 1).astype(np.float32)


def tflite(model, precision: str, samples: Sequence[tuple[np.ndarray, np.ndarray]]) -> bytes:
    """The model in a precision, by TensorFlow's converter."""
    from deeplab.export import convert

    return convert(model, precision, [normalised(pixels) for pixels, _ in samples])
