"""Lesson 07: roles for services: servers, functions and jobs that have no key of their own."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from iamlab.course import Lesson, Look, Probe, Role, World, read_manifest
from iamlab.course.look import BLANK, unrecorded
from iamlab.course.restore import remove
from iamlab.lessons.company import (
    ACCOUNT,
    MAPS,
    Q3,
    REPORTS,
    WAGES,
    arn,
    buckets,
    folder,
    trust,
)
from iamlab.lessons.company import policy as document
from iamlab.lessons.company import statement as allow

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

ASSUME, PASS = "sts:AssumeRole", "iam:PassRole"
EC2, LAMBDA, STS = "ec2.amazonaws.com", "lambda.amazonaws.com", "sts.amazonaws.com"
CI, PRINT_SHOP = "https://ci.larkfield.example", "print-shop.example"
MAIN = "repo:larkfield/maps:ref:refs/heads/main"
STRANGERS = "999988887777"
STRANGER, ADMINISTRATOR = arn("user/stranger", STRANGERS), "user/administrator"
AWS_POLICIES, WRITE_LOGS = "arn:aws:iam::aws:policy/", "service-role/AWSLambdaBasicExecutionRole"
METADATA = "http://169.254.169.254/latest/meta-data/"
IMAGE = "ami-12c6146b"
PUBLISHED = f"arn:aws:s3:::{MAPS}/published/north-fells.txt"
NIGHTLY = f"arn:aws:s3:::{REPORTS}/nightly/*"
READ_PUBLISHED = document(allow("Allow", "s3:GetObject", f"arn:aws:s3:::{MAPS}/published/*"))

# Server -> whether its metadata service wants version 2. Its instance profile has the same name.
SERVERS = {"report-server": "optional", "map-server": "required", "print-server": "required"}
PROFILES = (*SERVERS, "platform-admin")
FUNCTIONS = ("map-previews", "sales-counter")  # Their roles have the same names.
# Tokens that must not open the role of the CI job: sub, and what to say.
OTHER_JOBS = {
    "team:prints": "Any token of this CI service opens the role, whatever its sub says.",
    "repo:stranger/maps:ref:refs/heads/main": "A job of a stranger's repository opens the role.",
    "repo:larkfield/website:ref:refs/heads/main": "A job of the company's website opens the role.",
    "repo:larkfield/maps-old:ref:refs/heads/main": "A job of the repository maps-old opens it.",
    "repo:larkfield/maps:pull_request": (
        "A pull request opens the role: a change that somebody only proposes."
    ),
    "repo:larkfield/maps:ref:refs/heads/try": "A job of another branch opens the role.",
}


def events(lab: Lab) -> dict[str, dict[str, str]]:
    """Start the servers, make the functions and the CI service, and leave a key on a server."""
    with unrecorded(lab):
        iam = lab.account(STRANGERS).client("iam")
        iam.create_user(UserName="stranger")
        iam.put_user_policy(
            UserName="stranger",
            PolicyName="may-ask",
            PolicyDocument=json.dumps(document(allow("Allow", ASSUME, "*"))),
        )
        home = lab.account(lab.account_id)
        iam = home.client("iam")
        iam.create_open_id_connect_provider(Url=CI, ClientIDList=[STS, PRINT_SHOP])
        for name in PROFILES:
            iam.create_instance_profile(InstanceProfileName=name)
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        for name in FUNCTIONS:
            iam.attach_role_policy(RoleName=name, PolicyArn=f"{AWS_POLICIES}{WRITE_LOGS}")
            home.client("lambda").create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=arn(f"role/{name}"),
                Handler="app.handler",
                Code={"ZipFile": _code()},
            )
        for name, tokens in SERVERS.items():
            _start(lab, name, tokens, IamInstanceProfile={"Name": name})
        _start_nightly(lab)
    return {}


def print_server_again(lab: Lab) -> None:
    """Give the print server the role that was just made anew."""
    home, name = lab.account(lab.account_id), "print-server"
    home.client("iam").add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    _end(lab, name)
    _start(lab, name, SERVERS[name], IamInstanceProfile={"Name": name})


def nightly_server_again(lab: Lab) -> None:
    """Take away the profiles that the learner made, and start the server with a key again."""
    look = Look(lab)
    iam = look.client("iam")
    for profile in iam.list_instance_profiles()["InstanceProfiles"]:
        name = profile["InstanceProfileName"]
        if name not in PROFILES:
            for role in (role["RoleName"] for role in profile["Roles"]):
                iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)
                if role not in PROFILES:
                    remove(look, f"role/{role}")
            iam.delete_instance_profile(InstanceProfileName=name)
    _end(lab, "nightly-server")
    _start_nightly(lab)


def _start(lab: Lab, name: str, tokens: str, **more: Any) -> None:
    lab.account(lab.account_id).client("ec2").run_instances(
        ImageId=IMAGE,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        MetadataOptions={"HttpTokens": tokens},
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}],
        **more,
    )


def _start_nightly(lab: Lab) -> None:
    """Start the server of the nightly program as somebody once did: with a key on it."""
    iam = lab.account(lab.account_id).client("iam")
    key = iam.create_access_key(UserName="nightly-report")["AccessKey"]
    script = (
        "#!/bin/sh\n"
        f"export AWS_ACCESS_KEY_ID={key['AccessKeyId']}\n"
        f"export AWS_SECRET_ACCESS_KEY={key['SecretAccessKey']}\n"
        "python3 nightly_report.py\n"
    )
    _start(lab, "nightly-server", "optional", UserData=script)


def _end(lab: Lab, name: str) -> None:
    ec2 = lab.account(lab.account_id).client("ec2")
    found = ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": [name]}])
    ids = [i["InstanceId"] for group in found["Reservations"] for i in group["Instances"]]
    ec2.terminate_instances(InstanceIds=ids)


def _code() -> bytes:
    """Return a function's code as Lambda takes it. The lab never runs it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return None\n")
    return packed.getvalue()


