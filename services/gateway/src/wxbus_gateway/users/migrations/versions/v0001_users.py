"""Add the table of users."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "wxbus_users",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("appid", sa.String(64), nullable=False),
        sa.Column("openid", sa.String(128), nullable=False),
        sa.Column("unionid", sa.String(128)),
        sa.Column("profile", sa.JSON()),
        sa.Column("phone", sa.LargeBinary()),
        sa.Column("phone_fingerprint", sa.String(128)),
        sa.Column("uid", sa.String(128)),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("appid", "openid", name="wxbus_users_openid"),
        sqlite_autoincrement=True,  # else SQLite gives the id of an erased user to the next one
    )
    op.create_index("wxbus_users_unionid", "wxbus_users", ["unionid"])
    op.create_index("wxbus_users_phone", "wxbus_users", ["appid", "phone_fingerprint"])
    op.create_index("wxbus_users_uid", "wxbus_users", ["appid", "uid"])


def downgrade() -> None:
    """Drop the table with all users."""
    op.drop_table("wxbus_users")
