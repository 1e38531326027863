"""Fills a world from its seed: the same seed gives the same people, relations and orders, on every machine."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import repeat

from .clock import beijing
from .world import Channel, Habit, Item, Member, Order, Person, Relation, Shop, World

_SHOPS = ("福田店", "南山店", "罗湖店", "宝安店", "龙岗店", "龙华店", "光明店", "坪山店", "盐田店", "前海店")
_USERIDS = ("amy", "bob", "chen", "dong", "elsa", "feng", "gina", "hao", "ivy", "jun", "kai", "lily", "ming", "nina", "owen", "ping")
_FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗"
_GIVEN = ("伟", "芳", "娜", "敏", "静", "秀英", "丽", "强", "磊", "洋", "艳", "勇", "军", "杰", "娟", "涛", "超", "明", "霞")
_ODD_NAMES = (
    "🍉西瓜妹🍉", "👨‍👩‍👧一家三口", 'Tom "T" O\'Neil', "$1 \\1 ${name} {{ name }}", "\u202eتوم\u202c", "مريم", " ", ".", "，",
    "<b>粗体</b>&amp;", "A\u0301e\u0300", "𠮷野家", "very long name " * 4, "%s %(x)s", "null", "None", "0", "阿May🌸", "\u200b", "李\n雷",
)  # fmt: skip
_FRUIT = (
    ("海南贵妃芒 5斤", 3990),
    ("智利车厘子 JJ级 2斤", 12900),
    ("赣南脐橙 10斤", 5990),
    ("丹东99草莓 3斤", 8800),
    ("新疆阿克苏苹果 8斤", 4990),
    ("越南红心火龙果 5斤", 3690),
    ("佳沛阳光金果 12粒", 9900),
    ("云南夏黑葡萄 3斤", 4590),
    ("海南千禧小番茄 4斤", 2990),
    ("泰国山竹 3斤", 6990),
)
_DURIAN = (("泰国金枕榴莲 整果 5-6斤", 19900), ("马来西亚猫山王榴莲 整果", 39800), ("干尧榴莲 整果 4斤", 15900), ("巴掌榴莲 3斤", 9900))

OPTED_OUT = "状态/免打扰"
"""The corp tag of people who do not want messages."""

FRUIT = tuple(Item(f"{3000 + n}", title, price) for n, (title, price) in enumerate(_FRUIT))
DURIAN = tuple(Item(f"{2000 + n}", title, price) for n, (title, price) in enumerate(_DURIAN))


def plant(world: World) -> tuple[set[str], set[str]]:
    """Fills the world. Returns the external_userids of those who opted out, and of those who have used up this month's messages."""
    chance = random.Random(f"world {world.seed}")
    _staff(world, chance)
    now = world.now()
    members = list(world.members)
    strangers = world.sizes.customers // 10
    for number in range(world.sizes.customers + strangers):
        person = _person(number, chance, stranger=number >= world.sizes.customers)
        world.add_person(person)
        if person.external_userid:
            first = members[number % len(members)]
            _befriend(world, chance, person.external_userid, first)
            if len(members) > 1 and chance.random() < 0.08:
                second = members[(number + 1 + chance.randrange(len(members) - 1)) % len(members)]
                _befriend(world, chance, person.external_userid, second)
        _shopping(world, chance, person, now)
    for orders in world.orders.values():
        orders.sort(key=lambda order: (order.paid_at, order.order_id))
    everyone = sorted(world.customers)
    opted_out = set(chance.sample(everyone, round(len(everyone) * 0.02)))
    busy = sorted(world.contacts[members[-1]])
    return opted_out, set(chance.sample(busy, min(len(busy), max(1, len(everyone) // 200))) if busy else ())


def habits(world: World, chance: random.Random) -> list[Habit]:
    """One habit for each member, in fixed shares: what is left over are the prompt ones."""
    humans, count = world.humans, world.sizes.members
    result: list[Habit] = []
    shares: dict[Habit, float] = {"never": humans.never_confirms, "next_day": humans.next_day, "hours": humans.hours}
    for habit, share in shares.items():
        result.extend(repeat(habit, round(share * count)))
    del result[count:]
    rest: Habit = "prompt"
    result.extend(repeat(rest, count - len(result)))
    chance.shuffle(result)
    return result


def _staff(world: World, chance: random.Random) -> None:
    for n in range(world.sizes.shops):
        world.shops.append(Shop(n + 2, _SHOPS[n % len(_SHOPS)] + (str(n // len(_SHOPS) + 1) if n >= len(_SHOPS) else "")))
    for n, habit in enumerate(habits(world, chance)):
        userid = _USERIDS[n % len(_USERIDS)] + (str(n // len(_USERIDS) + 1) if n >= len(_USERIDS) else "")
        world.add_member(Member(userid, chance.choice(_FAMILY) + chance.choice(_GIVEN), world.shops[n % len(world.shops)], habit))


def _person(number: int, chance: random.Random, *, stranger: bool) -> Person:
    odd = chance.random() < 0.04
    name = chance.choice(_ODD_NAMES) if odd else chance.choice(_FAMILY) + chance.choice(_GIVEN)
    return Person(
        number=number,
        name=name,
        gender=chance.choice((0, 1, 2)),
        unionid=None if chance.random() < 0.05 else f"oUnion{number:022d}",
        miniprogram_openid=None if chance.random() < 0.12 else f"oMini{number:023d}",
        store_openid=None if chance.random() < 0.45 else f"oShop{number:023d}",
        external_userid=None if stranger else f"wm{number}",
    )


def _befriend(world: World, chance: random.Random, external_userid: str, userid: str) -> None:
    person, now = world.customers[external_userid], world.now()
    added = now - chance.randrange(10 * 86400, 500 * 86400)
    remark = person.name if chance.random() < 0.8 else f"{person.name}-{world.members[userid].shop.name}"
    world.befriend(
        Relation(
            userid=userid,
            external_userid=external_userid,
            remark=remark,
            createtime=added,
            add_way=chance.choice((1, 1, 1, 3, 16)),
            last_talked=added + chance.random() * (now - added),
            state=chance.choice(("", "", "parcel-card", "shop-qr", "live")),
        )
    )


def _shopping(world: World, chance: random.Random, person: Person, now: int) -> None:
    channels: list[Channel] = []
    if person.miniprogram_openid:
        channels.extend(("miniprogram", "miniprogram", "miniprogram"))
    if person.store_openid:
        channels.append("store")
    if not channels:
        return
    durian = chance.choices((0, 1, 2, 3, 4), (68, 15, 10, 5, 2))[0]
    other = chance.choices((0, 1, 2, 3, 5), (25, 30, 20, 15, 10))[0]
    for n in range(durian + other):
        items: tuple[Item, ...] = (chance.choice(DURIAN if n < durian else FRUIT),)
        if chance.random() < 0.3:
            items += (chance.choice(FRUIT),)
        channel = chance.choice(channels)
        days_ago = chance.random() * (world.sizes.days + 5)
        day = beijing(now) - timedelta(days=days_ago)
        paid_at = min(now - 3600, int(day.replace(hour=8 + chance.randrange(14), minute=chance.randrange(60)).timestamp()))
        world.add_order(make_order(world, channel, person, items, paid_at=paid_at, state=_state(chance, channel, now - paid_at)))


def _state(chance: random.Random, channel: Channel, age: int) -> int:
    refunded = chance.random() < 0.03
    if channel == "miniprogram":
        return 5 if refunded else 1 if age < 86400 else 2 if age < 10 * 86400 else 4
    return 250 if refunded else 20 if age < 86400 else 30 if age < 10 * 86400 else 100


def make_order(
    world: World, channel: Channel, person: Person, items: tuple[Item, ...], *, paid_at: int, state: int, discount: int = 0
) -> Order:
    """A paid order, numbered after those before it."""
    number = sum(map(len, world.orders.values())) + 1
    order = Order(
        channel=channel,
        order_id=f"T{paid_at}{number:08d}" if channel == "miniprogram" else str(3_700_000_000_000_000_000 + number * 256),
        transaction_id=f"42000{paid_at:013d}{number:010d}",
        person=person,
        openid=(person.miniprogram_openid if channel == "miniprogram" else person.store_openid) or "",
        items=items,
        paid_at=paid_at,
        amount=sum(item.price * item.count for item in items) - discount,
        state=state,
    )
    if channel == "miniprogram" and state in (2, 4):
        goods = describe(items)
        parcel = {"tracking_no": f"SF{number:013d}", "express_company": "SF", "goods_desc": goods, "upload_time": paid_at + 40_000}
        order.shipping = {
            "delivery_mode": 1,
            "logistics_type": 1,
            "finish_shipping": True,
            "finish_shipping_count": 1,
            "goods_desc": goods,
            "shipping_list": [parcel],
        }
    return order


def describe(items: tuple[Item, ...]) -> str:
    """What an order contains, as one line: name*count, name*count."""
    return ", ".join(f"{item.title}*{item.count}" for item in items)
