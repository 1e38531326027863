"""The calls that the fake WeCom answers, in the order of the documentation."""

from __future__ import annotations

from ..platform import Fields, Json, Request, multipart, page
from ..world import Delivery, Member, Relation
from . import mass
from .errors import refusal
from .mass import Task
from .routing import page_size, router
from .state import Media, TagGroup, WeComPlatform

_MONTH = 31 * 86400


# tokens


@router.on("GET", "/cgi-bin/gettoken", token=False)
def gettoken(wecom: WeComPlatform, request: Request) -> Json:
    """获取access_token: 40013 for the corpid, 40001 for the secret."""
    corpid, secret = request.query.get("corpid", ""), request.query.get("corpsecret", "")
    if not corpid or not secret:
        raise refusal(41004 if corpid else 41002)
    if corpid != wecom.world.credentials.corpid:
        raise refusal(40013)
    if secret != wecom.world.credentials.corpsecret:
        raise refusal(40001)
    token, left = wecom.tokens.fetch()
    return {"access_token": token, "expires_in": left}


@router.on("GET", "/cgi-bin/get_jsapi_ticket")
def get_jsapi_ticket(wecom: WeComPlatform, _request: Request) -> Json:
    """获取企业的jsapi_ticket."""
    return {"ticket": _ticket(wecom, "corp"), "expires_in": 7200}


@router.on("GET", "/cgi-bin/ticket/get")
def ticket_get(wecom: WeComPlatform, request: Request) -> Json:
    """获取应用的jsapi_ticket."""
    if wecom.query(request).text("type") != "agent_config":
        raise refusal(40058, "type")
    return {"ticket": _ticket(wecom, "app"), "expires_in": 7200}


