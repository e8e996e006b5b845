"""The tables of the database; `wxbus_gateway.users.migrations` creates them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Base class of the tables."""


class UserRow(Base):
    """A user of one Mini Program. The phone number is sealed; its fingerprint finds it."""

    __tablename__ = "wxbus_users"
    __table_args__ = (
        UniqueConstraint("appid", "openid", name="wxbus_users_openid"),
        Index("wxbus_users_unionid", "unionid"),
        Index("wxbus_users_phone", "appid", "phone_fingerprint"),
        Index("wxbus_users_uid", "appid", "uid"),
        {"sqlite_autoincrement": True},  # else SQLite gives the id of an erased user to the next one
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    appid: Mapped[str] = mapped_column(String(64))
    openid: Mapped[str] = mapped_column(String(128))
    unionid: Mapped[str | None] = mapped_column(String(128))
    profile: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_fingerprint: Mapped[str | None] = mapped_column(String(128))
    uid: Mapped[str | None] = mapped_column(String(128))
    first_seen: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_seen: Mapped[datetime] = mapped_column(DateTime(timezone=True))
