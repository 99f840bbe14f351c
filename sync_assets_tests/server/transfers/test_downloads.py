"""`/api/downloads`: lists that hold still, wishes, and deletions that lose nothing."""

import pytest

from sync_assets.ledger.leases import hold_lease
from sync_assets.ledger.tokens import Scope
from sync_assets.relay import downloads, enqueue
from sync_assets.relay.models import LEASE_NAME


def names(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["downloads"]]


def error(answer, status: int) -> dict:
    assert answer.status_code == status, answer.text
    found = answer.json()["error"]
    assert found["remedy"]
    return found


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/downloads"),
        ("GET", "/api/downloads/1"),
        ("POST", "/api/downloads/1/pause"),
        ("DELETE", "/api/downloads/1"),
        ("GET", "/api/uploads"),
        ("GET", "/api/uploads/pending"),
        ("GET", "/api/uploads/1"),
        ("GET", "/api/media"),
        ("GET", "/api/media/1"),
        ("GET", "/api/statistics"),
    ],
)
def test_every_address_needs_the_scope_user(client, ingest, method, path):
    assert client.request(method, path).status_code == 401
    assert client.request(method, path, headers=ingest).status_code == 403


@pytest.mark.parametrize("path", ["/api/downloads/9", "/api/uploads/9", "/api/media/9"])
def test_what_is_not_there_is_404(api, path):
    assert error(api.get(path), 404)["code"] == "unknown_subject"


def test_pages_hold_still_while_downloads_arrive(api, transfers):
    for number in range(7):
        transfers.add(f"{number}.mkv")
    seen, cursor = [], None
    while True:
        parameters = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        page = api.get("/api/downloads", params=parameters)
        seen += names(page)
        transfers.add(f"new {len(seen)}.mkv".replace(" ", "%20"))
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"{number}.mkv" for number in reversed(range(7))]


def test_filters(api, transfers):
    first, second, third = (transfers.add(name) for name in ("a.mkv", "b_100%25.mkv", "C.mkv"))
    with transfers.ledger.write() as connection:
        downloads.pause(connection, second)
    transfers.upload(first, "pending", target="onedrive")
    transfers.complete(third)
    assert names(api.get("/api/downloads", params={"state": ["paused", "completed"]})) == [
        "C.mkv",
        "b_100%.mkv",
    ]
    assert names(api.get("/api/downloads?text=_100%25")) == ["b_100%.mkv"]
    assert names(api.get("/api/downloads?text=c.MKV")) == ["C.mkv"]
    assert names(api.get("/api/downloads?target=onedrive")) == ["a.mkv"]
    assert names(api.get("/api/downloads?kind=magnet")) == []
    day = api.get(f"/api/downloads/{first}").json()["day"]
    assert len(names(api.get(f"/api/downloads?day={day}"))) == 3
    assert names(api.get("/api/downloads?day=2001-01-01")) == []
    error(api.get("/api/downloads?state=nonsense"), 422)
    error(api.get("/api/downloads?limit=0"), 422)


def test_a_download_comes_with_its_uploads_and_without_secrets(api, transfers):
    download_id = transfers.add("film.mkv?token=secret")
    upload_id = transfers.upload(download_id, "waiting_download")
    answer = api.get(f"/api/downloads/{download_id}")
    assert answer.json()["uploads"][0]["id"] == upload_id
    assert answer.json()["link"].endswith("/film.mkv")
    assert "secret" not in answer.text
    assert "secret" not in api.get("/api/media").text


def test_wishes_are_written_at_once_with_who_had_them(api, transfers):
    download_id = transfers.add("film.mkv")
    for action, state in [
        ("pause", "paused"),
        ("pause", "paused"),
        ("resume", "pending"),
        ("cancel", "cancelled"),
        ("retry", "pending"),
    ]:
        answer = api.post(f"/api/downloads/{download_id}/{action}")
        assert answer.status_code == 200
        assert answer.json()["state"] == state
    who = [event.detail for event in transfers.events("relay_download", download_id)]
    named = [(each["action"], each["by"]) for each in who if "action" in each]
    assert named == [
        (action, "test user") for action in ("pause", "pause", "resume", "cancel", "retry")
    ]


def test_what_does_not_fit_the_state_is_refused_with_a_way_on(api, transfers):
    download_id = transfers.add("film.mkv")
    transfers.complete(download_id)
    assert error(api.post(f"/api/downloads/{download_id}/pause"), 409)["code"] == "not_possible"
    error(api.post(f"/api/downloads/{download_id}/explode"), 422)
    assert not [e for e in transfers.events("relay_download", download_id) if "by" in e.detail]


