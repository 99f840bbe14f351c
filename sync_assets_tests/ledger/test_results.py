"""Results: the last one of each domain and partition, all of them in the history."""

from sync_assets.ledger import Ledger
from sync_assets.ledger.events import read_events
from sync_assets.ledger.results import Result, ResultStatus, read_results, record_result


def test_the_last_result_replaces_the_one_before_and_the_history_keeps_both(
    ledger: Ledger,
) -> None:
    with ledger.write() as connection:
        record_result(connection, Result("strm", "movies", ResultStatus.OK, added=3))
        record_result(connection, Result("strm", "shows", ResultStatus.OK))
        last = Result("strm", "movies", ResultStatus.FAILED, failed=1, detail={"error": "剧"})
        record_result(connection, last)
    with ledger.read() as connection:
        results = read_results(connection)
        history = read_events(connection, entity="result", entity_id="strm/movies")
    assert [(each.partition, each.status) for each in results] == [
        ("movies", ResultStatus.FAILED),
        ("shows", ResultStatus.OK),
    ]
    assert results[0] == last
    assert [(each.previous_state, each.state) for each in history] == [
        (None, "ok"),
        ("ok", "failed"),
    ]
