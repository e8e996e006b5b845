"""One request to WeChat's API, checked before it is sent."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

import aiohttp

from wxbus.api.uploads import UploadFile, form_of

Method: TypeAlias = Literal["GET", "POST"]
Files: TypeAlias = Mapping[str, UploadFile | str]

ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
PATH: Final = re.compile(r"/[A-Za-z0-9_.~-]+(?:/[A-Za-z0-9_.~-]+)*")
ACCESS_TOKEN: Final = "access_token"  # noqa: S105 - the name of a parameter
SECRET_NAMES: Final = (
    ACCESS_TOKEN,
    "secret",
    "js_code",
    "code",
    "corpsecret",
    "refresh_token",
    "component_access_token",
    "component_appsecret",
    "component_secret",
    "component_verify_ticket",
    "authorization_code",
    "authorizer_refresh_token",
)


@dataclass(slots=True)  # not frozen: that doubles the time to make one, and each reply makes one
class Request:
    """Method, path, query and body of a call.

    Raises:
        ValueError: An argument cannot be sent; the text names it.
        TypeError: An argument is of the wrong type, or `json` is not JSON.
    """

    method: Method
    path: str
    params: Mapping[str, str | int] = field(default_factory=dict, repr=False)
    json: Mapping[str, Any] | Sequence[Any] | None = field(default=None, repr=False)
    files: Files | None = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)
    """The body without files; by default the encoded `json`."""

    def __post_init__(self) -> None:
        if self.method not in ("GET", "POST"):
            raise ValueError(f'method must be "GET" or "POST", not {self.method!r}')
        _check_path(self.path)
        for name, value in self.params.items():
            if isinstance(value, bool) or not isinstance(value, str | int):
                raise TypeError(f"params[{name!r}] must be a str or an int, not {type(value).__name__}")
        if self.method == "GET" and (self.json is not None or self.files is not None):
            raise ValueError("a GET request has no body: use params, or POST")
        if self.json is not None and self.files is not None:
            raise ValueError("json and files exclude each other: a text in files is a field of the form")
        if self.files is not None and not any(isinstance(value, UploadFile) for value in self.files.values()):
            raise ValueError("files has no UploadFile")
        if self.method == "POST" and self.files is None and self.content is None:
            self.content = json_body({} if self.json is None else self.json)

    def query(self, token: str | None) -> Mapping[str, str | int]:
        """Return the parameters with an access token."""
        return self.params if token is None else {**self.params, ACCESS_TOKEN: token}

    def body(self) -> bytes | aiohttp.MultipartWriter | None:
        """Return the body for one attempt."""
        return self.content if self.files is None else form_of(self.files)

    @property
    def uploads(self) -> list[UploadFile]:
        """The files of the form."""
        return [value for value in (self.files or {}).values() if isinstance(value, UploadFile)]

    @property
    def repeatable(self) -> bool:
        """Whether the request can be sent (again)."""
        return all(upload.repeatable for upload in self.uploads)

    def secrets(self, token: str | None) -> Iterator[str]:
        """Yield the values that no error may show."""
        sent = [self.query(token), self.json if isinstance(self.json, Mapping) else {}]
        found = (fields.get(name) for fields in sent for name in SECRET_NAMES)
        yield from (value for value in found if isinstance(value, str) and value)


def json_body(json: Mapping[str, Any] | Sequence[Any]) -> bytes:
    r"""Return JSON as it is sent: WeChat refuses an empty body (44002) and \uXXXX (40033, protocol reference 9)."""
    return ENCODER.encode(json).encode()


@lru_cache(maxsize=256)  # a program calls few paths
def _check_path(path: str) -> None:
    """Raise ValueError if `path` is not an endpoint's path; the text shows no query, which may contain a secret."""
    if "://" in path or path.startswith("//"):
        raise ValueError("path must be a path such as /cgi-bin/menu/get, not a full URL: the client knows the host")
    if "?" in path:
        raise ValueError(f"path {path.partition('?')[0]!r} has a query: use params")
    if not path.startswith("/"):
        raise ValueError(f"path {path!r} must start with a slash, such as /cgi-bin/menu/get")
    if not PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise ValueError(f"path {path!r} has characters that no path of WeChat has")
