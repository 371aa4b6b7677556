"""Reads a lesson's words from its TOML file and ties them to the checks of its module."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iamlab.course.exercise import Exercise, Wrong
from iamlab.course.quiz import Order, Prediction, Question, WrongOrder


def read_manifest(path: Path, module: Mapping[str, Any]) -> dict[str, Any]:
    """Return a lesson's exercises, predictions and questions.

    In the file an ``[[exercise]]`` names its check, and a ``[[prediction]]`` its truth: functions
    of the lesson's module. A ``[[exercise.wrong]]`` has its ``code``, or else ``change``: pairs
    of a text in the starter and what the learner puts in its place. So have the ``solution`` and
    each ``[[exercise.also]]``. An ``[[order]]`` has its ``steps``, and its known mistakes as
    ``[[order.wrong]]``: ``first`` and ``then`` are the letters of two steps.

    Parameters
    ----------
    path : pathlib.Path
        The TOML file.
    module : mapping
        The module's names, as ``globals()`` gives them.

    Returns
    -------
    dict
        ``exercises``, ``predictions`` and ``questions``, as :class:`Lesson` takes them.

    Raises
    ------
    ValueError
        If an entry lacks a part, has one too many, or names a function that is not there.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    entry: dict[str, Any] = {}
    try:
        exercises = [_exercise(entry := raw, module) for raw in data["exercise"]]
        predictions = {}
        for raw in data.get("prediction", []):
            entry = raw
            parts = {key: value for key, value in raw.items() if key != "name"}
            parts |= {"truth": module[raw["truth"]], "choices": tuple(raw["choices"])}
            predictions[raw["name"]] = Prediction(**parts)
        questions = [
            Question(**{**(entry := raw), "choices": tuple(raw["choices"])})
            for raw in data.get("question", [])
        ]
        questions += [_order(entry := raw) for raw in data.get("order", [])]
    except (KeyError, TypeError, ValueError) as problem:
        name = entry.get("id") or entry.get("name") or entry.get("ask")
        raise ValueError(f"{path.name}, entry {name!r}: {problem!r}") from problem
    return {
        "exercises": tuple(exercises),
        "predictions": predictions,
        "questions": tuple(questions),
    }


def _exercise(raw: Mapping[str, Any], module: Mapping[str, Any]) -> Exercise:
    starter = raw["starter"].strip("\n")
    wrong = [Wrong(w["does"], _code(w, starter), w["says"]) for w in raw.get("wrong", [])]
    return Exercise(
        **{
            **raw,
            "task": " ".join(raw["task"].split()),
            "starter": starter,
            "check": module[raw["check"]],
            "hints": tuple(raw["hints"]),
            "solution": _code(raw["solution"], starter),
            "wrong": tuple(wrong),
            "also": tuple(_code(also, starter) for also in raw.get("also", [])),
            "secret": tuple(raw.get("secret", [])),
            "touches": tuple(raw.get("touches", [])),
            "again": module[raw["again"]] if "again" in raw else None,
        }
    )


def _order(raw: Mapping[str, Any]) -> Order:
    parts = {key: value for key, value in raw.items() if key not in ("steps", "wrong")}
    wrong = tuple(WrongOrder(**mistake) for mistake in raw.get("wrong", []))
    return Order(**parts, choices=tuple(raw["steps"]), wrong=wrong)


def _code(answer: Mapping[str, Any], starter: str) -> str:
    if "code" in answer:
        return answer["code"].strip("\n")
    for old, new in answer["change"]:
        if old not in starter:
            raise ValueError(f"the starter has no {old!r}")
        starter = starter.replace(old, new)
    return starter
