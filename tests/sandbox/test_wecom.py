"""WeCom, call by call: tokens, members, customers, tags, media, welcomes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from siyu_sdk import InvalidArgument, Upload
from siyu_sdk.sandbox import Sandbox

from .conftest import WeComCaller

EC = "/cgi-bin/externalcontact"


def test_a_token_costs_the_right_corpid_and_secret(sandbox: Sandbox, wecom: WeComCaller) -> None:
    ids = sandbox.credentials
    assert wecom.get("/cgi-bin/gettoken", token=None, corpid="ww0", corpsecret=ids.corpsecret)["errcode"] == 40013
    assert wecom.get("/cgi-bin/gettoken", token=None, corpid=ids.corpid, corpsecret="no")["errcode"] == 40001
    assert wecom.get("/cgi-bin/gettoken", token=None, corpid=ids.corpid)["errcode"] == 41004
    first = wecom.get("/cgi-bin/gettoken", token=None, corpid=ids.corpid, corpsecret=ids.corpsecret)
    assert first["expires_in"] == 7200
    sandbox.advance(hours=1)
    again = wecom.get("/cgi-bin/gettoken", token=None, corpid=ids.corpid, corpsecret=ids.corpsecret)
    assert again["access_token"] == first["access_token"]
    assert 3590 <= again["expires_in"] <= 3600


def test_tokens_are_missing_invalid_expired_and_voided(sandbox: Sandbox, wecom: WeComCaller) -> None:
    path = EC + "/get_follow_user_list"
    assert wecom.get(path, token=None)["errcode"] == 41001
    assert wecom.get(path, token="made-up")["errcode"] == 40014
    assert wecom.get(path)["errcode"] == 0
    sandbox.advance(seconds=7201)
    assert wecom.get(path)["errcode"] == 42001
    wecom._token = ""
    assert wecom.get(path)["errcode"] == 0
    sandbox.wecom.tokens.void()
    assert wecom.get(path)["errcode"] == 40014


def test_members_sit_in_shops(wecom: WeComCaller) -> None:
    userids = wecom.get(EC + "/get_follow_user_list")["follow_user"]
    assert userids == ["amy", "bob", "chen", "dong"]
    assert wecom.get("/cgi-bin/user/get", userid="amy")["department"] == [2]
    assert wecom.get("/cgi-bin/user/get", userid="nobody")["errcode"] == 60111
    assert [m["userid"] for m in wecom.get("/cgi-bin/user/simplelist", department_id=2)["userlist"]] == ["amy", "chen"]
    assert len(wecom.get("/cgi-bin/user/list", department_id=1, fetch_child=1)["userlist"]) == 4
    rows = wecom("/cgi-bin/user/list_id", limit=3)
    rest = wecom("/cgi-bin/user/list_id", limit=3, cursor=rows["next_cursor"])
    assert [row["userid"] for row in rows["dept_user"] + rest["dept_user"]] == userids
    assert rest["next_cursor"] == ""
    assert wecom.get("/cgi-bin/get_jsapi_ticket")["ticket"] != wecom.get("/cgi-bin/ticket/get", type="agent_config")["ticket"]


def test_customers_page_by_page(sandbox: Sandbox, wecom: WeComCaller) -> None:
    path, userids = EC + "/batch/get_by_user", list(sandbox.world.members)
    pairs: set[tuple[str, str]] = set()
    cursor, pages = "", 0
    while cursor or not pages:
        reply = wecom(path, userid_list=userids, cursor=cursor, limit=20)
        pairs |= {(row["follow_info"]["userid"], row["external_contact"]["external_userid"]) for row in reply["external_contact_list"]}
        cursor, pages = reply["next_cursor"], pages + 1
    assert pairs == {(userid, customer) for userid, contacts in sandbox.world.contacts.items() for customer in contacts}
    assert pages == -(-len(pairs) // 20)
    assert len(wecom(path, userid_list=userids, limit=101)["external_contact_list"]) == 50, "too large a limit silently becomes 50"
    assert wecom(path, userid_list=["amy"] * 101)["errcode"] == 40058
    assert wecom(path)["errcode"] == 40063
    assert wecom(path, userid_list="amy")["errcode"] == 40058


def test_one_customer_with_all_followers(sandbox: Sandbox, wecom: WeComCaller) -> None:
    shared = next(customer for customer, follows in sandbox.world.follows.items() if len(follows) == 2)
    reply = wecom.get(EC + "/get", external_userid=shared)
    assert {row["userid"] for row in reply["follow_user"]} == set(sandbox.world.follows[shared])
    assert wecom.get(EC + "/get", external_userid="wm-nobody")["errcode"] == 84061
    listed = wecom.get(EC + "/list", userid="amy")["external_userid"]
    assert listed == list(sandbox.world.contacts["amy"])
    assert wecom.get(EC + "/list", userid="nobody")["errcode"] == 40003


def test_followers_beyond_five_hundred_come_in_pages() -> None:
    with Sandbox(members=501, shops=1, customers=1) as sandbox, httpx.Client() as http:
        wecom = WeComCaller(sandbox, http)
        for userid in list(sandbox.world.members):
            if not sandbox.world.relation(userid, "wm0"):
                sandbox.wecom.customer_adds(userid, external_userid="wm0")
        first = wecom.get(EC + "/get", external_userid="wm0")
        second = wecom.get(EC + "/get", external_userid="wm0", cursor=first["next_cursor"])
        assert (len(first["follow_user"]), len(second["follow_user"])) == (500, 1)
        assert "next_cursor" not in second


def test_remarks_are_changed_and_phones_cleared(wecom: WeComCaller) -> None:
    pair = {"userid": "amy", "external_userid": "wm0"}
    wecom(EC + "/remark", **pair, remark="老客", description="爱榴莲", remark_mobiles=["13800000000"])
    follow = wecom.get(EC + "/get", external_userid="wm0")["follow_user"][0]
    assert (follow["remark"], follow["description"], follow["remark_mobiles"]) == ("老客", "爱榴莲", ["13800000000"])
    wecom(EC + "/remark", **pair, remark_mobiles=[""])
    assert "remark_mobiles" not in wecom.get(EC + "/get", external_userid="wm0")["follow_user"][0]
    assert wecom(EC + "/remark", userid="bob", external_userid="wm0", remark="x")["errcode"] == 84061


def test_tags_by_group(sandbox: Sandbox, wecom: WeComCaller) -> None:
    library = {group["group_name"]: group for group in wecom(EC + "/get_corp_tag_list")["tag_group"]}
    assert [tag["name"] for tag in library["状态"]["tag"]] == ["免打扰"]
    added = wecom(EC + "/add_corp_tag", group_name="购买", tag=[{"name": "榴莲"}, {"name": "山竹"}])["tag_group"]
    assert [tag["name"] for tag in added["tag"]] == ["榴莲", "山竹"]
    more = wecom(EC + "/add_corp_tag", group_name="购买", tag=[{"name": "车厘子"}])["tag_group"]
    assert more["group_id"] == added["group_id"], "an existing name appends to its group"
    assert wecom(EC + "/add_corp_tag", group_name="购买", tag=[{"name": "榴莲"}])["errcode"] == 40071
    assert wecom(EC + "/add_corp_tag", group_name="购买", tag=[{"name": "果" * 31}])["errcode"] == 40071
    durian, mangosteen = (tag["id"] for tag in added["tag"])

    pair = {"userid": "amy", "external_userid": "wm0"}
    assert wecom(EC + "/mark_tag", **pair, add_tag=[durian, mangosteen])["errcode"] == 0
    tags = wecom.get(EC + "/get", external_userid="wm0")["follow_user"][0]["tags"]
    assert {(tag["group_name"], tag["tag_name"]) for tag in tags} == {("购买", "榴莲"), ("购买", "山竹")}
    assert sandbox.wecom.tagged("购买/榴莲") == {"wm0"}
    assert wecom(EC + "/mark_tag", **pair, add_tag=["et-none"])["errcode"] == 40068
    assert wecom(EC + "/mark_tag", userid="bob", external_userid="wm0", add_tag=[durian])["errcode"] == 84061
    assert wecom(EC + "/mark_tag", **pair)["errcode"] == 40063

    assert wecom(EC + "/edit_corp_tag", id=durian, name="爱榴莲")["errcode"] == 0
    assert wecom(EC + "/edit_corp_tag", id=durian, name="山竹")["errcode"] == 40071
    assert wecom(EC + "/del_corp_tag", tag_id=[durian])["errcode"] == 0
    assert sandbox.wecom.tagged("购买/爱榴莲") == set()
    assert "爱榴莲" not in str(wecom(EC + "/get_corp_tag_list"))
    asked = wecom(EC + "/get_corp_tag_list", tag_id=[durian])["tag_group"][0]
    assert asked["tag"][0]["deleted"] is True
    assert wecom(EC + "/del_corp_tag", group_id=[added["group_id"]])["errcode"] == 0
    assert "购买" not in str(wecom(EC + "/get_corp_tag_list"))


@pytest.mark.parametrize(("workers", "refused"), [(5, False), (24, True)])
def test_mark_tag_bears_five_calls_at_once(sandbox: Sandbox, wecom: WeComCaller, workers: int, refused: bool) -> None:
    tag = wecom(EC + "/add_corp_tag", group_name="购买", tag=[{"name": "榴莲"}])["tag_group"]["tag"][0]["id"]
    pairs = [(userid, customer) for userid, contacts in sandbox.world.contacts.items() for customer in contacts]

    def mark(pair: tuple[str, str]) -> Any:
        return wecom(EC + "/mark_tag", userid=pair[0], external_userid=pair[1], add_tag=[tag])["errcode"]

    with ThreadPoolExecutor(workers) as pool:
        codes = list(pool.map(mark, pairs))
    assert set(codes) <= {0, 45033}
    assert (45033 in codes) == refused
    marked = {customer for (_, customer), code in zip(pairs, codes, strict=True) if code == 0}
    assert sandbox.wecom.tagged("购买/榴莲") == marked


def test_media_live_three_days(sandbox: Sandbox, wecom: WeComCaller, http: httpx.Client) -> None:
    def upload(path: str, content: bytes = b"0123456789\r\n\x00", **query: str) -> Any:
        query["access_token"] = wecom.token()
        return http.post(sandbox.wecom_url + path, params=query, files={"media": ("封面.jpg", content, "image/jpeg")}).json()

    image = upload("/cgi-bin/media/upload", type="image")
    assert isinstance(image["created_at"], str)
    assert sandbox.wecom.media[image["media_id"]].content == b"0123456789\r\n\x00"
    assert sandbox.wecom.media[image["media_id"]].filename == "封面.jpg"
    assert upload("/cgi-bin/media/upload", b"tiny", type="image")["errcode"] == 40006
    assert upload("/cgi-bin/media/uploadimg")["url"].startswith("http")
    assert isinstance(upload("/cgi-bin/media/upload_attachment", media_type="image", attachment_type="1")["created_at"], int)

    message = {"chat_type": "single", "sender": "amy", "attachments": [{"msgtype": "image", "image": {"media_id": image["media_id"]}}]}
    assert wecom(EC + "/add_msg_template", **message)["errcode"] == 0
    sandbox.advance(days=3, minutes=1)
    wecom._token = ""
    assert wecom(EC + "/add_msg_template", **message)["errcode"] == 40007


def test_a_welcome_has_twenty_seconds_and_one_chance(sandbox: Sandbox, wecom: WeComCaller) -> None:
    def code() -> str:
        return list(sandbox.wecom.welcomes)[-1]

    customer = sandbox.wecom.customer_adds("amy", state="parcel-card", name="🍉")
    assert wecom(EC + "/send_welcome_msg", welcome_code=code())["errcode"] == 40063
    assert wecom(EC + "/send_welcome_msg", welcome_code=code(), text={"content": "您好"})["errcode"] == 0
    assert wecom(EC + "/send_welcome_msg", welcome_code=code(), text={"content": "您好"})["errcode"] == 41051
    assert [(m.kind, m.text) for m in sandbox.inbox(customer)] == [("welcome", "您好")]
    assert wecom.get(EC + "/get", external_userid=customer)["follow_user"][0]["state"] == "parcel-card"

    late = sandbox.wecom.customer_adds("bob")
    sandbox.advance(seconds=21)
    assert wecom(EC + "/send_welcome_msg", welcome_code=code(), text={"content": "您好"})["errcode"] == 41050
    assert sandbox.inbox(late) == []


def test_paths_that_do_not_exist_and_bodies_that_are_no_json(sandbox: Sandbox, wecom: WeComCaller, http: httpx.Client) -> None:
    assert http.get(sandbox.wecom_url + "/cgi-bin/nothing").status_code == 404
    broken = http.post(sandbox.wecom_url + EC + "/mark_tag", params={"access_token": wecom.token()}, content=b"{oops")
    assert broken.json()["errcode"] == 40058


def test_a_file_comes_back_under_its_name_for_three_days(sandbox: Sandbox, tmp_path: Path) -> None:
    with sandbox.wecom_client() as wecom:
        media_id = wecom.media.upload(Upload.of(b"%PDF-1.7", filename="榴莲报价.pdf"), type="file").media_id
        saved = wecom.media.download(media_id, tmp_path / "a.pdf")
        assert (saved.filename, saved.content_type, saved.size) == ("榴莲报价.pdf", "application/pdf", 8)
        assert wecom.media.get(media_id) == (tmp_path / "a.pdf").read_bytes() == b"%PDF-1.7"
        sandbox.advance(days=3, seconds=1)
        with pytest.raises(InvalidArgument, match="40007"):
            wecom.media.download(media_id, tmp_path / "b.pdf")
    assert [path.name for path in tmp_path.iterdir()] == ["a.pdf"]
