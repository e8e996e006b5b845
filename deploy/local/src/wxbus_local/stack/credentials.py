"""Keys between the services of a local stack, made once and kept where only this user reads them."""

from dataclasses import dataclass, field
from pathlib import Path

from wxbus.rpc.auth.keys import new_key
from wxbus_token.registry.keyring import new_encryption_key


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the token service and its callers need to know of each other; the key for its commands lies beside them."""

    encryption_keys: str = field(repr=False)
    worker_api_key: str = field(repr=False)
    admin_api_key: str = field(repr=False)
    """For commands."""
    api_keys_file: Path

    @classmethod
    def of(cls, folder: Path) -> "Credentials":
        """Return the credentials kept in `folder`, made now if there are none."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        credential_store, key, entries = folder / "encryption_keys", folder / "worker_api_key", folder / "api_keys.toml"
        admin = folder / "admin_api_key"
        if not (credential_store.exists() and key.exists() and entries.exists() and admin.exists()):
            api_key, entry = new_key("worker", ["token:get:*", "token:report_invalid:*", "component:*:*"])
            admin_key, admin_entry = new_key("admin", ["*:*:*"])
            _keep(credential_store, new_encryption_key("local"))
            _keep(entries, f"{entry.as_toml()}\n\n{admin_entry.as_toml()}")
            _keep(key, api_key)
            _keep(admin, admin_key)
        return cls(
            encryption_keys=credential_store.read_text(encoding="utf-8").strip(),
            worker_api_key=key.read_text(encoding="utf-8").strip(),
            admin_api_key=admin.read_text(encoding="utf-8").strip(),
            api_keys_file=entries.absolute(),
        )


def _keep(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text + "\n", encoding="utf-8")
