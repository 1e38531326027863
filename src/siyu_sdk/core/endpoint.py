"""How an endpoint is declared: a signature, a docstring, and `@GET("/path", docs=…)` above it.

On a sync client the method sends and returns the reply; on an async client it is a coroutine function; on the class itself it
makes a `Call`, a value. The same holds for `@paged` (an iterator, an async iterator, a `Pages` value) and for `@flow`.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from types import MethodType
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, ParamSpec, Self, TypeVar, cast, overload

from .call import Call, Flow, Page, Pages, Spec, following
from .errors import UsageError

if TYPE_CHECKING:
    from .limits import Limit
    from .run import AsyncRunner, Runner

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Sync:
    """The mode of a client that returns results. Only ever a type argument."""


class Async:
    """The mode of a client that returns coroutines. Only ever a type argument."""


M = TypeVar("M", Sync, Async)


class Resource(Generic[M]):
    """A group of endpoints of one platform, bound to a client.

    A chapter that platforms share is declared once, without a platform, and becomes each one's in a class that derives from both.
    """

    platform: ClassVar[str] = ""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for base in cls.__mro__[1:]:
            for name, shared in vars(base).items():
                if isinstance(shared, Endpoint) and name not in vars(cls):
                    cast("Endpoint[..., Any]", shared).share(cls, name)

    def __init__(self, client: Runner | AsyncRunner) -> None:
        self.client = client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.client!r}>"


_declared: dict[tuple[str, str, str], Spec[Any]] = {}


def declared() -> list[Spec[Any]]:
    """Every endpoint declared by the modules imported so far."""
    return list(_declared.values())


def find(platform: str, method: str, path: str, module: str = "") -> Spec[Any]:
    """The declared endpoint at a path (with its placeholders); how calls unpickle, importing the chapter that declares it."""
    if module and (platform, method, path) not in _declared:
        importlib.import_module(module)
    try:
        return _declared[platform, method, path]
    except KeyError:
        raise UsageError(f"no endpoint {method} {path} is declared for {platform!r}; import its chapter first") from None


class _Bound(Generic[P]):
    """What endpoints, paged methods and flows share: two real functions, one for each mode, chosen by the client."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(cast("Any", self), function)  # so that help() and signature() tell the truth of the declaration
        self._function = function
        self._versions: dict[bool, Callable[..., Any]] = {}

    def _version(self, obj: Resource[Any]) -> Any:
        client = obj.client
        version = self._versions.get(client.is_async)
        if version is None:
            version = self._versions[client.is_async] = self._make(is_async=client.is_async)
            self._dress(version, self._result(is_async=client.is_async))
        return MethodType(version, obj)

    def _make(self, *, is_async: bool) -> Callable[..., Any]:
        raise NotImplementedError  # each kind of method brings its two versions

    def _result(self, *, is_async: bool) -> str:  # noqa: ARG002 -- pages are iterators of either kind
        """What the version returns, as an annotation: the declaration's `Call[Reply]` is a `Reply`."""
        return _inner(self._function)

    def _dress(self, version: Callable[..., Any], result: str) -> None:
        """Give a version the name, docstring and signature of the declaration, with the result in place of the value."""
        functools.update_wrapper(version, self._function)
        del version.__dict__["__wrapped__"]
        version.__annotations__ = {**self._function.__annotations__, "return": result}
        version.__signature__ = inspect.signature(self._function).replace(return_annotation=result)  # type: ignore[attr-defined]  # how inspect is told


def _inner(function: Callable[..., Any]) -> str:
    """`T` of a function that returns a `Call[T]`, a `Flow[T]` or a `Sequence[T]`."""
    result = str(function.__annotations__.get("return", ""))
    return result[result.index("[") + 1 : -1] if result.endswith("]") else result


class Endpoint(_Bound[P], Generic[P, R_co]):
    """One declared endpoint; the descriptor that `@GET` and its kin leave in the class."""

    def __init__(self, function: Callable[..., Any], method: str, path: str, options: Mapping[str, Any]) -> None:
        super().__init__(function)
        self._declaration = (method, path, options)
        self._spec: Spec[R_co] | None = None

    def __set_name__(self, owner: type[Resource[Any]], name: str) -> None:
        method, path, options = self._declaration
        named = f"{owner.__name__}.{name}"
        self._spec = Spec(method, path, owner.platform, name=named, module=owner.__module__, function=self._function, **options)
        _declared[owner.platform, method, path] = self._spec

    def share(self, owner: type[Resource[Any]], name: str) -> None:
        """Declare the same in a class of another platform."""
        if owner.platform != self.spec.platform:
            shared = Endpoint[P, R_co](self._function, *self._declaration)
            setattr(owner, name, shared)
            shared.__set_name__(owner, name)

    @property
    def spec(self) -> Spec[R_co]:
        """What the declaration says: method, path, page, place of each parameter, type of the reply."""
        if self._spec is None:
            raise UsageError("an endpoint is declared in the body of a Resource class")
        return self._spec

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Call[R_co]:
        """Make the call as a value; nothing is sent."""
        return self.spec.bind(args, kwargs)

    @overload
    def __get__(self, obj: None, owner: Any) -> Self: ...
    @overload
    def __get__(self, obj: Resource[Sync], owner: Any) -> Callable[P, R_co]: ...
    @overload
    def __get__(self, obj: Resource[Async], owner: Any) -> Callable[P, Coroutine[Any, Any, R_co]]: ...
    def __get__(self, obj: Resource[Any] | None, owner: Any) -> Any:
        """Bind to a client's resource; on the class, stay the declaration."""
        return self if obj is None else self._version(obj)

    def _make(self, *, is_async: bool) -> Callable[..., Any]:
        spec = self.spec
        if is_async:

            async def send_async(self: Resource[Any], /, *args: Any, **kwargs: Any) -> Any:
                return await cast("AsyncRunner", self.client).send(spec.bind(args, kwargs))

            return send_async

        def send(self: Resource[Any], /, *args: Any, **kwargs: Any) -> Any:
            return cast("Runner", self.client).send(spec.bind(args, kwargs))

        return send


