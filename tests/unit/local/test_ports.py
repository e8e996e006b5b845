"""Ports for servers that are started together."""

from wxbus_local.ports import free_port


def test_no_port_is_given_twice() -> None:
    """Nobody listens on them yet: two services of one test, chosen one after the other, would take the same."""
    ports = []
    for row in [1] * 300 + [3] * 300:
        first = free_port(row=row)
        ports += range(first, first + row)
    assert len(ports) == len(set(ports))
