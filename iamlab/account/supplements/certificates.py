"""Certificates and SSH keys that people upload: they are read, and what they say is shown.

moto keeps whatever text it gets and shows the same ID and dates for every server certificate.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from iamlab.account.callers import new_key_id
from iamlab.account.errors import AwsError
from iamlab.account.supplements.paging import page

MOST_SERVER = 20  # "IAM and AWS STS quotas", IAM User Guide; more can be asked for
MOST_SIGNING = 2
MOST_SSH = 5
LEAST_BITS = 2048
NO_SERVER = "The Server Certificate with name {} cannot be found."  # [O]
TAKEN = "The Server Certificate with name {} already exists."  # [O]
NO_SIGNING = "The Certificate with id {} cannot be found."  # [O]
NO_SSH = "The Public Key with id {} cannot be found."  # [I]
# Texts of the refusals of bad files. [I]
NO_CERTIFICATE = "Unable to parse certificate. Please ensure the certificate is in PEM format."
EXPIRED = "The certificate is expired."
NO_KEY = "Unable to parse key; the body must be encoded in PEM."
NO_PAIR = "The private key does not match the certificate."
NO_PUBLIC_KEY = "Unable to parse key; the body must be encoded in ssh-rsa format or PEM."


def upload_server(call: Any, lab: Any) -> dict[str, Any]:
    """UploadServerCertificate: the private key must be that of the certificate."""
    iam, params = lab.state.iam(call.account), call.params
    name = params["ServerCertificateName"]
    _free(iam, name)
    if len(iam.certificates) >= MOST_SERVER:
        text = f"Cannot exceed quota for ServerCertificatesPerAccount: {MOST_SERVER}"
        raise AwsError("LimitExceeded", text, 409)
    parsed = _certificate(params["CertificateBody"], lab)
    if params.get("CertificateChain"):
        _certificate(params["CertificateChain"], lab)
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(params["PrivateKey"].encode(), None)
    except (ValueError, TypeError):  # TypeError: it has a password
        raise AwsError("MalformedCertificate", NO_KEY) from None
    if private.public_key() != parsed.public_key():
        raise AwsError("KeyPairMismatch", NO_PAIR)
    cert = iam.upload_server_certificate(
        name,
        params["CertificateBody"],
        params["PrivateKey"],
        params.get("CertificateChain"),
        params.get("Path"),
    )
    cert.id = new_key_id("ASCA")
    cert.upload_date = lab.clock.now().replace(microsecond=0)
    cert.expiration = parsed.not_valid_after_utc
    cert.tags = params.get("Tags") or []
    shown = {"ServerCertificateMetadata": _metadata(cert)}
    return shown | ({"Tags": cert.tags} if cert.tags else {})


def get_server(call: Any, lab: Any) -> dict[str, Any]:
    """GetServerCertificate; never the private key."""
    cert = _server(call, lab)
    shown = {
        "ServerCertificateMetadata": _metadata(cert),
        "CertificateBody": cert.cert_body,
        "CertificateChain": cert.cert_chain,
        "Tags": cert.tags or None,
    }
    return {"ServerCertificate": {k: v for k, v in shown.items() if v is not None}}


def list_server(call: Any, lab: Any) -> dict[str, Any]:
    """ListServerCertificates."""
    prefix = call.params.get("PathPrefix") or "/"
    certs = lab.state.iam(call.account).certificates.values()
    shown = [_metadata(cert) for cert in certs if cert.path.startswith(prefix)]
    name = "ServerCertificateMetadataList"
    return page(shown, call.params, name, key=lambda one: one["ServerCertificateName"])


def update_server(call: Any, lab: Any) -> dict[str, Any]:
    """UpdateServerCertificate: a new name or path; the ID stays."""
    cert, params = _server(call, lab), call.params
    name = params.get("NewServerCertificateName")
    if name and name != cert.cert_name:
        _free(lab.state.iam(call.account), name)
        cert.cert_name = name
    cert.path = params.get("NewPath") or cert.path
    return {}


def delete_server(call: Any, lab: Any) -> dict[str, Any]:
    """DeleteServerCertificate. Nothing in the lab can be using it."""
    _server(call, lab)
    lab.state.iam(call.account).delete_server_certificate(call.params["ServerCertificateName"])
    return {}


def upload_signing(call: Any, lab: Any) -> dict[str, Any]:
    """UploadSigningCertificate: two a user, and no certificate twice in an account."""
    iam, body = lab.state.iam(call.account), call.params["CertificateBody"]
    user = _user(call, lab)
    _certificate(body, lab)
    everybody = (one for user in iam.users.values() for one in user.signing_certificates.values())
    if any(one.body.strip() == body.strip() for one in everybody):
        text = "The certificate is already associated with an IAM user in the account."  # [I]
        raise AwsError("DuplicateCertificate", text, 409)
    return {"Certificate": iam.upload_signing_certificate(user.name, body)}  # it counts them


def list_signing(call: Any, lab: Any) -> dict[str, Any]:
    """ListSigningCertificates."""
    return page(_user(call, lab).signing_certificates.values(), call.params, "Certificates")


def update_signing(call: Any, lab: Any) -> dict[str, Any]:
    """UpdateSigningCertificate."""
    _signing(call, lab).status = call.params["Status"]
    return {}


def delete_signing(call: Any, lab: Any) -> dict[str, Any]:
    """DeleteSigningCertificate."""
    del _user(call, lab).signing_certificates[_signing(call, lab).id]
    return {}


def upload_ssh(call: Any, lab: Any) -> dict[str, Any]:
    """UploadSSHPublicKey: an RSA key of 2,048 bits or more, in ssh-rsa or PEM format."""
    user, body = _user(call, lab), call.params["SSHPublicKeyBody"].strip()
    digest = _fingerprint(body)
    if digest in {key.fingerprint for key in user.ssh_public_keys}:
        text = "The SSH public key is already associated with the user."  # text: [I]
        raise AwsError("DuplicateSSHPublicKey", text)
    if len(user.ssh_public_keys) >= MOST_SSH:
        text = f"Cannot exceed quota for SSHPublicKeysPerUser: {MOST_SSH}"
        raise AwsError("LimitExceeded", text, 409)
    key = user.upload_ssh_public_key(body)
    key.fingerprint = digest
    return {"SSHPublicKey": _shown(key)}


def get_ssh(call: Any, lab: Any) -> dict[str, Any]:
    """GetSSHPublicKey, as ssh-rsa or as PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = _ssh(call, lab)
    parsed = _public_key(key.ssh_public_key_body)
    if call.params["Encoding"] == "SSH":
        body = parsed.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    else:
        body = parsed.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {"SSHPublicKey": _shown(key) | {"SSHPublicKeyBody": body.decode().strip()}}


