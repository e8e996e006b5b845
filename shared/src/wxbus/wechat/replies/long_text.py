"""Splits text that exceeds the limit of one message."""


def split_text(text: str, limit: int = 2048) -> list[str]:
    """Return `text` in parts of at most `limit` UTF-8 bytes, split between characters (protocol reference 13, trap 8).

    Raises:
        ValueError: `limit` is less than 4, the size of the largest character.
    """
    if limit < 4:
        raise ValueError(f"limit must be at least 4 bytes, not {limit}")
    encoded = text.encode()
    parts = []
    start = 0
    while start < len(encoded):
        end = min(start + limit, len(encoded))
        while end < len(encoded) and encoded[end] & 0xC0 == 0x80:  # a continuation byte
            end -= 1
        parts.append(encoded[start:end].decode())
        start = end
    return parts