def _verb(method: str) -> Any:
    def declare(
        path: str,
        *,
        docs: int | str,
        auth: str = "access_token",
        idempotent: bool | None = None,
        limit: Limit | None = None,
        timeout: float | None = None,
        check: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> Callable[[Callable[Concatenate[Any, P], Call[R]]], Endpoint[P, R]]:
        """Declare an endpoint.

        `docs` is the number or address of its official page; `idempotent` says whether repeating it is harmless; `check` is a rule
        over several parameters: it gets them by name and raises InputError.
        """
        options = {
            "docs": docs,
            "auth": auth,
            "idempotent": method == "GET" if idempotent is None else idempotent,
            "limit": limit,
            "timeout": timeout,
            "check": check,
        }

        def decorate(function: Callable[Concatenate[Any, P], Call[R]]) -> Endpoint[P, R]:
            return Endpoint(function, method, path, options)

        return decorate

    declare.__name__ = declare.__qualname__ = method
    return declare


if TYPE_CHECKING:

    class _Verb:
        """Declare an endpoint; see `_verb`."""

        def __call__(
            self,
            path: str,
            *,
            docs: int | str,
            auth: str = ...,
            idempotent: bool | None = ...,
            limit: Limit | None = ...,
            timeout: float | None = ...,
            check: Callable[[Mapping[str, Any]], None] | None = ...,
        ) -> Callable[[Callable[Concatenate[Any, P], Call[R]]], Endpoint[P, R]]: ...

    GET = POST = PUT = PATCH = DELETE = _Verb()
else:
    GET, POST, PUT, PATCH, DELETE = map(_verb, ("GET", "POST", "PUT", "PATCH", "DELETE"))


class Paged(_Bound[P], Generic[P, T]):
    """A list that comes in pages; what `@paged` leaves in the class."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Pages[T]:
        """Make the pages as a value: in a flow, `items = yield from Customers.all(…)` reads every one."""
        return Pages(self._function(None, *args, **kwargs))

    @overload
    def __get__(self, obj: None, owner: Any) -> Self: ...
    @overload
    def __get__(self, obj: Resource[Sync], owner: Any) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, obj: Resource[Async], owner: Any) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, obj: Resource[Any] | None, owner: Any) -> Any:
        """Bind to a client's resource; on the class, stay the declaration."""
        return self if obj is None else self._version(obj)

    def _result(self, *, is_async: bool) -> str:
        page = self._function.__globals__.get(_inner(self._function))
        return f"{'AsyncIterator' if is_async else 'Iterator'}[{_inner(page.items) if page else 'Any'}]"

    def _make(self, *, is_async: bool) -> Callable[..., Any]:
        function = self._function
        if is_async:

            async def walk_async(self: Resource[Any], /, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
                call: Call[Page[Any]] | None = function(None, *args, **kwargs)
                while call is not None:
                    page = await cast("AsyncRunner", self.client).send(call)
                    for item in page.items():
                        yield item
                    call = following(call, page)

            return walk_async

        def walk(self: Resource[Any], /, *args: Any, **kwargs: Any) -> Iterator[Any]:
            call: Call[Page[Any]] | None = function(None, *args, **kwargs)
            while call is not None:
                page = cast("Runner", self.client).send(call)
                yield from page.items()
                call = following(call, page)

        return walk


def paged(function: Callable[Concatenate[Any, P], Call[Page[T]]]) -> Paged[P, T]:
    """Declare a list that comes in pages: the method gives the call of the first page, the page says how to go on."""
    return Paged(function)


class FlowMethod(_Bound[P], Generic[P, T]):
    """A helper of several calls; what `@flow` leaves in the class."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Flow[T]:
        """Make the flow as a value, for `yield from` in another flow."""
        return cast("Flow[T]", self._function(None, *args, **kwargs))

    @overload
    def __get__(self, obj: None, owner: Any) -> Self: ...
    @overload
    def __get__(self, obj: Resource[Sync], owner: Any) -> Callable[P, T]: ...
    @overload
    def __get__(self, obj: Resource[Async], owner: Any) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, obj: Resource[Any] | None, owner: Any) -> Any:
        """Bind to a client's resource; on the class, stay the declaration."""
        return self if obj is None else self._version(obj)

    def of(self, obj: Resource[Any], /, *args: P.args, **kwargs: P.kwargs) -> Flow[T]:
        """The flow of a bound helper, not yet run: `yield from Tagging.apply.of(self.hub.tags, …)`."""
        return cast("Flow[T]", self._function(obj, *args, **kwargs))

    def _make(self, *, is_async: bool) -> Callable[..., Any]:
        function = self._function
        if is_async:

            async def run_async(self: Resource[Any], /, *args: Any, **kwargs: Any) -> Any:
                return await cast("AsyncRunner", self.client).run(function(self, *args, **kwargs))

            return run_async

        def run(self: Resource[Any], /, *args: Any, **kwargs: Any) -> Any:
            return cast("Runner", self.client).run(function(self, *args, **kwargs))

        return run


def flow(function: Callable[Concatenate[Any, P], Flow[T]]) -> FlowMethod[P, T]:
    """Declare a helper of several calls: a generator that yields steps and returns a result."""
    return FlowMethod(function)
