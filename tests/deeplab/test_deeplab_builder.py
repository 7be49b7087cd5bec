import keras
import numpy as np
import pytest

from deeplab import builder
from deeplab.builder import BACKBONES, FEATURES, OUTPUT_STRIDES, VERSIONS, deeplab
from goldmask.contract.errors import UsageError

pytestmark = pytest.mark.project

SIZE = (45, 64)  # odd and even: grids must meet in both cases


def features_of(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return keras.Model(model.input, model.get_layer(FEATURES).output)(images).numpy()


@pytest.fixture(scope="module")
def trained() -> keras.Model:
    """A model at output stride 16 with batch statistics and scales that are not the initial ones."""
    keras.utils.set_random_seed(3)
    model = deeplab("v3", "small", 16, 6, SIZE)
    rng = np.random.default_rng(3)
    for variable in model.variables:
        if "moving" in variable.path or "gamma" in variable.path:
            variable.assign(rng.uniform(0.5, 2.0, variable.shape))
    return model


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(5).uniform(-1, 1, (2, *SIZE, 3)).astype(np.float32)


@pytest.mark.parametrize("output_stride", [8, 4])
def test_atrous_features_meet_the_strided_ones_at_shared_positions(trained, images, output_stride):
    dense = deeplab("v3", "small", output_stride, 6, SIZE)
    dense.set_weights(trained.get_weights())
    coarse, fine = features_of(trained, images), features_of(dense, images)
    step = 16 // output_stride
    assert np.abs(coarse).max() > 0.5, "features near zero would agree by chance"
    np.testing.assert_allclose(fine[:, ::step, ::step], coarse, atol=1e-4)


def test_other_positions_do_not_meet(trained, images):
    dense = deeplab("v3", "small", 8, 6, SIZE)
    dense.set_weights(trained.get_weights())
    coarse, fine = features_of(trained, images), features_of(dense, images)
    shifted = fine[:, 1::2, ::2]
    assert np.abs(shifted - coarse[:, : shifted.shape[1]]).max() > 0.1


def test_undilated_kernels_would_not_meet(trained, images):
    """The failing twin: the same weights at stride 8 with the rate left out."""
    dense = deeplab("v3", "small", 8, 6, SIZE)
    dense.set_weights(trained.get_weights())
    for layer in dense.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            layer.dilation_rate = (1, 1)
    assert np.abs(features_of(dense, images)[:, ::2, ::2] - features_of(trained, images)).max() > 0.1


@pytest.mark.parametrize("output_stride", OUTPUT_STRIDES)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_gives_logits_of_the_input_size_from_the_same_weights(version, output_stride):
    model = deeplab(version, "small", output_stride, 4, (64, 48))
    assert model.output_shape == (None, 64, 48, 4)
    reference = deeplab(version, "small", 16, 4, (64, 48))
    assert [v.path for v in model.variables] == [v.path for v in reference.variables]
    assert [v.shape for v in model.variables] == [v.shape for v in reference.variables]


@pytest.mark.parametrize("output_stride", OUTPUT_STRIDES)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_features_have_the_output_stride(backbone, output_stride):
    model = deeplab("v1", backbone, output_stride, 4, (64, 96), alpha=0.35)
    stride = min(output_stride, 16) if backbone == "tiny" else output_stride  # it halves four times, not five
    assert model.get_layer(FEATURES).output.shape[1:3] == (64 // stride, 96 // stride)


def test_rates_double_at_output_stride_8():
    at_16, at_8 = (deeplab("v3", "mobilenet_v2", s, 4, (64, 64), alpha=0.35) for s in (16, 8))
    rates = [[m.get_layer(f"aspp{i}").dilation_rate for i in (1, 2, 3)] for m in (at_16, at_8)]
    assert rates == [[(6, 6), (12, 12), (18, 18)], [(12, 12), (24, 24), (36, 36)]]


@pytest.mark.parametrize("version", VERSIONS)
def test_inference_leaves_the_weights_alone(version):
    model = deeplab(version, "small", 16, 4, (32, 32))
    before = model.get_weights()
    images = np.random.default_rng(5).uniform(-1, 1, (2, 32, 32, 3)).astype(np.float32)
    unnamed, inferred = model(images).numpy(), model(images, training=False).numpy()
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert np.array_equal(unnamed, inferred)
    trained = model(images, training=True).numpy()
    assert not np.allclose(trained, inferred)
    assert not all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_the_fused_normalisation_is_that_of_keras():
    """One training step of statistics and outputs, ours against the stock layer; the variance up to Bessel's factor."""
    rng = np.random.default_rng(2)
    images = rng.normal(1, 2, (4, 8, 8, 3)).astype(np.float32)
    ours, stock = builder._Normalisation(momentum=0.5), keras.layers.BatchNormalization(momentum=0.5)
    np.testing.assert_allclose(ours(images, training=True), stock(images, training=True), atol=1e-4)
    np.testing.assert_allclose(ours.moving_mean, stock.moving_mean, atol=1e-5)
    np.testing.assert_allclose(ours.moving_variance, stock.moving_variance, rtol=0.01)
    np.testing.assert_allclose(ours(images), stock(images), atol=0.02)


def test_the_traded_stride_never_becomes_a_shortcut():
    """With alpha 0.1 all widths round to 8: only the paper's strides may decide where shortcuts are."""
    bodies = [
        {
            layer.name
            for layer in deeplab("v1", "mobilenet_v2", s, 4, (64, 64), alpha=0.1).layers
            if "block" in layer.name
        }
        for s in (32, 4)
    ]
    assert bodies[0] == bodies[1] and any(name.endswith("_add") for name in bodies[0])


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({"version": "v4"}, "v1, v2, v3, v3+"),
        ({"backbone": "resnet"}, "mobilenet_v2, small"),
        ({"output_stride": 12}, "32, 16, 8, 4"),
        ({"classes": 1}, "2 to 256"),
        ({"classes": 257}, "2 to 256"),
        ({"input_size": (64, 15)}, "16 or more"),
        ({"alpha": 0.0}, "above 0"),
    ],
)
def test_bad_arguments_name_what_is_allowed(change, allowed):
    good = {
        "version": "v3+",
        "backbone": "small",
        "output_stride": 16,
        "classes": 2,
        "input_size": (64, 64),
        "alpha": 1.0,
    }
    with pytest.raises(UsageError, match="use ") as error:
        deeplab(**(good | change))
    assert allowed in error.value.fix


def test_the_smallest_allowed_arguments_work():
    assert deeplab("v3+", "small", 16, 2, (16, 16)).output_shape == (None, 16, 16, 2)
