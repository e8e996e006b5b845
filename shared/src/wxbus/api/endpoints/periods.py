"""Periods of statistics, which are sent as the first and the last day."""

from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, PlainSerializer, model_serializer, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from wxbus.api.declaration import Merged, Part, Refused

DASHED: Final = "%Y-%m-%d"
COMPACT: Final = "%Y%m%d"
WRONG_PERIOD: Final = 61501
ERRORS: Final = (61500, WRONG_PERIOD, 61503)


def parsed(text: str, form: str) -> date:
    """Return a day in China; raises ValueError."""
    return datetime.strptime(text, form).date()


class Period(Part):
    """The days from `begin` to `end`, both included."""

    begin: date = Field(validation_alias="begin_date", serialization_alias="begin_date")
    end: date = Field(validation_alias="end_date", serialization_alias="end_date")

    @model_validator(mode="after")
    def _check_order(self) -> "Period":
        if self.end < self.begin:
            raise PydanticCustomError("period", "end is before begin")
        return self


class LastDays(Part):
    """The 1, 7 or 30 days until `until`, which is included."""

    until: date
    days: Literal[1, 7, 30] = 1

    @model_serializer
    def _on_the_wire(self) -> dict[str, str]:
        begin = self.until - timedelta(self.days - 1)
        return {"begin_date": begin.strftime(COMPACT), "end_date": self.until.strftime(COMPACT)}

    @model_validator(mode="before")
    @classmethod
    def _from_the_wire(cls, found: Any) -> Any:
        if not isinstance(found, Mapping) or "begin_date" not in found:
            return found
        begin, until = (parsed(str(found.get(name)), COMPACT) for name in ("begin_date", "end_date"))
        return {"until": until, "days": (until - begin).days + 1}


@dataclass(frozen=True, slots=True)
class MaxDays:
    """The maximum length of a `Period`."""

    limit: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, period: Period) -> Period:
        days = (period.end - period.begin).days + 1
        if days > self.limit:
            raise PydanticCustomError(
                "period", "has {days} days, at most {limit} are allowed", {"days": days, "limit": self.limit}
            )
        return period


@dataclass(frozen=True, slots=True)
class Sent:
    """Sends a single day as the period that contains it."""

    period: Callable[[date], tuple[date, date]]
    """Returns the first and the last day."""
    form: str = DASHED

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            self._from_the_wire,
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(self._on_the_wire),
        )

    def _on_the_wire(self, day: date) -> dict[str, str]:
        first, last = self.period(day)
        return {"begin_date": first.strftime(self.form), "end_date": last.strftime(self.form)}

    def _from_the_wire(self, found: Any) -> Any:
        if not isinstance(found, Mapping):
            return found
        day = datetime.strptime(str(found.get("end_date")), self.form).date()
        if self._on_the_wire(day) != dict(found):
            raise PydanticCustomError("period", "is not a whole day, week or month")
        return day


def _day(day: date) -> tuple[date, date]:
    return day, day


def _week(day: date) -> tuple[date, date]:
    monday = day - timedelta(day.weekday())
    return monday, monday + timedelta(6)


def _month(day: date) -> tuple[date, date]:
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


Days3: TypeAlias = Annotated[Period, MaxDays(3), Merged(), Refused(WRONG_PERIOD)]
Days7: TypeAlias = Annotated[Period, MaxDays(7), Merged(), Refused(WRONG_PERIOD)]
Days15: TypeAlias = Annotated[Period, MaxDays(15), Merged(), Refused(WRONG_PERIOD)]
Days30: TypeAlias = Annotated[Period, MaxDays(30), Merged(), Refused(WRONG_PERIOD)]
Days62: TypeAlias = Annotated[Period, MaxDays(62), Merged(), Refused(WRONG_PERIOD)]
Day: TypeAlias = Annotated[date, Sent(_day), Merged(), Refused(WRONG_PERIOD)]
"""One day, of an Official Account."""

CompactDay: TypeAlias = Annotated[date, Sent(_day, COMPACT), Merged(), Refused(WRONG_PERIOD)]
"""One day, of a Mini Program."""
CompactWeek: TypeAlias = Annotated[date, Sent(_week, COMPACT), Merged(), Refused(WRONG_PERIOD)]
"""Any day of a week, which is from Monday to Sunday."""
CompactMonth: TypeAlias = Annotated[date, Sent(_month, COMPACT), Merged(), Refused(WRONG_PERIOD)]
"""Any day of a month."""

CompactNumberDay: TypeAlias = Annotated[
    date,
    BeforeValidator(lambda found: parsed(str(found), COMPACT) if isinstance(found, int) else found),
    PlainSerializer(lambda day: int(day.strftime(COMPACT)), return_type=int),
]
"""One day, sent as a number: 20260131."""
