"""The calls that the fake WeCom answers, in the order of the documentation."""

from __future__ import annotations

import mimetypes
from urllib.parse import quote

from ..platform import Answer, Fields, Json, Request, multipart, page
from ..world import Member, Relation
from . import mass
from .errors import refusal
from .routing import page_size, router
from .state import Media, WeComPlatform

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
        found = wecom.find_tag(tag_id)
        if not found or not wecom.may_use(relation.userid, found[0]):
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
    row["tags"] = [
        {"group_name": group.name, "tag_name": tag.name, "tag_id": tag.id, "type": 3 if group.strategy_id else 1}
        for group, tag in filter(None, found)
    ]
    return row


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
    use, kind = query.text("attachment_type"), query.text("media_type")
    if use not in ("1", "2") or (use == "2" and kind != "image"):
        raise refusal(40058, "attachment_type")
    media = _upload(wecom, request, kind)
    media.attachment_type = int(use)
    return {"type": media.kind, "media_id": media.media_id, "created_at": media.created}


@router.on("GET", "/cgi-bin/media/get")
@router.on("GET", "/cgi-bin/media/get/jssdk")
def media_get(wecom: WeComPlatform, request: Request) -> Answer:
    """获取临时素材, 获取高清语音素材 (the sandbox makes no other sound of it)."""
    media = wecom.living_media(wecom.query(request).text("media_id"))
    if media is None:
        raise refusal(40007)
    kind = mimetypes.guess_type(media.filename)[0] or "application/octet-stream"
    return Answer(
        media.content, content_type=kind, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(media.filename)}"}
    )


def _upload(wecom: WeComPlatform, request: Request, kind: str) -> Media:
    if kind not in _SIZES:
        raise refusal(40058, "type")
    filename, content = multipart(request).get("media", (None, b""))
    if filename is None:
        raise refusal(41005)
    if not 5 < len(content) <= _SIZES[kind]:
        raise refusal(40006)
    media = Media(wecom.new_id("MEDIA"), kind, filename, content, wecom.world.now())
    wecom.media[media.media_id] = media
    return media
