"""Customer groups: joins, quits, overflow, what events say and what `get` still says, and welcomes."""

from __future__ import annotations

import pytest

from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.contact_ways import Scene
from siyu_sdk.wecom.group_chats import GroupJoinScene, GroupMemberType, GroupStatus
from siyu_sdk.wecom.messages import Text

from .conftest import WeComCaller, refused, told

QR = Scene.QR_CODE
GROUPS = "/cgi-bin/externalcontact/groupchat"


def group_of(corp: WeCom, owner: str) -> str:
    return next(iter(corp.group_chats.all(owner_filter={"userid_list": [owner]}))).chat_id


def test_groups_are_there_from_the_start(sandbox: Sandbox, corp: WeCom) -> None:
    listed = list(corp.group_chats.all(limit=2))
    assert len(listed) == len(sandbox.wecom.chats.groups) >= 4
    assert {group.status for group in listed} == {GroupStatus.NORMAL}
    group = corp.group_chats.get(group_of(corp, "amy"), need_name=True).group_chat
    assert group.owner == "amy"
    kinds = [member.type for member in group.member_list]
    assert kinds.count(GroupMemberType.MEMBER) == 2
    assert 2 <= kinds.count(GroupMemberType.CUSTOMER) <= len(sandbox.world.contacts["amy"])
    assert all(member.name for member in group.member_list)
    assert corp.group_chats.opengid_to_chatid(sandbox.wecom.chats.opengid(group.chat_id)).chat_id == group.chat_id
    assert refused(lambda: corp.group_chats.get("wr-nothing")) == 86003
    assert refused(lambda: corp.group_chats.opengid_to_chatid("tG-nothing")) == 40058


def test_a_large_company_has_to_name_owners(sandbox: Sandbox, corp: WeCom, wecom: WeComCaller) -> None:
    sandbox.wecom.chats.visible = 3
    assert refused(lambda: list(corp.group_chats.all())) == 81017
    assert group_of(corp, "bob")
    assert wecom(GROUPS + "/list", limit=10, owner_filter={"userid_list": ["amy"] * 101})["errcode"] == 40032
    assert wecom(GROUPS + "/list", limit=10, owner_filter={"userid_list": ["nobody"]})["errcode"] == 40003


def test_groups_fill_up_one_after_another_and_more_are_opened(sandbox: Sandbox, corp: WeCom) -> None:
    first, second = (sandbox.wecom.member_opens_chat("amy", name) for name in ("榴莲1", "榴莲2"))
    sandbox.wecom.chats.capacity = 3
    way = corp.join_ways.create([first, second], scene=QR, state="box", room_base_name="榴莲团", room_base_id=3).config_id
    joined = [sandbox.wecom.customer_joins(way=way) for _ in range(6)]
    assert joined[:4] == [first, first, second, second]
    assert joined[4] == joined[5]
    overflow = corp.group_chats.get(joined[4] or "").group_chat
    assert (overflow.name, overflow.owner) == ("榴莲团3", "amy")
    assert corp.join_ways.get(way).join_way.chat_id_list == (first, second, joined[4])
    newcomers = [m for m in overflow.member_list if m.type is GroupMemberType.CUSTOMER]
    sandbox.advance(seconds=1)
    newcomers = [m for m in corp.group_chats.get(overflow.chat_id).group_chat.member_list if m.type is GroupMemberType.CUSTOMER]
    assert {(m.state, m.join_scene) for m in newcomers} == {("box", GroupJoinScene.SCANNED)}
    assert [kind for (kind,) in told(sandbox, "ChangeType")] == ["create", "create", *["update"] * 4, "create", "update", "update"]
    assert sandbox.books.summary()["join_ways"] == {"ways": 1, "joins": 6, "by_state": {"box": 6}}
    assert sandbox.invariants() == []


def test_without_overflow_the_door_stays_shut(sandbox: Sandbox, corp: WeCom) -> None:
    chat_id = sandbox.wecom.member_opens_chat("amy")
    sandbox.wecom.chats.capacity = 2
    way = corp.join_ways.create([chat_id], scene=QR, auto_create_room=False).config_id
    customer = "wm0"
    assert sandbox.wecom.customer_joins(customer, way=way) == chat_id
    assert sandbox.wecom.customer_joins(customer, way=way) == chat_id, "who is in stays in"
    assert sandbox.wecom.customer_joins(way=way) is None
    assert sandbox.wecom.customer_joins(chat_id=chat_id) is None
    sandbox.wecom.customer_quits(customer, chat_id)
    assert sandbox.wecom.customer_joins(way=way) == chat_id
    assert sandbox.invariants() == []


