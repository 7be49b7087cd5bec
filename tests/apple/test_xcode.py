"""What an .xctestrun says about the app that hosts the tests."""

import plistlib

import pytest

from goldmask.apple import xcode
from goldmask.contract.errors import RunError


@pytest.mark.parametrize("form", [1, 2])
def test_the_app_of_a_test_run(form, tmp_path):
    """Both forms of the file are in Apple's manual page xcodebuild.xctestrun(5)."""
    target = {"TestHostPath": "__TESTROOT__/Release-iphonesimulator/App.app", "TestHostBundleIdentifier": "com.example"}
    content = {"__xctestrun_metadata__": {"FormatVersion": form}}
    if form == 1:
        content["GoldenTests"] = target
    else:
        content["TestConfigurations"] = [
            {"Name": "Default", "TestTargets": [target | {"BlueprintName": "GoldenTests"}]}
        ]
    path = tmp_path / "App.xctestrun"
    path.write_bytes(plistlib.dumps(content))
    product = xcode.Product(path)
    assert product.host_of("GoldenTests/A") == (tmp_path / "Release-iphonesimulator/App.app", "com.example")
    with pytest.raises(RunError, match="no target OtherTests that an app hosts"):
        product.host_of("OtherTests/A")
