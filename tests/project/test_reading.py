"""What tensors are read as, what is refused because a file leaves it open, and the line that settles it."""

import pytest
import tiny

from goldmask.contract.errors import ConfigError, UsageError
from goldmask.project.declared import DeclaredInput, DeclaredOutput
from goldmask.project.model import ModelSpec, _described, model_from_path
from goldmask.project.normalisation import can_hold, holds_most, quantised_normalisation
from goldmask.project.output_readings import readings, sizes_of
from goldmask.project.reading import Reading, read
from goldmask.project.tflite import Description, Signature, Tensor, inspect


def tensor(
    shape: tuple[int, ...], dtype: str = "float32", scale: float = 0.0, zero: int = 0, name: str = "out"
) -> Tensor:
    return Tensor(name, shape, dtype, scale, zero)


IMAGE = tensor((1, 96, 128, 3), name="image")


def described(*outputs: Tensor, image: Tensor = IMAGE, **more: object) -> Description:
    return Description((image,), outputs, None, None, (), False, **more)


def reading_of(output: Tensor, tmp_path, image: Tensor = IMAGE, **declared: object) -> Reading:
    return read(described(output, image=image), tmp_path / "m.tflite", DeclaredInput(), DeclaredOutput(**declared))


def kind_of(output: Tensor, tmp_path, image: Tensor = IMAGE, **declared: object) -> tuple[int, str]:
    reading = reading_of(output, tmp_path, image, **declared)
    return reading.output_index, reading.output_kind


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8"])
@pytest.mark.parametrize("size", [(96, 128), (12, 16), (10, 13), (192, 256)])
def test_scores_over_the_image_at_any_stride(tmp_path, dtype, size):
    assert kind_of(tensor((1, *size, 20), dtype, 0.1 if dtype != "float32" else 0.0), tmp_path) == (0, "logits")


def test_labels_tell_which_axis_has_the_classes(tmp_path):
    """12×16 cells of 21 classes, or at a stride of six 16×21 cells of 12."""
    open_question = tensor((1, 12, 16, 21))
    with pytest.raises(UsageError, match="21 classes, the class last or scores of 12 classes, the class first"):
        kind_of(open_question, tmp_path)
    for labels, kind in ((21, "logits"), (20, None)):
        try:
            assert (
                read(described(open_question), tmp_path, DeclaredInput(), DeclaredOutput(), labels).output_kind == kind
            )
        except UsageError:
            assert kind is None


def test_who_declares_an_output_is_not_doubted_for_its_size(tmp_path):
    valid_padding = tensor((1, 60, 90, 5))
    with pytest.raises(UsageError, match="lies over") as caught:
        kind_of(valid_padding, tmp_path)
    assert 'if it is a mask: kind = "scores", layout = "nhwc"' in caught.value.fix
    assert kind_of(valid_padding, tmp_path, kind="scores", layout="nhwc") == (0, "logits")


def test_a_declaration_of_another_size_does_not_win_over_the_images(tmp_path):
    """21 rows of 128 classes, where 96 rows of 21 classes lie over the image."""
    class_first = tensor((1, 21, 96, 128))
    with pytest.raises(ConfigError, match="is not what .output. declares; it can be scores of 21 classes"):
        kind_of(class_first, tmp_path, layout="nhwc")


@pytest.mark.parametrize(
    ("shape", "dtype"), [((1, 96, 128, 2), "float32"), ((1, 0, 0, 3), "float32"), ((1, 10), "int32")]
)
def test_what_is_no_image_never_will_be(tmp_path, shape, dtype):
    with pytest.raises(UsageError, match="is unsupported"):
        kind_of(tensor((1, 96, 128, 4)), tmp_path, tensor(shape, dtype, name="image"))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_class_numbers_without_a_scale(tmp_path, dtype):
    assert kind_of(tensor((1, 96, 128), dtype), tmp_path) == (0, "classes")


