"""The company's files: made by their script, read by pandas, and in step with the lessons."""

from __future__ import annotations

import runpy
from pathlib import Path

import pandas as pd

from iamlab.lessons import LESSONS, company, load_lesson

ROOT = Path(__file__).resolve().parents[2]


def test_script_makes_the_same_bytes_again(tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / "datasets" / "make_company.py"))["make"](tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_bytes() for path in (ROOT / "datasets" / "company").iterdir()}
    assert made == kept


def test_tables_fit_together() -> None:
    folder = company.folder()
    staff, teams = pd.read_csv(folder / "staff.csv"), pd.read_csv(folder / "teams.csv")
    programs = pd.read_csv(folder / "programs.csv")
    resources = pd.read_csv(folder / "resources.csv")
    assert (len(staff), len(teams)) == (12, 4)
    assert staff["user_name"].is_unique and staff["staff_id"].is_unique
    assert staff.groupby("team").size().to_dict() == teams.set_index("team")["people"].to_dict()
    assert (staff[staff["leads_team"] == "yes"].groupby("team").size() == 1).all()
    assert set(programs["team"]) | set(resources["team"]) <= set(teams["team"])
    assert set(teams["bucket"]) == set(resources["bucket"])
    for name in resources["file"].dropna():
        assert not pd.read_csv(folder / name).empty


def test_sizes_are_those_of_the_objects() -> None:
    resources = pd.read_csv(company.folder() / "resources.csv")
    objects = resources[resources["kind"] == "object"]
    bodies = company.buckets()
    for _, row in objects.iterrows():
        assert len(bodies[row["bucket"]][row["key"]]) == row["size_bytes"], row["arn"]


def test_readme_names_every_file_and_column() -> None:
    text = (ROOT / "datasets" / "README.md").read_text()
    for path in (ROOT / "datasets" / "company").glob("*.csv"):
        if path.name.startswith("sales"):
            assert "sales_YYYY_qN.csv" in text
        else:
            assert path.name in text
        for column in pd.read_csv(path).columns:
            assert f"`{column}`" in text, (path.name, column)


def test_users_of_the_lessons_are_staff_or_programs() -> None:
    folder = company.folder()
    known = {
        *pd.read_csv(folder / "staff.csv")["user_name"],
        *pd.read_csv(folder / "programs.csv")["user_name"],
    }
    for key in LESSONS:
        assert set(load_lesson(key).world.users) <= known, key
