"""AES encryption of messages, and the user data of Mini Programs."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wechat.vectors import ENVELOPES, vector
from wxbus.errors import Forbidden
from wxbus.wechat.crypto.cipher import Cipher
from wxbus.wechat.crypto.user_data import decrypt_user_data, raw_data_matches, session_signature

AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
CIPHER = Cipher(AES_KEY, "wx1")


def encrypt_raw(padded: bytes) -> str:
    """Return an Encrypt text of already padded bytes."""
    key = base64.b64decode(AES_KEY + "=")
    encryptor = BlockCipher(AES(key), CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


@pytest.mark.parametrize("vector", ENVELOPES)
def test_decrypts_the_vectors(vector: dict[str, Any]) -> None:
    """Every vector decrypts to its plaintext, with pads over 16, text outside of ASCII and keys with extra bits."""
    cipher = Cipher(vector["encoding_aes_key"], vector["receive_id"])
    assert cipher.decrypt(vector["encrypt"]) == vector["plaintext"].encode()


@pytest.mark.parametrize("vector", ENVELOPES)
def test_encrypts_the_vectors(vector: dict[str, Any]) -> None:
    """With the same random bytes, the Encrypt text equals WeChat's."""
    cipher = Cipher(vector["encoding_aes_key"], vector["receive_id"])
    assert cipher.encrypt(vector["plaintext"].encode(), random=vector["random"].encode()) == vector["encrypt"]


@given(st.binary(max_size=200), st.text(max_size=20))
def test_round_trip(plaintext: bytes, receive_id: str) -> None:
    """Decryption restores every plaintext, with every padding length and receive id, including an empty one."""
    cipher = Cipher(AES_KEY, receive_id)
    assert cipher.decrypt(cipher.encrypt(plaintext)) == plaintext


def test_equal_messages_have_different_ciphertexts() -> None:
    """Each encryption uses new random bytes, so equal messages are not recognisable."""
    assert CIPHER.encrypt(b"same") != CIPHER.encrypt(b"same")


HEAD = b"0" * 16


@pytest.mark.parametrize(
    "encrypted",
    [
        pytest.param("", id="empty"),
        pytest.param("not base64!", id="not base64"),
        pytest.param("é" * 24, id="not ASCII"),
        pytest.param(base64.b64encode(b"0" * 17).decode(), id="half a block"),
        pytest.param(base64.b64encode(b"0" * 32).decode() + "\n", id="line break"),
        pytest.param(CIPHER.encrypt(b"message")[:-24], id="block missing"),
        pytest.param(encrypt_raw(HEAD[:15] + b"\x01"), id="shorter than its head"),
        pytest.param(encrypt_raw(HEAD + (0).to_bytes(4, "big") + b"wx1" + b"\x00" * 9), id="pad 0"),
        pytest.param(encrypt_raw(HEAD + (0).to_bytes(4, "big") + b"wx1" + b"\x21" * 41), id="pad 33"),
        pytest.param(encrypt_raw(HEAD + (99).to_bytes(4, "big") + b"wx1" + b"\x09" * 9), id="length too large"),
        pytest.param(encrypt_raw(HEAD + b"\xff" * 4 + b"wx1" + b"\x09" * 9), id="length of 4 GiB"),
        pytest.param(Cipher(AES_KEY, "wx2").encrypt(b"message"), id="another receive id"),
        pytest.param(Cipher(AES_KEY, "wx11").encrypt(b"message"), id="longer receive id"),
        pytest.param(Cipher(AES_KEY, "").encrypt(b"message"), id="no receive id"),
        pytest.param(Cipher(AES_KEY[::-1], "wx1").encrypt(b"message"), id="another key"),
    ],
)
def test_all_failures_look_the_same(encrypted: str) -> None:
    """Every invalid ciphertext gives the same error text: no oracle."""
    with pytest.raises(Forbidden) as caught:
        CIPHER.decrypt(encrypted)
    assert str(caught.value) == str(Forbidden("anything"))


@pytest.mark.parametrize(
    "padded",
    [
        pytest.param(HEAD + (12).to_bytes(4, "big") + b"m" * 11 + b"\x00", id="pad 0"),
        pytest.param(HEAD + (11).to_bytes(4, "big") + b"m" * 11 + b"\x21" * 33, id="pad 33"),
        pytest.param(HEAD + (12).to_bytes(4, "big") + b"m" * 4 + b"\x08" * 8, id="length into the padding"),
    ],
)
def test_the_structure_is_checked_without_a_receive_id(padded: bytes) -> None:
    """With the empty receive id of WeCom's robots, a wrong length or pad is still detected."""
    with pytest.raises(Forbidden):
        Cipher(AES_KEY, "").decrypt(encrypt_raw(padded))


