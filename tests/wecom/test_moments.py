"""Moments: what may be published, what became of the job, and whom it reached."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from siyu_sdk import InputError, InvalidArgument
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.mass_messages import CreateType
from siyu_sdk.wecom.messages import Image, Link, Text, Video
from siyu_sdk.wecom.moments import JobStatus, MomentLink, Moments, PublishStatus, VisibleType

PREFIX = "/cgi-bin/externalcontact"
NOW = datetime(2024, 5, 6, 9, tzinfo=UTC)


def test_a_moment_is_asked_for(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(f"{PREFIX}/add_moment_task", {"jobid": "j1"})
    made = wecom.moments.create(
        text=Text(content="榴莲到货"),
        attachments=[MomentLink(title="下单", url="https://example.com", media_id="m1")],
        visible_range={"sender_list": {"user_list": ["amy"]}, "external_contact_list": {"tag_list": ["et1"]}},
    )
    assert made.jobid == "j1"
    assert loopback.seen[0].json == {
        "text": {"content": "榴莲到货"},
        "attachments": [{"msgtype": "link", "link": {"title": "下单", "url": "https://example.com", "media_id": "m1"}}],
        "visible_range": {"sender_list": {"user_list": ["amy"]}, "external_contact_list": {"tag_list": ["et1"]}},
    }


@pytest.mark.parametrize(
    ("arguments", "field", "says"),
    [
        ({}, "text", "nothing to publish"),
        ({"text": Text(content="好" * 2001)}, "text", "2000 characters"),
        ({"attachments": [Image(media_id="m")] * 10}, "attachments", "at most 9"),
        ({"attachments": [Video(media_id="m")] * 2}, "attachments", "at most 1 video"),
        ({"attachments": [MomentLink(url="u", media_id="m")] * 2}, "attachments", "at most 1 link"),
        ({"attachments": [MomentLink(url="u")]}, "attachments.0.link", "MomentLink needs media_id here, got url"),
        ({"attachments": [MomentLink(title="标" * 43, url="u", media_id="m")]}, "attachments.0.link.title", "128 bytes"),
        ({"attachments": [Image(media_id="m"), Image(pic_url="u")]}, "attachments.1.image", "Image needs media_id here, got pic_url"),
        ({"attachments": [Link(title="t", url="u")]}, "attachments.0", "MomentLink"),
        (
            {"text": {"content": "x"}, "visible_range": {"sender_list": {"user_list": ["u"] * 100_001}}},
            "visible_range.sender_list",
            "100000",
        ),
    ],
)
def test_what_cannot_be_published_is_refused(arguments: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        Moments.create(**arguments)
    assert caught.value.field == field


def test_a_job_tells_the_moment_or_the_reason(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(
        f"{PREFIX}/get_moment_task_result",
        {"status": 1, "type": "add_moment_task"},
        {"status": 3, "result": {"errcode": 0, "errmsg": "ok", "moment_id": "mom1", "invalid_sender_list": {"user_list": ["bob"]}}},
        {"status": 3, "result": {"errcode": 41072, "errmsg": "wrong scene"}},
    )
    begun, done, failed = (wecom.moments.job("j1") for _ in range(3))
    assert (begun.status, begun.result) == (JobStatus.STARTED, None)
    assert done.result is not None
    assert (done.result.moment_id, done.result.error) == ("mom1", None)
    assert done.result.invalid_sender_list is not None
    assert done.result.invalid_sender_list.user_list == ("bob",)
    assert failed.result is not None
    assert isinstance(failed.result.error, InvalidArgument)


def test_moments_are_listed_twenty_at_a_time_within_thirty_days(loopback: Any, wecom: WeCom) -> None:
    moment = {
        "moment_id": "mom1",
        "create_type": 0,
        "visible_type": 0,
        "image": [{"media_id": "m1"}],
        "location": {"latitude": "23.1", "longitude": 113.3},
    }
    loopback.answer(f"{PREFIX}/get_moment_list", {"moment_list": [moment], "next_cursor": "c"}, {"moment_list": []})
    (found,) = wecom.moments.all(start_time=NOW - timedelta(days=30), end_time=NOW)
    assert (found.create_type, found.visible_type, found.image) == (CreateType.CORP, VisibleType.SOME, (Image(media_id="m1"),))
    assert found.to_wire() == moment
    assert [seen.json["limit"] for seen in loopback.seen] == [20, 20]
    with pytest.raises(InputError, match="30 days"):
        Moments.list(start_time=NOW - timedelta(days=31), end_time=NOW)
    with pytest.raises(InputError, match="20"):
        Moments.list(start_time=NOW, end_time=NOW, limit=21)


def test_what_became_of_it_comes_page_by_page(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(
        f"{PREFIX}/get_moment_task",
        {"task_list": [{"userid": "amy", "publish_status": 1}], "next_cursor": "c"},
        {"task_list": [{"userid": "bob", "publish_status": 0}]},
    )
    rows = [{"userid": "amy", "external_userid": "wm1"}, {"userid": "amy", "external_userid": "wm2"}]
    loopback.answer(f"{PREFIX}/get_moment_customer_list", {"customer_list": rows[:1], "next_cursor": "c"}, {"customer_list": rows[1:]})
    loopback.answer(f"{PREFIX}/get_moment_send_result", {"customer_list": [{"external_userid": "wm1"}]})
    tasks = [(task.userid, task.publish_status) for task in wecom.moments.tasks("mom1")]
    assert tasks == [("amy", PublishStatus.PUBLISHED), ("bob", PublishStatus.UNPUBLISHED)]
    assert [customer.external_userid for customer in wecom.moments.customers("mom1", "amy")] == ["wm1", "wm2"]
    assert [customer.external_userid for customer in wecom.moments.reached("mom1", "amy")] == ["wm1"]
    assert loopback.seen[-1].json == {"moment_id": "mom1", "userid": "amy", "limit": 5000}
