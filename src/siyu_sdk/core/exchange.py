"""What a client does with a call, as one generator: credential, limit, send, read, refresh once, retry, raise.

Three promises are kept here and nowhere else:

- a call fetches one new token for one that was refused, and no other if the platform refuses that as well. Only where it says that the
  new one has *expired*, so somebody ends what we fetch, the call goes on as after any trouble that passes: a few times, with pauses;
- what is not idempotent is never resent after it may have arrived: the caller gets `OutcomeUnknown`;
- nothing is retried that cannot succeed unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from attrs import evolve, field, frozen

from .call import Call, Flow, Local, Sleep, Spec
from .errors import ApiError, DecodeError, DownloadError, NotSent, OutcomeUnknown, RateLimited, SignatureError, SiyuError
from .files import Sink
from .hooks import Attempt, Sending, log, logger
from .http import READ_TIMEOUT, UPLOAD_TIMEOUT, Request, Response, multipart
from .limits import Refusal, Rule, Turn
from .lineup import give_back, line_up
from .run import Drain, Guarded, Transmit
from .styles import Refused
from .tokens import FORCE_GAP, ProvidedSource, Source, Token, TokenCache, TokenSource, cache_key

if TYPE_CHECKING:
    from .client import Session

R = TypeVar("R")


@frozen
class RawReply(Generic[R]):
    """A reply with all that came around it."""

    reply: R
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Renewal(Enum):
    """What became of a credential that was refused."""

    NONE = 0
    """It cannot be renewed."""
    FOUND = 1
    """Somebody else had renewed it already."""
    FETCHED = 2
    """This call renewed it."""


RENEWALS = 4
"""Refusals that a call survives where others renew the token again and again; one, where it has renewed the token itself."""


EXPIRED = (42001, 42006, 42009)
"""Refusals of a token that was right and has ended: of an app or authorizer, a component, a suite."""


class Auth(Protocol):
    """How calls of one kind prove who sends them."""

    def sign(self, session: Session, request: Request) -> Flow[Request]:
        """Add the credential."""
        ...

    def check(self, session: Session, response: Response, call: str) -> None:
        """Refuse a reply that the platform did not sign, where it signs."""
        ...

    def refused(self, session: Session, request: Request) -> Flow[Renewal]:
        """Replace the credential that was refused, and say how."""
        ...


class NoAuth:
    """Calls that carry no credential."""

    def sign(self, session: Session, request: Request) -> Flow[Request]:  # noqa: ARG002 -- the protocol's signature
        """Add nothing."""
        yield from ()
        return request

    def check(self, session: Session, response: Response, call: str) -> None:
        """Nothing is signed."""

    def refused(self, session: Session, request: Request) -> Flow[Renewal]:  # noqa: ARG002 -- the protocol's signature
        """There is nothing to renew."""
        yield from ()
        return Renewal.NONE


class TokenAuth(NoAuth):
    """A token in the query, fetched when it is missing and renewed when it is refused."""

    def __init__(self, source: Source, parameter: str = "access_token") -> None:
        self.source = source
        self.parameter = parameter

    def sign(self, session: Session, request: Request) -> Flow[Request]:
        """Add the token, fetching it if need be."""
        token = yield from obtain(session, self.source)
        return request.with_secret(self.parameter, token.value)

    def refused(self, session: Session, request: Request) -> Flow[Renewal]:
        """Replace that token, unless somebody has replaced it already."""
        cache, key, value = _cache(session, self.source), self.source.key, dict(request.secret_query).get(self.parameter, "")
        yield from Local(cache.discard, key, value, blocking=cache.blocking)
        if (yield from _held(session, self.source)) is not None:
            return Renewal.FOUND
        return (yield from Guarded(cache, key, lambda: self._renew(session, value)))

    def _renew(self, session: Session, refused: str) -> Flow[Renewal]:
        if (yield from _held(session, self.source)) is not None:
            return Renewal.FOUND
        cache = _cache(session, self.source)
        token = yield from self._replace(session, refused)
        yield from Local(cache.put, self.source.key, token, blocking=cache.blocking)
        return Renewal.FETCHED

    def _replace(self, session: Session, refused: str) -> Flow[Token]:  # noqa: ARG002 -- where it matters which one it was
        return self.source.fetch(session)


class StableTokenAuth(TokenAuth):
    """A stable token, renewed when it is refused.

    A stable token is shared by everybody who asks, so a refusal mostly means that somebody else has renewed it: asking again in normal
    mode gives the new one and costs nothing. Only where the platform hands out the very token that it refuses is a forced refresh
    the one way left. It ends the token for every other process and there are 20 a day, so one is made in 72 minutes at most; the mark
    of the last one is kept in the token cache, where all processes that share the cache see it. Until then the error tells.
    """

    source: TokenSource

    def _replace(self, session: Session, refused: str) -> Flow[Token]:
        cache, source, now = session.cache, self.source, session.clock.time()
        token = yield from source.fetch(session)
        if token.value == refused and source.forced is not None:
            mark = f"{source.key}:forced"
            last = yield from Local(cache.get, mark, blocking=cache.blocking)
            if last is None or not last.fresh(now):
                yield from Local(cache.put, mark, Token("forced", now + FORCE_GAP), blocking=cache.blocking)
                token = yield from source.ask(session, source.forced())
        return token


class ProvidedTokenAuth(TokenAuth):
    """A token of a company's own token service, which is told when the platform refuses it."""

    source: ProvidedSource

    def _replace(self, session: Session, refused: str) -> Flow[Token]:  # noqa: ARG002 -- the service knows which it gave
        return self.source.ask(session, refresh=True)