def check_server(look: Look, _: Any) -> None:
    """01: the server reads reports as its role, without a key."""
    role = "role/report-server"
    look.probe(_open_to_all(role))
    look.needs_policy(role, "read-reports")
    if look.allows(ADMINISTRATOR, ASSUME, arn(role)):
        look.not_yet("The role trusts you, a user. Name the service that runs servers instead.")
    look.probe(
        Probe(LAMBDA, ASSUME, arn(role), False, "The role trusts Lambda, which runs functions."),
        Probe(EC2, ASSUME, arn(role), True, "EC2 may not assume the role for the server."),
        Probe(role, "iam:CreateUser", arn("user/x"), False, "The server could make users now."),
        Probe(role, "s3:GetObject", WAGES, False, "The server could read everyone's pay now."),
        Probe(role, "s3:DeleteObject", Q3, False, "The server could delete a report now."),
        Probe(role, "s3:GetObject", Q3, True, "The server finds keys, and cannot read a report."),
    )
    if _session_on(look, _server(look, "report-server")) is None:
        look.not_yet("The role is right. But the server finds no keys: has it still its profile?")


def check_metadata(look: Look, said: Any) -> None:
    """02: a server with a role and version 2 only, and what its metadata service said."""
    if said is None:
        look.not_attempted("Start the server, ask it, and hand over what it said.")
    found = _read(said)
    if not (isinstance(found, dict) and "AccessKeyId" in found):
        _no_keys(look, str(found))
    known = look.lab.callers.find(str(found["AccessKeyId"]))
    if known is None:
        look.not_yet("No key in this account has the ID that you handed over.")
    caller = known.caller
    instance = caller.arn.rpartition("/")[2]
    if caller.kind != "role" or not instance.startswith("i-"):
        look.not_yet(f"These are keys of {caller.name}. The keys of a server are its role's.")
    status = _plain_get(look, instance)
    if status == 403:
        look.not_yet("The metadata service of this server is off now. No program finds keys.")
    if status != 401:
        look.not_yet("This server still answers a plain GET. Version 1 is to be refused.")
    look.probe(
        Probe(caller.arn, "iam:CreateUser", arn("user/x"), False, "This server could make users.")
    )
    if caller.principal_arn != arn("role/map-server"):
        look.not_yet(f"This server has another role: {caller.name}.")


