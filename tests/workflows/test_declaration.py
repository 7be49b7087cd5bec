"""What models.add takes on the command line in place of lines of model.toml, and what an error says to type there."""

import numpy as np
import pytest
import tiny
from conftest import colours
from PIL import Image

from goldmask.cli import own_models
from goldmask.cli.own_models import AddFlags
from goldmask.contract.errors import ExitCode, GoldmaskError, UsageError
from goldmask.project.config import load_config
from goldmask.project.model import fetch_model, load_spec
from goldmask.workflows.declaration import as_flags, tables_of
from goldmask.workflows.selection import select


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with a photograph, in which the user stands."""
    Image.fromarray(colours(16, 24)).save(tmp_path / "dawn.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def add(desk, model: bytes, name: str = "road", **more) -> ExitCode:
    (desk / f"{name}.tflite").write_bytes(model)
    images = () if "variant_of" in more else ("dawn.png",)
    return own_models.add_model(AddFlags(f"{name}.tflite", images, **more))


def test_lines_of_model_toml():
    declared = ["output.kind=classes", "input.range=[-1, 1]", "ignore=255", "output.name=a=b", 'x="3"', "y=1\nz=2"]
    assert tables_of(declared) == {
        "output": {"kind": "classes", "name": "a=b"},
        "input": {"range": [-1, 1]},
        "ignore": 255,
        "x": "3",
        "y": "1\nz=2",
    }


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        (["output"], "is not KEY=VALUE"),
        ([".x=1"], "is not KEY=VALUE"),
        (["model.file=x"], "models.add writes model itself"),
        (["cases=[]"], "models.add writes cases itself"),
        (["input=1", "input.layout=nchw"], "input has a value already"),
        (["outptu.kind=classes"], "unknown key .did you mean output"),
        (["output.kind=class"], "output.kind"),
    ],
)
def test_what_no_model_toml_may_say(desk, declared, why):
    with pytest.raises(UsageError, match=why):
        add(desk, tiny.scores(), declared=declared)
    assert not (desk / "models").exists()


@pytest.mark.parametrize(
    ("fix", "flags"),
    [
        ('layout = "nchw" under [input] in model.toml', "--declare input.layout=nchw"),
        (
            'name = "a b" or "c" under [output] in model.toml',
            "--declare 'output.name=a b' or --declare output.name=c",
        ),
        (
            'kind = "scores", layout = "nhwc" or kind = "probability", under [output] in model.toml',
            "--declare output.kind=scores output.layout=nhwc or --declare output.kind=probability",
        ),
        ("declare mean and std under [input] in a model.toml", "--mean and --std, as the model was trained"),
        (
            "labels = [one name for each class, in order] in a model.toml",
            "--label NAME …, one for each class, in order",
        ),
        ("export one signature", ""),
        ("./goldmask models.info --model x", ""),
    ],
)
def test_an_error_says_what_to_type(fix, flags):
    assert as_flags(fix) == flags


def test_what_an_error_says_to_type_helps(desk):
    with pytest.raises(GoldmaskError) as refused:
        add(desk, tiny.two_outputs())
    assert refused.value.fix == "--declare output.name=left or --declare output.name=right"
    assert add(desk, tiny.two_outputs(), declared=["output.name=left"]) == ExitCode.OK
    assert load_spec(desk, "road").output.name == "left"


def test_labels_and_normalisation_are_declared(desk, capsys):
    labels = ("sky", "kerb", "road")
    assert add(desk, tiny.scores(), labels=labels, means=("0",), stds=("255",), declared=["input.height=8"]) == 0
    told = capsys.readouterr().out
    assert "assumed" not in told and told.endswith("golden.record --model road\n")
    spec = load_spec(desk, "road")
    assert spec.labels == labels and (spec.input.mean, spec.input.std, spec.input.height) == ((0.0,), (255.0,), 8)
    assert "made up" not in (desk / "models/road/model.toml").read_text("utf-8")
    with pytest.raises(GoldmaskError, match="names 2 labels") as refused:
        add(desk, tiny.scores(), name="other", labels=labels[:2])
    assert refused.value.fix.startswith("--label")


def test_an_assumption_stands_beside_what_is_declared(desk, capsys):
    assert add(desk, tiny.scores(), declared=["input.height=8"]) == ExitCode.OK
    spec = load_spec(desk, "road")
    assert spec.input.assumed and spec.input.mean == (127.5,) and spec.input.height == 8


def test_a_variant_has_all_else_of_its_model(desk, capsys):
    add(desk, tiny.scores(), labels=("sky", "kerb", "road"), means=("127.5",), stds=("127.5",))
    assert add(desk, tiny.scores("int8"), name="road_int8", variant_of="road") == ExitCode.OK
    assert add(desk, tiny.scores(weight=2), name="half", variant_of="road") == ExitCode.OK
    told = capsys.readouterr().out
    assert "road-int8, with the images of road" in told and "compare --golden road --bundle road-int8" in told
    assert select(load_config(desk), "default").models == ("road", "road-int8", "road-half")
    for name in ("road-int8", "road-half"):
        model = fetch_model(desk, name, load_spec(desk, name))
        assert (model.labels, model.mean, model.std) == (("sky", "kerb", "road"), (127.5,), (127.5,))
        assert model.normalisation_from == "model.toml"
    assert (desk / "models/road/road_int8.tflite").is_file()


def test_a_variant_is_as_assumed_as_its_model(desk):
    add(desk, tiny.scores())
    add(desk, tiny.scores(weight=2), name="half", variant_of="road")
    add(desk, tiny.scores("uint8"), name="road-uint8", variant_of="road")
    assert load_spec(desk, "road-half").input.assumed
    assert not load_spec(desk, "road-uint8").input.assumed


def test_a_variant_takes_over_what_decides_its_output(desk):
    add(desk, tiny.two_outputs(), declared=["output.name=left", "output.kind=scores"])
    add(desk, tiny.scores(), name="half", variant_of="road")
    output = load_spec(desk, "road-half").output
    assert (output.name, output.kind) == (None, "scores")


def test_labels_of_a_models_own_file_are_the_variants_as_well(desk):
    add(desk, tiny.labelled("sky\nkerb\nroad\n"))
    add(desk, tiny.scores("int8"), name="int8", variant_of="road")
    labels = {fetch_model(desk, name, load_spec(desk, name)).labels for name in ("road", "road-int8")}
    assert labels == {("sky", "kerb", "road")}


@pytest.mark.parametrize(
    ("model", "more", "why"),
    [
        (tiny.scores(height=16), {}, "has an image of .1, 16, 8, 3., road of .1, 8, 8, 3."),
        (tiny.scores(channels=4), {}, "scores 4 classes"),
        (tiny.scores(), {"variant_of": "path"}, "no model 'path'"),
        (tiny.scores(), {"labels": ("a", "b", "c")}, "a variant has labels of its model"),
        (tiny.scores(), {"name": "Big One"}, "no name for a variant"),
        (tiny.scores("int8"), {"means": ("0",), "stds": ("1",)}, "cannot hold"),
        (b"no model", {}, "is not a .tflite model"),
    ],
)
def test_what_is_no_variant(desk, model, more, why):
    add(desk, tiny.scores(), means=("127.5",), stds=("127.5",))
    before = (desk / "models/road/model.toml").read_text("utf-8")
    (desk / "other.tflite").write_bytes(model)
    with pytest.raises(GoldmaskError, match=why):
        own_models.add_model(AddFlags("other.tflite", **({"variant_of": "road"} | more)))
    assert (desk / "models/road/model.toml").read_text("utf-8") == before
    assert not (desk / "models/road/other.tflite").exists()


def test_a_variant_that_takes_pixels_otherwise_says_so(desk):
    add(desk, tiny.scores(), means=("0",), stds=("1",))
    (desk / "int8.tflite").write_bytes(tiny.scores("int8"))
    with pytest.raises(UsageError, match="as in the model that it is to be a variant of"):
        own_models.add_model(AddFlags("int8.tflite", variant_of="road"))
    assert own_models.add_model(AddFlags("int8.tflite", variant_of="road", means=("127.5",), stds=("127.5",))) == 0


def test_a_variant_is_added_once_and_brings_no_images(desk):
    add(desk, tiny.scores())
    add(desk, tiny.scores("int8"), name="int8", variant_of="road")
    for flags, why in (
        (AddFlags("int8.tflite", variant_of="road"), "there is a model 'road-int8' already"),
        (AddFlags("int8.tflite", variant_of="road-int8"), "is a variant itself"),
        (AddFlags("int8.tflite", ("dawn.png",), variant_of="road", name="x"), "has the images of its model"),
    ):
        with pytest.raises(UsageError, match=why):
            own_models.add_model(flags)


def test_a_photograph_of_another_kind_than_it_says(desk):
    """What a phone calls .JPG may be a PNG; a mask of 16 bits is one, and has no class that the model lacks."""
    Image.fromarray(colours()).save(desk / "IMG 1.JPG", "PNG")
    (desk / "road.tflite").write_bytes(tiny.scores())
    assert own_models.add_model(AddFlags("road.tflite", ("IMG 1.JPG",))) == ExitCode.OK
    (desk / "truth").mkdir()
    Image.fromarray(np.full((16, 24), 700, np.uint16)).save(desk / "truth/dawn.png")
    with pytest.raises(GoldmaskError, match="dawn.png has class 700"):
        own_models.add_model(AddFlags("road.tflite", ("dawn.png",), "other", "truth"))
