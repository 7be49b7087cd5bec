"""Kotlin's and Groovy's forms of one thing are read as one thing, and what is neither does no harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldmask.android_build.gradle_dsl import Argument, Call, Chain, Listing, Name, Opaque, Text, parse
from goldmask.android_build.gradle_tokens import GradleSyntaxError
from goldmask.android_build.gradle_values import Scope, blocks, variables_of


def kotlin(text: str):
    return [statement.node for statement in parse(text, groovy=False)]


def groovy(text: str):
    return [statement.node for statement in parse(text, groovy=True)]


def text(value: str) -> Text:
    return Text((value,))


IMPLEMENTATION = Call("implementation", (Argument("", text("a:b:1")),))


@pytest.mark.parametrize(
    ("form", "is_groovy"),
    [
        ('implementation("a:b:1")', False),
        ('"implementation"("a:b:1")', False),
        ('`implementation`(\n    "a:b:1",\n)', False),
        ("implementation 'a:b:1'", True),
        ("implementation('a:b:1')", True),
        ('implementation "a:b:1"; // implementation("c:d:2")', True),
        ('/* a { /* nested */ } */ implementation("a:b:1")', False),
        ('implementation("""a:b:1""")', False),
    ],
)
def test_one_dependency_in_its_forms(form, is_groovy):
    assert [statement.node for statement in parse(form, groovy=is_groovy)] == [IMPLEMENTATION]


def test_blocks_hold_statements():
    (android,) = groovy("android { defaultConfig { minSdk 24\n ndk { abiFilters 'a', 'b' } } }")
    (config,) = android.block
    first, ndk = config.node.block
    assert first.node == Call("minSdk", (Argument("", Name("24")),))
    assert ndk.node.block[0].node.values == (text("a"), text("b"))


def test_words_after_an_expression():
    expected = Chain(Call("id", (Argument("", text("x")),)), (("version", text("1")), ("apply", Name("false"))))
    assert kotlin('id("x") version "1" apply false') == groovy("id 'x' version '1' apply false") == [expected]


def test_named_arguments_and_maps():
    named = (Argument("group", text("a")), Argument("module", text("b")))
    assert kotlin('exclude(group = "a", module = "b")') == groovy("exclude group: 'a', module: 'b'")
    assert groovy("exclude group: 'a', module: 'b'") == [Call("exclude", named)]
    (statement,) = parse("x = [group: 'a', module: 'b']", groovy=True)
    assert statement.value == Listing(named)


@pytest.mark.parametrize(
    "form",
    [
        "val x: Map<String, List<Int>> = mapOf()",
        "if (a > b) { c() } else { d() }",
        "when (x) {\n 1 -> a()\n else -> b()\n}",
        "fun f(a: Int): String {\n return \"}\" + '{'\n}",
        "import a.b.*\nimport a.b.C as D",
        "@Suppress(\"x\") val a = object : B() { val c = 1 }",
        "a!!.b?.c ?: d",
        "x = y ? 1 : 2",
        "list.collect { it -> it * 2 }.findAll { a, b -> a }",
        "configure<A<*, *>>(\"x\") { y = 1 }",
        "tasks.withType(Foo::class.java).configureEach { }",
    ],
)  # fmt: skip
def test_what_is_not_understood_ends_where_it_ends(form):
    """The statement after it is read as if it were not there."""
    for is_groovy in (False, True):
        *_, last = parse(f'{form}\nimplementation("a:b:1")', groovy=is_groovy)
        assert last.node == IMPLEMENTATION and last.line == form.count("\n") + 2


def test_groovys_slashes_are_strings():
    for form in ("def p = ~/[{(]/", "def p = /a{b/", "x.matches(/[(]/)"):
        *_, last = parse(f"{form}\nimplementation 'a:b:1'", groovy=True)
        assert last.node == IMPLEMENTATION


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ("a {\n b()", "line 2: a { is not closed"),
        ("a\nb(1", r"line 2: a \) is missing"),
        ('a\n"b', "line 2: a string is not closed"),
        ("\n/* a", "line 2: a comment is not closed"),
        ('a("${b")', "line 1: a (template|string) is not closed"),
        ("a(1]", r"line 1: a \) is missing"),
        ("x = y ? (1 : 2", r"line 1: a \) is missing"),
        ("a { " * 200, "nested too deeply"),
        ("a(" * 200, "nested too deeply"),
    ],
)
def test_what_is_not_closed_is_told_with_its_line(form, sentence):
    with pytest.raises(GradleSyntaxError, match=sentence):
        parse(form, groovy=False)


@given(st.text(alphabet=st.sampled_from("abx01 \n\t{}()[]<>\"'`$/\\*=+:;,.?!@#-"), max_size=60), st.booleans())
def test_no_text_breaks_the_reader(source, is_groovy):
    try:
        parse(source, groovy=is_groovy)
    except GradleSyntaxError:
        return


def value_of(source: str, expression: str, is_groovy: bool) -> str | None:
    statements = parse(f"{source}\nx = {expression}", groovy=is_groovy)
    return Scope().with_variables(variables_of(statements[:-1])).text(statements[-1].value)


@pytest.mark.parametrize(
    ("source", "expression", "is_groovy", "expected"),
    [
        ('val a = "1"', '"v$a"', False, "v1"),
        ('val a = "1"', '"v$a.b"', False, "v1.b"),
        ("ext.a = '1'", '"v$rootProject.ext.a"', True, "v1"),
        ("ext { a = '1' }", "'v' + a", True, "v1"),
        ("ext { a = '1' }", "'v$a'", True, "v$a"),
        ("ext.versions = [core: '2']", '"${versions.core}"', True, "2"),
        ("ext.versions = [core: '2']", "versions['core']", True, "2"),
        ('extra["a"] = "3"', 'extra["a"]', False, "3"),
        ('extra.apply { set("a", "3") }', 'rootProject.extra["a"] as String', False, None),
        ('extra.apply { set("a", "3") }', '"${rootProject.extra["a"]}"', False, "3"),
        ('val a by extra("4")', "a", False, "4"),
        ('buildscript { ext.k = "5" }', '"$k"', True, "5"),
        ('val a = "\\$b\\n"', "a", False, "$b\n"),
        ('val a = """\\$"""', "a", False, "\\$"),
        ("", "System.getenv('A')", True, None),
        ("def a = b\ndef b = a", "a", True, None),
        ("", "34", False, "34"),
    ],
)
def test_what_expressions_stand_for(source, expression, is_groovy, expected):
    assert value_of(source, expression, is_groovy) == expected


def test_blocks_by_name():
    statements = parse("a { b { c() } }\na { b { d() } }\nb { e() }", groovy=False)
    assert [statement.node for statement in blocks(statements, "a", "b")] == [Call("c"), Call("d")]


def test_an_opaque_statement_keeps_its_source():
    assert kotlin("a + / b") == [Opaque("a + / b")]
