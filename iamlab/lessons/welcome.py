"""Lesson 00: the lab, and the three parts of every call."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from iamlab.course import Exercise, Lesson, Look, Prediction, Question, World, Wrong
from iamlab.lessons.company import MAPS, PAYROLL, REPORTS, WAGES, arn, buckets, fill, folder
from iamlab.lessons.company import policy as document
from iamlab.lessons.company import statement as allow

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

READ_REPORTS = document(
    allow("Allow", "s3:GetObject", f"arn:aws:s3:::{REPORTS}/*", Sid="ReadReports")
)
HELLO = "notes/hello.txt"


def events(lab: Lab) -> dict[str, dict[str, str]]:
    """Play the calls of last night: they stand in the history that the learner reads."""
    calls = [("ana", REPORTS, "2026/q3.csv"), ("nightly-report", REPORTS, "2026/q3.csv")]
    calls += [("nightly-report", PAYROLL, "2026/september.csv"), ("ana", REPORTS, "2026/q2.csv")]
    for user, bucket, key in calls:
        with contextlib.suppress(ClientError):  # One of them is denied: that is the story.
            lab.session(f"user/{user}").client("s3").get_object(Bucket=bucket, Key=key)
    lab.clock.advance(hours=6)
    return {}


def check_who(look: Look, answer: Any) -> None:
    """01: the learner's own ARN."""
    if answer in ("", None):
        look.not_attempted("answer is still empty.")
    mine = look.lab.callers.find(boto3.Session().get_credentials().access_key).caller
    text = answer.strip() if isinstance(answer, str) else answer
    if text == mine.arn:
        return
    if isinstance(answer, dict):
        look.not_yet("That is the whole reply. Take one field of it: the one called Arn.")
    if text == look.lab.account_id:
        look.not_yet("That is the account number. An account holds many principals.")
    if text == mine.user_id:
        look.not_yet("That is the unique ID. It does not tell a reader who you are.")
    if str(text).startswith("arn:"):
        look.not_yet("That ARN names another principal. Ask the account who you are.")
    look.not_yet("An ARN begins with arn: and has five colons or more.")


def check_callers(look: Look, answer: Any) -> None:
    """02: people and programs, counted from the files."""
    if answer in ("", None):
        look.not_attempted("answer is still empty.")
    people, programs = (len((folder() / f).read_text().splitlines()) - 1 for f in _FILES)
    try:
        number = int(answer)
    except (TypeError, ValueError):
        look.not_yet("The answer is one whole number.")
    if number == people:
        look.not_yet("That counts the people. Who else calls AWS at Larkfield?")
    if number == programs:
        look.not_yet("That counts the programs. People call AWS too.")
    if number == people + programs + 2:
        look.not_yet("That counts the header lines as well. A header is not a caller.")
    if number != people + programs:
        look.not_yet("The number does not fit the two files. Count their rows with len().")


_FILES = ("staff.csv", "programs.csv")


def check_parts(look: Look, answer: Any) -> None:
    """03: principal, action and resource of one denied call."""
    right = {"principal": arn("user/ben"), "action": "s3:GetObject", "resource": WAGES}
    if not isinstance(answer, dict) or set(answer) != set(right):
        look.not_yet("call is a dict with the three keys principal, action and resource.")
    given = {part: str(value).strip().strip('"') for part, value in answer.items()}
    if not any(given.values()):
        look.not_attempted("The three parts are still empty.")
    if given["action"].startswith("arn:") or given["resource"].startswith("s3:"):
        look.not_yet("The action and the resource have changed places.")
    if given["action"].lower() in ("get_object", "getobject"):
        look.not_yet("That is only the method's name. An action has a service and a colon.")
    if given["action"].lower() != right["action"].lower():
        look.not_yet("The action is not the one in the error. Look after 'to perform:'.")
    if not given["principal"].startswith("arn:"):
        look.not_yet("A short name could be any account's. Give the principal's whole ARN.")
    if given["principal"] != right["principal"]:
        look.not_yet("That principal did not make this call. Look after 'User:' in the error.")
    if given["resource"] == f"arn:aws:s3:::{PAYROLL}":
        look.not_yet("That is the bucket. Which object in it did the call ask for?")
    if given["resource"] != right["resource"]:
        look.not_yet("The resource is not the one in the error. Look after 'on resource:'.")


def check_note(look: Look, _: Any) -> None:
    """04: an object that the learner wrote."""
    s3 = look.client("s3")
    keys = {b: _keys(s3, b) for b in (MAPS, REPORTS, PAYROLL)}
    if HELLO not in keys[MAPS]:
        for bucket in (REPORTS, PAYROLL):
            if any("hello" in key for key in keys[bucket]):
                look.not_yet(f"A note lies in {bucket}. The task names another bucket.")
        near = [key for key in keys[MAPS] if "hello" in key.lower()]
        if near:
            look.not_yet(f"There is an object {near[0]!r}. Its key differs from the task's key.")
        look.not_attempted("The note is not in the bucket yet.")
    if not s3.get_object(Bucket=MAPS, Key=HELLO)["Body"].read().strip():
        look.not_yet("The note is there, and it is empty. Give it a Body with some words.")


