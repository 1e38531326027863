"""Everything that customers wrote, over empty pages, up to where one goes on next time."""

from __future__ import annotations

from typing import Any

import pytest

from siyu_sdk import DecodeError, InputError, TokenExpired, WeCom

PATH = "/cgi-bin/kf/sync_msg"


def page(*ids: str, cursor: str, more: int) -> dict[str, Any]:
    messages = [{"msgid": msgid, "msgtype": "text", "text": {"content": "在吗"}, "origin": 3, "send_time": 1_700_000_000} for msgid in ids]
    return {"msg_list": messages, "next_cursor": cursor, "has_more": more}


def test_an_empty_page_is_no_end_and_the_last_cursor_is_kept(loopback: Any, either: Any) -> None:
    loopback.answer(PATH, page("m1", cursor="c1", more=1), page(cursor="c2", more=1), page("m2", cursor="c3", more=0))
    new = either(lambda wecom: wecom.kf_messages.drain("wk1", token="ENC", cursor="c0"))
    assert [message.msgid for message in new.messages] == ["m1", "m2"]
    assert (new.cursor, new.more) == ("c3", False)
    assert [call.json["cursor"] for call in loopback.seen] == ["c0", "c1", "c2"]
    assert {call.json["token"] for call in loopback.seen} == {"ENC"}


def test_nothing_new_leaves_the_cursor_where_it_was(loopback: Any, either: Any) -> None:
    loopback.answer(PATH, {"msg_list": [], "has_more": 0})
    assert either(lambda wecom: wecom.kf_messages.drain("wk1", cursor="c0")).cursor == "c0"


def test_a_callback_that_comes_late_drains_without_its_token(loopback: Any, either: Any) -> None:
    def late(asked: Any) -> dict[str, Any]:
        return {"errcode": 95007, "errmsg": "token"} if "token" in asked else page("m1", cursor="c1", more=0)

    loopback.answer(PATH, late)
    assert len(either(lambda wecom: wecom.kf_messages.drain("wk1", token="OLD")).messages) == 1
    assert [("token" in call.json) for call in loopback.seen] == [True, False]
    loopback.answer(PATH, {"errcode": 95007, "errmsg": "token"})
    with pytest.raises(TokenExpired):
        either(lambda wecom: wecom.kf_messages.drain("wk1"))


def test_a_flood_comes_in_portions(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(PATH, page("m1", cursor="c1", more=1), page("m2", cursor="c2", more=1), page("m3", cursor="c3", more=0))
    first = wecom.kf_messages.drain("wk1", pages=2)
    assert (len(first.messages), first.cursor, first.more) == (2, "c2", True)
    assert not wecom.kf_messages.drain("wk1", cursor=first.cursor).more
    with pytest.raises(InputError, match="pages"):
        wecom.kf_messages.drain("wk1", pages=0)


def test_a_cursor_that_stands_still_is_an_error(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(PATH, page(cursor="c1", more=1))
    with pytest.raises(DecodeError, match="same cursor twice"):
        wecom.kf_messages.drain("wk1", cursor="c1")