def _ticket(wecom: WeComPlatform, kind: str) -> str:
    return wecom.world.dice.token(86, "ticket", kind, wecom.world.now() // 7200)


# members


@router.on("GET", "/cgi-bin/user/get")
def user_get(wecom: WeComPlatform, request: Request) -> Json:
    """读取成员."""
    member = wecom.world.members.get(wecom.query(request).text("userid"))
    if member is None:
        raise refusal(60111)
    return _member(member)


@router.on("GET", "/cgi-bin/user/simplelist")
def user_simplelist(wecom: WeComPlatform, request: Request) -> Json:
    """获取部门成员."""
    rows = [{"userid": m.userid, "name": m.name, "department": [m.shop.id]} for m in _department(wecom, request)]
    return {"userlist": rows}


@router.on("GET", "/cgi-bin/user/list")
def user_list(wecom: WeComPlatform, request: Request) -> Json:
    """获取部门成员详情."""
    return {"userlist": [_member(member) for member in _department(wecom, request)]}


@router.on("POST", "/cgi-bin/user/list_id")
def user_list_id(wecom: WeComPlatform, request: Request) -> Json:
    """获取成员ID列表."""
    body = wecom.body(request)
    rows, following = page(list(wecom.world.members.values()), body.text_or("cursor"), page_size(body, 10_000, 10_000))
    return {"next_cursor": following, "dept_user": [{"userid": m.userid, "department": m.shop.id} for m in rows]}


def _department(wecom: WeComPlatform, request: Request) -> list[Member]:
    """The members of a shop; department 1 is the company, whose members all sit in shops."""
    number = wecom.query(request).text("department_id")
    if number == "1" and request.query.get("fetch_child") in ("1", "true"):
        return list(wecom.world.members.values())
    return [member for member in wecom.world.members.values() if str(member.shop.id) == number]


def _member(member: Member) -> Json:
    return {
        "userid": member.userid,
        "name": member.name,
        "department": [member.shop.id],
        "order": [0],
        "position": "导购",
        "gender": "0",
        "is_leader_in_dept": [0],
        "main_department": member.shop.id,
        "status": 1,
    }


# customers


@router.on("GET", "/cgi-bin/externalcontact/get_follow_user_list")
def get_follow_user_list(wecom: WeComPlatform, _request: Request) -> Json:
    """获取配置了客户联系功能的成员列表."""
    return {"follow_user": list(wecom.world.members)}


@router.on("GET", "/cgi-bin/externalcontact/list")
def customer_list(wecom: WeComPlatform, request: Request) -> Json:
    """获取客户列表: 84061 for a member without customers."""
    userid = wecom.query(request).text("userid")
    if userid not in wecom.world.members:
        raise refusal(40003)
    contacts = wecom.world.contacts[userid]
    if not contacts:
        raise refusal(84061)
    return {"external_userid": list(contacts)}


@router.on("GET", "/cgi-bin/externalcontact/get")
def customer_get(wecom: WeComPlatform, request: Request) -> Json:
    """获取客户详情: 500 followers a page."""
    customer = wecom.query(request).text("external_userid")
    follows = wecom.world.follows.get(customer)
    if not follows:
        raise refusal(84061)
    relations, following = page(list(follows.values()), request.query.get("cursor", ""), 500)
    follow = [_follow(wecom, relation, named=True) for relation in relations]
    reply: Json = {"external_contact": _contact(wecom, customer), "follow_user": follow}
    return {**reply, "next_cursor": following} if following else reply


@router.on("POST", "/cgi-bin/externalcontact/batch/get_by_user")
def batch_get_by_user(wecom: WeComPlatform, request: Request) -> Json:
    """批量获取客户详情: 100 members, 100 rows a page; tags by id only."""
    body = wecom.body(request)
    userids = body.texts("userid_list")
    if not userids:
        raise refusal(40063, "userid_list")
    if len(userids) > 100:
        raise refusal(40058, "userid_list has more than 100 entries")
    if not all(userid in wecom.world.members for userid in userids):
        raise refusal(40003)
    relations = [relation for userid in dict.fromkeys(userids) for relation in wecom.world.contacts[userid].values()]
    rows, following = page(relations, body.text_or("cursor"), page_size(body, 100, 50))
    contacts = [{"external_contact": _contact(wecom, r.external_userid), "follow_info": _follow(wecom, r, named=False)} for r in rows]
    return {"external_contact_list": contacts, "next_cursor": following}


@router.on("POST", "/cgi-bin/externalcontact/remark")
def customer_remark(wecom: WeComPlatform, request: Request) -> Json:
    """修改客户备注信息."""
    body = wecom.body(request)
    relation = _relation(wecom, body)
    for name in ("remark", "description", "remark_company"):
        if name in body.values:
            setattr(relation, name, body.text_or(name))
    if "remark_mobiles" in body.values:
        relation.remark_mobiles = [mobile for mobile in body.texts("remark_mobiles") if mobile]
    return {}


@router.on("POST", "/cgi-bin/externalcontact/mark_tag", at_once=5, seconds=0.01)
def mark_tag(wecom: WeComPlatform, request: Request) -> Json:
    """编辑客户企业标签: one pair a call, five calls at once, 10 ms each."""
    body = wecom.body(request)
    relation = _relation(wecom, body)
    add, remove = body.texts("add_tag"), body.texts("remove_tag")
    if not add and not remove:
        raise refusal(40063, "add_tag and remove_tag")
    for tag_id in (*add, *remove):
        if not wecom.find_tag(tag_id):
            raise refusal(40068, tag_id)
    relation.tags = (relation.tags | set(add)) - set(remove)
    return {}


def _relation(wecom: WeComPlatform, body: Fields) -> Relation:
    userid, customer = body.text("userid"), body.text("external_userid")
    if userid not in wecom.world.members:
        raise refusal(40003)
    relation = wecom.world.relation(userid, customer)
    if relation is None:
        raise refusal(84061)
    return relation


def _contact(wecom: WeComPlatform, external_userid: str) -> Json:
    person = wecom.world.customers[external_userid]
    contact: Json = {"external_userid": external_userid, "name": person.name, "type": 1, "gender": person.gender}
    contact["avatar"] = f"http://wx.qlogo.cn/mmhead/sandbox/{person.number}/0"
    return {**contact, "unionid": person.unionid} if person.unionid else contact


def _follow(wecom: WeComPlatform, relation: Relation, *, named: bool) -> Json:
    """A relation as `get` shows it (tags with names), or as `batch/get_by_user` does (ids only)."""
    row: Json = {
        "userid": relation.userid,
        "remark": relation.remark,
        "description": relation.description,
        "createtime": relation.createtime,
        "oper_userid": relation.userid,
        "add_way": relation.add_way,
    }
    optional = {"state": relation.state, "remark_corp_name": relation.remark_company, "remark_mobiles": relation.remark_mobiles}
    row.update({name: value for name, value in optional.items() if value})
    if not named:
        row["tag_id"] = sorted(relation.tags)
        return row
    found = [wecom.find_tag(tag_id) for tag_id in sorted(relation.tags)]
    row["tags"] = [{"group_name": g.name, "tag_name": t.name, "tag_id": t.id, "type": 1} for g, t in filter(None, found)]
    return row


# tags


@router.on("POST", "/cgi-bin/externalcontact/get_corp_tag_list")
def get_corp_tag_list(wecom: WeComPlatform, request: Request) -> Json:
    """获取企业标签库: deleted tags only where ids are asked for."""
    body = wecom.body(request) if request.body else wecom.fields({})
    tag_ids, group_ids = set(body.texts("tag_id")), set(body.texts("group_id"))
    if not tag_ids and not group_ids:
        return {"tag_group": [_group(group) for group in wecom.groups.values() if not group.deleted]}
    groups: list[Json] = []
    for group in wecom.groups.values():
        tags = [tag.id for tag in group.tags.values() if group.id in group_ids or (not group_ids and tag.id in tag_ids)]
        if tags or group.id in group_ids:
            groups.append(_group(group, only=set(tags)))
    return {"tag_group": groups}


@router.on("POST", "/cgi-bin/externalcontact/add_corp_tag")
def add_corp_tag(wecom: WeComPlatform, request: Request) -> Json:
    """添加企业客户标签: into the group of that name, if there is one."""
    body = wecom.body(request)
    names = [tag.text("name") for tag in body.objects("tag")]
    if not names:
        raise refusal(40063, "tag")
    group_name = body.text_or("group_name")
    if group_id := body.text_or("group_id"):
        group = wecom.groups.get(group_id)
        if group is None or group.deleted:
            raise refusal(40068, group_id)
        group_name = group.name
    if not group_name or len(group_name) > 30:
        raise refusal(40071, "group_name")
    group = wecom.add_tags(group_name, names)
    return {"tag_group": _group(group, only={tag.id for tag in group.living() if tag.name in names}, brief=True)}


@router.on("POST", "/cgi-bin/externalcontact/edit_corp_tag")
def edit_corp_tag(wecom: WeComPlatform, request: Request) -> Json:
    """编辑企业客户标签."""
    body = wecom.body(request)
    target, name = body.text("id"), body.text_or("name")
    found = wecom.find_tag(target)
    group = wecom.groups.get(target)
    if found:
        if name and name != found[1].name:
            wecom.check_tag_name(found[0], name)
            found[1].name = name
        found[1].order = body.number_or("order", found[1].order)
    elif group and not group.deleted:
        if name and name != group.name and any(other.name == name and not other.deleted for other in wecom.groups.values()):
            raise refusal(40071, name)
        group.name = name or group.name
        group.order = body.number_or("order", group.order)
    else:
        raise refusal(40068, target)
    return {}


@router.on("POST", "/cgi-bin/externalcontact/del_corp_tag")
def del_corp_tag(wecom: WeComPlatform, request: Request) -> Json:
    """删除企业客户标签, with every mark."""
    body = wecom.body(request)
    tag_ids, group_ids = body.texts("tag_id"), body.texts("group_id")
    if not tag_ids and not group_ids:
        raise refusal(40063, "tag_id and group_id")
    doomed = [(group, tag) for group in wecom.groups.values() if group.id in group_ids for tag in group.living()]
    for tag_id in tag_ids:
        found = wecom.find_tag(tag_id)
        if not found:
            raise refusal(40068, tag_id)
        doomed.append(found)
    if any(group_id not in wecom.groups for group_id in group_ids):
        raise refusal(40068)
    for group, tag in doomed:
        wecom.delete_tag(group, tag)
    return {}


def _group(group: TagGroup, *, only: set[str] | None = None, brief: bool = False) -> Json:
    """`deleted` shows only where ids were asked for."""
    tags = group.living() if only is None else [tag for tag in group.tags.values() if tag.id in only]
    asked = only is not None and not brief
    rows: list[Json] = [{"id": tag.id, "name": tag.name, "create_time": tag.create_time, "order": tag.order} for tag in tags]
    reply: Json = {"group_id": group.id, "group_name": group.name, "create_time": group.create_time, "order": group.order, "tag": rows}
    if asked:
        reply["deleted"] = group.deleted
        for row, tag in zip(rows, tags, strict=True):
            row["deleted"] = tag.deleted
    return reply


# mass messages


@router.on("POST", "/cgi-bin/externalcontact/add_msg_template")
def add_msg_template(wecom: WeComPlatform, request: Request) -> Json:
    """创建企业群发: nothing is sent before members confirm."""
    body = wecom.body(request)
    if body.text_or("chat_type", "single") != "single":
        raise refusal(40058, "chat_type: the sandbox has no customer groups")
    customers, sender = body.texts("external_userid"), body.text_or("sender")
    if not customers and not sender:
        raise refusal(40063, "external_userid and sender")
    if len(customers) > 10_000:
        raise refusal(40058, "external_userid has more than 10000 entries")
    if sender and sender not in wecom.world.members:
        raise refusal(40003, "sender")
    text, attachments = mass.content(body, wecom.living_media)
    if not customers:
        customers = _filtered(wecom, sender, body.object("tag_filter"))
    task = wecom.add_task(text, attachments, customers, sender)
    return {"fail_list": task.fail_list, "msgid": task.msgid}


@router.on("POST", "/cgi-bin/externalcontact/get_groupmsg_list_v2")
def get_groupmsg_list_v2(wecom: WeComPlatform, request: Request) -> Json:
    """获取群发记录列表: what the API made names no creator, and a filter by creator does not find it."""
    body = wecom.body(request)
    if body.text("chat_type") not in ("single", "group"):
        raise refusal(40058, "chat_type")
    start, end = body.number("start_time"), body.number("end_time")
    if not start <= end <= start + _MONTH:
        raise refusal(40058, "start_time and end_time lie more than a month apart")
    creator, kinds = body.text_or("creator"), body.number_or("filter_type", 2)
    visible = wecom.world.clock.time() - wecom.list_lag
    found = [
        task
        for task in wecom.tasks.values()
        if start <= int(task.created) <= end
        and task.created <= visible
        and (not creator or task.creator == creator)
        and (kinds == 2 or kinds == int(task.personal))
        and body.text("chat_type") == "single"
    ]
    rows, following = page(found, body.text_or("cursor"), page_size(body, 100, 50))
    return {"next_cursor": following, "group_msg_list": [task.listed() for task in rows]}


@router.on("POST", "/cgi-bin/externalcontact/get_groupmsg_task")
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


@router.on("POST", "/cgi-bin/externalcontact/get_groupmsg_send_result")
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
    for customer, row in rows:
        result: Json = {"external_userid": customer, "userid": userid, "status": row.status}
        results.append({**result, "send_time": row.send_time} if row.send_time is not None else result)
    return {"next_cursor": following, "send_list": results}


@router.on("POST", "/cgi-bin/externalcontact/remind_groupmsg_send")
def remind_groupmsg_send(wecom: WeComPlatform, request: Request) -> Json:
    """提醒成员群发."""
    wecom.remind(_uncancelled(wecom, wecom.body(request)))
    return {}


@router.on("POST", "/cgi-bin/externalcontact/cancel_groupmsg_send")
def cancel_groupmsg_send(wecom: WeComPlatform, request: Request) -> Json:
    """停止企业群发: what was sent stays sent."""
    _uncancelled(wecom, wecom.body(request)).cancelled = True
    return {}


@router.on("POST", "/cgi-bin/externalcontact/send_welcome_msg")
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


def _task(wecom: WeComPlatform, body: Fields) -> Task:
    task = wecom.tasks.get(body.text("msgid"))
    if task is None:
        raise refusal(40058, "msgid")
    return task


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


# media

_MEGABYTE = 1 << 20
_SIZES = {"image": 10 * _MEGABYTE, "voice": 2 * _MEGABYTE, "video": 10 * _MEGABYTE, "file": 20 * _MEGABYTE}


@router.on("POST", "/cgi-bin/media/upload")
def media_upload(wecom: WeComPlatform, request: Request) -> Json:
    """上传临时素材."""
    media = _upload(wecom, request, wecom.query(request).text("type"))
    return {"type": media.kind, "media_id": media.media_id, "created_at": str(media.created)}


@router.on("POST", "/cgi-bin/media/uploadimg")
def media_uploadimg(wecom: WeComPlatform, request: Request) -> Json:
    """上传图片."""
    media = _upload(wecom, request, "image")
    return {"url": mass.picture(media.media_id)}


@router.on("POST", "/cgi-bin/media/upload_attachment")
def media_upload_attachment(wecom: WeComPlatform, request: Request) -> Json:
    """上传附件资源."""
    query = wecom.query(request)
    if query.text("attachment_type") not in ("1", "2"):
        raise refusal(40058, "attachment_type")
    media = _upload(wecom, request, query.text("media_type"))
    media.for_moments = query.text("attachment_type") == "1"
    return {"type": media.kind, "media_id": media.media_id, "created_at": media.created}


def _upload(wecom: WeComPlatform, request: Request, kind: str) -> Media:
    if kind not in _SIZES:
        raise refusal(40058, "type")
    filename, content = multipart(request).get("media", (None, b""))
    if filename is None:
        raise refusal(41005)
    if not 5 < len(content) <= _SIZES[kind]:
        raise refusal(40006)
    media = Media(wecom.new_id("MEDIA"), kind, filename, len(content), wecom.world.now())
    wecom.media[media.media_id] = media
    return media
