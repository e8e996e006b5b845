"""Declare a service once, serve it and call it typed."""

from wxbus.rpc.client import Client
from wxbus.rpc.declaration import method, service
from wxbus.rpc.server import Server
from wxbus.rpc.tokens import TokenClient

__all__ = ["Client", "Server", "TokenClient", "method", "service"]
