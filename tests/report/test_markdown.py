"""The report as Markdown: what a reviewer reads in a pull request, and what a hostile text cannot do there."""

import re

import pytest
from markdown_it import MarkdownIt
from pages import failing, judged, odd, passing, report, skipping
from snapshot import assert_snapshot

from goldmask.contract.errors import ExitCode
from goldmask.report.markdown import CUT, MAX_CHARACTERS, MAX_ROWS, Upload, code, marker, to_markdown
from goldmask.report.report import Report, Skipped
from goldmask.verdict.compare import Judged, NotJudged, NotRun, Verdict
from goldmask.verdict.diagnosis import Diagnosis

RUNS = {"passing": passing, "failing": failing, "skipping": skipping, "odd": odd}
UPLOAD = Upload("masks", "https://github.com/someone/app/actions/runs/7")
HOSTILE = (
    "a | b",
    "`a` ``b`` `",
    "\\`a\\` \\| \\",
    "<img src=x onerror=alert(1)><script>alert(1)</script>",
    "<!-- goldmask report --> --> <details>",
    "@someone and @org/team",
    "[here](https://evil.example) ![x](https://evil.example/x.png) <https://evil.example>",
    "see www.evil.example, https://evil.example, me@evil.example, #1, org/app#1",
    "one\n\n# two\n\n| a | b |\n|---|---|\n::error::three\r\n::add-mask::four",
    "**bold** _it_ ~~gone~~ $x$ :tada: &lt;b&gt; &#64;",
    "[a]: https://evil.example\n[a]",
    "```\n~~~\n    code",
    "##[add-mask]five",
    "\x1b[31mred\u202e",
)
ALLOWED = {"h3", "h4", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "ul", "li", "strong", "br", "a"}


def html_of(page: str) -> str:
    """What CommonMark makes of a page, with tables; HTML passes through, as it does on GitHub before it is cleaned."""
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(page)


def hostile(text: str) -> Report:
    """`text` in every place of a report where a stranger's may be."""
    names = {"model": text, "target": text, "pipeline": text, "case": text, "reason": text}
    found = Diagnosis(cause=text, evidence=text, alternatives=(text,))
    place = (text, text, text, text)
    return report(
        judged(*place, Verdict.FAIL, text, 3, runtime=text, latency=None, diagnosis=found),
        judged(*place, Verdict.WARN, text, runtime=text, latency=None),
        NotJudged(**names, exit_code=ExitCode.RUN),
        NotRun(**names),
        skipped=(Skipped(model=text, target=text, pipeline=text, reason=text, fix=text),),
        notes=(text,),
    )


def shape_of(page: str) -> str:
    """The tags of a page, without what is in its code spans."""
    return re.sub(r"<code>.*?</code>", "<code>", html_of(page), flags=re.DOTALL)


@pytest.mark.parametrize("name", RUNS)
def test_a_comment_of_each_kind_of_run(name):
    assert_snapshot(f"markdown-{name}", to_markdown(RUNS[name](), UPLOAD))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_of_strangers_stays_text_in_a_comment(text):
    page = to_markdown(hostile(text), UPLOAD)
    assert shape_of(page) == shape_of(to_markdown(hostile("harmless"), UPLOAD)), page
    tags = set(re.findall(r"<(\w+)", html_of(page.partition("\n")[2])))
    assert tags <= ALLOWED
    assert re.findall(r'href="(.*?)"', html_of(page)) == [UPLOAD.run_url]
    assert "##[" not in page and not any(line.lstrip().startswith("::") for line in page.splitlines())
    assert page.replace("\n", "").isprintable()


def test_a_text_that_is_not_escaped_would_be_seen():
    """The twin: each of the tests above looks at what Markdown makes of a text."""
    page = to_markdown(hostile("harmless"), UPLOAD)
    for text in ("a | b", "<script>x</script>", "[here](https://evil.example)"):
        assert shape_of(page.replace("`harmless`", text)) != shape_of(page)


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\n" not in text and text.isprintable()])
def test_a_code_span_shows_the_text_itself(text):
    shown = MarkdownIt("commonmark").parseInline(code(text))[0].children
    assert [(each.type, each.content) for each in shown] == [("code_inline", text.replace("##[", "## ["))]
    assert code("") == "–"


def test_a_comment_is_found_again_by_its_first_line():
    first, second = (to_markdown(each(), UPLOAD).splitlines()[0] for each in (passing, failing))
    assert first == second == marker(UPLOAD) == "<!-- goldmask report masks -->"
    assert marker(Upload("a --> b")) == "<!-- goldmask report a_--__b -->" and marker() == "<!-- goldmask report -->"


def test_a_comment_says_where_its_pictures_are():
    assert "in the artefact `masks` of [this run](https://github.com/someone/app/actions/runs/7)" in to_markdown(
        failing(), UPLOAD
    )
    assert "in the folder of the report" in to_markdown(failing())
    assert "(https" not in to_markdown(failing(), Upload("masks", "https://a.example/) [x](https://evil.example"))
    assert "data:" not in to_markdown(failing(), UPLOAD)


def test_a_change_that_could_be_meant_has_its_command():
    assert "golden.review --from <the unpacked artefact>`" in to_markdown(failing(), UPLOAD)
    assert "golden.review" not in to_markdown(passing(), UPLOAD)


def test_the_worst_failures_come_first_and_the_others_are_counted():
    place = ("m", "python", "lib_interpreter")
    rows = [judged(*place, f"c{each}", Verdict.FAIL, f"reason {each}", each) for each in range(1, MAX_ROWS + 3)]
    page = to_markdown(report(*rows))
    shown = [int(number) for number in re.findall(r"`reason (\d+)`", page)]
    assert shown == list(range(MAX_ROWS + 2, 2, -1)) and "and 2 more causes: see `report.json`" in page


def long_row(number: int) -> Judged:
    names = [f"{name}-{number}-" + "`" * 299 for name in ("model", "target", "pipeline", "case")]
    return judged(*names, Verdict.FAIL, "|" * 300, number + 1)


def test_a_comment_fits_into_what_github_takes():
    page = to_markdown(report(*(long_row(number) for number in range(120))), UPLOAD)
    assert MAX_CHARACTERS * 0.9 < len(page) <= MAX_CHARACTERS and page.endswith(f"\n\n{CUT}\n")
    assert CUT not in to_markdown(failing(), UPLOAD)
    assert set(re.findall(r"<(\w+)", html_of(page))) <= ALLOWED