def _keys(s3: Any, bucket: str) -> set[str]:
    return {item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}


def check_night(look: Look, answer: Any) -> None:
    """05: who was denied on the payroll bucket, read from the history."""
    if answer in ("", None):
        look.not_attempted("answer is still empty.")
    name = str(answer).strip().rsplit("/", 1)[-1]
    if name == "nightly-report":
        return
    if name == "ben":
        look.not_yet("Ben's call was yours, by day, in this notebook. Look at the hours before.")
    if name == "ana":
        look.not_yet("Ana read reports, and she may. Filter the rows by the payroll bucket.")
    if name == "administrator":
        look.not_yet("The administrator is you. Filter the rows by their decision as well.")
    look.not_yet("No such principal was denied on the payroll bucket last night.")


E1 = 'answer = ""   # write here the code that finds your ARN'
E2 = 'answer = ""   # a number: people and programs together'
E3 = 'call = {\n    "principal": "",\n    "action": "",\n    "resource": "",\n}'
E4 = "# Write one line: s3.put_object(Bucket=..., Key=..., Body=...)"
E5 = 'answer = ""   # the principal: its ARN, or its user name'

_PUT = 's3 = boto3.client("s3")\ns3.put_object(Bucket="{}", Key="{}", Body=b"{}")'


def _parts(principal: str, action: str, resource: str) -> str:
    blanks = [f'"{part}": ""' for part in ("principal", "action", "resource")]
    values = (principal, action, resource)
    return fill(E3, *((b, f'{b[:-2]}"{v}"') for b, v in zip(blanks, values, strict=True)))


EXERCISES = (
    Exercise(
        id="00-1",
        title="Who am I?",
        task="Find **your own ARN** with code. Put it into `answer`.",
        starter=E1,
        answer="answer",
        check=check_who,
        learned="An ARN is a full name. It says which account, and which principal in it.",
        hints=(
            "One call of the service sts answers this question. You saw it above.",
            "The reply is a dict. Print it, and look at its fields.",
            'sts.get_caller_identity() gives the dict. Take its field Arn with ["Arn"].',
        ),
        solution='answer = boto3.client("sts").get_caller_identity()["Arn"]',
        wrong=(
            Wrong("gives the account", 'answer = "111122223333"', "the account number"),
            Wrong(
                "gives the unique ID",
                'answer = boto3.client("sts").get_caller_identity()["UserId"]',
                "the unique ID",
            ),
            Wrong(
                "gives the whole reply",
                'answer = boto3.client("sts").get_caller_identity()',
                "the whole reply",
            ),
            Wrong("gives Ana's ARN", f'answer = "{arn("user/ana")}"', "another principal"),
        ),
        belief="The account is the caller. In truth an account holds many principals.",
        secret=("user/administrator",),
    ),
    Exercise(
        id="00-2",
        title="How many callers?",
        task="Count **all** who call AWS at Larkfield: people and programs. Use the two tables.",
        starter=E2,
        answer="answer",
        check=check_callers,
        learned="A user in IAM stands for one person or one program. Each gets its own.",
        hints=(
            "Two files count: staff.csv and programs.csv.",
            "pd.read_csv gives a table. len(table) is its number of rows.",
            "Add the two lengths: one of the staff table, one of the programs table.",
        ),
        solution=(
            'staff = pd.read_csv(lesson.data / "staff.csv")\n'
            'programs = pd.read_csv(lesson.data / "programs.csv")\n'
            "answer = len(staff) + len(programs)"
        ),
        wrong=(
            Wrong("counts people only", "answer = 12", "counts the people"),
            Wrong("counts programs only", "answer = 2", "counts the programs"),
            Wrong("counts the header lines too", "answer = 16", "header lines"),
            Wrong("writes words", 'answer = "many"', "one whole number"),
        ),
        belief="Only people call AWS. In truth programs do, day and night.",
        secret=("14",),
    ),
    Exercise(
        id="00-3",
        title="The three parts of a call",
        task="Ben's call was denied. Read the error, and fill in its **three parts**.",
        starter=E3,
        answer="call",
        check=check_parts,
        learned="Principal, action, resource: who does what to which thing.",
        hints=(
            "All three stand in the error text, in this order.",
            "Look after the words 'User:', 'to perform:' and 'on resource:'.",
            "The principal and the resource are ARNs. The action is a service, a colon and a name.",
        ),
        solution=_parts(arn("user/ben"), "s3:GetObject", WAGES),
        wrong=(
            Wrong("swaps", _parts(arn("user/ben"), WAGES, "s3:GetObject"), "changed places"),
            Wrong(
                "gives boto3's name",
                _parts(arn("user/ben"), "get_object", WAGES),
                "the method's name",
            ),
            Wrong("gives a short name", _parts("ben", "s3:GetObject", WAGES), "A short name"),
            Wrong(
                "gives the bucket",
                _parts(arn("user/ben"), "s3:GetObject", f"arn:aws:s3:::{PAYROLL}"),
                "That is the bucket",
            ),
        ),
        belief="The Python method is the action. In truth the action has a name of its own.",
        secret=("s3:GetObject", WAGES, arn("user/ben")),
    ),
    Exercise(
        id="00-4",
        title="Your first change",
        task=f"Put an object into the bucket `{MAPS}`. Its key is `{HELLO}`. "
        "Its body is any words of yours.",
        starter=E4,
        check=check_note,
        learned="You changed the account with plain boto3. The same line works on real AWS.",
        hints=(
            'Make a client first: boto3.client("s3").',
            "put_object needs three things: Bucket, Key and Body.",
            "Key is the whole name of the object, with the part before the slash. Body is bytes.",
        ),
        solution=_PUT.format(MAPS, HELLO, "Hello from the lab"),
        wrong=(
            Wrong("uses another bucket", _PUT.format(REPORTS, HELLO, "Hi"), "another bucket"),
            Wrong("leaves out the folder", _PUT.format(MAPS, "hello.txt", "Hi"), "key differs"),
            Wrong("leaves the body empty", _PUT.format(MAPS, HELLO, ""), "it is empty"),
        ),
        belief="A key is a file name in a folder. In truth the key is the whole text.",
    ),
    Exercise(
        id="00-5",
        title="Diagnose alone: who was it?",
        task="Last night somebody asked for a file in `larkfield-payroll`, and was denied. "
        "**Who was it?** Use `lab.history()`. No help this time.",
        starter=E5,
        answer="answer",
        check=check_night,
        learned="A denied call leaves a record. You found the caller by filtering the table.",
        hints=(
            "lab.history() is a pandas table. Look at its columns first.",
            "Keep the rows whose resource has the word payroll in it.",
            'history[history["resource"].str.contains("payroll")] keeps them. '
            "Then read the earliest one.",
        ),
        solution=(
            "history = lab.history()\n"
            'rows = history[history["resource"].str.contains("payroll", na=False)]\n'
            'answer = rows["principal"].iloc[0]'
        ),
        wrong=(
            Wrong("names Ben", 'answer = "ben"', "Ben's call was yours"),
            Wrong("names Ana", f'answer = "{arn("user/ana")}"', "Ana read reports"),
            Wrong("names the administrator", 'answer = "administrator"', "is you"),
        ),
        belief="A denied call leaves no trace. In truth it is on record.",
        secret=("nightly-report",),
    ),
)

