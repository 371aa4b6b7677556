"""Reads a virtual MFA device: from AWS's answer, its secret, picture, address or serial number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import segno

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

Device = str | bytes | Mapping[str, Any]

_PARTS = ("Base32StringSeed", "QRCodePNG", "SerialNumber")
_HOW = (
    "That is no virtual MFA device. Give its secret (Base32StringSeed), an otpauth:// address, the "
    "serial number of a device in the lab, its QRCodePNG, or all that create_virtual_mfa_device "
    "returned."
)


@dataclass(slots=True, frozen=True)
class Entry:
    """One device on the phone; ``serial`` is None for a secret that the lab does not know."""

    name: str
    seed: str
    serial: str | None
    uri: str


def read_device(lab: Lab, device: Device) -> Entry:
    """Read one device.

    Parameters
    ----------
    lab : Lab
        Whose accounts are searched: a secret that is one of theirs gets its serial number.
    device : mapping, str or bytes
        As for `iamlab.widgets.authenticator`.

    Raises
    ------
    ValueError
        If it is no device, or one that AWS's codes do not fit, or not in the lab.

    Examples
    --------
    >>> import iamlab
    >>> with iamlab.start() as lab:
    ...     read_device(lab, "otpauth://totp/ana?secret=JBSWY3DPEHPK3PXPJBSWY3DP").name
    'ana'
    """
    if isinstance(device, Mapping):
        shown = device.get("VirtualMFADevice", device)
        given = next((shown[n] for n in _PARTS if shown.get(n)), "")
        return read_device(lab, given)
    known = devices_of(lab)
    if isinstance(device, bytes) and device.startswith(b"\x89PNG"):
        from iamlab.account.supplements.mfa import picture

        for serial, one in known.items():
            if picture(_name(serial), serial.split(":")[4], one.base32_string_seed) == device:
                return _of_lab(serial, one)
        raise ValueError("This picture was not made by this lab: give the secret it holds.")
    text = device.decode("ascii", "replace") if isinstance(device, bytes) else str(device)
    text = text.strip()
    if text.startswith("arn:"):
        if text not in known:
            raise ValueError(f"The lab has no virtual device with the serial number {text}.")
        return _of_lab(text, known[text])
    label, uri = "secret", ""
    if text.startswith("otpauth:"):
        label, uri, text = _of_uri(text)
    seed = re.sub(r"[\s-]", "", text).upper().rstrip("=")
    if len(uri) > 500 or not re.fullmatch(r"[A-Z2-7]{23,256}", seed) or len(seed) % 8 in (1, 3, 6):
        raise ValueError(_HOW)
    for serial, one in known.items():
        if one.base32_string_seed == seed:
            return _of_lab(serial, one)
    return Entry(label, seed, None, uri or f"otpauth://totp/{label}?secret={seed}")


def _of_uri(text: str) -> tuple[str, str, str]:
    """Label, address and secret of an otpauth:// address."""
    address = urlsplit(text)
    asked = {name.lower(): values[0] for name, values in parse_qs(address.query).items()}
    other = {"digits": "6", "period": "30", "algorithm": "SHA1"} | asked
    kind = (address.netloc.lower(), other["digits"], other["period"], other["algorithm"].upper())
    if kind != ("totp", "6", "30", "SHA1"):
        raise ValueError(
            "AWS's virtual devices make six digits every 30 seconds (totp, SHA1). This address "
            "asks for something else."
        )
    return unquote(address.path).strip("/") or "secret", text, asked.get("secret", "")


def _of_lab(serial: str, device: Any) -> Entry:
    name, account, seed = _name(serial), serial.split(":")[4], device.base32_string_seed
    return Entry(name, seed, serial, f"otpauth://totp/{name}@{account}?secret={seed}")


def devices_of(lab: Lab) -> dict[str, Any]:
    """Return moto's virtual MFA devices of every account, by serial number."""
    accounts = lab.state.accounts()
    return {s: d for a in accounts for s, d in lab.state.iam(a).virtual_mfa_devices.items()}


def _name(serial: str) -> str:
    return serial.rpartition("/")[2]


def card(entry: Entry) -> dict[str, str]:
    """Draw the QR code of a device; ``qr`` is an address that an image element shows."""
    code = segno.make_qr(entry.uri)
    return {
        "qr": code.svg_data_uri(scale=1, border=4, light="#ffffff", dark="#000000"),
        "alt": f"QR code of {entry.name}",
        "seed": " ".join(re.findall(".{1,4}", entry.seed)),
    }
