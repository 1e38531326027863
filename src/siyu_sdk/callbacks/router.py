"""The router: which function handles which event, once, in time.

An event is taken by its fingerprint, handed to every handler of its class or of a base class, and then marked as done. What the
platform is answered follows from what became of it:

| what happened                                                | answer                      | the platform then          |
|---|---|---|
| handled; nothing to handle; handled before                   | 200 (a passive reply in it) | is content                 |
| a handler failed, and there are attempts left                | 500, the event is given back | delivers it again, soon    |
| a handler failed at the last attempt                         | 200, after `@router.failed` has kept it | is content     |
| another delivery of it is being handled at this moment       | 503                         | delivers it again, soon    |
| handlers take longer than `answer_within` (async only)       | 200; they go on             | is content                 |

So no event is lost while it can still be delivered, and no event is refused for ever.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Generator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, cast, overload

from attrs import define, field, frozen

from ..core.clock import Clock, SystemClock
from ..core.errors import InputError, SiyuError, UsageError
from ..core.events import Event, Incoming
from .seen import Claim, MemorySeen, Seen, Turn

if TYPE_CHECKING:
    from ..pay.notifications import Notification

E = TypeVar("E", bound=Event)
E2 = TypeVar("E2", bound=Event)
E3 = TypeVar("E3", bound=Event)
F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

ANSWER_WITHIN = 4.5
"""Seconds: the platforms wait 5, and the answer has to travel."""

ATTEMPTS = 3
"""Deliveries of one event that may fail: WeCom delivers four times."""

logger = logging.getLogger("siyu_sdk.callbacks")


@frozen
class Context:
    """What a handler may want to know beside the event. Take it as a second parameter."""

    received_at: datetime
    answer_by: datetime
    """When the platform stops waiting for the answer."""
    deadline: datetime | None
    """When what the event hands out (a welcome code: 20 s from the event's own time) stops working; None where it hands out nothing."""
    attempt: int
    """1, or more where an earlier delivery failed."""
    fingerprint: str
    happened_at: datetime | None = None
    receive_id: str = ""
    notification: Notification | None = None
    """Of WeChat Pay: the envelope, with `id`, `summary` and `original_type`."""
    clock: Clock = field(factory=SystemClock, repr=False)

    def seconds_left(self) -> float:
        """Seconds until `deadline`, or until `answer_by` where there is none; less than 0 when it is over."""
        return ((self.deadline or self.answer_by) - self.clock.now()).total_seconds()


Handler: TypeAlias = Callable[[E], Any] | Callable[[E, Context], Any]
Keeper: TypeAlias = Callable[[Event, Exception, Context], Any]


class On(Generic[E]):
    """The decorator that `Router.on` gives: for a function of the event, or of event and context; plain or async."""

    def __init__(self, router: Router, kinds: tuple[type[E], ...], *, after_reply: bool) -> None:
        self._router, self._kinds, self._after_reply = router, kinds, after_reply

    @overload
    def __call__(self, handler: Callable[[E], T], /) -> Callable[[E], T]: ...
    @overload
    def __call__(self, handler: Callable[[E, Context], T], /) -> Callable[[E, Context], T]: ...
    def __call__(self, handler: Callable[..., Any], /) -> Callable[..., Any]:
        """Register the function, and give it back."""
        self._router.add(handler, *self._kinds, after_reply=self._after_reply)
        return handler


@frozen
class _Entry:
    handler: Callable[..., Any]
    kinds: tuple[type[Event], ...]
    after_reply: bool
    wants_context: bool


@frozen
class _Do:
    """A step: call a function, wait for it if it is async; `blocking` work runs in a thread under a loop."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    blocking: bool = True


Steps: TypeAlias = Generator[_Do, Any, T]


@define
class _Turn:
    """One delivery on its way through the router."""

    incoming: Incoming
    context: Context
    turn: Turn
    answered: bool = False


@frozen
class Outcome:
    """What to answer, and what to do after that."""

    status: int
    reply: Any = None
    """A passive reply that a handler returned."""
    after: Callable[[], None] | None = None
    """Handlers that run after the answer; sync. Never raises."""
    aafter: Callable[[], Coroutine[Any, Any, None]] | None = None
    """The same, under a loop."""


class Router:
    """Handlers of events, for WeCom, WeChat Pay and whatever else posts to you.

    ```python
    router = Router(seen=RedisSeen("redis://localhost"))


    @router.on(AddExternalContact, after_reply=True)
    async def welcome(event: AddExternalContact, context: Context) -> None: ...
    ```

    `seen` is shared by all processes at one address; memory is for one process. `attempts` is how many deliveries of one event may fail
    before it is given up; `answer_within` is in seconds.
    """

    def __init__(
        self, *, seen: Seen | None = None, attempts: int = ATTEMPTS, answer_within: float = ANSWER_WITHIN, clock: Clock | None = None
    ) -> None:
        if attempts < 1:
            raise InputError("attempts must be at least 1", "attempts")
        self._seen: Seen = seen if seen is not None else MemorySeen()  # an empty store is false
        self._attempts, self._within = attempts, answer_within
        self._clock = clock or SystemClock()
        self._entries: list[_Entry] = []
        self._defaults: list[_Entry] = []
        self._keepers: list[Keeper] = []
        self._working: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return f"<Router of {len(self._entries)} handlers>"

    # Registering

    @overload
    def on(self, kind: type[E], /, *, after_reply: bool = False) -> On[E]: ...
    @overload  # a type checker joins two classes to their base; written out they stay apart
    def on(self, kind: type[E], kind2: type[E2], /, *, after_reply: bool = False) -> On[E | E2]: ...
    @overload
    def on(self, kind: type[E], kind2: type[E2], kind3: type[E3], /, *, after_reply: bool = False) -> On[E | E2 | E3]: ...
    @overload
    def on(self, *kinds: type[E], after_reply: bool = False) -> On[E]: ...
    def on(self, *kinds: type[Any], after_reply: bool = False) -> On[Any]:
        """Handle events of these classes and of classes derived from them: `CustomerEvent` means every change of a customer.

        With `after_reply` the platform is answered first: for everything that calls the network. It is not delivered again if that
        fails. Without it, what the handler returns may be a passive reply.
        """
        _check(kinds)
        return On(self, kinds, after_reply=after_reply)

    def default(self, handler: F) -> F:
        """Handle every event that no other handler takes, unknown ones too."""
        self._defaults.append(_entry(handler, (Event,), after_reply=False))
        return handler

    def failed(self, keeper: F) -> F:
        """Keep an event that is given up: a function of event, error and context. Without one it is only logged, without its content.

        If the keeper fails as well, the platform is answered 500 for as long as it delivers.
        """
        self._keepers.append(keeper)
        return keeper

    def add(self, handler: Callable[..., Any], *kinds: type[Event], after_reply: bool = False) -> None:
        """Register a handler without a decorator.

        Raises:
            UsageError: no class is given, or the function takes neither the event alone nor event and context.
        """
        _check(kinds)
        self._entries.append(_entry(handler, kinds, after_reply=after_reply))

    def handlers(self, kind: type[Event]) -> list[Callable[..., Any]]:
        """The functions that handle events of a class, in the order in which they were registered."""
        return [entry.handler for entry in self._matching(kind)]

    def _matching(self, kind: type[Event]) -> list[_Entry]:
        return [entry for entry in self._entries if issubclass(kind, entry.kinds)] or self._defaults

    # Dispatching

    def dispatch(self, incoming: Incoming, *, notification: Notification | None = None) -> Outcome:
        """Handle an event in the calling thread. Async handlers run in an event loop of their own, made for the event.

        Nothing can cut a handler short here: what is slow belongs `after_reply`, or under an async server.
        """
        began = self._clock.now()
        mine, settled = _run(self._take(incoming, began, notification))
        if mine is None:
            return settled
        status, reply = _run(self._handle(mine))
        if self._clock.now() > mine.context.answer_by:
            logger.warning("handlers of %s took longer than the platform waits: register them with after_reply=True", _name(incoming))
        mine.answered = True
        later = self._later(mine) if status == 200 else []
        return Outcome(status, reply, (lambda: _run(self._handle_later(mine, later))) if later else None)

    async def adispatch(self, incoming: Incoming, *, notification: Notification | None = None) -> Outcome:
        """Handle an event under a running loop. Plain handlers run in the loop's threads.

        When handlers are still at work after `answer_within`, the platform is answered 200 and they go on in `aafter`; if they fail then,
        the event is given up, for it is not delivered again.
        """
        loop, began = asyncio.get_running_loop(), self._clock.now()
        until = loop.time() + self._within
        mine, settled = await _arun(self._take(incoming, began, notification))
        if mine is None:
            return settled
        work = self._start(_arun(self._handle(mine)))  # goes on when the caller is cancelled

        async def carry_on() -> None:
            status, reply = await work
            mine.answered = True
            if reply is not None:
                logger.warning("a passive reply to %s came too late", _name(incoming))
            if status == 200:
                await _arun(self._handle_later(mine, self._later(mine)))

        try:
            await asyncio.wait({work}, timeout=max(0.0, until - loop.time()))
        except asyncio.CancelledError:  # the connection is gone; the next delivery finds the event done, so all is done now
            self._start(carry_on())
            raise
        if work.done():
            status, reply = work.result()
            mine.answered = True
            later = self._later(mine) if status == 200 else []
            return Outcome(status, reply, aafter=(lambda: _arun(self._handle_later(mine, later))) if later else None)
        mine.answered = True
        logger.warning("handlers of %s are still at work: the platform is answered without a reply", _name(incoming))
        return Outcome(200, aafter=carry_on)

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._working.add(task)  # a loop holds its tasks weakly
        task.add_done_callback(self._working.discard)
        return task

    # The steps, the same for both

    def _take(self, incoming: Incoming, began: datetime, notification: Notification | None) -> Steps[tuple[_Turn | None, Outcome]]:
        try:
            turn = yield self._ask(self._seen.take, incoming.fingerprint)
        except Exception:
            logger.exception("the store of fingerprints failed; %s is refused and comes again", _name(incoming))
            return None, Outcome(500)
        if turn.claim is not Claim.MINE:
            return None, Outcome(200 if turn.claim is Claim.DONE else 503)
        context = Context(
            received_at=began,
            answer_by=began + timedelta(seconds=self._within),
            deadline=incoming.event.usable_until,
            attempt=turn.attempt,
            fingerprint=incoming.fingerprint,
            happened_at=incoming.happened_at,
            receive_id=incoming.receive_id,
            notification=notification,
            clock=self._clock,
        )
        return _Turn(incoming, context, turn), Outcome(200)

    def _handle(self, mine: _Turn) -> Steps[tuple[int, Any]]:
        reply: Any = None
        try:
            for entry in self._matching(type(mine.incoming.event)):
                if not entry.after_reply:
                    answer = yield self._call(entry, mine)
                    reply = answer if reply is None else reply
            yield self._ask(self._seen.done, mine.context.fingerprint, mine.turn)
        except Exception as error:  # noqa: BLE001 -- whatever a handler raises: it is told, and must not reach the platform
            return (yield from self._failed(mine, error)), None
        return 200, reply

    def _later(self, mine: _Turn) -> list[_Entry]:
        return [entry for entry in self._matching(type(mine.incoming.event)) if entry.after_reply]

    def _handle_later(self, mine: _Turn, later: list[_Entry]) -> Steps[None]:
        for entry in later:
            try:
                yield self._call(entry, mine)
            except Exception as error:  # noqa: BLE001 -- one failing handler shall not take the others along
                yield from self._failed(mine, error)

    def _failed(self, mine: _Turn, error: Exception) -> Steps[int]:
        """Decide about an event that failed: once more, or give it up. Gives the status to answer."""
        name = _name(mine.incoming)
        last = mine.answered or mine.context.attempt >= self._attempts
        logger.error("a handler of %s failed (attempt %d)%s", name, mine.context.attempt, ", given up" if last else "", exc_info=error)
        end = self._seen.release
        if last:
            try:
                for keeper in self._keepers:
                    yield _Do(keeper, (mine.incoming.event, error, mine.context))
                end = self._seen.done if self._keepers else self._seen.release
            except Exception:
                logger.exception("%s could not be kept", name)
                last = False
        try:
            yield self._ask(end, mine.context.fingerprint, mine.turn)
        except Exception:
            logger.exception("the store of fingerprints failed; %s is free again when its lease ends", name)
        return 200 if last else 500

    def _call(self, entry: _Entry, mine: _Turn) -> _Do:
        return _Do(entry.handler, (mine.incoming.event, mine.context) if entry.wants_context else (mine.incoming.event,))

    def _ask(self, function: Callable[..., Any], *arguments: Any) -> _Do:
        return _Do(function, arguments, blocking=self._seen.blocking)


def _name(incoming: Incoming) -> str:
    return f"{type(incoming.event).__name__} {incoming.fingerprint[:12]}"


def _check(kinds: tuple[Any, ...]) -> None:
    if not kinds or not all(isinstance(kind, type) and issubclass(kind, Event) for kind in kinds):
        raise UsageError("name the events that are handled: @router.on(AddExternalContact), or @router.default for all others")


def _entry(handler: Callable[..., Any], kinds: tuple[type[Event], ...], *, after_reply: bool) -> _Entry:
    if not callable(handler):
        raise UsageError("a handler is a function")
    try:
        signature = inspect.signature(handler)
    except ValueError:  # some functions written in C do not tell
        return _Entry(handler, kinds, after_reply, wants_context=False)
    places = [p for p in signature.parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    wants = len(places) > 1 and (places[1].default is places[1].empty or places[1].name == "context")
    try:
        signature.bind(*range(1 + wants))
    except TypeError:
        raise UsageError(
            f"{getattr(handler, '__qualname__', handler)}{signature}: a handler takes the event, or the event and the context"
        ) from None
    return _Entry(handler, kinds, after_reply, wants)


# The two drivers


def _run(steps: Steps[T]) -> T:
    """Do what the steps say, in this thread."""
    try:
        step = next(steps)
        while True:
            try:
                result = step.function(*step.arguments)
                if inspect.isawaitable(result):
                    result = _finish(result)
            except Exception as error:  # noqa: BLE001 -- handed to the generator, which decides
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as stop:
        return cast("T", stop.value)


def _finish(waiting: Awaitable[T]) -> T:
    if asyncio._get_running_loop() is not None:  # noqa: SLF001 -- the public one raises where there is none
        if inspect.iscoroutine(waiting):
            waiting.close()
        raise UsageError("dispatch() cannot wait for an async handler inside a running loop: await adispatch() there")
    return asyncio.run(_wait(waiting))


async def _arun(steps: Steps[T]) -> T:
    """Do what the steps say, under the running loop."""
    try:
        step = next(steps)
        while True:
            try:
                if step.blocking and not _is_async(step.function):
                    result = await asyncio.to_thread(step.function, *step.arguments)
                else:
                    result = step.function(*step.arguments)
                if inspect.isawaitable(result):
                    result = await _wait(result)
            except Exception as error:  # noqa: BLE001 -- handed to the generator, which decides
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as stop:
        return cast("T", stop.value)


async def _wait(waiting: Awaitable[T]) -> T:
    """Wait for a handler. One that awaits what was cancelled has failed like any other; only this task's own end is none of its."""
    try:
        return await waiting
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise SiyuError("the handler was cancelled from within: it awaited something that had been cancelled") from None


def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 -- an object with an async __call__
