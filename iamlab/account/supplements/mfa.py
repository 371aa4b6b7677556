"""MFA devices: codes that are really checked, on the lab's clock, and only once each.

A learner takes the seed that CreateVirtualMFADevice returns and makes codes with ``pyotp``, where a
telephone would scan a picture. The lab gives no QR picture.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from iamlab.account.errors import AwsError

STEP = 30  # seconds that one code is good for (RFC 6238)
DRIFT = 1  # steps that the device's clock may be off
ENABLE_DRIFT = 2  # two codes in a row have to be read and typed first
MAX_DEVICES = 8

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
    step = _step_of(device, code, now, DRIFT)
    if step is None or step in used:
        raise AwsError("AccessDenied", WRONG, 403)
    used.add(step)


def enable(call: Any, lab: Any) -> None:
    """Refuse EnableMFADevice and ResyncMFADevice without two right codes in a row."""
    iam, params = lab.state.iam(call.account), call.params
    serial = params["SerialNumber"]
    device = iam.virtual_mfa_devices.get(serial)
    user = iam.users.get(params["UserName"])
    if user is None:
        return  # moto says so
    if device is None:
        text = f"VirtualMFADevice with serial number {serial} doesn't exist."
        raise AwsError("NoSuchEntity", text, 404)
    if call.operation == "EnableMFADevice":
        if device.user is not None:
            raise AwsError("EntityAlreadyExists", "MFA Device is already in use.", 409)
        if len(user.mfa_devices) >= MAX_DEVICES:
            text = f"Cannot exceed quota for MFADevicesPerUser: {MAX_DEVICES}"
            raise AwsError("LimitExceeded", text, 409)
    elif serial not in user.mfa_devices:
        raise AwsError("NoSuchEntity", f"MFA Device {serial} not found for user.", 404)
    now = lab.clock.now()
    first = _step_of(device, params["AuthenticationCode1"], now, ENABLE_DRIFT)
    second = _step_of(device, params["AuthenticationCode2"], now, ENABLE_DRIFT)
    if first is None or second != first + 1:
        text = "Authentication code for device is not valid."
        raise AwsError("InvalidAuthenticationCode", text, 403)
    _used(device).update((first, second))


def resync(call: Any, lab: Any) -> dict[str, Any]:
    """ResyncMFADevice: the lab's devices never drift, so right codes are all it takes."""
    user = lab.state.iam(call.account).users.get(call.params["UserName"])
    if user is None:
        name = call.params["UserName"]
        raise AwsError("NoSuchEntity", f"The user with name {name} cannot be found.", 404)
    enable(call, lab)
    return {}


def create(call: Any, lab: Any) -> dict[str, Any]:
    """CreateVirtualMFADevice, without the random bytes that moto gives as a picture."""
    iam, params = lab.state.iam(call.account), call.params
    device = iam.create_virtual_mfa_device(params["VirtualMFADeviceName"], params.get("Path"))
    seed = device.base32_string_seed.encode()
    return {"VirtualMFADevice": {"SerialNumber": device.serial_number, "Base32StringSeed": seed}}


def listed(call: Any, lab: Any) -> dict[str, Any]:
    """ListVirtualMFADevices: who has which device. The seed is shown only once, at its creation."""
    iam = lab.state.iam(call.account)
    wanted = call.params.get("AssignmentStatus", "Any")
    shown = []
    for device in sorted(iam.virtual_mfa_devices.values(), key=lambda d: d.serial_number):
        if wanted == "Any" or (wanted == "Assigned") == (device.user is not None):
            entry = {"SerialNumber": device.serial_number, "EnableDate": device.enable_date}
            shown.append(entry | ({"User": device.user} if device.user else {}))
    return {"VirtualMFADevices": shown, "IsTruncated": False}


def own(call: Any, lab: Any) -> dict[str, Any]:
    """ListMFADevices, the caller's own if no user is named."""
    name = call.params.get("UserName")
    user = lab.state.iam(call.account).users[name] if name else call.caller.entity
    devices = [
        {"UserName": user.name, "SerialNumber": d.serial_number, "EnableDate": d.enable_date}
        for d in user.mfa_devices.values()
    ]
    return {"MFADevices": devices, "IsTruncated": False}


def delete(call: Any, lab: Any) -> None:
    """Refuse DeleteVirtualMFADevice while a user has the device."""
    device = lab.state.iam(call.account).virtual_mfa_devices.get(call.params["SerialNumber"])
    if device is not None and device.user is not None:
        text = "MFA VirtualDevice in use. Must deactivate first."
        raise AwsError("DeleteConflict", text, 409)


def _step_of(device: Any, code: str, now: datetime, drift: int) -> int | None:
    """The time step whose code this is, if it is near now."""
    from pyotp import TOTP

    codes = TOTP(device.base32_string_seed, interval=STEP)
    middle = int(now.timestamp()) // STEP
    for step in sorted(range(middle - drift, middle + drift + 1), key=lambda s: abs(s - middle)):
        if codes.generate_otp(step) == code:
            return step
    return None


def _used(device: Any) -> set[int]:
    """The time steps whose codes were already taken, kept on moto's own device."""
    return device.__dict__.setdefault("used_steps", set())


REGISTRY = {
    ("iam", "CreateVirtualMFADevice"): create,
    ("iam", "ListVirtualMFADevices"): listed,
    ("iam", "ListMFADevices"): own,
    ("iam", "ResyncMFADevice"): resync,
}
BEFORE = {
    ("iam", "EnableMFADevice"): enable,
    ("iam", "DeleteVirtualMFADevice"): delete,
}
