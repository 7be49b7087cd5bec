"""Tasks `models.*`: declare, fetch, show and describe models."""

from ..cli.command import command


@command(name="list", example="./goldmask models.list")
def list_(c):
    """List the declared models."""
    from ..cli.models import list_models

    return list_models()


@command(name="fetch", several=("model",), example="./goldmask models.fetch --model deeplabv3")
def fetch(c, model=None):
    """Download models and their images into the cache."""
    from ..cli.models import fetch_models

    return fetch_models(model)


@command(name="info", example="./goldmask models.info --model my.tflite")
def info(c, model=""):
    """Show a model's tensors, quantisation, metadata and labels."""
    from ..cli.models import show_model

    return show_model(model)


@command(
    name="add",
    several=("image", "label", "mean", "std", "declare"),
    example="./goldmask models.add road.tflite --image photos/*.jpg",
)
def add(c, file, image=None, name="", truth="", label=None, mean=None, std=None, declare=None, variant_of=""):
    """Declare a model of your own with its images, or a variant of one; starts a project where there is none."""
    from ..cli.own_models import AddFlags, add_model

    return add_model(AddFlags(file, image, name, truth, label, mean, std, declare, variant_of))


@command(name="pin", several=("model",), example="./goldmask models.pin --model road")
def pin(c, model=None):
    """Declare the sha256 that models and images beside model.toml have now; says which changed."""
    from ..cli.own_models import pin_models

    return pin_models(model)


@command(
    name="metadata",
    several=("mean", "std", "label"),
    example="./goldmask models.metadata --model road --mean 127.5 --std 127.5 --label road kerb sky",
)
def metadata(c, model="", mean=None, std=None, label=None, out=""):
    """Write normalisation and labels into a model's file, as the Task Library needs them."""
    from ..cli.own_models import describe_model

    return describe_model(model, mean, std, label, out)