AHEAD_PAUSE = 15.0
"""Seconds of rest after a renewal ahead of time has failed: the old token still works."""


def _cache(session: Session, source: Source) -> TokenCache:
    return source.cache or session.cache


def obtain(session: Session, source: Source) -> Flow[Token]:
    """The token in the cache, or a new one: whoever comes first fetches it, the others wait and find it.

    In a token's last minutes whoever comes first fetches its successor, and the others do not wait: they go on with it.
    """
    cache, now = _cache(session, source), session.clock.time()
    held = cache.peek(source.key)
    if held is not None and held.fresh(now):
        return held
    held = yield from Local(cache.get, source.key, blocking=cache.blocking)
    if held is None or not held.usable(now):
        return (yield from Guarded(cache, source.key, lambda: _fetch(session, source)))
    if held.fresh(now):
        return held
    old = held
    return (yield from Guarded(cache, source.key, lambda: _fetch_ahead(session, source, old), instead=old))


def _held(session: Session, source: Source) -> Flow[Token | None]:
    cache, now = _cache(session, source), session.clock.time()
    held = cache.peek(source.key)  # somebody in this process may have fetched it while this caller waited
    if held is None or not held.fresh(now):
        held = yield from Local(cache.get, source.key, blocking=cache.blocking)  # or somebody elsewhere
    return held if held is not None and held.fresh(now) else None


def _fetch(session: Session, source: Source) -> Flow[Token]:
    held = yield from _held(session, source)
    if held is not None:
        return held
    token = yield from source.fetch(session)
    cache = _cache(session, source)
    yield from Local(cache.put, source.key, token, blocking=cache.blocking)
    return token


def _fetch_ahead(session: Session, source: Source, old: Token) -> Flow[Token]:
    try:
        return (yield from _fetch(session, source))
    except SiyuError as error:
        logger.warning("%s: a token could not be renewed ahead of its end; the old one is used on: %s", session.platform, error)
        cache, later = _cache(session, source), min(session.clock.time() + AHEAD_PAUSE, old.ends_at)
        yield from Local(cache.put, source.key, evolve(old, expires_at=later), blocking=cache.blocking)
        return old


class Ticketed(Protocol):
    """A reply that hands out a ticket, such as a jsapi_ticket."""

    @property
    def ticket(self) -> str:
        """The ticket."""
        ...

    @property
    def expires_in(self) -> int:
        """Seconds that it lives."""
        ...


