"""The Swift that adopters compile against: the compiler's own symbol graph of two modules, as sorted declarations."""

import json
from collections import defaultdict
from pathlib import Path

import pytest
from conftest import REPO

from goldmask.apple.swift import Swift
from goldmask.machine import shell
from public_api import assert_held

DEADLINE_S = 600
# A file of one of Apple's modules only is not seen by a compiler of Linux: docs/development.md.
PACKAGE = REPO / "ios"


def public_api(swift: Swift, package: Path, module: str, scratch: Path, logs: Path) -> str:
    """The public declarations of a package's module, one a line, members indented, sorted by name."""
    graphs = scratch / "symbols"
    flags = (word for flag in ("-emit-symbol-graph", "-emit-symbol-graph-dir", graphs) for word in ("-Xswiftc", flag))
    argv = [swift.program, "build", "--target", module, "--package-path", package, "--scratch-path", scratch, *flags]
    done = shell.run(argv, log=logs / "swift.log", deadline_s=DEADLINE_S, env={"GOLDMASK_HOST": "1"})
    assert done.code == 0, done.stdout + done.log_tail(20)
    return declarations(json.loads((graphs / f"{module}.symbols.json").read_text("utf-8")))


def declarations(graph: dict) -> str:
    """What a symbol graph declares. What a type has of another module's protocol extension follows from its head."""
    names = {symbol["identifier"]["precise"]: symbol["pathComponents"][-1] for symbol in graph["symbols"]}
    above = defaultdict(set)
    for relation in graph["relationships"]:
        if relation["kind"] in ("conformsTo", "inheritsFrom"):
            fallback = relation.get("targetFallback", "").rpartition(".")[2]
            above[relation["source"]].add(names.get(relation["target"], fallback))
    lines = []
    for symbol in graph["symbols"]:
        precise, path = symbol["identifier"]["precise"], symbol["pathComponents"]
        if "::SYNTHESIZED::" not in precise:
            declaration = "".join(fragment["spelling"] for fragment in symbol["declarationFragments"])
            access = "open " if symbol["accessLevel"] == "open" else ""
            heads = f": {', '.join(sorted(above[precise]))}" if above[precise] else ""
            lines.append((path, f"{'    ' * (len(path) - 1)}{access}{' '.join(declaration.split())}{heads}"))
    return "\n".join(line for _, line in sorted(lines)) + "\n"


@pytest.mark.parametrize("module", ["SegmentationCore", "GoldenTestKit"])
def test_the_api_is_what_its_file_says(swift, module, tmp_path):
    api = public_api(swift, PACKAGE, module, REPO / "build/swift/api", tmp_path)
    assert_held(REPO / f"ios/api/{module}.api", api)


MANIFEST = """// swift-tools-version:5.9
import PackageDescription
let package = Package(name: "Toy", targets: [.target(name: "Toy")])
"""
TOY = """
public protocol Open: AnyObject {
    /// Not a requirement of the API's file: documentation.
    func open(_ path: String, times: Int) throws -> [Int]
}
public struct Door: Equatable, Open2 {
    public private(set) var width = 1
    public init(width: Int = 1) { self.width = width }
    public enum Side { case left, right }
    var hidden = 0
    private struct Hinge {}
}
public protocol Open2 {}
open class Gate { public init() {} }
public final class Barn: Gate {}
"""
HELD = """final class Barn: Gate
struct Door: Equatable, Open2
    enum Side: Equatable, Hashable
        case left
        case right
    init(width: Int = 1)
    var width: Int { get }
open class Gate
    init()
protocol Open : AnyObject
    func open(_ path: String, times: Int) throws -> [Int]
protocol Open2
"""


def toy_api(swift: Swift, folder: Path, source: str) -> str:
    """The API of a package with one source file."""
    (folder / "Sources/Toy").mkdir(parents=True, exist_ok=True)
    (folder / "Package.swift").write_text(MANIFEST, "utf-8")
    (folder / "Sources/Toy/Toy.swift").write_text(source, "utf-8")
    return public_api(swift, folder, "Toy", folder / "build", folder)


def test_a_change_is_seen(swift, tmp_path):
    """Its twin: what reviewers have not seen, of every kind; and what is nobody's business is not in the file."""
    held = tmp_path / "Toy.api"
    held.write_text(HELD, "utf-8")
    assert_held(held, toy_api(swift, tmp_path, TOY))
    source = TOY
    for old, new in (
        ("times: Int) throws", "times: Int, quietly: Bool) throws"),
        ("private(set) var width", "var width"),
        ("Int = 1)", "Int = 2)"),
        ("struct Door: Equatable,", "struct Door: Equatable, Sendable,"),
        ("case left, right", "case left"),
        ("private struct Hinge", "public struct Hinge"),
        ("final class Barn: Gate", "final class Barn"),
        ("open class Gate", "public class Gate"),
        ("var hidden", "var concealed"),
    ):
        assert old in source
        source = source.replace(old, new, 1)
    with pytest.raises(AssertionError, match="write the file anew") as caught:
        assert_held(held, toy_api(swift, tmp_path, source))
    changes = {line for line in str(caught.value).splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")}
    assert changes == {
        "-    func open(_ path: String, times: Int) throws -> [Int]",
        "+    func open(_ path: String, times: Int, quietly: Bool) throws -> [Int]",
        "-    var width: Int { get }",
        "+    var width: Int",
        "-    init(width: Int = 1)",
        "+    init(width: Int = 2)",
        "-struct Door: Equatable, Open2",
        "+struct Door: Equatable, Open2, Sendable",
        "-        case right",
        "+    struct Hinge",
        "-final class Barn: Gate",
        "+final class Barn",
        "-open class Gate",
        "+class Gate",
    }
