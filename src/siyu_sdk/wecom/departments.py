"""Departments of the company (部门管理). The root department has the id 1."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import GET, POST
from ..core.model import Checked, MaxChars, NotEmpty, Reply, WireModel
from .common import some_change
from .resource import M, WeComResource

FORBIDDEN = r'\:*?"<>|'


def _nameable(name: str) -> str:
    if found := [letter for letter in name if letter in FORBIDDEN]:
        raise ValueError(f"{found[0]!r} cannot stand in the name of a department, nor can any of {FORBIDDEN}")
    return name


Name = Annotated[str, NotEmpty, MaxChars(64), Checked(_nameable)]
Order = Annotated[int, Field(ge=0, lt=2**32)]


class Department(WireModel):
    """A department (部门)."""

    id: int
    name: str | None = None
    """None for apps that may see ids alone."""
    name_en: str | None = None
    department_leader: tuple[str, ...] = ()
    parentid: int | None = None
    order: int | None = None
    """Rank below its parent; higher comes first."""


class CreatedDepartment(Reply):
    """A new department."""

    id: int


class DepartmentList(Reply):
    """Departments."""

    department: tuple[Department, ...] = ()


class DepartmentIds(Reply):
    """Departments by id alone."""

    department_id: tuple[Department, ...] = ()


class DepartmentDetail(Reply):
    """One department."""

    department: Department


class Departments(WeComResource[M]):
    """Departments of the company (部门管理).

    Writing needs the secret of the directory sync (通讯录同步). Departments and their members are best written one call after the other.
    """

    @POST("/cgi-bin/department/create", docs=90205)
    def create(
        self,
        name: Name,
        *,
        parentid: int,
        name_en: Name | None = None,
        order: Order | None = None,
        id: Annotated[int, Field(gt=1, lt=2**32)] | None = None,
    ) -> Call[CreatedDepartment]:
        """Add a department (创建部门).

        Names have at most 64 characters, none that file names refuse, and are unique below one parent; the root department is 1. Without
        `id` the platform picks one. At most 15 levels, and 30,000 departments. Raises NotFound (60003) where the parent does not exist.
        """
        ...

    @POST("/cgi-bin/department/update", docs=90206, idempotent=True, check=some_change("name", "name_en", "parentid", "order"))
    def update(
        self,
        id: int,
        *,
        name: Name | None = None,
        name_en: Name | None = None,
        parentid: int | None = None,
        order: Order | None = None,
    ) -> Call[Reply]:
        """Rename or move a department (更新部门). What is left out stays. Raises NotFound (60003, 60123) for an unknown id."""
        ...

    @GET("/cgi-bin/department/delete", docs=90207, idempotent=False)
    def delete(self, id: int) -> Call[Reply]:
        """Delete a department that has neither members nor departments below it (删除部门). The root stays."""
        ...

    @GET("/cgi-bin/department/list", docs=90208)
    def list(self, *, id: int | None = None) -> Call[DepartmentList]:
        """List a department and all below it, or all that the app may see (获取部门列表). Slow: `simplelist` and `get` are better."""
        ...

    @GET("/cgi-bin/department/simplelist", docs=95350)
    def simplelist(self, *, id: int | None = None) -> Call[DepartmentIds]:
        """List ids and parents of a department and all below it, or of all that the app may see (获取子部门ID列表)."""
        ...

    @GET("/cgi-bin/department/get", docs=95351)
    def get(self, id: int) -> Call[DepartmentDetail]:
        """Fetch one department (获取单个部门详情). Raises NotFound (60003) where it does not exist."""
        ...
