"""Tasks `ios.*`: build the iOS app; list simulators."""

from ..cli.command import command


@command(name="build", several=("destination",), example="./goldmask ios.build --destination 'iPhone 16'")
def build(c, destination=None, out=""):
    """Build the iOS app and its golden test, if anything changed."""
    from ..cli.ios import build_ios

    return build_ios(destination, out)


@command(name="list", example="./goldmask ios.simulator.list")
def simulator_list(c):
    """List the simulators and phones that --destination can name."""
    from ..cli.ios import list_destinations

    return list_destinations()
