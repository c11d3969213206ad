"""EXPLAIN's value as rows and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from qproxy.planner.explain import Feeds, Merge, Ran, Reads, Step, in_order


def rows(step: Step) -> list[tuple[str, str, str]]:
    """A plan as (step, what, detail); steps in the order in which they run, each indented below the one it feeds."""
    return [("  " * depth + one.name, *line) for one, depth in in_order(step) for line in _lines(one)]


def _lines(step: Step) -> Iterator[tuple[str, str]]:
    if step.feeds is not None:
        yield "read by", _feeds(step.feeds)
    yield "tables", ", ".join(step.tables) or "none"
    yield "coverage", _coverage(step)
    yield "workers", _workers(step)
    yield "fragment", step.fragment
    if step.in_part is not None:
        yield "fragment of a chunk in part", step.in_part
    if step.combined is not None:
        yield "combined on the worker", step.combined
    if step.chunk_limit is not None:
        yield "limit of a chunk", f"the first {step.chunk_limit} rows"
    yield "merge", _merge(step.merge)
    if step.enough is not None:
        yield "stops early", f"when {step.enough} rows are there"
    if step.ran is not None:
        yield "ran", _ran(step.ran)


def _feeds(feeds: Feeds) -> str:
    whither = "every worker that is asked" if feeds.everywhere else "one worker"
    keys = f"keys on {', '.join(feeds.keys)}; " if feeds.keys else ""
    ids = "; its ids tell the chunks" if feeds.ids else ""
    return f"{feeds.step}, as a table on {whither} ({keys}at most {feeds.limit >> 20} MB){ids}"


def _coverage(step: Step) -> str:
    reads = step.reads
    if step.merge.kind == "counted":
        return "no chunks: rows were counted when they were loaded"
    if reads is None:
        return "no chunks: every worker holds what is needed"
    if reads.why:
        why = f" ({'; '.join(reads.why)})"
    elif reads.chunks < reads.of:
        why = " (those in which all tables have rows)"
    else:
        why = " (the whole sky)"
    text = f"{'at most ' if reads.at_most else ''}{reads.chunks} of {reads.of} chunks{why}"
    if reads.listed:
        text += ": " + ", ".join(map(str, reads.listed))
    if reads.in_part:
        text += f"; of {reads.in_part} of them {reads.sub_chunks} sub-chunks alone"
    return text


def _workers(step: Step) -> str:
    if not step.shares:
        return "any one: 1 statement"
    apart = "; chunks are asked one by one, as a UNION would change values" if step.apart else ""
    each = (
        f"{worker}: {_counted(chunks, 'chunk')} in {_counted(statements, 'statement')}"
        for worker, (chunks, statements) in step.shares.items()
    )
    return ", ".join(each) + apart


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _merge(merge: Merge) -> str:
    if merge.kind == "counted":
        return "none: the row counters of the catalogue give the answer"
    if merge.kind == "none":
        return "none: the worker's rows are the answer"
    if merge.kind == "relay":
        return "relay: rows pass through as fragments complete"
    if merge.kind == "ordered":
        return f"the proxy puts the rows of all fragments in order: {merge.statement}"
    if merge.kind == "final":
        return f"final statement over the rows of all fragments: {merge.statement}"
    return f"rows are gathered (at most {(merge.limit or 0) >> 20} MB), then: {merge.statement}"


def _ran(ran: Ran) -> str:
    from_workers = (
        f"{_counted(ran.fragment_rows, 'row')} ({ran.fragment_bytes} bytes) of {_counted(ran.fragments, 'fragment')}, "
        f"{_counted(ran.chunks, 'chunk')}, {ran.retries} retries"
    )
    return f"{_counted(ran.rows, 'row')} ({ran.nbytes} bytes) in {ran.seconds:.3f} s; from the workers {from_workers}"


def document(step: Step) -> Mapping[str, Any]:
    """A plan as EXPLAIN FORMAT=JSON gives it: see docs/explain.md. What does not apply is left out."""
    return {"version": 1, "plan": _object(step)}


def _object(step: Step) -> dict[str, Any]:
    found: dict[str, Any] = {"step": step.name}
    if step.feeds is not None:
        feeds = step.feeds
        found["read_by"] = {
            "step": feeds.step,
            "ids_tell_chunks": feeds.ids,
            "sent_to": "every worker" if feeds.everywhere else "one worker",
            "limit_bytes": feeds.limit,
            "keys": list(feeds.keys),
        }
    if step.first:
        found["first"] = [_object(one) for one in step.first]
    found["tables"] = list(step.tables)
    if step.reads is not None:
        found["coverage"] = _reads(step.reads)
    if step.shares:
        found["workers"] = {w: {"chunks": c, "statements": s} for w, (c, s) in step.shares.items()}
    if step.apart:
        found["one_chunk_a_statement"] = True
    optional = {
        "fragment": step.fragment,
        "fragment_in_part": step.in_part,
        "combined": step.combined,
        "chunk_limit": step.chunk_limit,
    }
    found |= {key: value for key, value in optional.items() if value is not None}
    found["merge"] = {"kind": step.merge.kind}
    if step.merge.statement is not None:
        found["merge"] |= {"statement": step.merge.statement, "limit_bytes": step.merge.limit}
    if step.enough is not None:
        found["stops_after_rows"] = step.enough
    if step.ran is not None:
        found["ran"] = _report(step.ran)
    return found


def _reads(reads: Reads) -> dict[str, Any]:
    found: dict[str, Any] = {"chunks": reads.chunks, "of": reads.of, "at_most": reads.at_most, "by": list(reads.why)}
    if reads.listed:
        found["listed"] = list(reads.listed)
    if reads.in_part:
        found |= {"chunks_in_part": reads.in_part, "sub_chunks": reads.sub_chunks}
    return found


def _report(ran: Ran) -> dict[str, Any]:
    return {
        "rows": ran.rows,
        "bytes": ran.nbytes,
        "seconds": round(ran.seconds, 6),
        "fragments": ran.fragments,
        "retries": ran.retries,
        "chunks": ran.chunks,
        "fragment_rows": ran.fragment_rows,
        "fragment_bytes": ran.fragment_bytes,
    }
