"""Reading storage events: traps 23 and 27. Nothing that a sender writes leads out of a root."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync_assets.strm.events.parsing import (
    UNPARSED,
    Change,
    ChangeKind,
    MountChange,
    Parsed,
    UnusablePathError,
    checked_path,
    is_known_form,
    parse_event,
)
from sync_assets.strm.events.routing import Expectation, route

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "strm" / "cd2_webhook_samples.jsonl"
ROOTS = {"films": "/115/影视", "other": "/other"}


def clouddrive(action="create", path="/115/影视/a.mkv", is_dir="false", destination="") -> dict:
    item = {
        "action": action,
        "is_dir": is_dir,
        "source_file": path,
        "destination_file": destination,
    }
    return {"event_time": "1763776800", "data": [item]}


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "missing"),
        (None, "missing"),
        (17, "missing"),
        ("115/影视/a.mkv", "not absolute"),
        ("..", "not absolute"),
        ("\\115\\影视", "not absolute"),
        ("{source_file}", "did not fill in"),
        ("/115/影视/../../../etc", "upwards"),
        ("/115/影视/电影/../../../../tmp/x.mkv", "upwards"),
        ("/115/影视/./a.mkv", "upwards"),
        ("/115/影视/%2e%2e/a.mkv", "upwards"),
        ("/115/影视/%2E./a.mkv", "upwards"),
        ("/115/影视/%252e%252e/a.mkv", "upwards"),
        ("/..", "upwards"),
        ("/115/影视/a\0.mkv", "no file name has"),
        ("/115/影视/\ud83d.mkv", "no file name has"),
        ("/" + "x" * 5_000, "no file name has"),
    ],
)
def test_trap_23_a_path_that_leads_astray_is_refused_with_the_reason(path, why):
    with pytest.raises(UnusablePathError, match=why):
        checked_path(path)
    parsed = parse_event(clouddrive(path=path if path is not None else 0))
    assert parsed.changes == []
    assert len(parsed.rejected) == 1


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/115//影视/a.mkv/", "/115/影视/a.mkv"),
        ("/115/影视/..a/b..mkv", "/115/影视/..a/b..mkv"),
        ("/115/影视/100%.mkv", "/115/影视/100%.mkv"),
        ("/115/影视/%41.mkv", "/115/影视/%41.mkv"),
        ("/115/影视/back\\slash.mkv", "/115/影视/back\\slash.mkv"),
        ("/115/影视/new\nline.mkv", "/115/影视/new\nline.mkv"),
        ("/", "/"),
    ],
)
def test_trap_23_an_unusual_path_stays_as_it_is(path, expected):
    assert checked_path(path) == expected


@pytest.mark.parametrize(
    ("path", "touched", "rescanned"),
    [
        ("/115/影视/a/b.mkv", ["a/b.mkv"], []),
        ("/115/影视2/a.mkv", [], []),
        ("/115/影视x", [], []),
        ("/115\\影视\\..\\x.mkv", [], []),
        ("/115/影视", [], [""]),
        ("/115/影视/", [], [""]),
        ("/115", [], [""]),
        ("/11", [], []),
        ("/somewhere/else.mkv", [], []),
    ],
)
def test_trap_23_a_root_covers_what_is_below_it_and_not_its_twins(path, touched, rescanned):
    changes = parse_event(clouddrive("delete", path)).changes
    job = route([(1, change) for change in changes], ROOTS).get("films")
    assert list(job.touches if job else []) == touched
    assert list(job.rescans if job else []) == rescanned


def test_trap_23_the_longest_root_wins_and_equal_roots_share():
    roots = {"all": "/115", "films": "/115/films", "copy": "/115/films", "twin": "/115/film"}
    routed = route([(1, Change(ChangeKind.CREATE, "/115/films/a.mkv"))], roots)
    assert {name: list(job.touches) for name, job in routed.items()} == {
        "films": ["a.mkv"],
        "copy": ["a.mkv"],
    }
    everything = route([(1, Change(ChangeKind.RESCAN, "/"))], roots)
    assert {name: list(job.rescans) for name, job in everything.items()} == {
        name: [""] for name in roots
    }


@pytest.mark.parametrize("value", [True, "true", "TRUE", "True", "1", 1])
def test_trap_27_is_dir_is_a_boolean_or_its_name(value):
    (change,) = parse_event(clouddrive(is_dir=value)).changes
    assert change.is_directory is True
    (change,) = parse_event(clouddrive(is_dir="{is_dir}")).changes
    assert change.is_directory is None


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("create", ChangeKind.CREATE),
        ("CREATE", ChangeKind.CREATE),
        (" Delete ", ChangeKind.DELETE),
        ("touch", ChangeKind.UPDATE),
        ("{action}", ChangeKind.UPDATE),
        ("", ChangeKind.UPDATE),
        (None, ChangeKind.UPDATE),
        ("rename", ChangeKind.DELETE),
    ],
)
def test_trap_27_an_action_that_nobody_knows_is_a_look_at_its_path(action, kind):
    assert [change.kind for change in parse_event(clouddrive(action)).changes] == [kind]


def test_trap_27_a_template_that_was_not_filled_in_is_refused():
    payload = clouddrive("{action}", "{source_file}", "{is_dir}", "{destination_file}")
    parsed = parse_event(payload)
    assert parsed.changes == []
    assert all("mend its template" in reason for reason in parsed.rejected)


@pytest.mark.parametrize(
    "payload",
    [
        {"event_category": "file"},
        {},
        {"data": {"action": "create"}},
        {"data": []},
        {"data": "text"},
        {"data": None},
        {"data": [17]},
        {"data": [["a"]]},
        {UNPARSED: "not JSON at all"},
        {UNPARSED: ""},
    ],
)
def test_trap_27_what_has_no_form_asks_for_everything(payload):
    assert not is_known_form(payload)
    assert parse_event(payload) == Parsed([Change(ChangeKind.RESCAN, "/")])


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ('{"source_file":"/115/影视/a"b.mkv","destination_file":""}', ["/115/影视"]),
        ('{"source_file": "/115/影视/x/say "hi", he.mkv", "a": 1}', ["/115/影视/x"]),
        (r'{"source_file":"/115/\u5f71/a"b.mkv"}', ["/115"]),
        ('{"source_file":"/115/x\\0y/a.mkv"}', ["/115"]),
        ('{"source_file":"/a/b"c","destination_file":"/d/e"f"}', ["/a", "/d"]),
        ('{"source_file":"/115/../etc/a"b"}', ["/"]),
    ],
)
def test_trap_27_a_broken_body_asks_for_the_smallest_tree_that_surely_holds_it(text, paths):
    assert parse_event({UNPARSED: text}).changes == [
        Change(ChangeKind.RESCAN, path) for path in paths
    ]


def test_one_end_of_a_rename_that_leads_astray_does_not_hide_the_other():
    parsed = parse_event(clouddrive("rename", "/../x", "false", "/115/影视/y.mkv"))
    assert [(each.kind, each.path) for each in parsed.changes] == [("create", "/115/影视/y.mkv")]
    parsed = parse_event(clouddrive("rename", "/115/影视/y.mkv", "false", "/../x"))
    assert [(each.kind, each.path) for each in parsed.changes] == [("delete", "/115/影视/y.mkv")]
    assert len(parsed.rejected) == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1763776800", datetime(2025, 11, 22, 2, tzinfo=UTC)),
        (1763776800, datetime(2025, 11, 22, 2, tzinfo=UTC)),
        ("1763776800000", datetime(2025, 11, 22, 2, tzinfo=UTC)),
        ("2025-11-22T10:00:00+08:00", datetime(2025, 11, 22, 2, tzinfo=UTC)),
        ("2025-11-22 10:00:00", None),
        ("{event_time}", None),
        ("9" * 400, None),
        (None, None),
    ],
)
def test_the_time_of_an_event_is_read_where_it_says_its_zone(value, expected):
    (change,) = parse_event({**clouddrive(), "event_time": value}).changes
    assert change.occurred_at == expected


@pytest.mark.parametrize(
    ("action", "status", "expected"),
    [
        ("mount", "true", [True]),
        ("mount", "false", [False]),
        ("unmount", "true", [False]),
        ("unmount", "false", []),
        ("UNMOUNT", None, [False]),
        ("{action}", "true", []),
    ],
)
def test_trap_28_a_mount_event_says_whether_the_drive_is_there(action, status, expected):
    item = {"action": action, "mount_point": "/CloudNAS", "status": status, "reason": ""}
    parsed = parse_event({"data": [item]})
    assert parsed.mounts == [MountChange("/CloudNAS", each) for each in expected]
    assert bool(parsed.rejected) == (action == "{action}")


def test_the_simple_form_is_understood():
    payload = {"path": "/a/b", "action": "move", "is_dir": True, "destination": "/a/c"}
    assert is_known_form(payload)
    assert parse_event(payload).changes == [Change(ChangeKind.RENAME, "/a/b", "/a/c", True)]


def test_a_chain_of_renames_becomes_one_and_a_swap_two():
    def renames(*pairs: tuple[str, str]) -> list[tuple[str, str]]:
        changes = [Change(ChangeKind.RENAME, f"/other{a}", f"/other{b}", True) for a, b in pairs]
        return route(list(enumerate(changes)), ROOTS)["other"].renames

    assert renames(("/a", "/b"), ("/b", "/c")) == [("a", "c")]
    assert renames(("/a", "/b"), ("/b", "/a")) == []
    assert renames(("/a", "/t"), ("/b", "/a"), ("/t", "/b")) == [("a", "b"), ("b", "a")]
    assert renames(("/a/x", "/a/y"), ("/a", "/b")) == [("a/x", "b/y"), ("a", "b")]


def test_a_rename_across_roots_is_a_deletion_in_one_and_a_creation_in_the_other():
    change = Change(ChangeKind.RENAME, "/other/X", "/115/影视/X", True)
    routed = route([(1, change)], ROOTS)
    assert routed["other"].touches["X"].expectation is Expectation.ABSENT
    assert routed["films"].touches["X"].expectation is Expectation.PRESENT
    assert routed["other"].renames == routed["films"].renames == []


def test_what_was_made_and_then_removed_with_its_folder_is_expected_no_more():
    changes = [
        Change(ChangeKind.CREATE, "/other/A/x.mkv"),
        Change(ChangeKind.DELETE, "/other/A"),
    ]
    assert (
        route(list(enumerate(changes)), ROOTS)["other"].touches["A/x.mkv"].expectation
        is Expectation.UNKNOWN
    )


def test_traps_23_to_27_every_sample_of_clouddrive_is_understood_or_refused():
    if not SAMPLES.exists():
        pytest.skip(f"the samples are not here: {SAMPLES.name}")
    outcomes = {}
    for line in SAMPLES.read_text(encoding="utf-8").splitlines():
        sample = json.loads(line)
        parsed = parse_event(sample.get("body", {UNPARSED: sample.get("raw")}))
        routed = route([(1, change) for change in parsed.changes], {"films": "/115/影视"})
        job = routed.get("films")
        touched = sorted(job.touches) + [f"scan {path}" for path in job.rescans] if job else []
        outcomes[sample["case"]] = touched or bool(parsed.rejected) or len(parsed.mounts)
    assert outcomes == {
        "create file": ["电影/A (2026)/A.mkv"],
        "create dir": ["电影/B (2026)"],
        "delete file": ["电影/A (2026)/A.mkv"],
        "delete dir": ["电影/B (2026)"],
        "rename file": ["a.mkv", "b.mkv"],
        "move dir across job roots": ["剧集/X", "电影/X"],
        "move out of every root": ["电影/Y.mkv"],
        "escape ..": True,
        "escape inside": True,
        "root itself": ["scan "],
        "parent of the root": ["scan "],
        "prefix twin": 0,
        "backslash": 0,
        "NUL": True,
        "bool is_dir": ["c"],
        "upper-case action": ["d.mkv"],
        "unknown action": ["d.mkv"],
        "missing data": ["scan "],
        "data object, not array": ["scan "],
        "unrendered placeholders": True,
        "unmount": 1,
        "two events, delete then create": ["f.mkv"],
        "raw quote in a file name breaks the template's JSON": ["scan "],
    }
