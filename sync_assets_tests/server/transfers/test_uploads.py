"""`/api/uploads` and `/api/statistics`."""

from sync_assets.ledger.types import utc_now


def ids(answer) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["uploads"]]


def test_uploads_are_listed_and_filtered(api, transfers):
    download_id = transfers.add("film.mkv")
    waiting = transfers.upload(download_id, "waiting_download", target="a")
    moving = transfers.upload(download_id, "uploading", target="b")
    failed = transfers.upload(download_id, "failed", target="c", failure_code="quota")
    other = transfers.upload(transfers.add("other.mkv"), "pending", target="a")
    assert ids(api.get("/api/uploads")) == [other, failed, moving, waiting]
    assert ids(api.get("/api/uploads?limit=2")) == [other, failed]
    assert ids(api.get(f"/api/uploads?limit=2&cursor={failed}")) == [moving, waiting]
    assert ids(api.get("/api/uploads/pending")) == [other, moving, waiting]
    assert ids(api.get("/api/uploads?target=a")) == [other, waiting]
    assert ids(api.get(f"/api/uploads?download_id={download_id}&state=failed")) == [failed]
    assert ids(api.get("/api/uploads?text=other")) == [other]
    assert api.get(f"/api/uploads/{failed}").json()["failure_code"] == "quota"


def test_statistics_count_states_bytes_rates_and_days(api, transfers):
    done, moving = transfers.add("a"), transfers.add("b")
    transfers.complete(done, b"12345")
    transfers.upload(
        done,
        "completed",
        verified_by="size",
        completed_at=utc_now(),
        uploaded_bytes=5,
    )
    transfers.upload(moving, "uploading", bytes_per_second=7, retries=2)
    answer = api.get("/api/statistics").json()
    assert answer["downloads"]["states"]["completed"] == 1
    assert answer["downloads"]["states"]["failed"] == 0
    assert answer["downloads"]["bytes"] == 5
    (day,) = answer["downloads"]["days"]
    assert (day["states"], day["bytes"]) == ({"completed": 1, "pending": 1}, 5)
    uploads = answer["uploads"]
    assert (uploads["bytes"], uploads["bytes_per_second"], uploads["retries"]) == (5, 7, 2)
    assert uploads["days"][0]["states"] == {"completed": 1, "uploading": 1}


def test_an_upload_is_steered_and_its_record_deleted(api, transfers):
    upload_id = transfers.upload(transfers.add("film.mkv"), "waiting_download")
    for action, state in [
        ("pause", "paused"),
        ("resume", "waiting_download"),
        ("cancel", "cancelled"),
        ("retry", "waiting_download"),
        ("cancel", "cancelled"),
    ]:
        answer = api.post(f"/api/uploads/{upload_id}/{action}")
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    assert api.post(f"/api/uploads/{upload_id}/confirm").status_code == 409
    who = [e.detail["by"] for e in transfers.events("relay_upload", upload_id) if "by" in e.detail]
    assert who == ["test user"] * 5
    assert api.delete(f"/api/uploads/{upload_id}").status_code == 204
    assert api.get(f"/api/uploads/{upload_id}").status_code == 404


def test_a_record_for_which_the_local_file_is_kept_is_not_deleted(api, transfers):
    download_id = transfers.add("film.mkv")
    transfers.complete(download_id)
    upload_id = transfers.upload(download_id, "failed", failure_code="quota_full")
    answer = api.delete(f"/api/uploads/{upload_id}")
    assert answer.status_code == 409
    assert "delete its download" in answer.json()["error"]["remedy"]