def ticket(session: Session, call: Call[Ticketed], refused: str = "") -> Flow[str]:
    """The ticket that this call fetches, kept and renewed as tokens are; `refused` is one that turned out to be void."""

    def read(reply: Ticketed, now: float) -> Token:
        return Token.living(reply.ticket, reply.expires_in, now)

    auth = session.auth(call.spec.auth)
    owner = auth.source.key if isinstance(auth, TokenAuth) else session.tenant
    source = TokenSource(cache_key(session.platform, owner, call.target()), lambda: call, read)
    if refused:
        yield from Local(session.cache.discard, source.key, refused, blocking=session.cache.blocking)
    token = yield from obtain(session, source)
    return token.value


# The exchange itself


def build(session: Session, call: Call[Any], sink: Sink | None = None) -> Request:
    """Turn a call into bytes."""
    spec = call.spec
    headers = {"accept": "application/json", "user-agent": session.user_agent}
    sources = call.files()
    content, signed, timeout = call.content(), None, READ_TIMEOUT
    if sources:
        texts = cast("dict[str, Any]", call.body())
        headers["content-type"], content = multipart(sources, {k: v if isinstance(v, str) else _compact(v) for k, v in texts.items()})
        signed, timeout = _compact(texts["meta"]).encode() if "meta" in texts else None, UPLOAD_TIMEOUT
    elif content is not None:
        headers["content-type"] = "application/json"
    timeout = call.timeout or spec.timeout or (session.timeout if not sources else None) or timeout
    return Request(spec.method, session.base_url, call.target(), headers, content, timeout, signed=signed, sink=sink, call=str(spec))


