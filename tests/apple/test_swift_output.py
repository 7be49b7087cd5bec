"""Why `swift build` failed: the cause, for what swiftc, clang and four linkers print."""

import pytest
from mac import TRANSCRIPTS

from goldmask.apple import swift
from goldmask.apple.swift import Swift
from goldmask.contract.errors import RunError

FOLDER = TRANSCRIPTS / "swift"
SENTENCES = {
    "scope.txt": "main.swift:2: cannot find 'sesion' in scope",
    "manifest.txt": "Package.swift:3: incorrect argument label in call (have 'nam:', expected 'name:')",
    "missing-header.txt": "Engine.h:1: 'tensorflow/lite/c/c_api.h' file not found",
    # Not "link command failed".
    "undefined-symbol.txt": "/App/Sources/App/main.swift:2:(.text.App_main+0x38): undefined reference to "
    "`TfLiteInterpreterCreate'",
    "missing-library.txt": "/usr/bin/ld: cannot find -ltensorflowlite_c: No such file or directory",
    "undefined-symbol-macos.txt": 'Undefined symbols for architecture arm64: "_TfLiteInterpreterCreate", referenced '
    "from: _main in main.swift.o",
    "gold.txt": "/usr/bin/ld.gold: error: cannot find -lstdc++",
    "gold-undefined.txt": "/sourcekite/.build/debug/sourcekite.build/main.swift.o:main.swift.o:function "
    "$S10sourcekite13printResponse: error: undefined reference to 'sourcekitd_response_is_error'",
    "swiftbuild.txt": "/package/Package.swift: package-info-product: /package/.build/CCryptoBoringSSL.o:err_data.cc:"
    "function __clang_call_terminate: error: undefined reference to '__cxa_begin_catch'",
    # Not "emit-module command failed".
    "emit-module.txt": "Mask.swift:3: cannot find type 'Palete' in scope",
    "emit-module-first.txt": "CNodes.swift:13: no such module '_InternalSwiftSyntaxParser'",
    "out-of-memory.txt": "signal 9 ended the compiler (emit-module), as happens where memory is short",
}


@pytest.mark.parametrize(("name", "sentence"), SENTENCES.items(), ids=SENTENCES)
def test_the_cause(name, sentence):
    assert swift.first_error((FOLDER / name).read_text("utf-8")) == sentence


def test_every_transcript_has_its_cause():
    assert {path.name for path in FOLDER.iterdir()} - {"origins.toml"} == set(SENTENCES)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("error: link command failed with exit code 1\n", "link command failed with exit code 1"),
        ("<unknown>:0: error: no such file or directory: 'A.swift'\n", "no such file or directory: 'A.swift'"),
        ("error: 'app': package 'app' is using Swift tools version 9.9.0 but the installed version is 6.0.3\n",
         "'app': package 'app' is using Swift tools version 9.9.0 but the installed version is 6.0.3"),
        ("warning: 'app': no error: here\nBuild complete!\n", ""),
    ],
)  # fmt: skip
def test_what_else_there_may_be(text, sentence):
    assert swift.first_error(text) == sentence


@pytest.mark.project
def test_output_that_nobody_understands_is_shown_with_both_ends(tmp_path):
    program = tmp_path / "swift"
    program.write_text("#!/bin/sh\nseq 1 20\nexit 3\n", "utf-8")
    program.chmod(0o755)
    with pytest.raises(RunError) as error:
        Swift(str(program), "6.0").build(
            tmp_path, "app", [], tmp_path / "scratch", tmp_path / "logs", lambda *step: None
        )
    assert error.value.what == "app does not build (exit code 3): 1 | 2 | 3 | … 14 lines … | 18 | 19 | 20"
