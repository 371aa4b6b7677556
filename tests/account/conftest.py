"""A lab with short ways to fill it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.account.helpers import World

if TYPE_CHECKING:
    from iamlab.account.lab import Lab


@pytest.fixture
def world(lab: Lab) -> World:
    return World(lab)
