"""MFA devices: any authenticator's codes, really checked, and only once each.

A learner scans the QR picture that CreateVirtualMFADevice returns with a phone, or makes codes of
the seed with ``pyotp``. Codes are those of the lab's clock. A phone has the real clock: after
``lab.clock.advance`` its codes are old. Then the phone is out of step, as a cheap device on AWS can
be, and AWS's own cure helps: ResyncMFADevice with the next two codes that the phone shows. Or
``lab.clock.restart()`` brings the lab back to the real time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from iamlab.account.errors import AwsError
from iamlab.account.supplements.entities import KINDS, facts_of_user
from iamlab.account.supplements.paging import page

STEP = 30  # seconds that one code is good for (RFC 6238)
DRIFT = 1  # steps that a code may be old or early
TYPING = 2  # two codes in a row have to be read and typed: a device so many steps off is in step
RESYNC = (
    120  # steps around the lab's or the real clock where a device's own clock is looked for [I]
)
MAX_DEVICES = 8
PIXELS = 5  # a side of one square of the picture

WRONG = "MultiFactorAuthentication failed with invalid MFA one time pass code."
UNKNOWN = (
    "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA "
    "serial number is valid and associated with this user."
)
HALF = (
    "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."
)


def verify(iam: Any, user: Any, serial: str | None, code: str | None, now: datetime) -> None:
    """Check a one-time code of a user's MFA device, and use it up.

    Parameters
    ----------
    iam : moto.iam.models.IAMBackend
        The account of the user.
    user : moto.iam.models.User or None
        Who shows the code. None (the root user, a role) has no device here.
    serial, code : str or None
        ``SerialNumber`` and ``TokenCode`` of the request.
    now : datetime
        Lab time.

    Raises
    ------
    AwsError
        ``AccessDenied`` (403) in STS's words. [O: public logs]

    Notes
    -----
    Source: "Configuring MFA-protected API access", IAM User Guide.

    Examples
    --------
    >>> try:
    ...     verify(None, None, "arn:aws:iam::111122223333:mfa/ana", None, datetime.now())
    ... except AwsError as error:
    ...     print(error.message)
    MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.
    """
    if not serial or not code:
        raise AwsError("AccessDenied", HALF, 403)
    device = iam.virtual_mfa_devices.get(serial) if user and serial in user.mfa_devices else None
    if device is None:
        raise AwsError("AccessDenied", UNKNOWN, 403)
    used = _used(device)
    its_now = now + timedelta(seconds=STEP * getattr(device, "off", 0))
    step = _step_of(device, code, its_now, DRIFT)
    if step is None or step in used:
        raise AwsError("AccessDenied", WRONG, 403)
    used.add(step)


def enable(call: Any, lab: Any) -> None:
    """Refuse EnableMFADevice and ResyncMFADevice without two right codes in a row."""
    iam, params = lab.state.iam(call.account), call.params
    serial, user = params["SerialNumber"], iam.users[params["UserName"]]
    device = find(iam, serial)
    if call.operation == "EnableMFADevice":
        if device.user is not None:
            raise AwsError("EntityAlreadyExists", "MFA Device is already in use.", 409)
        if len(user.mfa_devices) >= MAX_DEVICES:
            text = f"Cannot exceed quota for MFADevicesPerUser: {MAX_DEVICES}"
            raise AwsError("LimitExceeded", text, 409)
    else:
        _of_user(user, serial)
    codes = params["AuthenticationCode1"], params["AuthenticationCode2"]
    for clock in (lab.clock.now(), lab.clock.real_now()):
        step = _step_of(device, codes[0], clock, RESYNC, codes[1])
        if step is not None:
            off = step + 1 - int(lab.clock.now().timestamp()) // STEP
            device.off = off if abs(off) > TYPING else 0
            _used(device).update((step, step + 1))
            return
    text = "Authentication code for device is not valid."
    raise AwsError("InvalidAuthenticationCode", text, 403)


def resync(call: Any, lab: Any) -> dict[str, Any]:
    """ResyncMFADevice: from now on the device's own clock counts."""
    enable(call, lab)
    return {}


def deactivate(call: Any, lab: Any) -> dict[str, Any]:
    """DeactivateMFADevice, of the caller's own device if no user is named."""
    iam, serial = lab.state.iam(call.account), call.params["SerialNumber"]
    user = _user(call, iam)
    _of_user(user, serial)
    iam.deactivate_mfa_device(user.name, serial)
    return {}


def create(call: Any, lab: Any) -> dict[str, Any]:
    """CreateVirtualMFADevice. The seed and the picture are shown only this once."""
    iam, params = lab.state.iam(call.account), call.params
    if len(iam.virtual_mfa_devices) >= KINDS["User"].most:  # the same quota as that of users
        text = f"Cannot exceed quota for MFADevicesPerAccount: {KINDS['User'].most}"  # name: [I]
        raise AwsError("LimitExceeded", text, 409)
    device = iam.create_virtual_mfa_device(params["VirtualMFADeviceName"], params.get("Path"))
    device.tags = params.get("Tags") or []
    shown = {
        "SerialNumber": device.serial_number,
        "Base32StringSeed": device.base32_string_seed.encode(),
        "QRCodePNG": picture(
            params["VirtualMFADeviceName"], call.account, device.base32_string_seed
        ),
    }
    return {"VirtualMFADevice": shown | ({"Tags": device.tags} if device.tags else {})}


