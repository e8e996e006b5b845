"""Keys of a local stack, created once in files that only this user may read."""

from dataclasses import dataclass, field
from pathlib import Path

from wxbus.rpc.auth.keys import new_key
from wxbus.store.keyring import new_encryption_key


@dataclass(frozen=True, slots=True)
class Credentials:
    """The token service's encryption keys and API keys."""

    encryption_keys: str = field(repr=False)
    worker_api_key: str = field(repr=False)
    admin_api_key: str = field(repr=False)
    """For the `wxbus_token` commands."""
    api_keys_file: Path

    @classmethod
    def of(cls, folder: Path) -> "Credentials":
        """Return the credentials in `folder`; create them if a file is missing."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        encryption_keys, entries = folder / "encryption_keys", folder / "api_keys.toml"
        worker, admin = folder / "worker_api_key", folder / "admin_api_key"
        if not all(file.exists() for file in (encryption_keys, entries, worker, admin)):
            worker_key, entry = new_key("worker", ["token:get:*", "token:report_invalid:*", "component:*:*"])
            admin_key, admin_entry = new_key("admin", ["*:*:*"])
            _write(encryption_keys, new_encryption_key("local"))
            _write(entries, f"{entry.as_toml()}\n\n{admin_entry.as_toml()}")
            _write(worker, worker_key)
            _write(admin, admin_key)
        return cls(
            encryption_keys=encryption_keys.read_text(encoding="utf-8").strip(),
            worker_api_key=worker.read_text(encoding="utf-8").strip(),
            admin_api_key=admin.read_text(encoding="utf-8").strip(),
            api_keys_file=entries.absolute(),
        )


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text + "\n", encoding="utf-8")
