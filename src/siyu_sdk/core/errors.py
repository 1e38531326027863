"""Errors, one type for each reaction.

    SiyuError
    ├── InputError              fix the argument: nothing was sent
    ├── ApiError                the platform refused; .code, .message, .hint, .call, .request_id
    │   ├── InvalidArgument     fix the argument
    │   ├── AuthenticationError a secret, key or signature is wrong: fix the configuration
    │   ├── TokenExpired        the token was refused even after one refresh
    │   ├── PermissionDenied    ask an administrator
    │   ├── NotFound            it is not there (any more): drop it on your side
    │   ├── Conflict            it is already so, or somebody changed it: read, then decide
    │   ├── RateLimited         wait, then go on more slowly; .retry_after
    │   ├── QuotaExceeded       wait for the next day or month, or buy more
    │   └── PlatformBusy        try again later
    ├── TransportError
    │   ├── NotSent             it certainly did not arrive
    │   └── OutcomeUnknown      it may have arrived: reconcile before you repeat it
    ├── DecodeError             the reply is not what was declared; .excerpt
    ├── DownloadError           the file is longer than allowed, or cannot be written: nothing of it is kept
    ├── NotAllowed              we, not the platform, refuse: whoever asks has no right to it
    ├── SignatureError          a reply or notice is not signed by the platform
    ├── DecryptError            a callback or notice cannot be decrypted
    └── UsageError              the SDK is used in a way that cannot work

None of them carries a client, a token or a secret, and all of them pickle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from .redact import redact

if TYPE_CHECKING:
    from pydantic import ValidationError

EXCERPT = 200


class SiyuError(Exception):
    """Base of all errors of this package."""

    may_have_arrived = False
    """True where the call may have taken effect although it failed: reconcile before repeating it."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(kind: type[SiyuError], args: tuple[Any, ...], state: dict[str, Any]) -> SiyuError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class UsageError(SiyuError):
    """The SDK is used in a way that cannot work; the message says what to do instead."""


class InputError(SiyuError, ValueError):
    """Bad input, refused before anything was sent."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field

    @classmethod
    def of(cls, error: ValidationError, call: str) -> Self:
        """Name the field and the limit of the first finding."""
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            return cls(f"{call}: unknown parameter {field}; check its spelling, or pass it with `extra=`", field)
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        return cls(f"{call}: {field}: {first['msg']}{more}", field)


class ApiError(SiyuError):
    """The platform answered with an error."""

    def __init__(
        self,
        code: int | str,
        message: str,
        call: str,
        *,
        hint: str = "",
        request_id: str = "",
        http_status: int = 200,
        retry_after: float | None = None,
        retryable: bool = False,
        details: Any = None,
    ) -> None:
        parts = [f"{call} -> {code} {message}".rstrip()]
        if hint:
            parts.append(hint)
        if request_id:
            parts.append(f"request id {request_id}")
        super().__init__("; ".join(parts))
        self.code = code
        """The platform's code: a number (errcode, Pay's fine code) or Pay's word such as `PARAM_ERROR`."""
        self.message = message
        """The platform's own words."""
        self.call = call
        self.hint = hint
        """What to do next, in plain words."""
        self.request_id = request_id
        self.http_status = http_status
        self.retry_after = retry_after
        """Seconds after which the platform allows another try, where it says so."""
        self.retryable = retryable
        """Whether the same call may succeed later without a change."""
        self.details = details
        """The rest of the platform's answer, where there is one."""


class InvalidArgument(ApiError):
    """An argument is wrong: correct it; repeating it unchanged cannot help."""


class AuthenticationError(ApiError):
    """A secret, key, certificate or signature is wrong: fix the configuration."""


class TokenExpired(ApiError):
    """The token was refused even after it had been refreshed once."""


class PermissionDenied(ApiError):
    """The app, the merchant or its address may not do this: ask an administrator."""


class NotFound(ApiError):
    """The thing named is not there (any more)."""


class Conflict(ApiError):
    """It is already so, or another write came between: read the state, then decide."""


class RateLimited(ApiError):
    """Too many calls at once or in the window: nothing was done; wait and go on more slowly."""


class QuotaExceeded(ApiError):
    """A budget (day, month, capacity) is used up: repeating does not help before it is renewed."""


class PlatformBusy(ApiError):
    """The platform has trouble of its own: try again later."""


class TransportError(SiyuError):
    """The network, not the platform, failed."""

    def __init__(self, message: str, call: str = "") -> None:
        super().__init__(message)
        self.call = call


class NotSent(TransportError):
    """The call certainly did not arrive: repeating it is safe."""


class OutcomeUnknown(TransportError):
    """The call may have taken effect. Ask the platform what exists before you repeat it."""

    may_have_arrived = True


class DecodeError(SiyuError):
    """The reply is not what was declared: not JSON, a proxy's page, or wrong types."""

    def __init__(self, message: str, *, call: str = "", excerpt: str = "") -> None:
        super().__init__(message)
        self.call = call
        self.excerpt = excerpt
        """The first 200 characters of the body."""

    @classmethod
    def of(cls, error: Exception, call: str, body: bytes) -> Self:
        """Say what was wrong with a body."""
        from pydantic import ValidationError

        excerpt = redact(body[: EXCERPT * 8].decode("utf-8", "replace"))[:EXCERPT]
        what = str(error)
        if isinstance(error, ValidationError):
            first = error.errors(include_url=False, include_input=False)[0]
            what = f"{'.'.join(map(str, first['loc'])) or 'the body'}: {first['msg']}"
        return cls(f"{call}: the reply cannot be read: {what}. It begins: {excerpt!r}", call=call, excerpt=excerpt)


class DownloadError(SiyuError):
    """A file was not saved: it is longer than allowed, or the disk does not take it. Nothing half-written stays at a path."""


class NotAllowed(SiyuError):
    """Whoever asks has no right to what they ask for: answer 403. This package refuses, not the platform."""


class SignatureError(SiyuError):
    """A reply, notice or callback is not signed by the platform: do not act on it."""


class DecryptError(SiyuError):
    """A callback or notice cannot be decrypted, or is meant for another receiver."""