def check_pass(look: Look, _: Any) -> None:
    """03: Priya hands one role to one service."""
    look.needs_policy("user/priya", "pass-map-server")
    role, say = arn("role/map-server"), "Priya could start a server that is an administrator."
    to_ec2, to_lambda = {"iam:PassedToService": EC2}, {"iam:PassedToService": LAMBDA}
    look.probe(
        Probe("user/priya", "iam:CreateUser", arn("user/x"), False, "Priya could make users now."),
        Probe("user/priya", PASS, arn("role/platform-admin"), False, say, to_ec2),
        Probe("user/priya", PASS, role, False, "Priya can hand the role to Lambda too.", to_lambda),
    )
    if not look.allows("user/priya", PASS, role, **to_ec2):
        profile = arn("instance-profile/map-server")
        if look.allows("user/priya", PASS, profile, **to_ec2):
            look.not_yet("You named the instance profile. That is the box. What is in it?")
        if "sts:" in json.dumps(look.inline("user/priya")).lower():
            look.not_yet("To become a role and to hand it over are two things. She hands it over.")
    look.probe(Probe("user/priya", PASS, role, True, "Priya still cannot hand it over.", to_ec2))


def check_function(look: Look, _: Any) -> None:
    """04: a function's role with just what the function does."""
    role, bucket = "role/map-previews", f"arn:aws:s3:::{MAPS}"
    look.probe(_open_to_all(role))
    look.needs_policy(role, "previews")
    reads = look.allows(role, "s3:GetObject", PUBLISHED)
    if look.allows(role, "s3:PutObject", PUBLISHED) and not reads:
        look.not_yet("The two folders are the wrong way round: it writes where it should read.")
    preview = f"{bucket}/previews/north-fells.png"
    say = "The function could write over a finished map."
    look.probe(
        Probe(role, "iam:CreateUser", arn("user/x"), False, "The function could make users."),
        Probe(role, "s3:GetObject", WAGES, False, "The function could read everyone's pay."),
        Probe(role, "s3:DeleteObject", preview, False, "The function could delete previews."),
        Probe(role, "s3:PutObject", PUBLISHED, False, say),
        Probe(role, "s3:GetObject", f"{bucket}/drafts/x", False, "The function reads drafts too."),
        Probe(role, "s3:GetObject", PUBLISHED, True, "The function cannot read a finished map."),
        Probe(role, "s3:PutObject", preview, True, "The function cannot write a preview."),
        Probe(LAMBDA, ASSUME, arn(role), True, "Lambda may not assume the role any more."),
    )


def check_job(look: Look, _: Any) -> None:
    """05: only jobs of one branch of one repository, with a token that is made for AWS."""
    role = look.find("get_role", RoleName="map-publisher")
    trusted = role["Role"]["AssumeRolePolicyDocument"] if role else None
    if trusted == trust(AWS=arn(ADMINISTRATOR)):
        look.not_attempted("The role still trusts you alone. Run the exercise's cell.")
    if BLANK in json.dumps(trusted):
        look.not_attempted(f"The trust policy still has a blank: change {BLANK}.")
    look.probe(
        _open_to_all("role/map-publisher"),
        Probe(ADMINISTRATOR, ASSUME, arn("role/map-publisher"), False, "It still trusts you too."),
    )
    for sub, say in OTHER_JOBS.items():
        if _enters(look, sub, STS):
            look.not_yet(f"{say}\n\nThe token: its sub is {sub}\nIt comes in. It should not.")
    if _enters(look, MAIN, PRINT_SHOP):
        look.not_yet("A token that was made for the print shop opens the role as well.")
    if not _enters(look, MAIN, STS):
        if "*" in json.dumps(_values(trusted, "StringEquals")):
            look.not_yet("The right job is refused: StringEquals takes a star as a plain star.")
        look.not_yet(
            "The right job is refused. Compare the two values with what the token says: "
            "each letter counts."
        )


