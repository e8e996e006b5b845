"""The categories of a Mini Program, and the proofs for them."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import (
    Answer,
    Family,
    Key,
    Part,
    Timestamp,
    get,
    post,
)

CATEGORY_ERRORS: Final = (53300, 53301, 53302, 53303, 53304)


class Certificate(Part):
    """A proof for a category."""

    key: str
    value: str
    """A media id."""
    expire_time: Timestamp | None = None
    is_permanent: Literal[0, 1] | None = None


class NewCategory(Part):
    """A category to add."""

    first: int
    second: int
    certicates: list[Certificate] | None = None  # WeChat's spelling


class PossibleCategory(Answer):
    """A category that the Mini Program can have."""

    id: int
    name: str = ""
    level: int = 0
    father: int = 0
    children: tuple[int, ...] = ()
    sensitive_type: int = 0
    """1: it needs proof."""
    qualify: dict[str, Any] | None = None


class PossibleCategories(Answer):
    """Categories that the Mini Program can have."""

    categories: tuple[PossibleCategory, ...] = ()


class CategoryState(Answer):
    """A category of the Mini Program."""

    first: int
    second: int
    first_name: str = ""
    second_name: str = ""
    audit_status: int = 0
    """1 running, 2 refused, 3 passed."""
    audit_reason: str = ""


class CategoryStates(Answer):
    """The categories of the Mini Program."""

    categories: tuple[CategoryState, ...] = ()
    limit: int = 0
    """The number that can be added this month."""
    quota: int = 0
    category_limit: int = 0


class Categories(Family):
    """The categories of a Mini Program."""

    title = "小程序类目"
    kinds = ("mini_program",)

    @get("/cgi-bin/wxopen/getallcategories", name="getAllCategories", title="获取可设置的所有类目", repeat=Repeat.READ)
    async def possible(self) -> Annotated[PossibleCategories, Key("categories_list")]:
        """Return the categories that the Mini Program can have."""

    @post(
        "/cgi-bin/wxopen/getcategoriesbytype",
        name="getAllCategoriesByType",
        title="获取不同类型主体可设置的类目",
        repeat=Repeat.READ,
    )
    async def possible_for(self, verify_type: Literal[0, 1]) -> Annotated[PossibleCategories, Key("categories_list")]:
        """Return the categories for persons (0) or organisations (1)."""

    @get("/cgi-bin/wxopen/getcategory", name="getSettingCategories", title="获取已设置的所有类目", repeat=Repeat.READ)
    async def all(self) -> CategoryStates:
        """Return the categories of the Mini Program."""

    @post(
        "/cgi-bin/wxopen/addcategory",
        name="addCategory",
        title="添加类目",
        repeat=Repeat.NEVER,
        errcodes=CATEGORY_ERRORS,
    )
    async def add(self, categories: Annotated[list[NewCategory], Field(min_length=1, max_length=5)]) -> None:
        """Add categories."""

    @post(
        "/cgi-bin/wxopen/deletecategory",
        name="deleteCategory",
        title="删除类目",
        repeat=Repeat.READ,
        errcodes=CATEGORY_ERRORS,
    )
    async def delete(self, first: int, second: int) -> None:
        """Delete a category."""

    @post(
        "/cgi-bin/wxopen/modifycategory",
        name="modifyCategory",
        title="修改类目资质信息",
        repeat=Repeat.READ,
        errcodes=CATEGORY_ERRORS,
    )
    async def change(
        self,
        first: int,
        second: int,
        certificates: Annotated[list[Certificate], Field(min_length=1), Key("certicates")],
    ) -> None:
        """Replace the proofs of a category."""
