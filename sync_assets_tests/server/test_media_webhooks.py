"""The media servers' webhooks and `POST /api/v1/custom`: who may send, what is kept, and once."""

import json

import pytest

from sync_assets.ledger.inbox import UNPARSED
from sync_assets.ledger.tokens import Scope
from sync_assets.server.media_payloads import KEPT_BYTES
from sync_assets_tests.bangumi.custom.payloads import EMBY, JELLYFIN, OWN, PLEX, TAUTULLI

WEBHOOKS = {
    "/api/v1/webhook/plex": PLEX,
    "/api/v1/webhook/emby": EMBY,
    "/api/v1/webhook/jellyfin": JELLYFIN,
    "/api/v1/webhook/tautulli": TAUTULLI,
}
PLEX_PATH, EMBY_PATH, JELLYFIN_PATH, _ = WEBHOOKS
CUSTOM = "/api/v1/custom"
POSTER = ("thumb.jpg", b"\xff\xd8\xff\xe0\r\n--boundary\r\n\x00" * 300, "image/jpeg")


def token_of(headers):
    return headers["Authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize("path", WEBHOOKS)
def test_an_event_is_on_disk_before_it_is_acknowledged(client, ingest, stored, path):
    answer = client.post(path, headers=ingest, json=WEBHOOKS[path])
    assert answer.status_code == 202
    (row,) = stored()
    assert answer.json() == {"id": row.event_id, "duplicate": False, "understood": True}
    assert (row.source, row.state) == (path.rpartition("/")[2], "received")
    assert row.payload == WEBHOOKS[path]


@pytest.mark.parametrize("path", [*WEBHOOKS, CUSTOM])
def test_the_same_event_again_is_stored_once(client, ingest, stored, path):
    body = WEBHOOKS.get(path, OWN)
    client.post(path, headers=ingest, json=body)
    reordered = dict(reversed(body.items()))
    answer = client.post(path, headers=ingest, json=reordered)
    assert (answer.status_code, answer.json()["duplicate"]) == (202, True)
    assert len(stored()) == 1


@pytest.mark.parametrize("path", [*WEBHOOKS, CUSTOM])
@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic x"])
def test_without_a_valid_token_nothing_is_stored(client, stored, path, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = client.post(path, headers=headers, json=PLEX)
    assert answer.status_code == 401
    assert stored() == []


def test_senders_without_headers_may_put_a_token_into_the_address(client, ingest, stored):
    path = f"{PLEX_PATH}?token={token_of(ingest)}"
    assert client.post(path, json=PLEX).status_code == 202
    assert client.post(f"{PLEX_PATH}?token=wrong", json=PLEX).status_code == 401
    assert (
        client.post(path, headers={"Authorization": "Bearer wrong"}, json=PLEX).status_code == 401
    )
    assert len(stored()) == 1


@pytest.mark.parametrize("scope", [Scope.USER, Scope.ADMIN])
def test_a_token_that_can_do_more_is_not_taken_from_an_address(client, headers_for, stored, scope):
    path = f"{PLEX_PATH}?token={token_of(headers_for(scope))}"
    assert client.post(path, json=PLEX).status_code == 403
    assert stored() == []


def test_other_routes_take_no_token_from_the_address(client, ingest):
    token = token_of(ingest)
    for path in (CUSTOM, "/api/v1/webhook/generic", "/api/v1/webhook/openlist"):
        assert client.post(f"{path}?token={token}", json=OWN).status_code == 401


def test_plex_sends_its_json_as_a_part_beside_a_poster(client, ingest, stored):
    files = {"payload": (None, json.dumps(PLEX), "application/json"), "thumb": POSTER}
    assert client.post(PLEX_PATH, headers=ingest, files=files).json()["understood"] is True
    assert [row.payload for row in stored()] == [PLEX]


def test_emby_sends_its_json_as_a_part_before_4_9(client, ingest, stored):
    chinese = {**EMBY, "Title": "安在看星の茶壺"}
    files = {"data": (None, json.dumps(chinese, ensure_ascii=False))}
    assert client.post(EMBY_PATH, headers=ingest, files=files).json()["understood"] is True
    assert [row.payload for row in stored()] == [chinese]


def test_jellyfin_sends_a_form_or_json_as_plain_text(client, ingest, stored):
    client.post(
        JELLYFIN_PATH, headers=ingest, data={"SeriesName": "星の茶壺", "EpisodeNumber": "2"}
    )
    plain = {**ingest, "Content-Type": "text/plain; charset=utf-8"}
    client.post(JELLYFIN_PATH, headers=plain, content=json.dumps(JELLYFIN))
    form, text = (row.payload for row in stored())
    assert form == {"SeriesName": "星の茶壺", "EpisodeNumber": "2"}
    assert text == JELLYFIN


@pytest.mark.parametrize("path", WEBHOOKS)
@pytest.mark.parametrize(
    "sent",
    [
        ("application/json", b'{"event": "media.scrobble", '),
        ("application/json", b""),
        ("application/json", b"[]"),
        ("application/json", b"\xff\xfe"),
        ("application/json", b'{"title": "a\\u0000b"}'),
        ("nonsense", b"\0\0"),
        ("multipart/form-data", b"--x\r\n\r\n"),
        ("multipart/form-data; boundary=x", b"--x"),
        ('multipart/form-data; boundary="x', b"--x\r\nContent-Disposition: form-data\r\n\r\n1"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="payload"\r\n\r\n{"a\r\n--x--\r\n',
        ),
        ("application/x-www-form-urlencoded", b"payload=%7B"),
        ("application/x-www-form-urlencoded", b""),
    ],
)
def test_what_cannot_be_parsed_is_kept_and_acknowledged(client, ingest, stored, path, sent):
    content_type, body = sent
    answer = client.post(path, headers={**ingest, "Content-Type": content_type}, content=body)
    assert answer.status_code == 202
    assert answer.json()["understood"] is False
    (row,) = stored()
    assert set(row.payload) == {UNPARSED, "problem"}


@pytest.mark.parametrize(
    "sent",
    [
        ("application/x-www-form-urlencoded", b"a%00b=%00%FF&%ED%A0%80=1"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="\xff\x00\xe6"\r\n\r\n\xff\x00\r\n--x--',
        ),
    ],
)
def test_a_form_of_odd_bytes_is_kept_in_a_form_that_every_database_stores(
    client, ingest, stored, sent
):
    content_type, body = sent
    headers = {**ingest, "Content-Type": content_type}
    assert client.post(JELLYFIN_PATH, headers=headers, content=body).status_code == 202
    text = json.dumps(stored()[0].payload, ensure_ascii=False)
    assert "\\u0000" not in text
    assert text.encode()


def test_of_a_picture_only_the_beginning_is_kept(client, ingest, stored):
    headers = {**ingest, "Content-Type": "multipart/form-data; boundary=x"}
    body = b"--x\r\nContent-Disposition: form-data\r\n\r\n" + b"a" * 500_000
    assert client.post(PLEX_PATH, headers=headers, content=body).status_code == 202
    (row,) = stored()
    assert len(row.payload[UNPARSED]) <= KEPT_BYTES


@pytest.mark.parametrize("path", [*WEBHOOKS, CUSTOM])
def test_a_body_of_ten_megabytes_is_refused(client, ingest, stored, path):
    assert client.post(path, headers=ingest, content=b"x" * 10_000_000).status_code == 413
    assert stored() == []


def test_an_item_of_one_s_own_program_is_stored_as_it_is_checked(client, ingest, stored):
    given = {**OWN, "season": "1", "ids": {"tmdb": 100}}
    assert client.post(CUSTOM, headers=ingest, json=given).status_code == 202
    (row,) = stored()
    assert (row.source, row.payload) == ("custom", OWN)


def test_the_names_of_bangumi_syncer_are_understood(client, ingest, stored):
    item = {
        "media_type": "episode",
        "title": "Star Kettle",
        "ori_title": "星の茶壺",
        "season": 1,
        "episode": 2,
        "release_date": "2026-04-08",
        "user_name": "Ann",
        "source": "script",
    }
    assert client.post(CUSTOM, headers=ingest, json=item).status_code == 202
    payload = stored()[0].payload
    assert (payload["original_title"], payload["user"], payload["action"]) == (
        "星の茶壺",
        "Ann",
        "watched",
    )


def test_a_key_of_the_sender_s_own_goes_before_the_content(client, ingest, stored):
    headers = {**ingest, "Idempotency-Key": "play-1"}
    client.post(CUSTOM, headers=headers, json=OWN)
    answer = client.post(CUSTOM, headers=headers, json={**OWN, "episode": 3})
    assert answer.json() == {"id": "play-1", "duplicate": True}
    assert len(stored()) == 1


@pytest.mark.parametrize(
    ("change", "location"),
    [
        ({"title": " "}, "body.title"),
        ({"user": None}, "body.user"),
        ({"episode": None}, "body"),
        ({"episode": -1}, "body.episode"),
        ({"release_date": "soon"}, "body.release_date"),
        ({"media_type": "song"}, "body.media_type"),
        ({"action": "paused"}, "body.action"),
        ({"ids": {"tmdb": "a"}}, "body.ids.tmdb"),
        ({"ids": {"anidb": "1"}}, "body.ids.anidb"),
        ({"titel": "x"}, "body.titel"),
    ],
)
def test_a_wrong_field_is_named(client, ingest, stored, change, location):
    answer = client.post(CUSTOM, headers=ingest, json={**OWN, **change})
    assert answer.status_code == 422
    assert location in {each["location"] for each in answer.json()["error"]["fields"]}
    assert stored() == []


def test_a_film_needs_no_number(client, ingest):
    film = {"media_type": "movie", "title": "Star Kettle the Movie", "user": "Ann"}
    assert client.post(CUSTOM, headers=ingest, json=film).status_code == 202


def test_a_body_that_is_not_json_is_refused_where_programs_read_the_answer(client, ingest):
    assert client.post(CUSTOM, headers=ingest, content=b"{").status_code == 400