def check_print(look: Look, _: Any) -> None:
    """06: the print server finds its role's keys, and nobody else gains anything."""
    role = "role/print-server"
    server = _server(look, "print-server")
    look.probe(
        _open_to_all(role),
        Probe(role, "iam:CreateUser", arn("user/x"), False, "The role is an administrator now."),
    )
    if look.allows(ADMINISTRATOR, ASSUME, arn(role)):
        look.not_yet("The role trusts users of your account. The server is not one of them.")
    session = _session_on(look, server)
    if session is not None and look.caller(session).principal_arn != arn(role):
        look.not_yet("The server has keys of another role now. It should have its own.")
    if not look.allows(EC2, ASSUME, arn(role)):
        if look.inline(role) != {"read-published": READ_PUBLISHED} or look.attached(role):
            look.not_yet("You changed what the role may do. The server never gets that far.")
        look.not_attempted("The print server still finds no keys.")
    look.probe(
        Probe(LAMBDA, ASSUME, arn(role), False, "Lambda may assume the role too. No need for it."),
        Probe(role, "s3:GetObject", PUBLISHED, True, "The role lost its permission."),
    )
    if session is None:
        look.not_yet("The role is right. But the server finds no keys: has it still its profile?")


def check_replace(look: Look, _: Any) -> None:
    """07: the nightly server works as a role, and its old key is dead."""
    server = _server(look, "nightly-server")
    listed = look.find("list_access_keys", UserName="nightly-report") or {"AccessKeyMetadata": []}
    alive = [k["AccessKeyId"] for k in listed["AccessKeyMetadata"] if k["Status"] == "Active"]
    session, status = _session_on(look, server), _plain_get(look, server)
    if session is None and not alive:
        look.not_yet("The key is dead, and the server has nothing in its place. The job stopped.")
    if session is None and not all(key in _script(look, server) for key in alive):
        look.not_yet("You made another key for the user. A new key on a server is a key again.")
    if session is None and status == 200:
        look.not_attempted("The server still works with the key.")
    if session is None:
        look.not_yet("The server still works with the key: there is no role on it.")
    who = look.caller(session).arn
    file = NIGHTLY.replace("*", "x")
    look.probe(
        Probe(who, "iam:CreateUser", arn("user/x"), False, "The server could make users now."),
        Probe(who, "s3:PutObject", Q3, False, "The server could write over the reports."),
        Probe(who, "s3:PutObject", file, True, "The server cannot write under nightly/."),
    )
    if alive:
        look.not_yet("The server has a role. But a key of the user nightly-report still works.")
    if status != 401:
        look.not_yet("The key is dead. But the server still answers a plain GET.")


def truth_plain_get(look: Look) -> str:
    """Ask the map server's metadata service without a token."""
    refused = _plain_get(look, _server(look, "map-server")) == 401
    return "refused" if refused else "answered"


def truth_pass(look: Look) -> str:
    """Ask whether Ben can start a server that may make users."""
    admin = arn("role/platform-admin")
    steps = (
        look.allows("user/ben", "ec2:RunInstances", "*"),
        look.allows("user/ben", PASS, admin, **{"iam:PassedToService": EC2}),
        look.allows(EC2, ASSUME, admin),
        look.allows("role/platform-admin", "iam:CreateUser", arn("user/x")),
    )
    return "yes" if all(steps) else "no"


def truth_whose(look: Look) -> str:
    """Ask whether the function reads the report that Ana may not read."""
    function = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:sales-counter"
    starts = look.allows("user/ana", "lambda:InvokeFunction", function)
    reads = look.allows("role/sales-counter", "s3:GetObject", Q3)
    return "yes" if starts and reads else "no"


def _open_to_all(role: str) -> Probe:
    say = "Anybody in the world with an AWS account can become this role."
    return Probe(STRANGER, ASSUME, arn(role), False, say)


