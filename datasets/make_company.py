"""Make the files of Larkfield Maps, the company of the course: staff, teams, programs, resources.

Run it from anywhere: ``python datasets/make_company.py`` writes the files beside this script,
in ``company/``. The same seed gives the same bytes on every machine. ``--out DIR`` writes
somewhere else. Everything in the files is invented.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
from datetime import date, timedelta
from pathlib import Path

SEED = 20261001
TODAY = date(2026, 10, 1)
ACCOUNT = "111122223333"
REGION = "us-east-1"

TEAMS = [
    # team, what it does, its bucket
    ("maps", "draws the walking maps", "larkfield-maps"),
    ("reports", "counts what was sold", "larkfield-reports"),
    ("platform", "runs the programs and the AWS account", "larkfield-maps"),
    ("office", "pays the people and the bills", "larkfield-payroll"),
]

STAFF = [
    # name, user name, team, job; the first of a team leads it
    ("Carlo Rossi", "carlo", "maps", "cartographer"),
    ("Ines Pereira", "ines", "maps", "cartographer"),
    ("Tomas Berg", "tomas", "maps", "surveyor"),
    ("Lucy Adeyemi", "lucy", "maps", "surveyor"),
    ("Ana Silva", "ana", "reports", "analyst"),
    ("Omar Khan", "omar", "reports", "analyst"),
    ("Yuki Mori", "yuki", "reports", "sales planner"),
    ("Ben Novak", "ben", "platform", "developer"),
    ("Priya Nair", "priya", "platform", "developer"),
    ("Mira Okafor", "mira", "office", "owner"),
    ("Dina Haddad", "dina", "office", "accountant"),
    ("Hugo Martin", "hugo", "office", "office manager"),
]

PROGRAMS = [
    # program, user name, owner, what it does, runs on, hours between runs
    ("Nightly report", "nightly-report", "reports", "adds up the day's sales", "server", 24),
    ("Map printer", "map-printer", "maps", "sends finished maps to print", "office computer", 1),
]

REGIONS = ["North Fells", "Salt Coast", "Green Downs", "High Moor"]
SCALES = ["1:25000", "1:50000"]


def staff(rng: random.Random) -> list[dict[str, object]]:
    """Return one row for each person."""
    rows = []
    leads: set[str] = set()
    for number, (name, user, team, job) in enumerate(STAFF, start=1):
        started = TODAY - timedelta(days=rng.randint(90, 3000))
        rows.append(
            {
                "staff_id": f"S{number:03}",
                "name": name,
                "user_name": user,
                "team": team,
                "job": job,
                "leads_team": "no" if team in leads else "yes",
                "started": started.isoformat(),
                "days_per_week": rng.choice([3, 4, 5, 5, 5]),
            }
        )
        leads.add(team)
    return rows


def teams() -> list[dict[str, object]]:
    """Return one row for each team."""
    return [
        {
            "team": team,
            "work": work,
            "bucket": bucket,
            "people": sum(row[2] == team for row in STAFF),
        }
        for team, work, bucket in TEAMS
    ]


def programs() -> list[dict[str, object]]:
    """Return one row for each program that calls AWS by itself."""
    names = ("program", "user_name", "team", "work", "runs_on", "hours_between_runs")
    return [dict(zip(names, row, strict=True)) for row in PROGRAMS]


def sales(rng: random.Random, year: int, quarter: int) -> list[dict[str, object]]:
    """Return the sales of one quarter: one row for each map sheet and week."""
    first = date(year, 3 * quarter - 2, 1)
    rows = []
    for week in range(13):
        for region in REGIONS:
            for scale in SCALES:
                sold = max(0, round(rng.gauss(40 if scale == "1:25000" else 25, 9)))
                price = 9.5 if scale == "1:25000" else 8.0
                rows.append(
                    {
                        "week_start": (first + timedelta(weeks=week)).isoformat(),
                        "region": region,
                        "scale": scale,
                        "sheets_sold": sold,
                        "revenue_eur": f"{sold * price:.2f}",
                    }
                )
    return rows


def payroll(rng: random.Random) -> list[dict[str, object]]:
    """Return one invented month of pay: the file that few people may see."""
    return [
        {"staff_id": row["staff_id"], "month": "2026-09", "pay_eur": rng.randrange(2400, 5200, 50)}
        for row in staff(random.Random(SEED))
    ]


def resources(files: dict[str, int]) -> list[dict[str, object]]:
    """Return one row for each bucket and object; `files` gives the sizes that are known."""
    objects = [
        # bucket, key, data class, file in this folder that holds its text
        ("larkfield-maps", "published/north-fells.txt", "public", None),
        ("larkfield-maps", "published/salt-coast.txt", "public", None),
        ("larkfield-maps", "drafts/carlo/green-downs.txt", "internal", None),
        ("larkfield-maps", "drafts/ines/high-moor.txt", "internal", None),
        ("larkfield-reports", "2025/q4.csv", "internal", "sales_2025_q4.csv"),
        ("larkfield-reports", "2026/q2.csv", "internal", "sales_2026_q2.csv"),
        ("larkfield-reports", "2026/q3.csv", "internal", "sales_2026_q3.csv"),
        ("larkfield-payroll", "2026/september.csv", "secret", "payroll_2026_09.csv"),
    ]
    owner = {"larkfield-maps": "maps", "larkfield-reports": "reports"}
    rows: list[dict[str, object]] = []
    for bucket in dict.fromkeys(row[0] for row in objects):
        rows.append(_resource("bucket", bucket, "", owner.get(bucket, "office"), "internal", "", 0))
    for bucket, key, data_class, file in objects:
        size = files[file] if file else len(_map_text(key))
        team = owner.get(bucket, "office")
        rows.append(_resource("object", bucket, key, team, data_class, file or "", size))
    return rows


def _resource(
    kind: str, bucket: str, key: str, team: str, data_class: str, file: str, size: int
) -> dict[str, object]:
    arn = f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
    return {
        "kind": kind,
        "arn": arn,
        "bucket": bucket,
        "key": key,
        "team": team,
        "data_class": data_class,
        "file": file,
        "size_bytes": size,
    }


def _map_text(key: str) -> str:
    return f"Larkfield Maps\nsheet: {Path(key).stem}\n"


def _csv(path: Path, rows: list[dict[str, object]]) -> int:
    # newline="\n" keeps the bytes the same on Windows.
    with path.open("w", encoding="utf-8", newline="\n") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path.stat().st_size


def make(out: Path) -> None:
    """Write every file into `out`, which is made if it is not there."""
    out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(SEED)
    _csv(out / "staff.csv", staff(rng))
    _csv(out / "teams.csv", teams())
    _csv(out / "programs.csv", programs())
    sizes = {}
    for year, quarter in [(2025, 4), (2026, 2), (2026, 3)]:
        name = f"sales_{year}_q{quarter}.csv"
        sizes[name] = _csv(out / name, sales(rng, year, quarter))
    sizes["payroll_2026_09.csv"] = _csv(out / "payroll_2026_09.csv", payroll(rng))
    _csv(out / "resources.csv", resources(sizes))
    company = {
        "name": "Larkfield Maps",
        "account_id": ACCOUNT,
        "region": REGION,
        "partner": {"name": "Fairbridge Audit", "account_id": "444455556666"},
    }
    text = json.dumps(company, indent=2) + "\n"
    (out / "company.json").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "company")
    make(parser.parse_args().out)
