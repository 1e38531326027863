"""The calls of mass messages and of the welcome (消息推送), in the order of the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..platform import Fields, Json, Request, page
from ..world import Delivery
from . import mass
from .errors import refusal
from .mass import ChatType, Task
from .routing import a_member, page_size, router, span

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

_PATH = "/cgi-bin/externalcontact"
_MONTH = 31
_GROUP: ChatType = "group"


@router.on("POST", _PATH + "/add_msg_template")
def add_msg_template(wecom: WeComPlatform, request: Request) -> Json:
    """创建企业群发: nothing is sent before members confirm."""
    body = wecom.body(request)
    kind, customers, chats = _chat_type(body.text_or("chat_type", "single")), body.texts("external_userid"), body.texts("chat_id_list")
    sender = body.text_or("sender")
    if not sender and (kind == _GROUP or not customers):
        raise refusal(40063, "sender" if kind == _GROUP else "external_userid and sender")
    if len(customers) > 10_000 or len(chats) > 2000:
        raise refusal(40058, "external_userid takes 10000 entries, chat_id_list 2000")
    if sender:
        a_member(wecom, body, "sender")
    text, attachments = mass.content(body, wecom.living_media)
    if kind == _GROUP:
        task = wecom.add_group_task(text, attachments, chats, sender, choice=body.flag("allow_select"))
    else:
        task = wecom.add_task(text, attachments, customers or _filtered(wecom, sender, body.object("tag_filter")), sender)
    return {"fail_list": task.fail_list, "msgid": task.msgid}


@router.on("POST", _PATH + "/get_groupmsg_list_v2")
def get_groupmsg_list_v2(wecom: WeComPlatform, request: Request) -> Json:
    """获取群发记录列表: what the API made names no creator, and a filter by creator does not find it."""
    body = wecom.body(request)
    kind, (start, end) = _chat_type(body.text("chat_type")), span(body, _MONTH)
    creator, kinds = body.text_or("creator"), body.number_or("filter_type", 2)
    visible = wecom.world.clock.time() - wecom.list_lag
    found = [
        task
        for task in wecom.tasks.values()
        if task.chat_type == kind
        and start <= int(task.created) <= end
        and task.created <= visible
        and creator in ("", task.creator)
        and kinds in (2, int(task.personal))
    ]
    rows, following = page(found, body.text_or("cursor"), page_size(body, 100, 50))
    return {"next_cursor": following, "group_msg_list": [task.listed() for task in rows]}


@router.on("POST", _PATH + "/get_groupmsg_task")
def get_groupmsg_task(wecom: WeComPlatform, request: Request) -> Json:
    """获取群发成员发送任务列表."""
    body = wecom.body(request)
    task = _dispatched(wecom, body)
    rows, following = page(list(task.todos.values()), body.text_or("cursor"), page_size(body, 1000, 500))
    tasks: list[Json] = [{"userid": todo.userid, "status": 0 if todo.sent_at is None else 2} for todo in rows]
    for todo, row in zip(rows, tasks, strict=True):
        if todo.sent_at is not None:
            row["send_time"] = todo.sent_at
    return {"next_cursor": following, "task_list": tasks}


@router.on("POST", _PATH + "/get_groupmsg_send_result")
def get_groupmsg_send_result(wecom: WeComPlatform, request: Request) -> Json:
    """获取企业群发成员执行结果."""
    body = wecom.body(request)
    task = _dispatched(wecom, body)
    userid = body.text("userid")
    todo = task.todos.get(userid)
    if todo is None:
        raise refusal(40003, "the member is not part of this message")
    rows, following = page(list(todo.rows.items()), body.text_or("cursor"), page_size(body, 1000, 500))
    results: list[Json] = []
    target = "chat_id" if task.chat_type == _GROUP else "external_userid"
    for who, row in rows:
        result: Json = {target: who, "userid": userid, "status": row.status}
        results.append({**result, "send_time": row.send_time} if row.send_time is not None else result)
    return {"next_cursor": following, "send_list": results}


@router.on("POST", _PATH + "/remind_groupmsg_send")
def remind_groupmsg_send(wecom: WeComPlatform, request: Request) -> Json:
    """提醒成员群发."""
    wecom.remind(_uncancelled(wecom, wecom.body(request)))
    return {}


@router.on("POST", _PATH + "/cancel_groupmsg_send")
def cancel_groupmsg_send(wecom: WeComPlatform, request: Request) -> Json:
    """停止企业群发: what was sent stays sent."""
    _uncancelled(wecom, wecom.body(request)).cancelled = True
    return {}


@router.on("POST", _PATH + "/send_welcome_msg")
def send_welcome_msg(wecom: WeComPlatform, request: Request) -> Json:
    """发送新客户欢迎语: within 20 s, once."""
    body = wecom.body(request)
    code = body.text("welcome_code")
    text, attachments = mass.content(body, wecom.living_media)
    welcome = wecom.welcomes.get(code)
    now = wecom.world.clock.time()
    if welcome is None or now > welcome.expires:
        raise refusal(41050)
    if welcome.used or welcome.stolen:
        reason = 41051 if welcome.used else 41096
        welcome.used = True
        raise refusal(reason)
    welcome.used = True
    delivery = Delivery(code, welcome.external_userid, welcome.userid, "welcome", text, attachments, now)
    wecom.world.inboxes[welcome.external_userid].append(delivery)
    return {}


def _chat_type(text: str) -> ChatType:
    if text not in ("single", "group"):
        raise refusal(40058, "chat_type")
    return _GROUP if text == _GROUP else "single"


def _task(wecom: WeComPlatform, body: Fields) -> Task:
    msgid = body.text_or("msgid")
    if msgid not in wecom.tasks:
        raise refusal(41047 if msgid else 41046)
    return wecom.tasks[msgid]


def _dispatched(wecom: WeComPlatform, body: Fields) -> Task:
    task = _task(wecom, body)
    if wecom.world.clock.time() < task.created + wecom.dispatch_lag:
        raise refusal(41063)
    return task


def _uncancelled(wecom: WeComPlatform, body: Fields) -> Task:
    task = _task(wecom, body)
    if task.cancelled:
        raise refusal(41093)
    return task


def _filtered(wecom: WeComPlatform, sender: str, tag_filter: Fields | None) -> list[str]:
    """The sender's customers; tags of one group are alternatives, groups must all match."""
    groups = [set(group.texts("tag_list")) for group in tag_filter.objects("group_list")] if tag_filter else []
    return [r.external_userid for r in wecom.world.contacts[sender].values() if all(r.tags & group for group in groups)]