@pytest.mark.parametrize(
    ("output", "words", "line"),
    [
        (tensor((1, 4, 96, 128)), "scores of 4 classes, the class first", 'layout = "nchw"'),
        (tensor((1, 96, 128, 1)), "class numbers or probabilities of one class", 'kind = "probability"'),
        (tensor((1, 96, 128), "uint8", 1 / 256), "class numbers or probabilities", 'kind = "classes"'),
        (tensor((1, 96, 128)), "class numbers or probabilities of one class or logits", 'kind = "classes"'),
        (tensor((1, 4, 12288)), "scores of 4 classes, all pixels in one row", 'layout = "nchw"'),
        (tensor((1, 12288, 4)), "scores of 4 classes, all pixels in one row", 'layout = "nhwc"'),
    ],
)
def test_what_a_file_leaves_open_is_told_with_the_line_that_settles_it(tmp_path, output, words, line):
    with pytest.raises(UsageError) as caught:
        kind_of(output, tmp_path)
    assert f"output {output} can be read as {words}" in caught.value.what
    assert line in caught.value.fix and "under [output] in model.toml" in caught.value.fix


def test_a_square_that_is_channels_first_or_last(tmp_path):
    image, output = tensor((1, 64, 64, 3)), tensor((1, 64, 64, 64))
    with pytest.raises(UsageError, match="the class last or scores of 64 classes, the class first"):
        kind_of(output, tmp_path, image)
    for layout in ("nhwc", "nchw"):
        assert reading_of(output, tmp_path, image, layout=layout).output_layout == layout


@pytest.mark.parametrize(
    ("output", "declared", "found"),
    [
        (tensor((1, 4, 96, 128)), {"layout": "nchw"}, ("logits", "nchw", 96, 128, 4)),
        (tensor((1, 12288, 4)), {"layout": "nhwc"}, ("logits", "nhwc", 96, 128, 4)),
        (tensor((1, 12288, 4)), {"kind": "scores"}, ("logits", "nhwc", 96, 128, 4)),
        (tensor((12288, 4), "int8", 0.1), {"kind": "scores"}, ("logits", "nhwc", 96, 128, 4)),
        (tensor((4, 12288)), {"layout": "nchw"}, ("logits", "nchw", 96, 128, 4)),
        (tensor((96, 128, 4)), {"layout": "nhwc"}, ("logits", "nhwc", 96, 128, 4)),
        (tensor((1, 192, 4)), {"kind": "scores"}, ("logits", "nhwc", 12, 16, 4)),
        (tensor((1, 150, 4)), {"kind": "scores", "height": 10, "width": 15}, ("logits", "nhwc", 10, 15, 4)),
        (tensor((1, -1, -1, 4)), {}, ("logits", "nhwc", None, None, 4)),
        (tensor((1, 96, 128, 257), "int16"), {}, ("logits", "nhwc", 96, 128, 257)),
        (tensor((1, 96, 128, 1), "int64"), {}, ("classes", "nhwc", 96, 128, None)),
        (tensor((1, 1, 96, 128), "int32"), {}, ("classes", "nhwc", 96, 128, None)),
        (tensor((96, 128), "int16"), {}, ("classes", "nhwc", 96, 128, None)),
        (tensor((1, 12288), "uint8"), {}, ("classes", "nhwc", 96, 128, None)),
        (tensor((1, 96, 128)), {"kind": "classes"}, ("classes", "nhwc", 96, 128, None)),
        (tensor((1, 96, 128), "uint8", 1 / 256), {"kind": "classes"}, ("classes", "nhwc", 96, 128, None)),
    ],
)
def test_every_output_that_is_run(tmp_path, output, declared, found):
    reading = reading_of(output, tmp_path, **declared)
    what = (reading.output_kind, reading.output_layout, reading.height, reading.width, reading.classes)
    assert what == found


def test_a_row_of_pixels_that_lies_over_no_image_may_be_declared_by_its_size(tmp_path):
    image, output = tensor((1, 9, 11, 3), name="image"), tensor((1, 7, 5))
    with pytest.raises(UsageError, match="is nothing that lies over"):
        kind_of(output, tmp_path, image)
    assert reading_of(output, tmp_path, image, kind="scores", height=1, width=7).width == 7


@pytest.mark.parametrize(
    ("output", "declared", "found"),
    [
        (tensor((1, 96, 128, 1)), {"kind": "probability"}, ("probability", 1, None)),
        (tensor((1, 96, 128, 1)), {"kind": "logit"}, ("logit", 1, None)),
        (tensor((1, 96, 128), "uint8", 1 / 256), {"kind": "probability"}, ("probability", 1, None)),
        (tensor((1, 96, 128, 2)), {"kind": "logit"}, ("logit", 2, 1)),
        (tensor((1, 96, 128, 2)), {"kind": "probability", "foreground": 0}, ("probability", 2, 0)),
    ],
)
def test_a_soft_mask_is_declared(tmp_path, output, declared, found):
    reading = reading_of(output, tmp_path, **declared)
    assert (reading.output_kind, reading.classes, reading.foreground) == found


