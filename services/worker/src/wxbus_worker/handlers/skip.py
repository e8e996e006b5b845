"""How a handler passes a message on."""


class Skip(Exception):
    """Raised by a handler: the next route that matches gets the message. Changes to the context are undone."""
