"""The control server: the sandbox for other processes, as JSON.

It answers on loopback only, and hands the sandbox's secrets to whoever asks: they open nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from attrs import asdict

from .clock import beijing
from .platform import Answer, Json, Refusal, Request, Router, dump, json_object
from .wecom.people import People

if TYPE_CHECKING:  # Sandbox serves this module's Control: a real import would be a circle
    from .sandbox import Sandbox

router: Router[Sandbox] = Router()
HANDS = tuple(name for name in vars(People) if name.startswith(("customer_", "member_", "kf_")) or name in ("chat", "oauth_code"))
"""What other processes may let people do."""


class Control:
    """Serves the routes below for one sandbox."""

    name = "control"

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def answer(self, request: Request) -> Answer:
        """The route's reply; 400 for what the sandbox does not take."""
        found = router.find(request)
        if found is None:
            return self.refuse(request, Refusal("NOT_FOUND", "no such path", status=404))
        route, request = found
        try:
            reply = route.handler(self._sandbox, request)
        except (ValueError, TypeError, LookupError, Refusal) as error:
            return self.refuse(request, Refusal("BAD_REQUEST", str(error), status=400))
        return Answer(dump(reply))

    def refuse(self, request: Request, refusal: Refusal) -> Answer:  # noqa: ARG002 (a platform may look at the request)
        """The refusal as JSON, with its HTTP status."""
        return Answer(dump({"code": refusal.code, "message": refusal.message}), refusal.status, code=refusal.code)

    def refusal(self, code: int | str) -> Refusal:
        """Faults do not reach the control server."""
        return Refusal(code, "injected by the sandbox", status=500)


def _given(request: Request) -> dict[str, Any]:
    value = json_object(request.body or b"{}")
    if value is None:
        raise ValueError("the body must be a JSON object")
    return value


@router.on("GET", "/clock")
def clock(sandbox: Sandbox, _request: Request) -> Json:
    """Virtual time."""
    at = sandbox.clock.time()
    return {"now": beijing(at).isoformat(), "time": at}


@router.on("POST", "/advance")
def advance(sandbox: Sandbox, request: Request) -> Json:
    """Skip virtual time: {"days": 1} or hours, minutes, seconds."""
    ran = sandbox.advance(timedelta(**_given(request)))
    return {**clock(sandbox, request), "ran": ran}


@router.on("GET", "/credentials")
def credentials(sandbox: Sandbox, _request: Request) -> Json:
    """Every id and secret, and the environment for `Siyu.from_env()`."""
    return {"credentials": asdict(sandbox.credentials), "environment": sandbox.environment()}


@router.on("GET", "/books")
def books(sandbox: Sandbox, _request: Request) -> Json:
    """The summary of the books."""
    return sandbox.books.summary()


@router.on("GET", "/inbox/{external_userid}")
def inbox(sandbox: Sandbox, request: Request) -> Json:
    """One customer's messages."""
    return {"messages": [asdict(delivery) for delivery in sandbox.inbox(request.placeholders["external_userid"])]}


@router.on("GET", "/wallet/{person}")
def wallet(sandbox: Sandbox, request: Request) -> Json:
    """One person's coupons, by unionid, openid or external_userid."""
    return {"coupons": [asdict(coupon) for coupon in sandbox.wallet(request.placeholders["person"])]}


@router.on("GET", "/logins")
def logins(sandbox: Sandbox, _request: Request) -> Json:
    """The brand's own user table."""
    return {"logins": [asdict(login) for login in sandbox.logins()]}


@router.on("POST", "/act/{hand}")
def act(sandbox: Sandbox, request: Request) -> Json:
    """Move the people of WeCom: the name and the parameters of a method of `People`, as /act/customer_adds {"userid": "amy"}."""
    hand = request.placeholders["hand"]
    if hand not in HANDS:
        raise ValueError(f"{hand} is none of {', '.join(HANDS)}")
    return {"result": getattr(sandbox.wecom, hand)(**_given(request))}


@router.on("GET", "/invariants")
def invariants(sandbox: Sandbox, _request: Request) -> Json:
    """What must never be and is."""
    return {"violations": sandbox.invariants()}


@router.on("POST", "/faults")
def faults(sandbox: Sandbox, request: Request) -> Json:
    """Add a fault: the parameters of `Faults.add`."""
    return asdict(sandbox.faults.add(**_given(request)))


@router.on("DELETE", "/faults")
def clear_faults(sandbox: Sandbox, _request: Request) -> Json:
    """No more faults."""
    sandbox.faults.clear()
    return {}


@router.on("POST", "/callbacks")
def callbacks(sandbox: Sandbox, request: Request) -> Json:
    """Where callbacks go: {"wecom": URL or null, "pay": URL or null}."""
    given = _given(request)
    setters: dict[str, Callable[[Any], None]] = {
        "wecom": lambda url: setattr(sandbox, "wecom_callback_url", url),
        "pay": lambda url: setattr(sandbox, "pay_callback_url", url),
    }
    for name, url in given.items():
        setters[name](url)
    return {"wecom": sandbox.wecom_callback_url, "pay": sandbox.pay_callback_url}


@router.on("POST", "/reset")
def reset(sandbox: Sandbox, request: Request) -> Json:
    """Everything as it was at the start."""
    sandbox.reset()
    return clock(sandbox, request)
