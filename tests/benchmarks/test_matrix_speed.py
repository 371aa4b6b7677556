"""How long the access matrix takes over real AWS managed policies, boundaries and SCPs applied.

"first" reads the policies of principals not seen before; pandas and AWS's list of actions, which a
process reads once, are there already.
"""

from __future__ import annotations

import random
import time
from typing import Any

import moto.iam.models

from iamlab.audit import access_matrix
from iamlab.audit.opened import universe
from tests.account.helpers import World, allow, deny

SIZES = (300, 600, 1_200, 3_000, 12_000)
REACH = {300: 0.20, 600: 0.32, 1_200: 0.50}  # seconds


def test_the_access_matrix(lab: Any) -> None:
    world = World(lab)
    account = world.organization()
    world.scp("no-mars", deny("groundstation:*"), target=account)
    iam = lab.state.iam(account)
    lab.state.load_aws_policy(account)
    every = sorted(iam.managed_policies)
    boundary = world.managed(
        "edge", allow(["s3:*", "ec2:*", "iam:*", "dynamodb:*"]), account=account
    )
    rnd = random.Random(3)
    for number in range(max(SIZES)):
        user = moto.iam.models.User(account, "us-east-1", f"u{number:05}")
        iam.users[user.name] = user
        for arn in rnd.sample(every, rnd.randint(1, 5)):
            user.managed_policies[arn] = iam.managed_policies[arn]
        if number % 3 == 0:
            user.permissions_boundary_arn = boundary
    lab.state.changed()
    access_matrix(lab, principals=["user/administrator"])
    print()
    for size in SIZES:
        who = [f"user/u{number:05}" for number in range(size)]
        times = []
        for _ in range(3):
            started = time.perf_counter()
            frame = access_matrix(lab, account=account, principals=who, by="level")
            times.append(time.perf_counter() - started)
        assert len(frame) == size and frame.to_numpy().sum() > size
        reach = f", reach {REACH[size]}" if size in REACH else ""
        print(
            f"{size:6} principals x {len(universe().names)} actions: first {times[0]:.3f} s, "
            f"then {min(times[1:]):.3f} s{reach}"
        )
