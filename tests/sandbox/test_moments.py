"""Moments: a job, a moment, members who publish or do not, customers who see it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from siyu_sdk.sandbox import Humans, Sandbox
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.media import AttachmentType
from siyu_sdk.wecom.messages import Image, Text
from siyu_sdk.wecom.moments import JobStatus, PublishStatus

from .conftest import WeComCaller, refused

EC = "/cgi-bin/externalcontact"


def published(sandbox: Sandbox, corp: WeCom, text: str = "榴莲到货", **options: object) -> str:
    """A moment that its job has made."""
    jobid = corp.moments.create(text=Text(content=text), **options).jobid  # type: ignore[arg-type]
    sandbox.advance(seconds=5)
    result = corp.moments.job(jobid).result
    assert result
    assert result.moment_id
    return result.moment_id


def test_a_job_makes_the_moment_and_members_publish_it(sandbox: Sandbox, corp: WeCom) -> None:
    jobid = corp.moments.create(text=Text(content="榴莲到货")).jobid
    assert corp.moments.job(jobid).status is JobStatus.STARTED
    sandbox.advance(seconds=1)
    assert corp.moments.job(jobid).status is JobStatus.RUNNING
    sandbox.advance(seconds=1)
    job = corp.moments.job(jobid)
    assert job.status is JobStatus.DONE
    assert job.result
    moment_id = job.result.moment_id or ""
    assert refused(lambda: corp.moments.task(moment_id)) == 41079, "it is being handed out"
    sandbox.advance(seconds=2)
    assert {task.publish_status for task in corp.moments.tasks(moment_id, limit=3)} == {PublishStatus.UNPUBLISHED}
    assert refused(lambda: corp.moments.result(moment_id, "amy")) == 41062
    chosen = {row.external_userid for row in corp.moments.customers(moment_id, "amy", limit=5)}
    assert chosen == set(sandbox.world.contacts["amy"])

    gone = min(chosen)
    sandbox.wecom.customer_deletes(gone, "amy")
    sandbox.advance(hours=1)
    assert {task.publish_status for task in corp.moments.tasks(moment_id)} == {PublishStatus.PUBLISHED}
    assert {row.external_userid for row in corp.moments.reached(moment_id, "amy")} == chosen - {gone}
    assert sandbox.invariants() == []
    sandbox.advance(days=1)
    assert refused(lambda: corp.moments.job(jobid)) == 40088, "a job is forgotten after a day"


def test_senders_and_tags_that_do_not_exist_are_named(sandbox: Sandbox, corp: WeCom) -> None:
    tag = sandbox.wecom.tag_id("状态/免打扰") or ""
    jobid = corp.moments.create(
        text=Text(content="x"),
        visible_range={
            "sender_list": {"user_list": ["amy", "nobody"], "department_list": [2, 99]},
            "external_contact_list": {"tag_list": [tag, "et-none"]},
        },
    ).jobid
    lost = corp.moments.create(text=Text(content="x"), visible_range={"sender_list": {"user_list": ["nobody"]}}).jobid
    sandbox.advance(seconds=5)
    result = corp.moments.job(jobid).result
    assert result
    assert result.invalid_sender_list
    assert (result.invalid_sender_list.user_list, result.invalid_sender_list.department_list) == (("nobody",), (99,))
    assert result.invalid_external_contact_list
    assert result.invalid_external_contact_list.tag_list == ("et-none",)
    failed = corp.moments.job(lost).result
    assert failed
    assert failed.moment_id is None
    assert failed.error


def test_some_publish_late_and_some_never() -> None:
    humans = Humans(never_confirms=0.25, next_day=0.25, hours=0.25, refuses=0, leaves=0, reacts=0.5)
    with Sandbox(seed=5, members=8, customers=200, humans=humans) as sandbox, sandbox.wecom_client() as corp:
        moment_id = published(sandbox, corp)

        def count() -> int:
            return sum(task.publish_status is PublishStatus.PUBLISHED for task in corp.moments.tasks(moment_id))

        steps: list[int] = []
        for hours in (1, 9, 48):
            sandbox.advance(hours=hours)
            steps.append(count())
        assert steps == [2, 4, 6]
        userid = next(t.userid for t in corp.moments.tasks(moment_id) if t.publish_status is PublishStatus.PUBLISHED)
        comments = corp.moments.comments(moment_id, userid)
        assert len(comments.like_list) > len(comments.comment_list) > 0
        assert sandbox.invariants() == []


def test_cancelling_stops_those_who_have_not_published(sandbox: Sandbox, corp: WeCom) -> None:
    moment_id = published(sandbox, corp)
    sandbox.wecom.moments.publish(moment_id, "amy")
    corp.moments.cancel(moment_id)
    sandbox.advance(days=1)
    assert [(t.userid, t.publish_status) for t in corp.moments.tasks(moment_id)][:2] == [("amy", 1), ("bob", 0)]


def test_pictures_have_to_be_uploaded_for_moments_and_expire(sandbox: Sandbox, corp: WeCom) -> None:
    plain = corp.media.upload(b"picture", type="image").media_id
    assert refused(lambda: corp.moments.create(attachments=[Image(media_id=plain)])) == 41072
    uploaded = corp.media.upload_attachment(b"picture", media_type="image", attachment_type=AttachmentType.MOMENT)
    sandbox.advance(hours=71, minutes=50)
    moment_id = published(sandbox, corp, attachments=[Image(media_id=uploaded.media_id)])
    sandbox.advance(days=2)
    statuses = {task.publish_status for task in corp.moments.tasks(moment_id)}
    assert PublishStatus.UNPUBLISHED in statuses, "their picture is gone"
    assert refused(lambda: corp.moments.create(attachments=[Image(media_id=uploaded.media_id)])) == 40007


def test_the_list_shows_whose_they_are_in_pages_of_twenty(sandbox: Sandbox, corp: WeCom, wecom: WeComCaller) -> None:
    start = sandbox.clock.now() - timedelta(hours=1)
    for n in range(24):
        sandbox.wecom.moments.post("amy", f"早安 {n}")
    moment_id = published(sandbox, corp)
    found = list(corp.moments.all(start_time=start, end_time=sandbox.clock.now()))
    assert len(found) == 25
    assert [(m.moment_id, m.creator) for m in found if m.creator != "amy"] == [(moment_id, None)]
    span = {"start_time": int(start.timestamp()), "end_time": int(sandbox.clock.time())}
    assert len(wecom(EC + "/get_moment_list", **span, limit=100)["moment_list"]) == 20, "too large a limit silently becomes 20"
    sandbox.wecom.moments.longest_page = 100
    assert len(wecom(EC + "/get_moment_list", **span, limit=100)["moment_list"]) == 25
    span["start_time"] -= 30 * 86400
    assert wecom(EC + "/get_moment_list", **span)["errcode"] == 40058
    assert refused(lambda: corp.moments.task(found[0].moment_id)) == 41067, "a member made it"
    assert refused(lambda: corp.moments.task("mom-none")) == 41060


def test_too_many_jobs_at_once(sandbox: Sandbox, wecom: WeComCaller) -> None:
    sandbox.wecom.moments.jobs_at_once = 1
    codes: list[int] = []
    for seconds in (0, 0, 5):
        sandbox.advance(seconds=seconds)
        codes.append(wecom(EC + "/add_moment_task", text={"content": "早安"})["errcode"])
    assert codes == [0, 41078, 0]


def test_the_same_moment_twice_is_noticed(sandbox: Sandbox, corp: WeCom) -> None:
    for _ in range(2):
        published(sandbox, corp, visible_range={"sender_list": {"user_list": ["amy"]}})
    sandbox.advance(hours=1)
    violations = sandbox.invariants()
    assert len(violations) == len(sandbox.world.contacts["amy"])
    assert "saw the same moment of amy twice" in violations[0]


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({}, 41089),
        ({"text": {"content": "果" * 2001}}, 45002),
        ({"attachments": [{"msgtype": "file", "file": {"media_id": "m"}}]}, 41065),
        ({"attachments": [{"msgtype": "link", "link": {"url": "u"}}, {"msgtype": "image", "image": {"media_id": "m"}}]}, 41065),
        ({"attachments": [{"msgtype": "link", "link": {"url": "u"}}] * 2}, 41064),
        ({"attachments": [{"msgtype": "image", "image": {"media_id": "gone"}}]}, 40007),
    ],
)
def test_what_is_no_moment(wecom: WeComCaller, body: dict[str, object], errcode: int) -> None:
    assert wecom(EC + "/add_moment_task", **body)["errcode"] == errcode
