"""Options are declared once: defaults, choices, help and mistakes all come from one place."""

import pytest

from goldmask.contract.errors import ConfigError, UsageError
from goldmask.project.config import load_config
from goldmask.project.options import OPTIONS, TargetOptions, from_flags, resolve
from goldmask.workflows.selection import options_for, select

SUITE = 'schema = 1\n[suites.default]\nmodels = ["tiny"]\ntargets = ["python", "android-jvm"]\n'


def configured(tmp_path, text: str):
    (tmp_path / "goldmask.toml").write_text(SUITE + text, "utf-8")
    return load_config(tmp_path)


def test_every_option_has_help_and_what_it_takes():
    for option in OPTIONS.values():
        assert option.help, option.name
    assert OPTIONS["delegate"].choices[:2] == ("cpu", "xnnpack") and OPTIONS["destinations"].flag == "--destination"
    assert OPTIONS["all_devices"].switch and not OPTIONS["threads"].switch


def test_flags_become_values():
    flags = {
        "threads": "4",
        "min_duration_s": "0.5",
        "delegate": "cpu",
        "device": "",
        "all_devices": True,
        "destination": ["iPhone 16"],
    }
    assert from_flags(flags) == {
        "threads": 4,
        "min_duration_s": 0.5,
        "delegate": "cpu",
        "all_devices": True,
        "destinations": ("iPhone 16",),
    }


@pytest.mark.parametrize(
    ("flag", "value", "sentence", "fix"),
    [
        ("threads", "many", "--threads 'many' is not a whole number", "--threads 2"),
        ("threads", "0", "--threads '0' is out of range: it must be at least 1", "--threads 2"),
        ("threads", "1.5", "--threads '1.5' is not a whole number", "--threads 2"),
        ("threads", "1.0", "--threads '1.0' is not a whole number", "--threads 2"),
        ("threads", "1_0", "--threads '1_0' is not a whole number", "--threads 2"),
        ("threads", " 2", "--threads ' 2' is not a whole number", "--threads 2"),
        ("threads", "٣", "--threads '٣' is not a whole number", "--threads 2"),
        ("seed", "9" * 30, f"--seed '{'9' * 30}' is not a whole number", "--seed"),
        ("min_duration_s", "nan", "--min-duration-s 'nan' is not a number", "--min-duration-s 0"),
        ("min_duration_s", "1e3", "--min-duration-s '1e3' is not a number", "--min-duration-s 0"),
        ("min_duration_s", "long", "--min-duration-s 'long' is not a number", "--min-duration-s 0"),
        ("delegate", "tpu", "--delegate 'tpu' is not known", "--delegate cpu|xnnpack"),
        ("abi", "mips", "--abi 'mips' is not known", "--abi x86_64|arm64-v8a|arm64"),
    ],
)
def test_a_wrong_flag_is_a_sentence(flag, value, sentence, fix):
    with pytest.raises(UsageError) as caught:
        from_flags({flag: value})
    assert caught.value.what.startswith(sentence) and caught.value.fix.startswith(fix)


def test_the_nearest_table_wins_and_the_command_line_over_all(tmp_path):
    config = configured(
        tmp_path,
        "[suites.default.options]\nthreads = 3\n[suites.default.options.python]\ndelegate = 'cpu'\n"
        "[options]\nthreads = 1\nwarmup = 5\n[options.python]\nthreads = 2\nruns = 7\n",
    )

    def threads_and_more(target: str, **given: object):
        options = options_for(config, select(config, "default", given=given), target)
        return options.threads, options.warmup, options.runs, options.delegate

    assert threads_and_more("python") == (3, 5, 7, "cpu")
    assert threads_and_more("android-jvm") == (3, 5, 1, "xnnpack")
    assert threads_and_more("python", threads=8) == (8, 5, 7, "cpu")


def test_what_is_for_another_target_does_not_reach_a_target(tmp_path):
    config = configured(tmp_path, "[options]\ndevice = '0123'\n")
    assert options_for(config, select(config, "default"), "python").device is None
    assert options_for(config, select(config, "default"), "android-device").device == "0123"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[options]\nthread = 2", r"options.thread: unknown key \(did you mean threads\?\)"),
        ("[options.python]\nthread = 2", r"options.python.thread: unknown key \(did you mean threads\?\)"),
        ("[options.python]\nthreads = 0", "options.python.threads"),
        ("[suites.default.options]\ndelegate = 'tpu'", "suites.default.options.delegate"),
    ],
)
def test_wrong_tables_are_told(tmp_path, text, why):
    with pytest.raises(ConfigError, match=why):
        configured(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[options.pyhton]\nthreads = 2", r"options: there is no target 'pyhton' \(did you mean python\?\)"),
        ("[suites.default.options.jvm]\nthreads = 2", "suites.default.options: there is no target 'jvm'"),
        ("[suites.other]\nmodels = ['tiny']\ntargets = ['toaster']", "suites.other.targets: there is no target"),
    ],
)
def test_a_target_that_does_not_exist_is_told(tmp_path, text, why):
    config = configured(tmp_path, text)
    with pytest.raises(ConfigError, match=why):
        select(config, "default")


@pytest.mark.parametrize("words", [{"models": ["a", "a"]}, {"targets": ["python", "python"]}])
def test_the_same_flag_twice_is_a_mistake(tmp_path, words):
    with pytest.raises(UsageError, match="is given twice"):
        select(configured(tmp_path, ""), "default", **words)


def test_a_later_table_comes_before_an_earlier_one():
    assert resolve({"threads": 1, "runs": 2}, {"threads": 4}) == TargetOptions(threads=4, runs=2)


def test_a_mode_says_how_long_to_measure_and_own_figures_go_before_it(tmp_path):
    config = configured(tmp_path, "[options]\nruns = 7\n")

    def figures(**given: object):
        options = options_for(config, select(config, "default", given=given), "python")
        return options.warmup, options.runs, options.min_duration_s

    assert figures() == (0, 7, 0)
    assert figures(mode="quick") == (3, 10, 2)
    assert figures(mode="quick", runs=20) == (3, 20, 2)


def test_a_mode_in_a_file_is_a_mode(tmp_path):
    config = configured(tmp_path, "[options]\nmode = 'normal'\nmin_duration_s = 3\n")
    options = options_for(config, select(config, "default", given={"warmup": 9}), "python")
    assert (options.warmup, options.runs, options.min_duration_s) == (9, 50, 3)
    with pytest.raises(UsageError, match="--mode 'fast' is not known"):
        from_flags({"mode": "fast"})
