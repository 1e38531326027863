"""Moments: made once, whatever happens on the way."""

from __future__ import annotations

from typing import Any

import pytest

from siyu_sdk import ApiError, InputError, OutcomeUnknown, PermissionDenied
from siyu_sdk.wecom.messages import Image
from siyu_sdk.wecom.moments import MomentLink

PREFIX = "/cgi-bin/externalcontact"
CREATE = f"{PREFIX}/add_moment_task"
JOB = f"{PREFIX}/get_moment_task_result"
LIST = f"{PREFIX}/get_moment_list"
BUSY = {"errcode": -1, "errmsg": "system busy"}
DONE = {
    "status": 3,
    "result": {
        "errcode": 0,
        "moment_id": "mom1",
        "invalid_sender_list": {"user_list": ["zoe"]},
        "invalid_external_contact_list": {"tag_list": ["et9"]},
    },
}
TEXT = {"content": "榴莲到店"}


def publish(wecom: Any) -> Any:
    return wecom.moments.publish(text=TEXT, attachments=[Image(media_id="m1")])


def made(moment_id: str, **changes: Any) -> dict[str, Any]:
    return {"moment_id": moment_id, "create_type": 0, "text": TEXT, "image": [{"media_id": "other"}], **changes}


def test_a_moment_is_made_and_its_job_waited_for(loopback: Any, either: Any, watch: Any) -> None:
    loopback.answer(CREATE, {"jobid": "j1"})
    loopback.answer(JOB, {"status": 1}, {"status": 2}, DONE)
    published = either(publish)
    assert (published.jobid, published.moment_id) == ("j1", "mom1")
    assert published.invalid_senders.user_list == ("zoe",)
    assert published.invalid_tags == ("et9",)
    assert watch.slept == [1, 2]
    assert len(loopback.calls(CREATE)) == 1


def test_a_slow_job_is_finished_later(loopback: Any, either: Any) -> None:
    loopback.answer(CREATE, {"jobid": "j1"})
    loopback.answer(JOB, {"status": 2})
    slow = either(lambda wecom: wecom.moments.publish(text=TEXT, timeout=5))
    assert (slow.jobid, slow.moment_id) == ("j1", None)
    loopback.answer(JOB, DONE)
    assert either(lambda wecom: wecom.moments.finish(slow.jobid)).moment_id == "mom1"


def test_a_job_that_made_nothing_raises_its_error(loopback: Any, either: Any) -> None:
    loopback.answer(CREATE, {"jobid": "j1"})
    loopback.answer(JOB, {"status": 3, "result": {"errcode": 84074, "errmsg": "nobody"}})
    with pytest.raises(PermissionDenied, match="nobody"):
        either(publish)


def test_after_a_lost_answer_the_moment_is_found_and_not_made_again(loopback: Any, either: Any) -> None:
    loopback.answer(CREATE, BUSY)
    others = [made("mom-console", creator="amy"), made("mom-other", text={"content": "别的"}), made("mom-plain", image=[])]
    loopback.answer(LIST, {"moment_list": []}, {"moment_list": [*others, made("mom1")]})
    assert either(publish).moment_id == "mom1"
    assert len(loopback.calls(CREATE)) == 1


@pytest.mark.parametrize(("found", "says"), [([], "not in the list yet"), ([made("a"), made("b")], "2 are like it")])
def test_what_cannot_be_told_is_left_to_the_caller(loopback: Any, either: Any, found: list[Any], says: str) -> None:
    loopback.answer(CREATE, BUSY)
    loopback.answer(LIST, {"moment_list": found})
    with pytest.raises(OutcomeUnknown, match=says):
        either(publish)
    assert len(loopback.calls(CREATE)) == 1


def test_a_moment_is_found_after_a_crash(loopback: Any, either: Any, watch: Any) -> None:
    loopback.answer(LIST, {"moment_list": [made("mom1", image=[], link={"url": "https://example.com/a"})]})
    link = MomentLink(url="https://example.com/a", media_id="m1")
    (found,) = either(lambda wecom: wecom.moments.find(text=TEXT, attachments=[link], since=watch.now()))
    assert found.moment_id == "mom1"
    asked = loopback.calls(LIST)[0].json
    assert asked["end_time"] - asked["start_time"] == 600  # clocks differ
    assert asked["filter_type"] == 0


def test_nothing_to_publish_is_refused(loopback: Any, either: Any) -> None:
    with pytest.raises(InputError, match="nothing to publish"):
        either(lambda wecom: wecom.moments.publish(text={"content": ""}))
    assert loopback.seen == []


def test_a_report_says_who_published_and_whom_it_reached(loopback: Any, either: Any) -> None:
    tasks = [{"userid": "amy", "publish_status": 1}, {"userid": "bob", "publish_status": 0}, {"userid": "cat", "publish_status": 1}]
    loopback.answer(f"{PREFIX}/get_moment_task", {"task_list": tasks})

    def reached(asked: Any) -> dict[str, Any]:
        if asked["userid"] == "cat":
            return {"errcode": 40058, "errmsg": "broken"}
        if asked.get("cursor"):
            return {"customer_list": [{"external_userid": "wm2"}]}
        return {"customer_list": [{"external_userid": "wm1"}], "next_cursor": "c"}

    loopback.answer(f"{PREFIX}/get_moment_send_result", reached)
    report = either(lambda wecom: wecom.moments.report("mom1"))
    assert report.published == ("amy", "cat")
    assert report.unpublished == ("bob",)
    assert report.reached == {"wm1", "wm2"}
    assert list(report.failed) == ["cat"]
    assert isinstance(report.failed["cat"], ApiError)