def _server(look: Look, name: str) -> str:
    """Return the ID of the running server with this name."""
    found = look.client("ec2").describe_instances(
        Filters=[
            {"Name": "tag:Name", "Values": [name]},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
    )
    ids = [i["InstanceId"] for group in found["Reservations"] for i in group["Instances"]]
    if not ids:
        look.not_yet(f"No server called {name} runs. lesson.reset() gives you a fresh account.")
    return ids[0]


def _script(look: Look, instance: str) -> str:
    """Return the start script of a server: its user data."""
    said = look.client("ec2").describe_instance_attribute(
        InstanceId=instance, Attribute="userData"
    )["UserData"]
    return base64.b64decode(said.get("Value", "")).decode(errors="replace")


def _session_on(look: Look, instance: str) -> boto3.Session | None:
    """Return a session with the keys that boto3 finds on a server; None if it finds none."""
    with look.lab.on_instance(instance):
        found = boto3.DEFAULT_SESSION.get_credentials()
        keys = found.get_frozen_credentials() if found else None
    return boto3.Session(keys.access_key, keys.secret_key, keys.token) if keys else None


def _plain_get(look: Look, instance: str) -> int:
    """Ask a server's metadata service as version 1 does; return the status of its answer."""
    import requests

    with look.lab.on_instance(instance):
        return requests.get(METADATA, timeout=10).status_code


def _read(said: Any) -> Any:
    """Return what the learner handed over as a dict, if it is one or the text of one."""
    text = getattr(said, "text", said)
    try:
        return json.loads(text) if isinstance(text, (str, bytes)) else text
    except ValueError:
        return text


def _no_keys(look: Look, found: str) -> None:
    if "401" in found:
        look.not_yet("It said 401: a GET without a token. Ask for a token first.")
    if "403" in found:
        look.not_yet("It said 403: the metadata service of this server is off.")
    if "404" in found:
        look.not_yet("It said 404: there is no such role on this server. Did you give it one?")
    look.not_yet("There is no AccessKeyId in what you handed over. Hand over the last answer.")


def _enters(look: Look, sub: str, aud: str) -> bool:
    """Try to become the role of the CI job with a token of the CI service."""
    try:
        look.client("sts").assume_role_with_web_identity(
            RoleArn=arn("role/map-publisher"),
            RoleSessionName="check",
            WebIdentityToken=look.lab.issuer(CI).token(sub, aud),
        )
    except ClientError:
        return False
    return True


def _values(trusted: Any, operator: str) -> list[Any]:
    """Return what the conditions with this operator compare with."""
    statements = trusted["Statement"]
    statements = statements if isinstance(statements, list) else [statements]
    return [s.get("Condition", {}).get(operator) for s in statements]


def lesson() -> Lesson:
    """Return lesson 07."""
    start = ["ec2:RunInstances", "ec2:CreateTags", "ec2:DescribeInstances"]
    invoke = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:sales-counter"
    return Lesson(
        id="07",
        title="Roles for services",
        data=folder(),
        world=World(
            users={
                "ana": {"start-counter": document(allow("Allow", "lambda:InvokeFunction", invoke))},
                "ben": {"servers": document(allow("Allow", [*start, PASS], "*"))},
                "priya": {"servers": document(allow("Allow", start, "*"))},
                "nightly-report": {"write": document(allow("Allow", "s3:PutObject", NIGHTLY))},
            },
            buckets=buckets(),
            roles={
                "report-server": Role(trust(AWS=arn(ADMINISTRATOR))),
                "map-server": Role(trust(Service=EC2), {"read-published": READ_PUBLISHED}),
                "print-server": Role(trust(Service=LAMBDA), {"read-published": READ_PUBLISHED}),
                "platform-admin": Role(
                    trust(Service=EC2), {"everything": document(allow("Allow", "*", "*"))}
                ),
                "map-previews": Role(trust(Service=LAMBDA)),
                "sales-counter": Role(
                    trust(Service=LAMBDA),
                    {
                        "read-reports": document(
                            allow("Allow", "s3:GetObject", f"arn:aws:s3:::{REPORTS}/*")
                        )
                    },
                ),
                "map-publisher": Role(
                    trust(AWS=arn(ADMINISTRATOR)),
                    {
                        "publish": document(
                            allow("Allow", "s3:PutObject", f"arn:aws:s3:::{MAPS}/published/*")
                        )
                    },
                ),
            },
            events=events,
        ),
        **read_manifest(Path(__file__).with_suffix(".toml"), globals()),
    )