def test_an_update_of_a_join_way_loses_the_state(sandbox: Sandbox, corp: WeCom) -> None:
    chat_id = group_of(corp, "amy")
    way = corp.join_ways.create([chat_id], scene=QR, state="box", remark="r", auto_create_room=False).config_id
    corp.join_ways.update(way, scene=QR, chat_id_list=[chat_id])
    held = corp.join_ways.get(way).join_way
    assert (held.state, held.remark, held.auto_create_room) == ("", "", True)
    corp.join_ways.delete(way)
    assert refused(lambda: corp.join_ways.get(way)) == 41044


def test_events_name_who_came_and_who_went_and_get_lags_behind(sandbox: Sandbox, corp: WeCom) -> None:
    chat_id = sandbox.wecom.member_opens_chat("amy")
    sandbox.wecom.chats.lag = 60
    before = corp.group_chats.get(chat_id).group_chat
    sandbox.wecom.customer_joins("wm0", chat_id=chat_id, invited_by="amy")
    event = sandbox.world.events[-1]
    assert (event["UpdateDetail"], event["JoinScene"], event["MemChangeCnt"], event["MemChangeList"]) == ("add_member", "0", "1", ["wm0"])
    lagging = corp.group_chats.get(chat_id).group_chat
    assert lagging.member_version == before.member_version == event["LastMemVer"]
    sandbox.advance(minutes=2)
    after = corp.group_chats.get(chat_id).group_chat
    assert after.member_version == event["CurMemVer"]
    assert [(m.userid, m.invitor and m.invitor.userid) for m in after.member_list] == [("amy", None), ("wm0", "amy")]

    sandbox.wecom.member_removes("wm0", chat_id)
    assert [e[-1] for e in told(sandbox, "QuitScene")][-1] == "1"
    sandbox.wecom.chats.rename(chat_id, "新名字")
    sandbox.wecom.chats.dismiss(chat_id)
    assert told(sandbox, "ChangeType", "UpdateDetail")[-2:] == [("update", "change_name"), ("dismiss", None)]
    assert refused(lambda: corp.group_chats.get(chat_id)) == 86003
    assert sandbox.invariants() == []


def test_who_joins_gets_the_welcome_of_the_group(sandbox: Sandbox, corp: WeCom) -> None:
    sandbox.wecom.group_welcomes.most = 1
    template = corp.group_welcome.create(text=Text(content="欢迎 %NICKNAME%"), notify=False).template_id
    assert refused(lambda: corp.group_welcome.create(text=Text(content="x"))) == 41055
    corp.group_welcome.update(template, text=Text(content="欢迎入群"))
    held = corp.group_welcome.get(template)
    assert held.text == Text(content="欢迎入群")
    chat_id = group_of(corp, "amy")
    sandbox.wecom.chats.use_template(chat_id, template)
    customer = sandbox.wecom.world.new_customer("新朋友")
    sandbox.wecom.customer_joins(customer, chat_id=chat_id)
    assert [(d.kind, d.sender, d.text) for d in sandbox.inbox(customer)] == [("group_welcome", "amy", "欢迎入群")]
    sandbox.wecom.group_welcomes.foreign.add(template)
    assert refused(lambda: corp.group_welcome.delete(template)) == 41058
    assert refused(lambda: corp.group_welcome.get("nothing")) == 40058


def test_invariants_notice_a_join_that_is_not_accounted_for(sandbox: Sandbox, corp: WeCom) -> None:
    chat_id = sandbox.wecom.member_opens_chat("amy")
    way = corp.join_ways.create([chat_id], scene=QR, state="box").config_id
    sandbox.wecom.customer_joins("wm0", way=way)
    sandbox.wecom.chats.groups[chat_id].seats["wm0"].state = ""
    assert sandbox.invariants() == ["1 joins by code, 1 in the groups, or under other states"]


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"chat_id_list": ["{chat}"]}, 41038),
        ({"scene": 3, "chat_id_list": ["{chat}"]}, 41040),
        ({"scene": 2}, 40063),
        ({"scene": 2, "chat_id_list": [f"wr{n}" for n in range(6)]}, 41091),
        ({"scene": 2, "chat_id_list": ["wr-nothing"]}, 86003),
        ({"scene": 2, "chat_id_list": ["{chat}"], "state": "x" * 31}, 40058),
        ({"scene": 2, "chat_id_list": ["{chat}"], "room_base_name": "x" * 41}, 40058),
    ],
)
def test_what_makes_no_join_way(sandbox: Sandbox, wecom: WeComCaller, body: dict[str, object], errcode: int) -> None:
    chat_id = next(iter(sandbox.wecom.chats.groups))
    body = {name: [chat_id] if value == ["{chat}"] else value for name, value in body.items()}
    assert wecom(GROUPS + "/add_join_way", **body)["errcode"] == errcode
