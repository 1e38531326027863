"""The router: who handles what, once, in time, and what the platform is answered."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from siyu_sdk import Event, InputError, UnknownEvent, UsageError
from siyu_sdk.callbacks import Answer, Claim, Context, MemorySeen, Request, Router, Turn, aanswer, answer, door_of
from siyu_sdk.core.xml import parse_xml
from siyu_sdk.wecom.callbacks import Callbacks
from siyu_sdk.wecom.events import AddExternalContact, CustomerEvent, DelFollowUser, TextMessage
from siyu_sdk.wecom.replies import ImageReply, NewsReply, PassiveReply, ReplyArticle, TextReply, UpdateTemplateCardReply, VideoReply

from ..loopback import Clock
from .conftest import CORP, KEY, NOW, TOKEN, added, greeting, posted, said


@pytest.fixture
def seen() -> list[Any]:
    return []


def deliver(callbacks: Callbacks, router: Router, request: Request) -> Answer:
    """A delivery to a plain server: the answer, then what comes after it."""
    told = answer(door_of(callbacks), router, request)
    if told.after:
        told.after()
    return told


# Who handles what


def test_handlers_of_the_class_and_of_its_bases_run_in_the_order_they_were_registered(callbacks: Callbacks, seen: list[Any]) -> None:
    router = Router()

    @router.on(Event)
    def everything(event: Event) -> None:
        seen.append("everything")

    @router.on(AddExternalContact, DelFollowUser)
    def come_or_gone(event: AddExternalContact | DelFollowUser) -> None:
        seen.append("come or gone")

    @router.on(CustomerEvent)
    def customer(event: CustomerEvent) -> None:
        seen.append(event.external_user_id)

    assert deliver(callbacks, router, posted(added())).status == 200
    assert seen == ["everything", "come or gone", "wm1"]
    assert router.handlers(AddExternalContact) == [everything, come_or_gone, customer]
    assert router.handlers(TextMessage) == [everything]


def test_what_nobody_takes_goes_to_the_default_and_else_is_acknowledged(callbacks: Callbacks, seen: list[Any]) -> None:
    router = Router()
    assert deliver(callbacks, router, posted(b"<xml><Event>moon_landing</Event></xml>")) == Answer(200)

    router.on(AddExternalContact)(lambda event: seen.append("added"))

    @router.default
    def rest(event: Event) -> None:
        seen.append(event)

    deliver(callbacks, router, posted(added()))
    deliver(callbacks, router, posted(b"<xml><Event>moon_landing</Event><Crew>3</Crew></xml>"))
    assert seen[0] == "added"
    assert isinstance(seen[1], UnknownEvent)
    assert seen[1].payload == {"Event": "moon_landing", "Crew": "3"}


def test_a_suite_wants_the_word_success(callbacks: Callbacks) -> None:
    told = deliver(callbacks, Router(), posted(b"<xml><InfoType>suite_ticket</InfoType><SuiteTicket>t</SuiteTicket></xml>"))
    assert (told.status, told.body) == (200, b"success")


def test_the_console_gets_its_word_back(callbacks: Callbacks) -> None:
    assert deliver(callbacks, Router(), greeting("4321")) == Answer(200, b"4321")


def test_mistakes_in_registering_are_told_at_once() -> None:
    router = Router()
    with pytest.raises(UsageError, match="name the events"):
        router.on()
    with pytest.raises(UsageError, match="name the events"):
        router.on(lambda event: None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="takes the event"):
        router.on(Event)(lambda: None)  # type: ignore[call-overload]
    with pytest.raises(InputError, match="attempts"):
        Router(attempts=0)
    with pytest.raises(UsageError, match="no source"):
        door_of(object())  # type: ignore[arg-type]


def test_a_second_parameter_with_a_default_is_no_context(callbacks: Callbacks, seen: list[Any]) -> None:
    router = Router()
    router.on(AddExternalContact)(lambda event, into=seen: into.append(1))  # the idiom of closures in loops
    router.on(AddExternalContact)(lambda event, context=None: seen.append(type(context)))
    router.on(AddExternalContact)(seen.append)
    deliver(callbacks, router, posted(added()))
    assert seen[:2] == [1, Context]
    assert isinstance(seen[2], AddExternalContact)


# Once


def test_two_customers_of_one_second_are_two_events_and_a_redelivery_is_none(callbacks: Callbacks, seen: list[Any]) -> None:
    router = Router()
    router.on(AddExternalContact)(lambda event: seen.append(event.external_user_id))
    first = posted(added(customer="wm1"))
    for request in (first, posted(added(customer="wm2")), first, posted(added(customer="wm1"))):
        assert deliver(callbacks, router, request) == Answer(200)
    assert seen == ["wm1", "wm2"], "redeliveries are encrypted anew, and yet the same"


def test_a_failed_event_is_delivered_again_until_it_is_given_up_and_kept(
    callbacks: Callbacks, seen: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    router = Router()
    kept: list[tuple[Event, Exception, int]] = []

    @router.on(AddExternalContact)
    def broken(event: AddExternalContact, context: Context) -> None:
        seen.append(context.attempt)
        raise RuntimeError("the database is away")

    @router.failed
    def keep(event: Event, error: Exception, context: Context) -> None:
        kept.append((event, error, context.attempt))

    statuses = [deliver(callbacks, router, posted(added(code="SECRET-CODE"))).status for _ in range(5)]
    assert statuses == [500, 500, 200, 200, 200], "no 500 for ever"
    assert seen == [1, 2, 3]
    ((event, error, attempt),) = kept
    assert isinstance(event, AddExternalContact)
    assert (str(error), attempt) == ("the database is away", 3)
    assert "SECRET-CODE" not in caplog.text
    assert "wm1" not in caplog.text


def test_a_handler_that_recovers_is_done(callbacks: Callbacks, seen: list[Any]) -> None:
    router = Router()

    @router.on(AddExternalContact)
    def shaky(event: AddExternalContact, context: Context) -> None:
        seen.append(context.attempt)
        if context.attempt == 1:
            raise OSError

    assert [deliver(callbacks, router, posted(added())).status for _ in range(3)] == [500, 200, 200]
    assert seen == [1, 2]


def test_when_even_keeping_fails_the_platform_goes_on_delivering(callbacks: Callbacks) -> None:
    router = Router(attempts=1)
    router.on(AddExternalContact)(lambda event: 1 / 0)
    router.failed(lambda event, error, context: 1 / 0)
    assert [deliver(callbacks, router, posted(added())).status for _ in range(3)] == [500, 500, 500]


def test_a_delivery_beside_one_that_is_being_handled_is_told_to_come_again(callbacks: Callbacks, seen: list[Any]) -> None:
    router = Router()
    inside, go_on = threading.Event(), threading.Event()

    @router.on(AddExternalContact)
    def slow(event: AddExternalContact) -> None:
        inside.set()
        assert go_on.wait(10)

    first = threading.Thread(target=lambda: seen.append(deliver(callbacks, router, posted(added())).status))
    first.start()
    assert inside.wait(10)
    second = deliver(callbacks, router, posted(added()))
    assert (second.status, second.headers["Retry-After"]) == (503, "5")
    go_on.set()
    first.join(10)
    assert seen == [200]
    assert deliver(callbacks, router, posted(added())).status == 200


def test_a_broken_store_refuses_and_loses_nothing(callbacks: Callbacks, seen: list[Any]) -> None:
    class Broken(MemorySeen):
        away = True

        def take(self, key: str) -> Turn:
            if self.away:
                raise ConnectionError("redis is away")
            return super().take(key)

    store = Broken()
    router = Router(seen=store)
    router.on(AddExternalContact)(lambda event: seen.append(event.external_user_id))
    assert deliver(callbacks, router, posted(added())).status == 500
    store.away = False
    assert deliver(callbacks, router, posted(added())).status == 200
    assert seen == ["wm1"]


# In time


def test_a_handler_knows_until_when_its_welcome_code_works(callbacks: Callbacks, seen: list[Any], clock: Clock) -> None:
    router = Router(clock=clock)
    clock.at = NOW + 3

    @router.on(CustomerEvent)
    def look(event: CustomerEvent, context: Context) -> None:
        seen.append((context.deadline, round(context.seconds_left()), context.answer_by, context.happened_at, context.receive_id))

    deliver(callbacks, router, posted(added()))
    deliver(callbacks, router, posted(added(code="")))
    at = datetime.fromtimestamp(NOW, UTC)
    answer_by = at + timedelta(seconds=7.5)
    assert seen == [(at + timedelta(seconds=20), 17, answer_by, at, CORP), (None, 4, answer_by, at, CORP)]


def test_after_the_reply_means_after_the_reply(callbacks: Callbacks, seen: list[Any]) -> None:
    router = Router()
    router.on(AddExternalContact, after_reply=True)(lambda event: seen.append("later"))
    router.on(AddExternalContact)(lambda event: seen.append("at once"))
    told = answer(door_of(callbacks), router, posted(added()))
    assert seen == ["at once"]
    assert told.after is not None
    told.after()
    assert seen == ["at once", "later"]
    assert answer(door_of(callbacks), router, posted(added())).after is None


def test_what_fails_after_the_reply_is_kept_and_takes_nothing_along(callbacks: Callbacks, seen: list[Any]) -> None:
    router = Router()
    router.on(AddExternalContact, after_reply=True)(lambda event: 1 / 0)
    router.on(AddExternalContact, after_reply=True)(lambda event: seen.append("the other"))
    router.failed(lambda event, error, context: seen.append(type(error).__name__))
    assert deliver(callbacks, router, posted(added())).status == 200
    assert seen == ["ZeroDivisionError", "the other"]


async def test_under_a_loop_both_kinds_of_handlers_run(callbacks: Callbacks, seen: list[Any]) -> None:
    router = Router()
    main = threading.get_ident()

    @router.on(AddExternalContact)
    async def waits(event: AddExternalContact) -> None:
        await asyncio.sleep(0)
        seen.append(threading.get_ident() == main)

    @router.on(AddExternalContact)
    def blocks(event: AddExternalContact) -> None:
        seen.append(threading.get_ident() == main)

    @router.on(AddExternalContact, after_reply=True)
    async def later(event: AddExternalContact) -> None:
        seen.append("later")

    told = await aanswer(door_of(callbacks), router, posted(added()))
    assert told.status == 200
    assert seen == [True, False], "a plain handler does not hold the loop up"
    assert told.aafter is not None
    await told.aafter()
    assert seen[-1] == "later"


def test_without_a_loop_async_handlers_run_in_one_of_their_own(callbacks: Callbacks, seen: list[Any]) -> None:
    router = Router()

    @router.on(TextMessage)
    async def waits(event: TextMessage) -> TextReply:
        await asyncio.sleep(0)
        return TextReply(content=f"你说：{event.content}")

    assert b"<Encrypt>" in deliver(callbacks, router, posted(said("在吗"))).body


async def test_dispatch_inside_a_loop_names_the_other(callbacks: Callbacks, caplog: pytest.LogCaptureFixture) -> None:
    router = Router()

    @router.on(AddExternalContact)
    async def waits(event: AddExternalContact) -> None:
        await asyncio.sleep(0)

    assert answer(door_of(callbacks), router, posted(added())).status == 500
    assert "adispatch" in caplog.text


async def test_the_platform_is_answered_in_time_and_slow_handlers_go_on(callbacks: Callbacks, seen: list[Any]) -> None:
    router = Router(answer_within=0.05)
    go_on = asyncio.Event()

    @router.on(AddExternalContact)
    async def slow(event: AddExternalContact) -> None:
        await go_on.wait()
        if event.user_id == "bob":
            raise RuntimeError
        seen.append("slow")

    router.on(AddExternalContact, after_reply=True)(lambda event: seen.append("later"))
    router.failed(lambda event, error, context: seen.append("kept"))
    door = door_of(callbacks)
    told = await aanswer(door, router, posted(added()))
    failing = await aanswer(door, router, posted(added(user="bob")))
    assert (told.status, failing.status, seen) == (200, 200, [])
    go_on.set()
    assert told.aafter is not None
    await told.aafter()
    assert seen in (["kept", "slow", "later"], ["slow", "kept", "later"])
    assert failing.aafter is not None
    await failing.aafter()
    assert seen.count("kept") == 1, "it is not delivered again, so it is given up and kept"


async def test_a_caller_that_goes_away_does_not_stop_the_handlers(callbacks: Callbacks, seen: list[Any]) -> None:
    router = Router()
    inside, go_on = asyncio.Event(), asyncio.Event()

    @router.on(AddExternalContact)
    async def slow(event: AddExternalContact) -> None:
        inside.set()
        await go_on.wait()
        seen.append("done")

    @router.on(AddExternalContact, after_reply=True)
    async def later(event: AddExternalContact) -> None:
        seen.append("later")

    door = door_of(callbacks)
    call = asyncio.create_task(aanswer(door, router, posted(added())))
    await inside.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await aanswer(door, router, posted(added()))).status == 503
    go_on.set()
    while router._working:
        await asyncio.wait(router._working)
    again = await aanswer(door, router, posted(added()))
    assert (again.status, again.aafter) == (200, None)
    assert seen == ["done", "later"], "nobody else does what comes after the answer: the next delivery finds the event done"


async def test_when_the_caller_goes_away_and_the_handler_fails_the_next_delivery_begins_anew(callbacks: Callbacks, seen: list[Any]) -> None:
    router = Router()
    inside, go_on = asyncio.Event(), asyncio.Event()

    @router.on(AddExternalContact)
    async def shaky(event: AddExternalContact, context: Context) -> None:
        seen.append(context.attempt)
        if context.attempt == 1:
            inside.set()
            await go_on.wait()
            raise OSError

    router.on(AddExternalContact, after_reply=True)(lambda event: seen.append("later"))
    door = door_of(callbacks)
    call = asyncio.create_task(aanswer(door, router, posted(added())))
    await inside.wait()
    call.cancel()
    go_on.set()
    await asyncio.wait({call})
    while router._working:
        await asyncio.wait(router._working)
    again = await aanswer(door, router, posted(added()))
    assert again.aafter is not None
    await again.aafter()
    assert seen == [1, 2, "later"]


async def test_the_store_takes_its_time_out_of_what_the_handlers_have(callbacks: Callbacks, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(MemorySeen):
        blocking = True

        def take(self, key: str) -> Turn:
            threading.Event().wait(0.05)
            return super().take(key)

    given = list[float]()
    wait = asyncio.wait

    async def watched(tasks: Any, **options: float) -> Any:
        given.append(options["timeout"])
        return await wait(tasks, **options)

    monkeypatch.setattr(asyncio, "wait", watched)
    assert (await aanswer(door_of(callbacks), Router(seen=Slow(), answer_within=10), posted(added()))).status == 200
    assert 0 < given[0] <= 9.95


async def cancelled_from_within(event: AddExternalContact) -> None:
    sleeping = asyncio.create_task(asyncio.sleep(60))
    sleeping.cancel()
    await sleeping


async def test_a_handler_that_is_cancelled_from_within_has_failed(callbacks: Callbacks, seen: list[Any]) -> None:
    router = Router()
    router.on(AddExternalContact)(cancelled_from_within)
    router.failed(lambda event, error, context: seen.append(str(error)))
    assert [(await aanswer(door_of(callbacks), router, posted(added()))).status for _ in range(3)] == [500, 500, 200]
    assert len(seen) == 1
    assert "cancelled" in seen[0]


def test_so_it_has_without_a_loop(callbacks: Callbacks, seen: list[Any]) -> None:
    router = Router()
    router.on(AddExternalContact, after_reply=True)(cancelled_from_within)
    router.on(AddExternalContact, after_reply=True)(lambda event: seen.append("the other"))
    router.failed(lambda event, error, context: seen.append("kept"))
    assert deliver(callbacks, router, posted(added())).status == 200
    assert seen == ["kept", "the other"]


# Passive replies


def opened(told: Answer) -> dict[str, Any]:
    """What the platform reads in a reply."""
    envelope = parse_xml(told.body)
    other = Callbacks(TOKEN, KEY, CORP)
    assert told.content_type.startswith("application/xml")
    return parse_xml(other.verify_url(envelope["MsgSignature"], envelope["TimeStamp"], envelope["Nonce"], envelope["Encrypt"]))


@pytest.mark.parametrize(
    ("reply", "elements"),
    [
        (TextReply(content="你好 <b> & ]]>"), {"MsgType": "text", "Content": "你好 <b> & ]]>"}),
        (ImageReply(media_id="m"), {"MsgType": "image", "Image": {"MediaId": "m"}}),
        (VideoReply(media_id="m", title="t"), {"MsgType": "video", "Video": {"MediaId": "m", "Title": "t"}}),
        (
            NewsReply(articles=(ReplyArticle(title="一", url="https://a"), ReplyArticle(title="二"))),
            {"MsgType": "news", "ArticleCount": "2", "Articles": {"item": [{"Title": "一", "Url": "https://a"}, {"Title": "二"}]}},
        ),
        (
            UpdateTemplateCardReply(
                template_card={"CardType": "text_notice", "MainTitle": {"Title": "t"}, "JumpList": [{"A": 1}, {"A": 2}]}
            ),
            {
                "MsgType": "update_template_card",
                "TemplateCard": {"CardType": "text_notice", "MainTitle": {"Title": "t"}, "JumpList": [{"A": "1"}, {"A": "2"}]},
            },
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_returned_reply_goes_encrypted_to_who_wrote(callbacks: Callbacks, reply: PassiveReply, elements: dict[str, Any]) -> None:
    router = Router()
    router.on(TextMessage)(lambda event: reply)
    told = opened(deliver(callbacks, router, posted(said("在吗"))))
    assert (told.pop("ToUserName"), told.pop("FromUserName")) == ("amy", CORP)
    assert abs(int(told.pop("CreateTime")) - datetime.now(UTC).timestamp()) < 60
    assert told == elements


def test_a_reply_that_is_too_long_names_the_limit() -> None:
    event = TextMessage.model_validate(said("在吗"))
    with pytest.raises(InputError, match="2048 bytes"):
        TextReply(content="长" * 683).to_xml(event, at=NOW)
    with pytest.raises(InputError, match="8 items"):
        NewsReply(articles=[ReplyArticle(title="x")] * 9).to_xml(event, at=NOW)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="character"):
        TextReply(content="\0").to_xml(event, at=NOW)
    with pytest.raises(InputError, match="nobody to answer"):
        TextReply(content="x").to_xml(AddExternalContact(), at=NOW)


@pytest.mark.parametrize("wrong", ["hello", TextReply(content="长" * 683)], ids=["no reply", "too long"])
def test_a_reply_that_cannot_be_sent_is_logged_and_the_event_is_handled(
    callbacks: Callbacks, wrong: Any, caplog: pytest.LogCaptureFixture
) -> None:
    router = Router()
    router.on(TextMessage)(lambda event: wrong)
    assert deliver(callbacks, router, posted(said("在吗"))) == Answer(200)
    assert "passive reply" in caplog.text


def test_claims_have_names() -> None:
    assert [str(claim) for claim in Claim] == ["mine", "busy", "done"]