def test_a_download_that_is_not_at_rest_is_not_deleted(api, transfers):
    download_id = transfers.add("film.mkv")
    assert "Cancel it" in error(api.delete(f"/api/downloads/{download_id}"), 409)["remedy"]
    assert api.get(f"/api/downloads/{download_id}").status_code == 200


@pytest.mark.parametrize("state", ["pending", "uploading", "paused"])
def test_a_download_whose_upload_is_not_at_rest_is_not_deleted(api, transfers, state):
    download_id = transfers.add("film.mkv")
    path = transfers.complete(download_id)
    transfers.upload(download_id, state)
    error(api.delete(f"/api/downloads/{download_id}?with_file=true"), 409)
    assert path.exists()


def test_a_cancelled_download_stays_until_aria2_has_been_told(api, transfers):
    download_id = transfers.add("film.mkv")
    api.post(f"/api/downloads/{download_id}/cancel")
    with hold_lease(transfers.ledger, LEASE_NAME, purpose="a test"):
        error(api.delete(f"/api/downloads/{download_id}"), 409)
    # Without a worker there is no aria2 that could go on with it.
    assert api.delete(f"/api/downloads/{download_id}").status_code == 200


def test_a_record_is_deleted_with_what_belongs_to_it_and_the_file_stays(api, transfers):
    download_id = transfers.add("film.mkv")
    path = transfers.complete(download_id)
    upload_id = transfers.upload(download_id, "cancelled")
    answer = api.delete(f"/api/downloads/{download_id}")
    assert answer.json() == {"id": download_id, "file_removed": False, "problem": None}
    assert path.exists()
    for path_of in (f"/api/downloads/{download_id}", f"/api/uploads/{upload_id}", "/api/media/1"):
        error(api.get(path_of), 404)
    last = transfers.events("relay_download", download_id)[-1]
    assert (last.previous_state, last.state, last.detail["by"]) == (
        "completed",
        "deleted",
        "test user",
    )
    assert transfers.events("relay_upload", upload_id)[-1].state == "deleted"


def test_the_file_goes_where_that_is_wanted_and_nothing_beside_it(api, transfers):
    download_id, other = transfers.add("film.mkv"), transfers.add("other.mkv")
    path, kept = transfers.complete(download_id), transfers.complete(other)
    answer = api.delete(f"/api/downloads/{download_id}?with_file=true")
    assert answer.json()["file_removed"] is True
    assert not path.parent.exists()
    assert kept.exists()


def test_a_folder_that_leads_elsewhere_is_left_alone(api, transfers, tmp_path):
    download_id = transfers.add("film.mkv")
    path = transfers.complete(download_id)
    elsewhere = tmp_path / "elsewhere"
    path.parent.rename(elsewhere)
    path.parent.symlink_to(elsewhere)
    answer = api.delete(f"/api/downloads/{download_id}?with_file=true").json()
    assert answer["file_removed"] is False
    assert "by hand" in answer["problem"]
    assert (elsewhere / path.name).exists()


def test_what_is_wanted_again_after_its_deletion_is_downloaded_again(api, transfers):
    download_id = transfers.add("film.mkv")
    transfers.complete(download_id)
    api.delete(f"/api/downloads/{download_id}")
    assert transfers.add("film.mkv") > download_id


def test_everything_is_deleted_by_an_administrator_who_means_it(client, transfers, user, admin):
    done, failed, running = (transfers.add(name) for name in ("a", "b", "c"))
    path = transfers.complete(done)
    transfers.fail(failed)

    def delete(headers, body):
        return client.request("DELETE", "/api/downloads", headers=headers, json=body)

    meant = {"confirm": "all downloads", "with_file": True}
    assert error(delete(user, meant), 403)["code"] == "forbidden"
    for body in ({}, {"confirm": "yes"}, {"with_file": True}):
        error(delete(admin, body), 422)
    assert path.exists()
    assert delete(admin, meant).json() == {"deleted": 2, "in_use": 1, "problems": []}
    assert not path.exists()
    left = client.get("/api/downloads", headers=user).json()["downloads"]
    assert [each["id"] for each in left] == [running]


def test_more_than_one_page_is_deleted(client, transfers, admin):
    with transfers.ledger.write() as connection:
        for number in range(230):
            wanted = enqueue(connection, source="test", link=f"http://93.184.216.34/{number}")
            downloads.cancel(connection, wanted.download_id)
    body = {"confirm": "all downloads"}
    answer = client.request("DELETE", "/api/downloads", headers=admin, json=body)
    assert answer.json()["deleted"] == 230


def test_an_administrator_may_do_what_a_user_may(client, headers_for):
    assert client.get("/api/downloads", headers=headers_for(Scope.ADMIN)).status_code == 200
