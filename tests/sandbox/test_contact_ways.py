"""Contact ways: whom they lead to, what an update loses, who came by them, and sessions that end."""

from __future__ import annotations

import pytest

from siyu_sdk import Conflict
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.contact_ways import ContactWayType, Scene
from siyu_sdk.wecom.messages import Text

from .conftest import WeComCaller, refused, told

SINGLE, MULTI, QR = ContactWayType.SINGLE, ContactWayType.MULTI, Scene.QR_CODE
EC = "/cgi-bin/externalcontact"


def test_a_customer_comes_by_a_way_and_is_known_by_its_state(sandbox: Sandbox, corp: WeCom) -> None:
    made = corp.contact_ways.create(type=SINGLE, scene=QR, user=["amy"], state="parcel-card", remark="包裹卡")
    assert made.qr_code
    customer = sandbox.wecom.customer_adds(way=made.config_id)
    (event,) = sandbox.world.events
    assert (event["UserID"], event["ExternalUserID"], event["State"]) == ("amy", customer, "parcel-card")
    corp.welcome.send(event["WelcomeCode"], text=Text(content="您好"))
    assert [(d.kind, d.text) for d in sandbox.inbox(customer)] == [("welcome", "您好")]
    (follow,) = corp.customers.get(customer).follow_user
    assert (follow.userid, follow.state, follow.add_way) == ("amy", "parcel-card", 1)
    assert sandbox.books.summary()["contact_ways"] == {"ways": 1, "adds": 1, "by_state": {"parcel-card": 1}}
    assert sandbox.invariants() == []


def test_an_update_writes_everything_anew(sandbox: Sandbox, corp: WeCom) -> None:
    way = corp.contact_ways.create(type=MULTI, scene=QR, user=["amy", "bob"], state="parcel-card", remark="包裹卡", skip_verify=False)
    corp.contact_ways.update(way.config_id, user=["chen"])
    held = corp.contact_ways.get(way.config_id).contact_way
    assert (held.type, held.scene, held.user) == (MULTI, QR, ("chen",)), "type and scene stay"
    assert (held.state, held.remark, held.skip_verify) == ("", "", True), "all else falls back to its default"
    sandbox.wecom.customer_adds(way=way.config_id)
    assert told(sandbox, "UserID", "State") == [("chen", None)], "attribution is lost"
    assert refused(lambda: corp.contact_ways.update(way.config_id, state="again")) == 40058, "nobody would be added"


def test_several_members_take_turns_by_name_and_by_department(sandbox: Sandbox, corp: WeCom) -> None:
    way = corp.contact_ways.create(type=MULTI, scene=QR, user=["bob"], party=[2]).config_id
    for _ in range(4):
        sandbox.wecom.customer_adds(way=way)
    assert [userid for (userid,) in told(sandbox, "UserID")] == ["bob", "amy", "chen", "bob"]
    with pytest.raises(LookupError, match="dong"):
        sandbox.wecom.customer_adds("dong", way=way)


def test_without_skip_verify_the_member_has_to_agree_first(sandbox: Sandbox, corp: WeCom) -> None:
    way = corp.contact_ways.create(type=SINGLE, scene=QR, user=["amy"], skip_verify=False, state="vip").config_id
    customer = sandbox.wecom.customer_adds(way=way)
    assert refused(lambda: corp.customers.get(customer)) == 84061
    sandbox.advance(hours=1)
    assert corp.customers.get(customer).follow_user[0].state == "vip"


def test_contact_and_join_ways_share_a_quota(sandbox: Sandbox, corp: WeCom) -> None:
    sandbox.wecom.contact_ways.quota = 2
    chat_id = next(iter(corp.group_chats.all())).chat_id
    corp.join_ways.create([chat_id], scene=QR)
    way = corp.contact_ways.create(type=SINGLE, scene=QR, user=["amy"]).config_id
    assert refused(lambda: corp.contact_ways.create(type=SINGLE, scene=QR, user=["amy"])) == 41045
    assert refused(lambda: corp.join_ways.create([chat_id], scene=QR)) == 41045
    corp.contact_ways.delete(way)
    corp.contact_ways.create(type=SINGLE, scene=QR, user=["amy"])
    assert refused(lambda: corp.contact_ways.get(way)) == 41044


