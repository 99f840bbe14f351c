"""`scripts/evaluate titles` counts what is right, per field and per source."""

import csv
import json

import pytest

from sync_assets.commands.evaluate import main
from sync_assets.watchlist.titles import ReleaseName, parse_release_name
from sync_assets.watchlist.titles.evaluation import TitlesError, evaluate, read_rows

COLUMNS = (
    *("id", "corpus", "kind", "input", "title", "group", "season", "episode"),
    *("absolute", "resolution", "version"),
)
ROWS = [
    ("1", "sonarr", "absolute", "[G] Hoshi - 05 [720p]", "Hoshi", "G", "", "", "05", "720", ""),
    ("2", "sonarr", "sxe", "Hoshi.S02E05.1080p", "Hoshi", "", "2", "5", "", "1080", ""),
    ("3", "anitomy", "anitomy", "[G] Hoshi - 06v2 [720p]", "Wrong", "G", "", "", "7", "720", "2"),
    ("4", "sonarr", "group", "Hoshi S01E01 Title", "", "<none>", "", "", "", "", ""),
]


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(ROWS)
    return path


def test_it_counts_right_ones_by_field_and_source(labels):
    evaluation = evaluate(read_rows(labels))
    shares = {name: (each.right, each.total) for name, each in evaluation.fields.items()}
    assert shares == {
        "episode": (2, 3),
        "episode_anime": (1, 1),
        "group": (3, 3),
        "resolution": (3, 3),
        "season": (1, 1),
        "title": (2, 3),
        "version": (1, 1),
    }
    assert evaluation.sources["anitomy"]["episode"].share == 0
    assert {(each["id"], each["field"]) for each in evaluation.wrong} == {
        ("3", "episode"),
        ("3", "title"),
    }


def test_an_exception_is_counted_and_shown(labels):
    def fail(name: str) -> ReleaseName:
        if "06v2" in name:
            raise ZeroDivisionError
        return parse_release_name(name)

    evaluation = evaluate(read_rows(labels), fail)
    assert evaluation.exceptions == 1
    assert any(each["field"] == "exception" for each in evaluation.wrong)


def test_the_command_prints_json(labels, capsys):
    assert main(["titles", str(labels), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["fields"]["episode"] == {"right": 2, "total": 3, "share": 0.6667}
    assert printed["exceptions"] == 0
    assert printed["ms_per_title"] > 0
    assert {"names", "sources", "needs_review", "wrong"} <= printed.keys()


def test_the_command_prints_tables(labels, capsys):
    assert main(["titles", str(labels)]) == 0
    assert "episode_anime" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "\x00"])
def test_a_file_of_another_form_is_refused(tmp_path, content):
    path = tmp_path / "labels.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(TitlesError):
        read_rows(path)


def test_labelled_names_of_others_are_read_well(shared_data):
    path = shared_data / "titles" / "release_titles_dev.csv"
    if not path.exists():
        pytest.skip("no labelled names")
    evaluation = evaluate(read_rows(path))
    least = {"episode": 0.96, "episode_anime": 0.96, "group": 0.95, "resolution": 0.9}
    assert {name: evaluation.fields[name].share >= share for name, share in least.items()} == (
        dict.fromkeys(least, True)
    )
    assert evaluation.exceptions == 0