def test_which_of_many_scores_a_soft_mask_is_of_must_be_declared(tmp_path):
    with pytest.raises(UsageError, match="has 21 scores, and nothing says which one the soft mask is of"):
        reading_of(tensor((1, 96, 128, 21)), tmp_path, kind="logit")
    assert reading_of(tensor((1, 96, 128, 21)), tmp_path, kind="logit", foreground=15).foreground == 15


def test_a_scale_on_class_numbers_is_settled_by_one_line(tmp_path):
    assert kind_of(tensor((1, 96, 128), "uint8", 1.0), tmp_path, kind="classes") == (0, "classes")


def test_a_declaration_that_the_file_contradicts(tmp_path):
    with pytest.raises(ConfigError, match="is not what .output. declares; it can be scores of 21 classes"):
        kind_of(tensor((1, 96, 128, 21)), tmp_path, kind="classes")


@pytest.mark.parametrize("shape", [(1, 48, 128, 21), (1, 1, 1, 21), (1, 96, 1, 21), (1, 37, 252), (10,), (2, 9, 8, 4)])
def test_what_does_not_lie_over_the_image_is_unsupported(tmp_path, shape):
    assert readings(tensor(shape), sizes_of((96, 128))) == []
    with pytest.raises(UsageError, match="is unsupported: it is nothing that lies over an image of 96×128"):
        kind_of(tensor(shape), tmp_path)


def test_of_several_outputs_one_is_named(tmp_path):
    boxes, prototypes = tensor((1, 37, 252), name="boxes"), tensor((1, 24, 32, 32), name="prototypes")
    both = described(boxes, prototypes)
    with pytest.raises(UsageError) as caught:
        read(both, tmp_path / "m.tflite", DeclaredInput(), DeclaredOutput())
    assert "boxes float32[1,37,252] (nothing that goldmask knows)" in caught.value.what
    assert "nothing says which one is the mask" in caught.value.what
    assert read(both, tmp_path, DeclaredInput(), DeclaredOutput(name="prototypes")).output_index == 1
    with pytest.raises(ConfigError, match="has no outputs 'mask'"):
        read(both, tmp_path, DeclaredInput(), DeclaredOutput(name="mask"))


def test_of_several_signatures_one_is_named(tmp_path):
    day, night = (
        Signature(key, subgraph, (tensor((1, 8, 8, 3), name="x"),), (tensor((1, 8, 8, classes), name="y"),))
        for key, subgraph, classes in (("day", 0, 4), ("night", 1, 5))
    )
    both = described(tensor((1, 96, 128, 4)), signatures=(day, night))

    def chosen(signature: str | None) -> Reading:
        return read(both, tmp_path / "m.tflite", DeclaredInput(), DeclaredOutput(), signature=signature)

    with pytest.raises(UsageError, match="2 signatures .day, night.") as caught:
        chosen(None)
    assert 'signature = "day" or signature = "night", in model.toml' in caught.value.fix
    assert (chosen("day").classes, chosen("day").signature) == (4, None)
    assert (chosen("night").classes, chosen("night").signature) == (5, "night")
    with pytest.raises(ConfigError, match="no signature 'dusk'"):
        chosen("dusk")
    read(described(tensor((1, 96, 128, 4)), signatures=(day,)), tmp_path, DeclaredInput(), DeclaredOutput())


def test_a_subgraph_that_nothing_runs_is_not_set_aside_in_silence(tmp_path):
    with pytest.raises(UsageError, match="2 subgraphs"):
        read(described(tensor((1, 96, 128, 4)), stray_subgraphs=1), tmp_path, DeclaredInput(), DeclaredOutput())


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (tiny.scores(in_channels=2), r"input image float32\[1,8,8,2\] is unsupported: its shape"),
        (tiny.scores(channels=1), r"output logits float32\[1,8,8,1\] can be read as class numbers or probabilities"),
        (tiny.two_outputs(), r"2 outputs: left .*; right .*; nothing says which one is the mask"),
    ],
    ids=["two channels", "one class", "two outputs"],
)
def test_an_unsupported_model_is_refused_by_tensor(tmp_path, model, why):
    (tmp_path / "m.tflite").write_bytes(model)
    with pytest.raises(UsageError, match=why):
        model_from_path(tmp_path / "m.tflite")


