"""The demo defaults of docker-compose.yml."""

import re

from tests.support.readme import ROOT

COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


def default_of(variable: str) -> str:
    """Return the demo default of a variable in the compose file."""
    (value,) = set(re.findall(rf"\$\{{{variable}:-([^}}]*)\}}", COMPOSE))
    return str(value)
