"""RPC: declares services, serves them and calls them."""

from wxbus.rpc.client import Client
from wxbus.rpc.service.declaration import method, service
from wxbus.rpc.service.server import Server

__all__ = ["Client", "Server", "method", "service"]
