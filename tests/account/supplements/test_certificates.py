"""Server certificates, signing certificates and SSH keys, as the IAM API Reference has them."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from tests.account.certificates import certificate, digest, ssh_key

from .conftest import ACCOUNT, refused


def upload(iam, name="web", **more):
    body, key = certificate("web.example.com")
    return iam.upload_server_certificate(
        **{"ServerCertificateName": name, "CertificateBody": body, "PrivateKey": key} | more
    )


class TestServer:
    def test_life(self, lab, iam):
        chain, _ = certificate("authority")
        tags = [{"Key": "Team", "Value": "web"}]
        made = upload(iam, Path="/cloudfront/", CertificateChain=chain, Tags=tags)
        shown = made["ServerCertificateMetadata"]
        assert shown["Arn"] == f"arn:aws:iam::{ACCOUNT}:server-certificate/cloudfront/web"
        assert shown["ServerCertificateId"].startswith("ASCA") and made["Tags"] == tags
        assert abs(shown["UploadDate"] - lab.clock.now()) < timedelta(seconds=5)
        assert timedelta(364) < shown["Expiration"] - lab.clock.now() < timedelta(366)
        got = iam.get_server_certificate(ServerCertificateName="web")["ServerCertificate"]
        assert got["ServerCertificateMetadata"] == shown and got["Tags"] == tags
        assert got["CertificateChain"].strip() == chain.strip() and "PrivateKey" not in got
        iam.update_server_certificate(
            ServerCertificateName="web", NewServerCertificateName="site", NewPath="/"
        )
        (listed,) = iam.list_server_certificates()["ServerCertificateMetadataList"]
        assert listed["Arn"] == f"arn:aws:iam::{ACCOUNT}:server-certificate/site"
        assert listed["ServerCertificateId"] == shown["ServerCertificateId"]
        assert not iam.list_server_certificates(PathPrefix="/cloudfront/")[
            "ServerCertificateMetadataList"
        ]
        iam.delete_server_certificate(ServerCertificateName="site")
        for call in (iam.get_server_certificate, iam.delete_server_certificate):
            with refused("NoSuchEntity", 404, "with name site cannot be found."):
                call(ServerCertificateName="site")

    def test_refusals(self, lab, iam):
        upload(iam)
        with refused("EntityAlreadyExists", 409):
            upload(iam, "WEB")
        upload(iam, "other")
        with refused("EntityAlreadyExists", 409):
            iam.update_server_certificate(
                ServerCertificateName="other", NewServerCertificateName="web"
            )
        with refused("KeyPairMismatch", 400):
            upload(iam, "third", PrivateKey=certificate()[1])
        for bad in ({"CertificateBody": "hello"}, {"PrivateKey": "hello"}):
            with refused("MalformedCertificate", 400):
                upload(iam, "third", **bad)
        body, key = certificate(days=-1)
        with refused("MalformedCertificate", 400, "expired"):
            upload(iam, "third", CertificateBody=body, PrivateKey=key)

    def test_twenty_by_pages(self, iam):
        body, key = certificate()
        for number in range(20):
            upload(iam, f"c{number:02}", CertificateBody=body, PrivateKey=key)
        with refused("LimitExceeded", 409, "ServerCertificatesPerAccount: 20"):
            upload(iam, "c20")
        pages = iam.get_paginator("list_server_certificates").paginate(
            PaginationConfig={"PageSize": 8}
        )
        names = [
            [one["ServerCertificateName"] for one in page["ServerCertificateMetadataList"]]
            for page in pages
        ]
        assert [len(page) for page in names] == [8, 8, 4]
        assert [n for page in names for n in page] == [f"c{number:02}" for number in range(20)]


class TestSigning:
    def test_life(self, lab, iam, user):
        own = user("ana", "iam:*").client("iam")
        body, _ = certificate()
        made = own.upload_signing_certificate(CertificateBody=body)["Certificate"]
        assert (made["UserName"], made["Status"]) == ("ana", "Active")
        name = made["CertificateId"]
        own.update_signing_certificate(CertificateId=name, Status="Inactive")
        for call in (
            own.list_signing_certificates(),
            iam.list_signing_certificates(UserName="ana"),
        ):
            (shown,) = call["Certificates"]
            assert (shown["CertificateId"], shown["Status"]) == (name, "Inactive")
        user("bo")
        with refused("DuplicateCertificate", 409):
            iam.upload_signing_certificate(UserName="bo", CertificateBody=body)
        with refused("MalformedCertificate", 400):
            iam.upload_signing_certificate(UserName="bo", CertificateBody="hello")
        with refused("NoSuchEntity", 404):
            iam.delete_signing_certificate(UserName="bo", CertificateId=name)
        own.delete_signing_certificate(CertificateId=name)
        assert own.list_signing_certificates()["Certificates"] == []


class TestSsh:
    def test_life(self, lab, iam, user):
        user("ana")
        body = ssh_key(1)
        made = iam.upload_ssh_public_key(UserName="ana", SSHPublicKeyBody=body)["SSHPublicKey"]
        assert made["SSHPublicKeyBody"] == body and made["SSHPublicKeyId"].startswith("APKA")
        assert made["Fingerprint"] == hashlib.md5(digest(body)).digest().hex(":")
        which = {"UserName": "ana", "SSHPublicKeyId": made["SSHPublicKeyId"]}
        got = iam.get_ssh_public_key(Encoding="SSH", **which)["SSHPublicKey"]["SSHPublicKeyBody"]
        assert got == " ".join(body.split()[:2])
        pem = iam.get_ssh_public_key(Encoding="PEM", **which)["SSHPublicKey"]["SSHPublicKeyBody"]
        assert pem == ssh_key(1, form="PEM").strip()
        with refused("DuplicateSSHPublicKey", 400):
            iam.upload_ssh_public_key(UserName="ana", SSHPublicKeyBody=pem)
        iam.update_ssh_public_key(Status="Inactive", **which)
        (shown,) = iam.list_ssh_public_keys(UserName="ana")["SSHPublicKeys"]
        assert shown["Status"] == "Inactive" and "SSHPublicKeyBody" not in shown
        iam.delete_ssh_public_key(**which)
        with refused("NoSuchEntity", 404):
            iam.delete_ssh_public_key(**which)

    @pytest.mark.parametrize("body", ["hello", "ssh-rsa AAAA", ssh_key(bits=1024)])
    def test_refusals(self, iam, user, body):
        user("ana")
        with refused("InvalidPublicKey", 400):
            iam.upload_ssh_public_key(UserName="ana", SSHPublicKeyBody=body)
