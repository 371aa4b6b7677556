"""How much an enforced, explained, recorded call costs against the same call on plain moto.

Reported, never a reason to fail: ratios of medians, both timed in turn in one run.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest

import iamlab

ROUNDS, CALLS = 12, 40
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
ALLOW = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["iam:GetUser", "s3:GetObject", "sts:AssumeRole"],
                "Resource": "*",
            }
        ],
    }
)


def _world(users: int) -> None:
    iam, s3 = boto3.client("iam"), boto3.client("s3")
    for number in range(users):
        iam.create_user(UserName=f"user-{number}")
    iam.create_user(UserName="ana")
    iam.put_user_policy(UserName="ana", PolicyName="some", PolicyDocument=ALLOW)
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST)
    s3.create_bucket(Bucket="reports")
    s3.put_object(Bucket="reports", Key="q3.csv", Body=b"1,2,3\n" * 100)


def _calls(session: boto3.Session) -> dict[str, Callable[[], Any]]:
    iam, s3, sts = (session.client(name) for name in ("iam", "s3", "sts"))
    role = "arn:aws:iam::111122223333:role/reader"
    return {
        "get_user": lambda: iam.get_user(UserName="ana"),
        "get_object": lambda: s3.get_object(Bucket="reports", Key="q3.csv")["Body"].read(),
        "assume_role": lambda: sts.assume_role(RoleArn=role, RoleSessionName="bench"),
    }


# One process each, so that neither has the other's patches: they take turns, round by round.
_PROGRAM = """
import json, os, sys, time, statistics
sys.path.insert(0, {root!r})
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
from tests.benchmarks import test_call_speed as bench
import boto3
if {plain}:
    from moto import mock_aws
    os.environ["MOTO_ACCOUNT_ID"] = "111122223333"
    mock = mock_aws(); mock.start()
    bench._world({users})
    calls = bench._calls(boto3.Session())
else:
    import iamlab
    lab = iamlab.start()
    bench._world({users})
    calls = bench._calls(lab.session("user/ana"))
for call in calls.values():
    call()
print("ready", flush=True)
for line in sys.stdin:
    name = line.strip()
    call = calls[name]
    start = time.perf_counter()
    for _ in range({calls}):
        call()
    print(json.dumps((time.perf_counter() - start) / {calls}), flush=True)
"""


def _process(plain: bool, users: int) -> subprocess.Popen[str]:
    from pathlib import Path

    root = str(Path(__file__).parents[2])
    program = _PROGRAM.format(root=root, plain=plain, users=users, calls=CALLS)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    return process


def _time(process: subprocess.Popen[str], name: str) -> float:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(name + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


@pytest.mark.slow
@pytest.mark.parametrize("users", [0, 1000])
def test_an_enforced_call_against_plain_moto(
    users: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """get_user, get_object, assume_role: the lab's time over moto's, pair by pair."""
    ours, plain = _process(False, users), _process(True, users)
    try:
        for name in ("get_user", "get_object", "assume_role"):
            pairs = [(_time(ours, name), _time(plain, name)) for _ in range(ROUNDS)]
            ratio = statistics.median(a / b for a, b in pairs)
            lab, moto = (statistics.median(side) * 1000 for side in zip(*pairs, strict=True))
            with capsys.disabled():
                print(
                    f"\n{name} with {users} more users: lab {lab:.2f} ms, moto {moto:.2f} ms, "
                    f"ratio {ratio:.2f}"
                )
            assert len(pairs) == ROUNDS and min(min(pair) for pair in pairs) > 0
    finally:
        for process in (ours, plain):
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=60)


_START = {
    "lab": "import iamlab, boto3; iamlab.start(); boto3.client('iam').create_user(UserName='ana')",
    "moto": "import boto3, os; os.environ['AWS_DEFAULT_REGION'] = 'us-east-1'; "
    "from moto import mock_aws; mock_aws().start(); "
    "boto3.client('iam').create_user(UserName='ana')",
    "policy": "import iamlab.policy",
    "python": "import json, re, dataclasses",
}


@pytest.mark.slow
def test_start_to_first_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """A fresh process: the lab against bare moto, and import iamlab.policy against the stdlib."""
    times: dict[str, list[float]] = {name: [] for name in _START}
    for _ in range(7):
        for name, program in _START.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True)
            times[name].append(time.perf_counter() - start)
    median = {name: statistics.median(values) for name, values in times.items()}
    lab = statistics.median(a / b for a, b in zip(times["lab"], times["moto"], strict=True))
    with capsys.disabled():
        print(
            f"\nstart to first answer: lab {median['lab']:.2f} s, "
            f"bare moto {median['moto']:.2f} s, ratio {lab:.2f}; "
            f"import iamlab.policy {median['policy'] * 1000:.0f} ms, "
            f"json+re+dataclasses {median['python'] * 1000:.0f} ms"
        )
    assert all(len(values) == 7 for values in times.values())


def test_later_starts_take_milliseconds(capsys: pytest.CaptureFixture[str]) -> None:
    """So that a test can have its own account."""
    iamlab.start().stop()
    start = time.perf_counter()
    for _ in range(20):
        iamlab.start().stop()
    each = (time.perf_counter() - start) / 20
    with capsys.disabled():
        print(f"\nlater start and stop: {each * 1000:.1f} ms")
    assert each > 0
