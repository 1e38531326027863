"""The calls of customer service (微信客服), in the order of the documentation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..platform import Fields, Json, Request
from . import mass
from .errors import item, refusal
from .kf import ENDED, SERVED, Account
from .routing import page_size, router

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

_PATH = "/cgi-bin/kf"
_NEEDED: dict[str, tuple[str, ...]] = {
    "text": ("content",),
    "image": ("media_id",),
    "voice": ("media_id",),
    "video": ("media_id",),
    "file": ("media_id",),
    "link": ("title", "url", "thumb_media_id"),
    "miniprogram": ("appid", "pagepath", "thumb_media_id"),
    "msgmenu": (),
    "location": (),
    "business_card": ("userid",),
    "ca_link": ("link_url",),
}


@router.on("POST", _PATH + "/account/add")
def account_add(wecom: WeComPlatform, request: Request) -> Json:
    """添加客服账号."""
    body = wecom.body(request)
    name, avatar = _name(body.text("name")), _avatar(wecom, body.text("media_id"))
    if len(wecom.kf.accounts) >= wecom.kf.most_accounts:
        raise refusal(95005)
    account = Account(wecom.new_id("wk"), name, avatar)
    wecom.kf.accounts[account.open_kfid] = account
    return {"open_kfid": account.open_kfid}


@router.on("POST", _PATH + "/account/del")
def account_del(wecom: WeComPlatform, request: Request) -> Json:
    """删除客服账号."""
    del wecom.kf.accounts[_account(wecom, wecom.body(request)).open_kfid]
    return {}


@router.on("POST", _PATH + "/account/update")
def account_update(wecom: WeComPlatform, request: Request) -> Json:
    """修改客服账号: what is left out stays."""
    body = wecom.body(request)
    account = _account(wecom, body)
    account.name = _name(body.text_or("name", account.name))
    if media_id := body.text_or("media_id"):
        account.avatar = _avatar(wecom, media_id)
    return {}


@router.on("POST", _PATH + "/account/list")
def account_list(wecom: WeComPlatform, request: Request) -> Json:
    """获取客服账号列表."""
    body = wecom.body(request) if request.body else wecom.fields({})
    offset = body.number_or("offset", 0)
    accounts = list(wecom.kf.accounts.values())[offset : offset + page_size(body, 100, 100)]
    return {"account_list": [{"open_kfid": a.open_kfid, "name": a.name, "avatar": a.avatar, "manage_privilege": True} for a in accounts]}


@router.on("POST", _PATH + "/add_contact_way")
def add_contact_way(wecom: WeComPlatform, request: Request) -> Json:
    """获取客服账号链接."""
    body = wecom.body(request)
    account, scene = _account(wecom, body), body.text_or("scene")
    if not re.fullmatch(r"[0-9A-Za-z_-]{0,32}", scene):
        raise refusal(40058, "scene")
    token = wecom.world.dice.token(17, "kf link", account.open_kfid, scene)
    return {"url": f"https://work.weixin.qq.com/kfid/kfc{token}{f'?enc_scene={token}' if scene else ''}"}


@router.on("GET", _PATH + "/get_corp_qualification")
def get_corp_qualification(_wecom: WeComPlatform, _request: Request) -> Json:
    """获取视频号绑定状态: none is."""
    return {"wechat_channels_binding": False}


# who serves


@router.on("POST", _PATH + "/servicer/add")
def servicer_add(wecom: WeComPlatform, request: Request) -> Json:
    """添加接待人员."""
    return _servicers(wecom, wecom.body(request), add=True)


@router.on("POST", _PATH + "/servicer/del")
def servicer_del(wecom: WeComPlatform, request: Request) -> Json:
    """删除接待人员."""
    return _servicers(wecom, wecom.body(request), add=False)


@router.on("GET", _PATH + "/servicer/list")
def servicer_list(wecom: WeComPlatform, request: Request) -> Json:
    """获取接待人员列表."""
    account = _account(wecom, wecom.query(request))
    rows: list[Json] = [{"userid": userid, "status": status} for userid, status in account.servicers.items()]
    return {"servicer_list": rows + [{"department_id": number} for number in account.departments]}


def _servicers(wecom: WeComPlatform, body: Fields, *, add: bool) -> Json:
    account, userids, departments = _account(wecom, body), body.texts("userid_list"), body.numbers("department_id_list")
    if not userids and not departments:
        raise refusal(40063, "userid_list and department_id_list")
    if len(userids) > 100:
        raise refusal(40032)
    results: list[Json] = []
    for userid in userids:
        known = userid in wecom.world.members
        if known and add:
            account.servicers.setdefault(userid, 0)
        elif not add:
            account.servicers.pop(userid, None)
        results.append({"userid": userid, **item(0 if known or not add else 60111)})
    kept = set(account.departments) | set(departments) if add else set(account.departments) - set(departments)
    account.departments = sorted(kept)
    return {"result_list": results + [{"department_id": number, **item(0)} for number in departments]}


# sessions


@router.on("POST", _PATH + "/service_state/get")
def service_state_get(wecom: WeComPlatform, request: Request) -> Json:
    """获取会话状态."""
    body = wecom.body(request)
    session = wecom.kf.session(_account(wecom, body).open_kfid, _customer(wecom, body, "external_userid"))
    reply: Json = {"service_state": session.state}
    return {**reply, "servicer_userid": session.servicer} if session.state == SERVED else reply


@router.on("POST", _PATH + "/service_state/trans")
def service_state_trans(wecom: WeComPlatform, request: Request) -> Json:
    """变更会话状态."""
    body = wecom.body(request)
    state, servicer = body.number("service_state"), body.text_or("servicer_userid")
    if not 0 <= state <= ENDED:
        raise refusal(40058, "service_state")
    if state == SERVED and not servicer:
        raise refusal(40063, "servicer_userid")
    code = wecom.kf.change(_account(wecom, body).open_kfid, _customer(wecom, body, "external_userid"), state, servicer)
    return {"msg_code": code} if code else {}


# messages


@router.on("POST", _PATH + "/sync_msg")
def sync_msg(wecom: WeComPlatform, request: Request) -> Json:
    """读取消息: a page may be empty while `has_more` is 1."""
    body = wecom.body(request)
    cursor, open_kfid = body.text_or("cursor"), body.text_or("open_kfid")
    if cursor and not re.fullmatch(r"kf\d+", cursor):
        raise refusal(40058, "cursor")
    if open_kfid:
        wecom.kf.account(open_kfid)
    wecom.kf.admit(body.text_or("token"))
    told, following, more = wecom.kf.read(open_kfid, int(cursor[2:] or 0), page_size(body, 1000, 1000))
    return {"next_cursor": f"kf{following}", "has_more": int(more), "msg_list": told}


@router.on("POST", _PATH + "/send_msg")
def send_msg(wecom: WeComPlatform, request: Request) -> Json:
    """发送消息."""
    body = wecom.body(request)
    account, customer, content = _account(wecom, body), _customer(wecom, body, "touser"), _content(wecom, body, tuple(_NEEDED))
    return {"msgid": wecom.kf.send(account.open_kfid, customer, _msgid(body), content)}


@router.on("POST", _PATH + "/send_msg_on_event")
def send_msg_on_event(wecom: WeComPlatform, request: Request) -> Json:
    """发送欢迎语等事件响应消息."""
    body = wecom.body(request)
    return {"msgid": wecom.kf.send_on_event(body.text("code"), _msgid(body), _content(wecom, body, ("text", "msgmenu")))}


def _msgid(body: Fields) -> str:
    msgid = body.text_or("msgid")
    if not re.fullmatch(r"[0-9A-Za-z_-]{0,32}", msgid):
        raise refusal(40058, "msgid")
    return msgid


def _content(wecom: WeComPlatform, body: Fields, kinds: tuple[str, ...]) -> Json:
    kind = body.text("msgtype")
    part = body.object(kind) if kind in kinds else None
    if part is None:
        raise refusal(40058, f"msgtype {kind}")
    for name in _NEEDED[kind]:
        part.text(name)
    if kind == "text" and len(part.text("content").encode()) > 2048:
        raise refusal(45002)
    if kind == "msgmenu":
        _check_menu(part)
    for media_id in filter(None, (part.text_or("media_id"), part.text_or("thumb_media_id"))):
        if not wecom.living_media(media_id):
            raise refusal(40007, media_id)
    return {"msgtype": kind, kind: dict(part.values)}


def _check_menu(menu: Fields) -> None:
    items = menu.objects("list")
    if len(items) > 10:
        raise refusal(95008)
    if any(entry.text("type") not in ("click", "view", "miniprogram", "text") for entry in items):
        raise refusal(95009)


# customers


@router.on("POST", _PATH + "/customer/batchget")
def customer_batchget(wecom: WeComPlatform, request: Request) -> Json:
    """客户基础信息获取: who has not written within 48 hours is told as invalid."""
    body = wecom.body(request)
    asked = body.texts("external_userid_list")
    if not asked:
        raise refusal(40063, "external_userid_list")
    if len(asked) > 100:
        raise refusal(40058, "external_userid_list has more than 100 entries")
    customers: list[Json] = []
    invalid: list[str] = []
    for who in dict.fromkeys(asked):
        person = wecom.world.customers.get(who)
        sessions = [s for (_, customer), s in wecom.kf.sessions.items() if customer == who and wecom.kf.open(s)]
        if person is None or not sessions:
            invalid.append(who)
            continue
        row: Json = {"external_userid": who, "nickname": person.name, "gender": person.gender}
        row["avatar"] = f"http://wx.qlogo.cn/mmhead/sandbox/{person.number}/0"
        row |= {"unionid": person.unionid} if person.unionid else {}
        if body.flag("need_enter_session_context") and (entered := max(sessions, key=lambda s: s.last_written).entered):
            row["enter_session_context"] = entered
        customers.append(row)
    return {"customer_list": customers, "invalid_external_userid": invalid}


def _account(wecom: WeComPlatform, body: Fields) -> Account:
    return wecom.kf.account(body.text("open_kfid"))


def _customer(wecom: WeComPlatform, body: Fields, name: str) -> str:
    customer = body.text(name)
    if customer not in wecom.world.customers:
        raise refusal(40096, name)
    return customer


def _name(name: str) -> str:
    if len(name) > 16:
        raise refusal(95006)
    return name


def _avatar(wecom: WeComPlatform, media_id: str) -> str:
    if not wecom.living_media(media_id):
        raise refusal(40007, media_id)
    return mass.picture(media_id)