PREDICTIONS = {
    "no-rule": Prediction(
        ask="No rule in this account speaks of Ben. He asks to read the payroll file. "
        "Is the call allowed or denied?",
        choices=("allowed", "denied"),
        truth=lambda look: (
            "allowed" if look.allows("user/ben", "s3:GetObject", WAGES) else "denied"
        ),
        because="Nothing is allowed until a policy allows it. Silence means no.",
    ),
    "who-am-i": Prediction(
        ask="Ben has no permissions at all. He asks AWS: who am I? Does he get an answer?",
        choices=("yes", "no"),
        truth=lambda look: "yes" if look.allows("user/ben", "sts:GetCallerIdentity", "*") else "no",
        because="GetCallerIdentity needs no permission. AWS always answers this one question.",
    ),
}

QUESTIONS = (
    Question(
        "00",
        "What happens on real AWS when you delete a bucket in this lab?",
        ("It is deleted there too", "Nothing: the lab never talks to AWS", "AWS sends a mail"),
        "b",
        "The lab is a pretend account on your computer.",
    ),
    Question(
        "00",
        "What are the three parts of a call?",
        ("User, password, file", "Account, region, service", "Principal, action, resource"),
        "c",
        "Who, does what, to which thing.",
    ),
    Question(
        "00",
        "No policy says anything about a call. What is the answer?",
        ("Denied", "Allowed", "It depends on the hour"),
        "a",
        "IAM says no until a policy says yes.",
    ),
)


def lesson() -> Lesson:
    """Return lesson 00."""
    return Lesson(
        id="00",
        title="Welcome",
        data=folder(),
        world=World(
            users={
                "ana": {"read-reports": READ_REPORTS},
                "ben": {},
                "nightly-report": {"read-reports": READ_REPORTS},
            },
            buckets=buckets(),
            events=events,
        ),
        exercises=EXERCISES,
        predictions=PREDICTIONS,
        questions=QUESTIONS,
    )
