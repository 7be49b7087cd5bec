"""goldmask.toml and model.toml: what they may say, and how they are told that they are wrong."""

from pathlib import Path

import pytest
from conftest import REPO

from goldmask.contract.errors import ConfigError, UsageError
from goldmask.project.config import Compared, find_root, load_config, tolerances_for
from goldmask.project.model import load_spec, model_names

GOOD = 'schema = 1\n[suites.default]\nmodels = ["tiny"]\n'


def configured(tmp_path: Path, text: str):
    (tmp_path / "goldmask.toml").write_text(text, "utf-8")
    return load_config(tmp_path)


def test_the_projects_own_files_are_right():
    config = load_config(REPO)
    assert set(config.suites["default"].models) <= set(model_names(REPO))
    assert all(len(load_spec(REPO, name).cases) >= 4 for name in model_names(REPO))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("schema = [", "not valid TOML"),
        ("", "schema: Field required"),
        ("schema = 2\n[suites.default]\nmodels = ['a']", "schema"),
        ("schema = 1\n[suites]", "suites"),
        (GOOD + "modles = ['b']", r"suites.default.modles: unknown key \(did you mean models\?\)"),
        (GOOD + "pipelines = ['lib_magic']", "suites.default.pipelines.0"),
        (GOOD + "targets = []", "suites.default.targets"),
        (GOOD + "[tolerances]\nagrement_min = 0.9", "did you mean agreement_min"),
        (GOOD + "[tolerances]\nagreement_min = 99.9", "tolerances.agreement_min"),
        (GOOD + "[options]\nthreads = 0", "options.threads"),
        (GOOD + "[[overrides]]\ntolerances = {}", "reason"),
        (GOOD + "[[overrides]]\nreason = 'because'\ntolerances = {}", "reason"),
        (
            GOOD + "[[overrides]]\nreason = 'a GPU rounds otherwise'\ntolerances = {miou = 1}",
            "overrides.0.tolerances.miou: unknown key",
        ),
    ],
)
def test_a_wrong_config_is_told_where_and_what(tmp_path, text, why):
    with pytest.raises(ConfigError, match=why) as caught:
        configured(tmp_path, text)
    assert "\n" not in caught.value.what


def test_overrides_apply_where_they_match_and_keep_their_reasons(tmp_path):
    config = configured(
        tmp_path,
        GOOD
        + "[[overrides]]\nreason = 'first reason'\nmodel = 'tiny'\ntolerances = {agreement_min = 0.9, miou_min = 0.5}\n"
        + "[[overrides]]\nreason = 'second reason'\ncase = 'flag'\ntolerances = {agreement_min = 0.8}\n",
    )
    place = {"pipeline": "lib_interpreter", "target": "python"}
    both, reasons = tolerances_for(config, Compared(model="tiny", case="flag", **place))
    assert (both.agreement_min, both.miou_min, reasons) == (0.8, 0.5, "first reason; second reason")
    one, reasons = tolerances_for(config, Compared(model="tiny", case="other", **place))
    assert (one.agreement_min, reasons) == (0.9, "first reason")
    none, reasons = tolerances_for(config, Compared(model="other", case="other", **place))
    assert (none.agreement_min, reasons) == (0.999, "")


def test_the_nearest_project_above_is_found(tmp_path):
    (tmp_path / "goldmask.toml").write_text(GOOD, "utf-8")
    inner = tmp_path / "app/src"
    inner.mkdir(parents=True)
    assert find_root(inner) == tmp_path
    (tmp_path / "goldmask.toml").unlink()
    with pytest.raises(UsageError, match="there is no goldmask.toml in .*src or above it"):
        find_root(inner)


@pytest.mark.parametrize(("wanted", "fits"), [(">=0.1", True), ("==0.1.*", True), (">=9", False), ("<0.1", False)])
def test_a_project_may_ask_for_a_version(tmp_path, wanted, fits):
    text = GOOD.replace("schema = 1", f'schema = 1\ngoldmask = "{wanted}"')
    if fits:
        assert configured(tmp_path, text).goldmask == wanted
    else:
        with pytest.raises(ConfigError, match=f"asks for goldmask {wanted}, and this is 0.1.0"):
            configured(tmp_path, text)
    with pytest.raises(ConfigError, match="goldmask: 'newest' names no versions"):
        configured(tmp_path, GOOD.replace("schema = 1", 'schema = 1\ngoldmask = "newest"'))


@pytest.mark.parametrize("below", ["", "masks", "a/b"])
def test_a_project_inside_a_bundle_is_not_used(tmp_path, below):
    """Whoever makes a bundle does not choose the tolerances it is judged by."""
    project, bundle = tmp_path / "project", tmp_path / "project/build/bundle"
    (bundle / below).mkdir(parents=True)
    (bundle / below / "goldmask.toml").write_text(GOOD, "utf-8")
    (project / "goldmask.toml").write_text(GOOD, "utf-8")
    assert find_root(bundle / below) == bundle / below
    (bundle / "bundle.json").write_text("{}", "utf-8")
    assert find_root(bundle / below) == project
    (project / "goldmask.toml").unlink()
    with pytest.raises(ConfigError, match=r"goldmask\.toml is not used where .*/bundle/bundle\.json says"):
        find_root(bundle / below)