def _compact(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def exchange(session: Session, call: Call[R]) -> Flow[RawReply[R]]:
    """Send a call and read its reply, with all that this takes."""
    if call.destination is not None or call.spec.names("file"):
        return _with_files(session, call)
    return _plain(session, call, None)


def _plain(session: Session, call: Call[R], sink: Sink | None) -> Flow[RawReply[R]]:
    return _watched(session, call, sink) if session.hooks.watching else _exchange(session, call, sink)


def _with_files(session: Session, call: Call[R]) -> Flow[RawReply[R]]:
    """Read what streams in before, and keep what streams out after."""
    for name in call.spec.names("file"):
        upload = call.arguments.get(name)
        if upload is not None and upload.stream is not None:
            call = call.replace(**{name: upload.filled((yield from Drain(upload.stream)))})
    if call.destination is None:
        return (yield from _plain(session, call, None))
    with (yield from Local(call.destination.open)) as sink:
        raw = yield from _plain(session, call, sink)
        saved = yield from Local(sink.keep, raw.headers)
    return cast("RawReply[R]", evolve(cast("RawReply[Any]", raw), reply=saved))


def _watched(session: Session, call: Call[R], sink: Sink | None) -> Flow[RawReply[R]]:
    hooks, spec, began = session.hooks, call.spec, session.clock.time()
    sending = Sending(session.platform, spec.method, spec.path.partition("?")[0], session.base_url)
    if hooks.on_begin:
        hooks.on_begin(sending)
    try:
        return (yield from _exchange(session, call, sink, sending))
    except BaseException as error:
        sending.error = error
        raise
    finally:
        sending.elapsed = session.clock.time() - began
        if hooks.on_end:
            hooks.on_end(sending)


def _exchange(session: Session, call: Call[R], sink: Sink | None, sending: Sending | None = None) -> Flow[RawReply[R]]:
    spec, limiter, clock = call.spec, session.limiter, session.clock
    auth = session.auth(spec.auth)
    plain = build(session, call, sink)
    rules = session.rulebook.rules(spec.method, spec.path, spec.limit)
    started, attempt, renewals, due = clock.time(), 0, RENEWALS, 0.0
    while True:
        turn = Turn(rules)
        try:
            waited = yield from line_up(session, spec, turn, due)  # before it is signed: what is signed must not grow old in a line
            request = yield from auth.sign(session, plain)
            attempt += 1
            if sending is not None:
                sending.attempts, sending.waited = sending.attempts + 1, sending.waited + waited
            outcome, seen = yield from _attempt(session, auth, spec, request, attempt, sending)
            refusal = _limited(session, rules, outcome)
            shut = (yield from give_back(session, turn, refusal)) if limiter.blocking else limiter.release(turn, clock.time(), refusal)
        finally:
            if not turn.ended:
                limiter.release(turn, clock.time())
        if not isinstance(outcome, _Failure):
            log(seen)
            return cast("RawReply[R]", outcome)
        again = outcome.again
        if outcome.renew and renewals:
            attempt -= 1
            log(seen, "the credential is renewed")
            renewal = yield from _renewed(session, auth, request, sending)
            renewals = renewals - 1 if renewal is Renewal.FOUND else 0
            if renewal is not Renewal.NONE:
                continue
        elif outcome.renew:
            again = outcome.error.code in EXPIRED if isinstance(outcome.error, ApiError) else False
        if shut and isinstance(outcome.error, ApiError):
            outcome.error.retry_after = shut
        asked = shut or outcome.asked
        pause = session.retry.pause(attempt, started, clock.time(), asked) if again else None
        if pause is None:
            log(seen)
            raise outcome.error
        log(seen, f"again in {pause:.1f} s")
        if session.hooks.on_retry:
            session.hooks.on_retry(evolve(seen, pause=pause))
        due = clock.time() + pause
        yield from Sleep(pause)
        if outcome.renew:
            yield from _renewed(session, auth, request, sending)


def _renewed(session: Session, auth: Auth, request: Request, sending: Sending | None) -> Flow[Renewal]:
    if sending is not None:
        sending.refreshes += 1
    return (yield from auth.refused(session, request))


def _limited(session: Session, rules: tuple[Rule, ...], outcome: RawReply[Any] | _Failure) -> Refusal | None:
    if isinstance(outcome, _Failure) and isinstance(outcome.error, RateLimited):
        return session.rulebook.refusal(rules, outcome.error.code, outcome.asked)
    return None


@frozen
class _Failure:
    error: SiyuError
    again: bool = False
    renew: bool = False
    asked: float | None = None


def _attempt(
    session: Session, auth: Auth, spec: Spec[Any], request: Request, number: int, sending: Sending | None
) -> Flow[tuple[RawReply[Any] | _Failure, Attempt]]:
    began = session.clock.time()
    status: int | None = None
    result: RawReply[Any] | _Failure
    try:
        if session.hooks.on_request:
            session.hooks.on_request(Attempt(session.platform, spec.method, spec.path, number, sending=sending))
        response: Response = yield Transmit(request, session.transport)
        status = response.status
        if 200 <= status < 300:
            auth.check(session, response, str(spec))
        result = RawReply(session.style.read(session, spec, response), status, response.headers, response.content)
    except NotSent as error:
        result = _Failure(error, again=True)
    except OutcomeUnknown as error:
        result = _Failure(error, again=spec.idempotent)
    except Refused as refused:
        result = _judge(spec, refused)
    except DecodeError as error:
        error.may_have_arrived = spec.method != "GET"  # safe to repeat is not the same as not done
        result = _Failure(error, again=spec.idempotent and status != 200)
    except (SignatureError, DownloadError) as error:  # hooks and logs see it; nothing is tried again
        result = _Failure(error)
    seen = Attempt(
        session.platform,
        spec.method,
        spec.path,
        number,
        status,
        result.error if isinstance(result, _Failure) else None,
        session.clock.time() - began,
        sending=sending,
    )
    if session.hooks.on_response:
        session.hooks.on_response(seen)
    return result, seen


def _judge(spec: Spec[Any], refused: Refused) -> _Failure:
    """What a refusal asks for. Busy platforms may have done the work before they said so; limits refuse before they do anything."""
    error, code = refused.error, refused.code
    if code.kind == "token":
        return _Failure(error, renew=code.retry == "after_refresh_token")
    if code.retry != "backoff":
        return _Failure(error)
    if code.kind == "rate_limit":
        return _Failure(error, again=True, asked=error.retry_after)
    error.may_have_arrived = code.kind == "temporary" and spec.method != "GET"
    if not spec.idempotent and code.kind == "temporary":
        unknown = OutcomeUnknown(f"{error}; the call may have taken effect", str(spec))
        unknown.__cause__ = error
        return _Failure(unknown)
    return _Failure(error, again=spec.idempotent, asked=error.retry_after)