def picture(name: str, account: str, seed: str) -> bytes:
    """Draw the QR code that an authenticator app reads.

    Parameters
    ----------
    name, account : str
        What the app will call it: the device, and the ID of its account.
    seed : str
        Base32, the secret that codes are made of.

    Returns
    -------
    bytes
        A PNG image of ``otpauth://totp/NAME@ACCOUNT?secret=SEED``.

    Notes
    -----
    Source: "VirtualMFADevice", IAM API Reference.

    Examples
    --------
    >>> picture("phone", "111122223333", "JBSWY3DPEHPK3PXP")[1:4]
    b'PNG'
    """
    import io

    import segno

    file = io.BytesIO()
    code = segno.make_qr(f"otpauth://totp/{name}@{account}?secret={seed}")
    code.save(file, kind="png", scale=PIXELS)
    return file.getvalue()


def listed(call: Any, lab: Any) -> dict[str, Any]:
    """ListVirtualMFADevices: who has which device; never seeds, pictures or tags."""
    iam = lab.state.iam(call.account)
    wanted = call.params.get("AssignmentStatus", "Any")
    shown = []
    for device in iam.virtual_mfa_devices.values():
        if wanted == "Any" or (wanted == "Assigned") == (device.user is not None):
            entry = {"SerialNumber": device.serial_number}
            if device.user is not None:
                entry |= {"EnableDate": device.enable_date, "User": facts_of_user(device.user)}
            shown.append(entry)
    return page(shown, call.params, "VirtualMFADevices", key=_serial)


def own(call: Any, lab: Any) -> dict[str, Any]:
    """ListMFADevices, the caller's own if no user is named. The root user has none here."""
    user = _user(call, lab.state.iam(call.account))
    devices = [
        {"UserName": user.name, "SerialNumber": d.serial_number, "EnableDate": d.enable_date}
        for d in (user.mfa_devices.values() if user else ())
    ]
    return page(devices, call.params, "MFADevices", key=_serial)


def get(call: Any, lab: Any) -> dict[str, Any]:
    """GetMFADevice. AWS's page speaks of FIDO keys alone; the lab has none, so virtual ones do. [I]

    Certifications are those of FIDO keys: left out.
    """
    iam, serial = lab.state.iam(call.account), call.params["SerialNumber"]
    device = find(iam, serial)
    name = call.params.get("UserName")
    if name is not None:
        _of_user(iam.users[name], serial)
    if device.user is None:
        return {"SerialNumber": serial}
    return {
        "UserName": device.user.name,
        "SerialNumber": serial,
        "EnableDate": device.enable_date,
    }


def delete(call: Any, lab: Any) -> None:
    """Refuse DeleteVirtualMFADevice while a user has the device."""
    if find(lab.state.iam(call.account), call.params["SerialNumber"]).user is not None:
        text = "MFA VirtualDevice in use. Must deactivate first."
        raise AwsError("DeleteConflict", text, 409)


def find(iam: Any, serial: str) -> Any:
    """Return moto's virtual MFA device, or raise NoSuchEntity.

    Raises
    ------
    AwsError
        ``NoSuchEntity`` (404). [O: text]
    """
    if serial not in iam.virtual_mfa_devices:
        text = f"VirtualMFADevice with serial number {serial} doesn't exist."
        raise AwsError("NoSuchEntity", text, 404)
    return iam.virtual_mfa_devices[serial]


def _of_user(user: Any, serial: str) -> None:
    if serial not in user.mfa_devices:
        text = f"MFA Device {serial} not found for user."  # text: [I]
        raise AwsError("NoSuchEntity", text, 404)


def _user(call: Any, iam: Any) -> Any:
    name = call.params.get("UserName")
    return iam.users[name] if name else call.caller.entity


def _serial(shown: dict[str, Any]) -> str:
    return shown["SerialNumber"]


def _step_of(
    device: Any, code: str, now: datetime, reach: int, after: str | None = None
) -> int | None:
    """The time step nearest to now whose code this is, and whose next code is ``after``."""
    from pyotp import TOTP

    codes = TOTP(device.base32_string_seed, interval=STEP)
    middle = int(now.timestamp()) // STEP
    for step in sorted(range(middle - reach, middle + reach + 1), key=lambda s: abs(s - middle)):
        if codes.generate_otp(step) == code and after in (None, codes.generate_otp(step + 1)):
            return step
    return None


def _used(device: Any) -> set[int]:
    """The time steps whose codes were already taken, kept on moto's own device."""
    return device.__dict__.setdefault("used_steps", set())


REGISTRY = {
    ("iam", "CreateVirtualMFADevice"): create,
    ("iam", "DeactivateMFADevice"): deactivate,
    ("iam", "GetMFADevice"): get,
    ("iam", "ListVirtualMFADevices"): listed,
    ("iam", "ListMFADevices"): own,
    ("iam", "ResyncMFADevice"): resync,
}
BEFORE = {
    ("iam", "EnableMFADevice"): enable,
    ("iam", "DeleteVirtualMFADevice"): delete,
}