def test_ways_are_listed_page_by_page_for_ninety_days(sandbox: Sandbox, corp: WeCom) -> None:
    made = {corp.contact_ways.create(type=SINGLE, scene=QR, user=["amy"]).config_id for _ in range(5)}
    person = next(p for p in sandbox.world.people if p.unionid and p.external_userid)
    corp.contact_ways.create(type=SINGLE, scene=QR, user=["amy"], is_temp=True, unionid=person.unionid)
    assert {way.config_id for way in corp.contact_ways.all(limit=2)} == made, "temporary ones are not listed"
    sandbox.advance(days=91)
    assert list(corp.contact_ways.all()) == []
    assert len(list(corp.contact_ways.all(start_time=sandbox.clock.now().replace(month=1)))) == 0


def test_a_temporary_session_ends_with_its_conclusions(sandbox: Sandbox, corp: WeCom) -> None:
    person = next(p for p in sandbox.world.people if p.unionid and p.external_userid)
    way = corp.contact_ways.create(
        type=SINGLE,
        scene=QR,
        user=["amy"],
        is_temp=True,
        unionid=person.unionid,
        expires_in=3600,
        chat_expires_in=7200,
        conclusions={"text": {"content": "再见"}, "link": {"title": "评价", "url": "https://example.com"}},
    ).config_id
    assert refused(lambda: corp.contact_ways.delete(way)) == 40058
    customer = sandbox.wecom.customer_adds(way=way)
    assert customer == person.external_userid
    corp.contact_ways.close_temp_chat("amy", customer)
    assert sandbox.inbox(customer)[-1].text == "再见"
    assert sandbox.inbox(customer)[-1].attachments[0]["msgtype"] == "link"
    assert refused(lambda: corp.contact_ways.close_temp_chat("amy", customer)) == 84061

    sandbox.wecom.customer_adds(way=way)
    sandbox.advance(hours=3)
    assert [d.kind for d in sandbox.inbox(customer)].count("conclusion") == 2, "the second session ended by itself"
    assert refused(lambda: corp.contact_ways.get(way)) == 41044, "the code has expired, too"
    assert sandbox.invariants() == []


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"scene": 2, "user": ["amy"]}, 41037),
        ({"type": 1, "user": ["amy"]}, 41038),
        ({"type": 3, "scene": 2, "user": ["amy"]}, 41039),
        ({"type": 1, "scene": 3, "user": ["amy"]}, 41040),
        ({"type": 1, "scene": 2, "user": ["amy", "bob"]}, 40058),
        ({"type": 1, "scene": 2, "user": ["nobody"]}, 40003),
        ({"type": 2, "scene": 2}, 40058),
        ({"type": 1, "scene": 2, "user": ["amy"], "state": "x" * 31}, 40058),
        ({"type": 1, "scene": 2, "user": ["amy"], "is_temp": True}, 40058),
        ({"type": 1, "scene": 2, "user": ["amy"], "conclusions": {"image": {"media_id": "gone"}}}, 40007),
    ],
)
def test_what_makes_no_way(wecom: WeComCaller, body: dict[str, object], errcode: int) -> None:
    assert wecom(EC + "/add_contact_way", **body)["errcode"] == errcode


def test_welcome_codes_that_are_missing_or_taken(sandbox: Sandbox, corp: WeCom) -> None:
    sandbox.wecom.console_welcomes.add("bob")
    sandbox.wecom.customer_adds("bob")
    assert "WelcomeCode" not in sandbox.world.events[-1], "the console welcomes"
    customer = sandbox.wecom.customer_adds("amy")
    code = sandbox.world.events[-1]["WelcomeCode"]
    sandbox.wecom.steal_welcome(customer, "amy")
    with pytest.raises(Conflict) as caught:
        corp.welcome.send(code, text=Text(content="您好"))
    assert caught.value.code == 41096
    assert refused(lambda: corp.welcome.send(code, text=Text(content="您好"))) == 41051
    assert sandbox.inbox(customer) == []
