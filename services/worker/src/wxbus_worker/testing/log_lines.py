"""What handlers and stages log while a test runs."""

import structlog


def keep_short() -> None:
    """Have errors logged as Python shows them, unless the test's author has said how.

    Structlog by itself shows all variables of all frames: thousands of lines for one failing handler.
    """
    if not structlog.is_configured():
        plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
        structlog.configure(
            processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, plain]
        )
