"""Log output of tests."""

import structlog


def use_plain_tracebacks() -> None:
    """Log errors with Python's tracebacks, unless structlog is configured.

    By default structlog shows all variables of all frames: thousands of lines for one failing handler.
    """
    if not structlog.is_configured():
        plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
        structlog.configure(
            processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, plain]
        )
