"""The names of a credential's keys in Redis."""

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
        return f"{self._prefix}:{{{credential.name}}}:lock"

    def fence(self, credential: Credential) -> str:
        """Return the key of the last fencing number of that lock."""
        return f"{self.lock(credential)}:fence"

    def forced(self, credential: Credential) -> str:
        """Return the key of the forced refreshes of the last day."""
        return f"{self._prefix}:{{{credential.name}}}:forced"

    def requests(self, appid: str) -> str:
        """Return the key of the counts of an account's requests."""
        return f"{self._prefix}:{{requests:{appid}}}:counts"