@given(st.binary(max_size=160))
def test_decrypting_noise_fails_cleanly(noise: bytes) -> None:
    """Random bytes raise only Forbidden."""
    with pytest.raises(Forbidden):
        CIPHER.decrypt(base64.b64encode(noise).decode())


@given(st.binary(max_size=200), st.sampled_from(["wx1", ""]), st.floats(0, 1, exclude_max=True))
def test_a_truncated_ciphertext_is_rejected(plaintext: bytes, receive_id: str, share: float) -> None:
    """A truncated ciphertext gives no message, with and without a receive id."""
    cipher = Cipher(AES_KEY, receive_id)
    encrypted = cipher.encrypt(plaintext)

    with pytest.raises(Forbidden):
        cipher.decrypt(encrypted[: int(len(encrypted) * share)])


@given(st.binary(max_size=200), st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), min_size=1))
def test_flipped_bits_fail_cleanly(plaintext: bytes, flips: list[tuple[float, int]]) -> None:
    """A damaged ciphertext raises only Forbidden, and never reads beyond the message."""
    ciphertext = bytearray(base64.b64decode(CIPHER.encrypt(plaintext)))
    for share, bit in flips:
        ciphertext[int(len(ciphertext) * share)] ^= 1 << bit
    try:
        damaged = CIPHER.decrypt(base64.b64encode(ciphertext).decode())
    except Forbidden:
        return
    assert len(damaged) <= len(ciphertext)


@pytest.mark.parametrize("aes_key", ["", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "+", "A" * 42 + "é"])
def test_an_invalid_aes_key_is_not_shown(aes_key: str) -> None:
    """A key must have 43 letters and digits; the error does not contain it."""
    with pytest.raises(ValueError, match="43 letters and digits") as caught:
        Cipher(aes_key, "wx1")
    assert not aes_key or aes_key not in str(caught.value)


def test_random_prefix_has_sixteen_bytes() -> None:
    """A prefix of another length is an error."""
    with pytest.raises(ValueError, match="16 bytes"):
        CIPHER.encrypt(b"", random=b"short")


def test_user_data_of_the_official_example() -> None:
    """The official example decrypts with its session key, and its appid matches."""
    example = vector("M1")
    data = decrypt_user_data(example["session_key"], example["iv"], example["encrypted_data"], example["appid"])
    assert data == json.loads(example["plaintext"])


@pytest.mark.parametrize(
    "change",
    [
        {"appid": "wx134c8103faa5a59e"},
        {"session_key": "HyVFkGl5F5OQWJZZaNzBBg=="},
        {"session_key": base64.b64encode(b"0" * 32).decode()},
        {"session_key": ""},
        {"iv": "AAAA"},
        {"encrypted_data": "AAAA"},
        {"encrypted_data": "?"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_foreign_user_data_is_rejected(change: dict[str, str]) -> None:
    """A watermark of another appid, another session key and damaged data raise the same Forbidden."""
    example = {name: vector("M1")[name] for name in ("session_key", "iv", "encrypted_data", "appid")}
    with pytest.raises(Forbidden) as caught:
        decrypt_user_data(**example | change)
    assert str(caught.value) == str(Forbidden("anything"))


@pytest.mark.parametrize("data", [b"[]", b"null", b'"text"', b"{}", b'{"watermark":[]}'])
def test_user_data_of_another_shape_is_rejected(data: bytes) -> None:
    """User data must decrypt to an object with a watermark."""
    key = iv = b"0" * 16
    pad = 16 - len(data) % 16
    encryptor = BlockCipher(AES(key), CBC(iv)).encryptor()
    encrypted = encryptor.update(data + bytes([pad]) * pad) + encryptor.finalize()
    session_key, iv_text, encrypted_data = (base64.b64encode(part).decode() for part in (key, iv, encrypted))
    with pytest.raises(Forbidden):
        decrypt_user_data(session_key, iv_text, encrypted_data, appid="wx1")


def test_raw_data_signature_of_the_official_example() -> None:
    """The signature of rawData covers exactly the text of the page."""
    example = vector("M2")
    assert raw_data_matches(example["signature"], example["raw_data"], example["session_key"])
    assert not raw_data_matches(example["signature"], example["raw_data"] + " ", example["session_key"])
    assert not raw_data_matches("é", example["raw_data"], example["session_key"])


def test_session_signature() -> None:
    """The signature for checksession is the HMAC-SHA256 of the empty string."""
    assert session_signature(vector("M3")["session_key"]) == vector("M3")["signature"]