def list_ssh(call: Any, lab: Any) -> dict[str, Any]:
    """ListSSHPublicKeys: not the keys themselves."""
    members = ("UserName", "SSHPublicKeyId", "Status", "UploadDate")
    shown = [{m: _shown(key)[m] for m in members} for key in _user(call, lab).ssh_public_keys]
    return page(shown, call.params, "SSHPublicKeys")


def update_ssh(call: Any, lab: Any) -> dict[str, Any]:
    """UpdateSSHPublicKey."""
    _ssh(call, lab).status = call.params["Status"]
    return {}


def delete_ssh(call: Any, lab: Any) -> dict[str, Any]:
    """DeleteSSHPublicKey."""
    _user(call, lab).ssh_public_keys.remove(_ssh(call, lab))
    return {}


def _user(call: Any, lab: Any) -> Any:
    name = call.params.get("UserName")
    return lab.state.iam(call.account).users[name] if name else call.caller.entity


def _server(call: Any, lab: Any) -> Any:
    name = call.params["ServerCertificateName"]
    for cert in lab.state.iam(call.account).certificates.values():
        if cert.cert_name == name:
            return cert
    raise AwsError("NoSuchEntity", NO_SERVER.format(name), 404)


def _free(iam: Any, name: str) -> None:
    if any(cert.cert_name.lower() == name.lower() for cert in iam.certificates.values()):
        raise AwsError("EntityAlreadyExists", TAKEN.format(name), 409)