# What pixels become.


def model_of(tmp_path, data: bytes, **image: object):
    path = tmp_path / "m.tflite"
    path.write_bytes(data)
    spec = ModelSpec(
        schema=1,
        summary="s",
        model={"file": "m.tflite", "sha256": "0" * 64},
        input=DeclaredInput(**image),
        cases=[{"id": "a", "file": "a.png", "sha256": "0" * 64}],
    )
    return _described("m", path, "0" * 64, inspect(path), spec)


def test_a_float_model_without_metadata_is_assumed_and_says_so(tmp_path):
    model = model_of(tmp_path, tiny.scores())
    assert (model.mean, model.std, model.normalisation_from) == ((127.5,), (127.5,), "assumed")
    assert model.assumption == "m does not say how to normalise pixels; (pixel - 127.5) / 127.5 was assumed"
    assert model_of(tmp_path, tiny.scores(), mean=[0.0], std=[255.0]).assumption == ""
    assert model_of(tmp_path, tiny.scores(), mean=[0.0], std=[255.0], assumed=True).assumption


def test_a_range_says_the_same_as_mean_and_std(tmp_path):
    model = model_of(tmp_path, tiny.scores(), range=[-1.0, 1.0])
    assert (model.mean, model.std, model.normalisation_from) == ((127.5,), (127.5,), "model.toml")
    assert model_of(tmp_path, tiny.scores(), range=[0.0, 1.0]).std == (255.0,)


def test_the_range_of_a_quantised_image_follows_from_its_scale(tmp_path):
    zero_to_one = tensor((1, 8, 8, 3), "int8", 1 / 255, -128)
    mean, std = quantised_normalisation(zero_to_one)
    assert mean == (0.0,) and abs(std[0] - 255) < 1e-9
    steps = [round((pixel - mean[0]) / std[0] / zero_to_one.scale) + zero_to_one.zero_point for pixel in range(256)]
    assert steps == list(range(-128, 128))
    model = model_of(tmp_path, tiny.scores("int8"))
    assert (model.mean, model.normalisation_from, model.assumption) == ((128.0,), "quantisation", "")


def test_a_normalisation_that_the_tensor_cannot_hold(tmp_path):
    assert can_hold(tensor((1, 8, 8, 3), "int8", 1 / 127.5, 0), ((127.5,), (127.5,)))
    assert not can_hold(tensor((1, 8, 8, 3), "int8", 1 / 255, -128), ((127.5,), (127.5,)))
    with pytest.raises(ConfigError, match="cannot hold what the declared mean and std make of pixels"):
        model_of(tmp_path, tiny.scores("int8"), mean=[0.0], std=[1.0])


def test_a_normalisation_of_uint8_that_changes_pixels_is_quantised(tmp_path):
    model = model_of(tmp_path, tiny.scores("uint8"), mean=[127.5], std=[127.5])
    assert (model.normalisation_from, model.steps) == ("model.toml", "pixels")
    assert model_of(tmp_path, tiny.scores("uint8"), mean=[0.0], std=[255.0]).steps == "normalised"
    assert model_of(tmp_path, tiny.scores("uint8")).request().input.steps == "pixels"


def test_a_declared_range_may_be_wider_than_a_narrow_dataset_left_it():
    narrow = tensor((1, 8, 8, 3), "uint8", 0.75 / 255, 0)
    assert not can_hold(narrow, ((0.0,), (255.0,))) and holds_most(narrow, ((0.0,), (255.0,)))
    assert not holds_most(tensor((1, 8, 8, 3), "uint8", 1 / 255, 0), ((127.5,), (127.5,)))


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ({"range": [0, 1], "mean": [0], "std": [1]}, "give range, or mean and std"),
        ({"range": [1, 0]}, "from the value of black to the greater one of white"),
    ],
)
def test_what_cannot_be_declared(image, why):
    with pytest.raises(ValueError, match=why):
        DeclaredInput(**image)
