"""Runs the migrations on the connection that `wxbus_gateway.users.migrating.migrate` passes."""

from alembic import context

from wxbus_gateway.users.database import VERSION_TABLE
from wxbus_gateway.users.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite changes a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
