"""Tasks `android.farm.*`: plans for device farms, and their results."""

from ..cli.command import command


@command(
    name="plan", several=("image", "phone"), example="./goldmask android.farm --flank --phone model=Pixel6,version=33"
)
def plan(
    c,
    flank=False,
    firebase=False,
    model="shapes",
    image=None,
    pipeline="lib_interpreter",
    phone=None,
    retries=0,
    shards=1,
    out="",
):
    """Write flank.yml, or a gcloud command, that runs the golden test on Firebase Test Lab."""
    from ..cli.farm import plan_farm

    return plan_farm(flank, firebase, model, image, pipeline, phone, retries, shards, out)


@command(name="collect", example="./goldmask android.farm.collect --results results")
def collect(c, results="", plan="", out=""):
    """Turn the results of a farm into bundles, ready to compare."""
    from ..cli.farm import collect_farm

    return collect_farm(results, plan, out)
