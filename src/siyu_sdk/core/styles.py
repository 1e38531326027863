"""Reading replies: two styles, as the platforms have two ways to tell success from failure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Protocol, cast

from .call import Spec
from .codes import Code, refusal
from .errors import ApiError, DecodeError
from .files import is_file
from .http import Response
from .model import Reply, decode
from .redact import is_secret

if TYPE_CHECKING:
    from .client import Session


class Style(Protocol):
    """How a platform tells success from failure."""

    def read(self, session: Session, spec: Spec[Any], response: Response) -> Any:
        """The reply, or raise `Refused`."""
        ...


class Refused(Exception):
    """A platform's refusal, with its row of the table of codes. It never leaves the exchange."""

    def __init__(self, error: ApiError, code: Code) -> None:
        super().__init__()
        self.error, self.code = error, code


class ErrcodeStyle:
    """WeCom, mini-program, store, official account: HTTP 200 with an `errcode` that is 0 or left out."""

    def read(self, session: Session, spec: Spec[Any], response: Response) -> Any:
        """Read a success in one step; look closer only if that fails."""
        from pydantic import ValidationError

        kind, body = spec.reply, response.content
        if response.status == 200:
            if isinstance(kind, type) and issubclass(kind, Reply):
                try:
                    reply = kind.model_validate_json(body)
                except ValidationError:
                    pass
                else:
                    if not reply.errcode:
                        return reply
            elif kind is bytes and is_file(response.headers, body):
                return body
        envelope = _envelope(spec, response)
        code = _number(envelope.get("errcode", 0), spec, response)
        if code or response.status >= 400:
            message = str(envelope.get("errmsg", ""))
            named = re.search(r"\b(?:rid: ?|hint: ?\[)([^\s\],]+)", message)
            raise Refused(
                *refusal(
                    session.platform,
                    code or response.status,
                    message,
                    str(spec),
                    status=response.status,
                    request_id=named[1] if named else "",
                    retry_after=retry_after(response),
                    details={k: v for k, v in envelope.items() if k not in ("errcode", "errmsg") and not is_secret(k)} or None,
                )
            )
        return envelope if kind is Any else decode(kind, body, str(spec))


class HttpStyle:
    """WeChat Pay APIv3: the HTTP status tells, the body of an error says why, the end of Request-ID says it exactly."""

    def read(self, session: Session, spec: Spec[Any], response: Response) -> Any:
        """Read a success, or explain the refusal."""
        if response.status == 204 and spec.reply in (None, type(None), Any):
            return None
        if response.status in (200, 201, 202, 204):
            return _envelope(spec, response) if spec.reply is Any else decode(spec.reply, response.content, str(spec))
        envelope = _envelope(spec, response)
        request_id = response.headers.get("request-id", "")
        fine = request_id.rpartition("-")[2] if "-" in request_id else ""
        raise Refused(
            *refusal(
                session.platform,
                str(envelope.get("code", response.status)),
                str(envelope.get("message", "")),
                str(spec),
                fine=int(fine) if fine.isdigit() and int(fine) else "",
                status=response.status,
                request_id=request_id,
                retry_after=retry_after(response),
                details=envelope.get("detail"),
            )
        )


def _envelope(spec: Spec[Any], response: Response) -> dict[str, Any]:
    try:
        value = json.loads(response.content)
        if not isinstance(value, dict):
            raise ValueError("a JSON object is expected")  # noqa: TRY004, TRY301 -- one way out for all that is no object
    except (ValueError, RecursionError) as error:
        broken = DecodeError.of(error, f"{spec} (HTTP {response.status})", response.content)
        if response.status in (401, 403, 404, 407, 413, 429):
            what = f"HTTP {response.status}: {broken.excerpt!r}"
            status = response.status
            raise Refused(*refusal("", status, what, str(spec), status=status, retry_after=retry_after(response))) from None
        raise broken from None
    return cast("dict[str, Any]", value)


def _number(code: Any, spec: Spec[Any], response: Response) -> int:
    """Read an errcode; some gateways write it as text."""
    try:
        return int(code or 0)
    except (TypeError, ValueError):
        raise DecodeError.of(ValueError(f"errcode is no number: {code!r:.40}"), str(spec), response.content) from None


def retry_after(response: Response) -> float | None:
    """Seconds of a `Retry-After` header, where it gives seconds."""
    value = response.headers.get("retry-after", "")
    return float(value) if re.fullmatch(r"\d+(\.\d+)?", value) else None
