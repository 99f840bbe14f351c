"""Captions: every text fits, no tag stays open, no character is cut in half."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_assets.settings.caption_templates import DEFAULT_TEMPLATE, valid_caption_template
from sync_assets.telegram.captions import render_caption, utf16_length
from sync_assets.telegram.models import Work
from sync_assets_tests.telegram.works import make_work
from sync_assets_tests.upstreams.telegram_forms import visible_text

FAMILY = "👩‍👩‍👧‍👦"
TEMPLATES = (
    DEFAULT_TEMPLATE,
    '<a href="{url}"><b>{title}</b></a> &amp; {tags}',
    "{title}" + "x" * 1_100,
    "<blockquote>{author}<i>" + "&lt;" * 1_100 + "</i></blockquote>",
)


def render(work: Work, template: str = DEFAULT_TEMPLATE, length: int = 1_024, tags=True) -> str:
    return render_caption(template, work, maximum_length=length, include_tags=tags)


def test_empty_fields_leave_no_empty_lines() -> None:
    caption = render(make_work(author="", tags=()))
    assert caption == "<b>A title</b>\nhttps://www.pixiv.net/artworks/100"


def test_all_fields_are_filled_and_escaped() -> None:
    work = make_work(title="<i> & \"'", rating="R-18", is_ai=True, tags=("女の子", "a b-c", "!"))
    assert visible_text(render(work)) == (
        "<i> & \"'\nAlice\nR-18 AI\n#女の子 #a_b_c\nhttps://www.pixiv.net/artworks/100"
    )


def test_tags_can_be_left_out() -> None:
    assert "#" not in render(make_work(), tags=False)


def test_tags_go_first_and_whole() -> None:
    work = make_work(tags=tuple(f"tag{number:03}" for number in range(300)))
    caption = visible_text(render(work))
    assert caption.startswith("A title\nAlice\n#tag000 #tag001")
    assert caption.endswith("/100")
    assert all(len(each) == 7 for each in caption.split() if each.startswith("#"))
    assert 1_010 < utf16_length(caption) <= 1_024


def test_then_the_title_is_cut_between_two_graphemes() -> None:
    caption = visible_text(render(make_work(title=FAMILY * 400)))
    title = caption.split("\n")[0]
    assert title.endswith("…")
    assert set(title.removesuffix("…").split(FAMILY)) == {""}
    assert caption.endswith("/100")
    assert utf16_length(caption) <= 1_024


def test_a_short_limit_is_kept() -> None:
    for length in range(1, 60):
        caption = render(make_work(title="é" * 40), length=length)
        assert utf16_length(visible_text(caption)) <= length


@given(
    title=st.text(max_size=1_500),
    author=st.text(max_size=600),
    tags=st.lists(st.text(max_size=30), max_size=40),
    template=st.sampled_from(TEMPLATES),
    length=st.integers(1, 1_024),
)
def test_whatever_the_text_telegram_takes_the_caption(
    title: str, author: str, tags: list[str], template: str, length: int
) -> None:
    work = Work.from_json(make_work(title=title, author=author, tags=tuple(tags)).as_json())
    assert utf16_length(visible_text(render(work, template, length))) <= length


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{titel}", r"unknown field \{titel\}"),
        ("{title.__class__}", "unknown field"),
        ("{title!r}", "unknown field"),
        ("{title:>10}", "unknown field"),
        ("{}", "unknown field"),
        ("{title", "brace"),
        ("<b>{title}", "does not close <b>"),
        ("<p>{title}</p>", "does not know"),
        ("{title}</b>", "not open"),
    ],
)
def test_a_broken_template_is_refused_with_what_is_wrong(template: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        valid_caption_template(template)
