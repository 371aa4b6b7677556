"""Who can become whom: the trust between an account's principals as a graph, and ways in it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import traitlets

from iamlab.audit import paths, trust_edges
from iamlab.audit.access import everybody, running
from iamlab.audit.trust import ADMINISTRATOR
from iamlab.widgets._base import LabWidget, page_file, page_style
from iamlab.widgets.graph_layout import arrange
from iamlab.widgets.trust_words import KINDS, capital, count, kind_of, listed, short, title_of

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

NODES = 60  # as many can be read at once
DENSE = 24  # more get smaller boxes
NEAR = 16  # more are not drawn beside a way
WAYS = 20  # as many of the shortest ways are listed
LINES = 40  # of `words`


class TrustGraph(LabWidget):
    """The widget behind `trust_graph`.

    Attributes
    ----------
    state : dict
        What the page shows: the graph's ``nodes`` and ``edges``, who can be chosen (``choices``),
        who is (``source``, ``target``), the ``ways`` between them, and every sentence.
    edges : pandas.DataFrame
        The answer of `iamlab.audit.trust_edges` when the account was last read.
    """

    _esm = page_file("common.js", "trust_picture.js", "trust_graph.js")
    _css = page_style("trust_graph.css")

    state = traitlets.Dict().tag(sync=True)

    def __init__(self, lab: Lab, account: str) -> None:
        super().__init__()
        self._lab, self._account = lab, account
        self._source = self._target = self._news = self._stopped = ""
        self._only, self._way = False, 0
        self._read()
        self._show()

    def choose(self, source: str = "", target: str = "") -> None:
        """Show the ways from one to another; an empty text chooses nobody.

        Raises
        ------
        LookupError
            If there is nobody of that name.
        """
        for name in (source, target):
            if name and name not in self._names:
                raise LookupError(f"There is no {name} here. Names are {', '.join(self._names)}.")
        self._source, self._target, self._way = source, target, 0
        self._show()

    def refresh(self) -> None:
        """Read the account anew."""
        before = set(self._steps)
        self._read()
        more, less = len(set(self._steps) - before), len(before - set(self._steps))
        said = [f"{count(n, 'step')} {what}" for n, what in ((more, "more"), (less, "less")) if n]
        self._news = f"Read again: {' and '.join(said) or 'nothing has changed'}."
        self._source, self._target = (
            name if name in self._names else "" for name in (self._source, self._target)
        )
        self._way = 0
        self._show()

    def heard(self, message: dict[str, Any]) -> None:
        """Do what the page asks: choose, show another way, filter, read anew."""
        self._news = ""
        try:
            self._lab.check_running()
        except RuntimeError as error:
            self._stopped = f"{error} Then run this cell again."
            self._show()
            return
        match message:
            case {"do": "choose", "source": str(source), "target": str(target)}:
                self.choose(source, target)
            case {"do": "way", "number": int(number)}:
                self._way = number
                self._show()
            case {"do": "only", "on": bool(on)}:
                self._only = on
                self._show()
            case {"do": "refresh"}:
                self.refresh()
            case _:  # somebody looks; while nothing has changed, nothing is sent
                self.state = self.state | {"news": "", "stale": self._stale()}

    def words(self) -> str:
        """Say who can become administrator, and how; and the way that was chosen."""
        import networkx

        lines = [f"Who can become whom in account {self._account}", self._summary()]
        if self._source or self._target:
            way = self._chosen()[self._way :][:1]
            lines += [
                "",
                self._verdict(),
                *(f"- {step['sentence']}" for hop in way for step in hop),
            ]
        sources = list(self._rising)
        if sources:
            lines += ["", "Ways to administrator:"]
        for source in sources[:LINES]:
            way = networkx.shortest_path(self._graph, source, ADMINISTRATOR)
            said = " Then: ".join(self._hop(*ends)["sentence"] for ends in pairwise(way))
            lines.append(f"- {source}, {count(len(way) - 1, 'step')}: {said}")
        if len(sources) > LINES:
            lines += [f"… and {len(sources) - LINES} more: iamlab.audit.trust_edges lists all."]
        return "\n".join(lines)

    # --- The account ------------------------------------------------------------------------

    def _read(self) -> None:
        import networkx

        self._version = self._lab.state.version
        self.edges = trust_edges(self._lab, account=self._account, statements=True)
        self._steps: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in self.edges.to_dict("records"):
            # The last of several is the one that `paths` tells.
            self._steps.setdefault((row["source"], row["target"]), []).insert(0, row)
        self._graph = networkx.DiGraph(list(self._steps))
        callers = dict(everybody(self._lab, self._account))
        self._graph.add_nodes_from([*callers, ADMINISTRATOR])
        self._names = sorted(self._graph, key=lambda name: (kind_of(name)[2], name))
        self._up = networkx.ancestors(self._graph, ADMINISTRATOR) | {ADMINISTRATOR}
        self._chiefs = set(self._graph.predecessors(ADMINISTRATOR)) & {
            a for (a, b), rows in self._steps.items() if rows[-1]["means"] == "is one"
        }
        far = dict(networkx.single_target_shortest_path_length(self._graph, ADMINISTRATOR))
        # Who is no administrator and can become one, the nearest first; and in how many steps.
        self._rising = {
            name: far[name]
            for name in sorted(far, key=lambda name: (far[name], name))
            if name not in (*self._chiefs, ADMINISTRATOR)
        }
        groups = self._lab.state.iam(self._account).groups.values()
        self._groups = {
            name: [group.name for group in groups if caller.entity in group.users]
            for name, caller in callers.items()
            if caller.kind == "user"
        }

    def _chosen(self) -> list[list[dict[str, Any]]]:
        """The shortest ways between the two that are chosen, each a list of steps."""
        if not (self._source and self._target):
            return []
        found = []
        for way in paths(self._source, self._target, edges=self.edges, limit=WAYS + 1):
            hops = zip(way["source"], way["target"], strict=True)
            found.append([self._hop(*hop) for hop in hops])
        return found

    # --- The page ---------------------------------------------------------------------------

    def _show(self) -> None:
        ways = self._chosen()
        more, ways = len(ways) > WAYS, ways[:WAYS]
        self._way = self._way if 0 <= self._way < len(ways) else 0
        drawn, edges, note = self._drawn(ways)
        layout = arrange(drawn, edges, ADMINISTRATOR)
        nodes = sorted(drawn, key=lambda name: (layout.places[name], name))
        where = {name: number for number, name in enumerate(nodes)}
        self.state = {
            "account": self._account,
            "stopped": self._stopped,
            "news": self._news,
            "stale": self._stale(),
            "source": self._source,
            "target": self._target,
            "only": self._only,
            "verdict": self._verdict(ways, more),
            "summary": self._summary(),
            "ways": ways,
            "way": self._way,
            "rising": [
                {"name": name, "said": count(far, "step")} for name, far in self._rising.items()
            ]
            if not ways
            else [],
            "choices": self._choices(),
            "columns": layout.columns,
            "rows": layout.rows,
            "note": note,
            "dense": len(nodes) > DENSE,
            "nodes": [
                self._node(name, *layout.places[name], dense=len(nodes) > DENSE) for name in nodes
            ],
            "edges": [
                {
                    "ends": [where[a], where[b]],
                    "bends": layout.bends.get((a, b), []),
                    "up": b in self._up,
                    "said": self._said(a, b),
                }
                for a, b in edges
            ],
        }

    def _stale(self) -> str:
        if self._version == self._lab.state.version or self._stopped:
            return ""
        return "The account may have changed since it was read. Press Refresh."

    def _drawn(self, ways: list) -> tuple[set[str], list[tuple[str, str]], str]:
        """What the graph shows: everybody, or if these are too many, who matters."""
        import networkx

        kept = self._up if self._only else set(self._graph)
        graph = self._graph.subgraph({n for n in kept if self._graph.degree(n)})
        on_ways = {step[end] for way in ways for step in way for end in ("source", "target")}
        most, note = NEAR if ways else NODES, ""
        if len(graph) > most:
            chosen = [name for name in (self._source, self._target) if name in graph]
            order = sorted(on_ways or chosen or [ADMINISTRATOR])
            if ways:
                note = (
                    f"Drawn are these ways and who is next to them. Clear shows all {len(graph)}."
                )
            else:
                note = (
                    f"There are {len(graph)} to draw, too many to read at once. Drawn are the "
                    f"{most} nearest to {listed(order)}. Choose others to see theirs."
                )
            near = _nearest(graph.to_undirected(as_view=True), order, most, bool(ways or chosen))
            graph = graph.subgraph(near[: max(most, len(on_ways))])
        on = self._graph.edge_subgraph([(s["source"], s["target"]) for way in ways for s in way])
        graph = networkx.compose(graph, on)
        return set(graph), sorted(graph.edges), note

    def _node(self, name: str, column: int, row: float, *, dense: bool) -> dict[str, Any]:
        label, kind, _ = kind_of(name)
        said = [f"{name}: {kind}"]
        groups = self._groups.get(name, [])
        if groups:
            said.append(f"member of {' and '.join(groups)}")
        if name in self._up and name != ADMINISTRATOR:
            said.append("is administrator" if name in self._chiefs else "leads to administrator")
        ends = {self._source: "chosen: from here", self._target: "chosen: to here"}
        if name in ends and name:
            said.append(ends[name])
        return {
            "name": name,
            "label": short(name if dense else label),
            "kind": kind,
            "said": ", ".join(said) + ".",
            "up": name in self._up,
            "column": column,
            "row": row,
        }

    def _hop(self, source: str, target: str) -> dict[str, Any]:
        first, *others = self._steps[source, target]
        return {
            "source": source,
            "target": target,
            "up": target in self._up,
            "sentence": first["sentence"],
            "means": "" if first["means"] == "is one" else first["means"],
            "condition": first["condition"],
            "others": [f"{row['means']}: {row['sentence']}" for row in others],
            "statements": [
                {"title": title_of(shown, source), "text": shown["text"]}
                for shown in first["statements"]
            ],
        }

    def _said(self, source: str, target: str) -> str:
        """One arrow in words: both ends, and every means."""
        rows = self._steps[source, target]
        means = "; or ".join(
            row["means"].replace("is one", "may do everything")
            + (f" if {row['condition']}" if row["condition"] else "")
            for row in rows
        )
        return f"{source} → {target}: {means}"

    def _choices(self) -> list[dict[str, Any]]:
        lists: dict[str, list[str]] = {}
        for name in self._names:
            lists.setdefault(kind_of(name)[2], []).append(name)
        order = list(dict.fromkeys(kind[2] for kind in KINDS))
        return [{"title": title, "names": lists[title]} for title in order if title in lists]

    def _summary(self) -> str:
        chiefs, rising = sorted(self._chiefs), list(self._rising)
        who = f"{listed(chiefs)} {'are administrators' if chiefs[1:] else 'is administrator'}"
        more = listed(rising) if rising else "Nobody else"
        return f"{capital(who)}. {more} can become one."

    def _verdict(self, ways: list | None = None, more: bool = False) -> str:
        source, target = self._source, self._target
        ways = self._chosen() if ways is None else ways
        if source and target:
            return self._verdict_of_two(source, target, ways, more)
        if source:
            after = sorted(self._graph.successors(source))
            return f"{source} can become {listed(after)}." + (" Now choose To." if after else "")
        if target:
            before = sorted(self._graph.predecessors(target))
            return f"{capital(listed(before))} can become {target}." + (
                " Now choose From." if before else ""
            )
        return "Choose two: who starts, and whom they want to become."

    def _verdict_of_two(self, source: str, target: str, ways: list, more: bool) -> str:
        if source == target:
            return "Both are the same. Choose two."
        if not ways:
            after = sorted(self._graph.successors(source))
            return f"{source} cannot become {target}. It can become {listed(after)}."
        said = f"{source} can become {target} in {count(len(ways[0]), 'step')}."
        if len(ways) > 1:
            number = f"more than {WAYS}" if more else str(len(ways))
            said += f" There are {number} ways that short."
        if target != ADMINISTRATOR and target in self._up:
            said += f" {target} leads to administrator."
        return said


def trust_graph(lab: Lab | None = None, account: str | None = None) -> TrustGraph:
    """See who can become whom: choose two, and see each step and the statement that opens it.

    Parameters
    ----------
    lab : Lab, optional
        The one that runs, if not given.
    account : str, optional
        Twelve digits; the learner's if not given.

    Returns
    -------
    TrustGraph
        Show it as the last line of a cell. ``print`` it for the ways to administrator in words;
        its ``edges`` are the table behind it.

    Raises
    ------
    RuntimeError
        If the lab is stopped.

    Notes
    -----
    `iamlab.audit.trust_edges` says which steps are known and how they are judged.

    Examples
    --------
    >>> import iamlab
    >>> with iamlab.start() as lab:
    ...     page = trust_graph(lab)
    >>> print(page)
    Who can become whom in account 111122223333
    user/administrator is administrator. Nobody else can become one.
    """
    lab = running(lab)
    return TrustGraph(lab, account or lab.account_id)


def _nearest(graph: Any, seeds: list[str], most: int, only_joined: bool) -> list[str]:
    """The seeds, their neighbours, theirs; then the rest, from whom has the most neighbours."""
    found = dict.fromkeys(seeds)
    queue = list(seeds)
    while len(found) < most:
        if not queue:
            rest = [name for name in sorted(graph) if name not in found]
            if only_joined or not rest:
                break
            queue = [max(rest, key=graph.degree)]
            found[queue[0]] = None
        more = [name for name in sorted(graph[queue.pop(0)]) if name not in found]
        found |= dict.fromkeys(more)
        queue += more
    return list(found)
