"""The names of a credential's keys in Redis, and what its values are encrypted for."""

from wxbus_token.kinds import Credential


class CredentialKeys:
    """Names keys; those of one credential share a hash tag, so that a script's keys are on one node of a cluster."""

    def __init__(self, namespace: str) -> None:
        self._prefix = f"{namespace}:token"

    def record(self, credential: Credential) -> str:
        """Return the key of the record."""
        return self.record_of(credential.kind, credential.appid)

    def record_of(self, kind: str, appid: str) -> str:
        """Return the key of the record of a kind and an appid."""
        return f"{self._prefix}:{{{kind}:{appid}}}:record"

    def lock(self, credential: Credential) -> str:
        """Return the key of the lock under which the credential is fetched."""
        return f"{self._prefix}:{{{name_of(credential)}}}:lock"

    def fence(self, credential: Credential) -> str:
        """Return the key of the last fencing number of that lock."""
        return f"{self.lock(credential)}:fence"

    def forced(self, credential: Credential) -> str:
        """Return the key of the forced refreshes of the last day."""
        return f"{self._prefix}:{{{name_of(credential)}}}:forced"

    def requests(self, appid: str) -> str:
        """Return the key of the counts of an account's requests."""
        return f"{self._prefix}:{{requests:{appid}}}:counts"


def name_of(credential: Credential) -> str:
    """Return the name under which changes of the credential are announced; its value is encrypted for this name."""
    return f"{credential.kind}:{credential.appid}"


def grant_of(credential: Credential) -> str:
    """Return what the credential's grant is encrypted for."""
    return f"{name_of(credential)}:grant"
