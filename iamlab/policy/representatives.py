"""Which texts a set of wildcard patterns tells apart: one text of every kind there is.

Two texts are of one kind if every pattern matches both or neither. The patterns are run side by
side as one automaton; each state it can reach is visited once. What holds for the representatives
holds for all texts: that is how `comparison` proves things about policies.
"""

from __future__ import annotations

from collections import deque

from .variables import ANY, STAR, tokens_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Pattern = Sequence[object]

IN_PART, OF_PART = object(), object()  # as ANY (one character) and STAR (any), without a colon
# Characters of this range stand for the value of a variable: no `?` matches them.
OPAQUE = 0xF0000
_SPARE = "xzqjkvwy0123456789"
MOST_STATES = 30_000


class TooMany(Exception):
    """The patterns tell more kinds of text apart than can be looked at."""


def wild(text: str, specials: bool = False) -> list[object]:
    """Read a pattern with ``*`` and ``?``; ``specials``: ``${*}``, ``${?}``, ``${$}`` are plain."""
    found: list[object] = []
    for token in tokens_of(text, specials):
        found += token if isinstance(token, str) else [token]
    return found


def folded(text: str, alike: bool = False) -> list[object]:
    """Read a text whose capitals do not matter; ``alike``: as `str.casefold`, not `str.lower`.

    Ligatures, one character for two letters, are not thought of.
    """
    more = _ALIKE if alike else {}
    return [frozenset((c, c.lower(), c.upper(), *more.get(c.lower(), ""))) for c in text]


_ALIKE = {"k": "\N{KELVIN SIGN}", "s": "\N{LATIN SMALL LETTER LONG S}"}


def arn(parts: Sequence[Pattern]) -> list[object]:
    """Join the six parts of an ARN; in the first five, no wildcard goes past a colon."""
    found: list[object] = []
    for part in parts[:5]:
        found += [IN_PART if t is ANY else OF_PART if t is STAR else t for t in part]
        found.append(":")
    return found + list(parts[5])


def representatives(patterns: Iterable[Pattern], domain: Pattern = (STAR,)) -> list[str]:
    """Return one text of every kind that the patterns tell apart, the shortest there is.

    Parameters
    ----------
    patterns : iterable of patterns
        As `wild`, `folded` or `arn` make them, or the list of a text's characters.
    domain : pattern
        Only texts that this one matches are looked at.

    Raises
    ------
    TooMany
        If there are too many states to visit.

    Examples
    --------
    >>> representatives([wild("a*"), wild("*b")], wild("?*"))
    ['x', 'a', 'b', 'ab']
    """
    machine = _Machine([domain, *patterns])
    inside, finals = machine.finals[0], sum(machine.finals)
    alive = machine.masks[0]
    start = machine.start
    seen, kinds = {start}, {}
    queue = deque([(start, "")])
    while queue:
        state, text = queue.popleft()
        if state & inside:
            kinds.setdefault(state & finals, text)
        for letter in machine.letters(state):
            after = machine.step(state, letter)
            if after & alive and after not in seen:
                if len(seen) >= MOST_STATES:
                    raise TooMany
                seen.add(after)
                queue.append((after, text + letter))
    return list(kinds.values())


def included(inner: Pattern, outer: Pattern) -> bool:
    """Tell whether every text that one pattern matches is matched by another.

    Examples
    --------
    >>> included(wild("s3:Get*"), wild("s3:*")), included(wild("s3:*"), wild("s3:Get*"))
    (True, False)
    """
    machine = _Machine([inner, outer])
    first, second = machine.finals
    seen, todo = {machine.start}, [machine.start]
    while todo:
        state = todo.pop()
        if state & first and not state & second:
            return False
        for letter in machine.letters(state):
            after = machine.step(state, letter)
            if after & machine.masks[0] and after not in seen:
                if len(seen) >= MOST_STATES:
                    raise TooMany
                seen.add(after)
                todo.append(after)
    return True


class _Machine:
    """All patterns at once; bit i of a state: the first tokens of a pattern, up to i, are read."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.loop = self.loop_part = self.one = self.one_part = self.start = 0
        self.by_letter: dict[str, int] = {}
        self.letters_at: list[tuple[str, ...]] = []
        self.finals: list[int] = []
        self.masks: list[int] = []
        for pattern in patterns:
            self._add(pattern)
        known = self.by_letter
        extra = (chr(n) for n in range(0xE000, 0xF8FF))
        self.spare = next(c for c in (*_SPARE, *extra) if c not in known)

    def _add(self, pattern: Pattern) -> None:
        first = len(self.letters_at)
        bit = 1 << first
        self.start |= bit
        for token in pattern:
            if token is STAR:
                self.loop |= bit
            elif token is OF_PART:
                self.loop_part |= bit
            else:
                if token is ANY:
                    self.one |= bit
                elif token is IN_PART:
                    self.one_part |= bit
                letters = () if token in (ANY, IN_PART) else tuple(sorted(token))
                for letter in letters:
                    self.by_letter[letter] = self.by_letter.get(letter, 0) | bit
                self.letters_at.append(letters)
                bit <<= 1
        self.letters_at.append(())
        self.finals.append(bit)
        self.masks.append((bit << 1) - (1 << first))

    def step(self, state: int, letter: str) -> int:
        stay, go = self.loop, self.by_letter.get(letter, 0)
        if letter != ":":
            stay |= self.loop_part
        if ord(letter) < OPAQUE:
            go |= self.one | (0 if letter == ":" else self.one_part)
        return state & stay | (state & go) << 1

    def letters(self, state: int) -> list[str]:
        """Return the letters that lead from here to different places; the rest are as `spare`."""
        found = {self.spare: None}
        if state & (self.loop_part | self.one_part):
            found[":"] = None  # only the colon is unlike the others there
        while state:
            low = state & -state
            for letter in self.letters_at[low.bit_length() - 1]:
                found[letter] = None
            state ^= low
        return list(found)