def _metadata(cert: Any) -> dict[str, Any]:
    return {
        "Path": cert.path,
        "ServerCertificateName": cert.cert_name,
        "ServerCertificateId": cert.id,
        "Arn": cert.arn,
        "UploadDate": cert.upload_date,
        "Expiration": cert.expiration,
    }


def _certificate(text: str, lab: Any) -> Any:
    from cryptography import x509

    try:
        parsed = x509.load_pem_x509_certificates(text.encode())[0]
    except ValueError:
        raise AwsError("MalformedCertificate", NO_CERTIFICATE) from None
    if parsed.not_valid_after_utc < lab.clock.now().astimezone(UTC):
        raise AwsError("MalformedCertificate", EXPIRED)
    return parsed


def _signing(call: Any, lab: Any) -> Any:
    wanted = call.params["CertificateId"]
    found = _user(call, lab).signing_certificates.get(wanted)
    if found is None:
        raise AwsError("NoSuchEntity", NO_SIGNING.format(wanted), 404)
    return found


def _ssh(call: Any, lab: Any) -> Any:
    wanted = call.params["SSHPublicKeyId"]
    for key in _user(call, lab).ssh_public_keys:
        if key.ssh_public_key_id == wanted:
            return key
    raise AwsError("NoSuchEntity", NO_SSH.format(wanted), 404)


def _shown(key: Any) -> dict[str, Any]:
    return {
        "UserName": key.user_name,
        "SSHPublicKeyId": key.ssh_public_key_id,
        "Fingerprint": key.fingerprint,
        "SSHPublicKeyBody": key.ssh_public_key_body,
        "Status": key.status,
        "UploadDate": key.upload_date,
    }


def _public_key(body: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import (
        load_pem_public_key,
        load_ssh_public_key,
    )

    load = load_pem_public_key if body.startswith("-----BEGIN") else load_ssh_public_key
    try:
        key = load(body.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise AwsError("InvalidPublicKey", NO_PUBLIC_KEY) from None
    if not isinstance(key, RSAPublicKey) or key.key_size < LEAST_BITS:
        raise AwsError("InvalidPublicKey", NO_PUBLIC_KEY)
    return key


def _fingerprint(body: str) -> str:
    """The MD5 digest of the key, as ``ssh-keygen -l -E md5`` prints it."""
    import base64
    import hashlib

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    line = _public_key(body).public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    digest = hashlib.md5(base64.b64decode(line.split()[1]), usedforsecurity=False)
    return digest.digest().hex(":")


REGISTRY = {
    ("iam", "DeleteSSHPublicKey"): delete_ssh,
    ("iam", "DeleteServerCertificate"): delete_server,
    ("iam", "DeleteSigningCertificate"): delete_signing,
    ("iam", "GetSSHPublicKey"): get_ssh,
    ("iam", "GetServerCertificate"): get_server,
    ("iam", "ListSSHPublicKeys"): list_ssh,
    ("iam", "ListServerCertificates"): list_server,
    ("iam", "ListSigningCertificates"): list_signing,
    ("iam", "UpdateSSHPublicKey"): update_ssh,
    ("iam", "UpdateServerCertificate"): update_server,
    ("iam", "UpdateSigningCertificate"): update_signing,
    ("iam", "UploadSSHPublicKey"): upload_ssh,
    ("iam", "UploadServerCertificate"): upload_server,
    ("iam", "UploadSigningCertificate"): upload_signing,
}
