"""The tables of what several processes find alike, and of what overlap gains, for report.py."""

from __future__ import annotations

from typing import Any

DIGITS = 12  # of a hash that are shown


def overlap(words: dict[str, str], result: dict[str, Any] | None) -> str:
    """Return the table of steps with and without overlap."""
    if result is None or result.get("other"):
        return ""
    rows = [words["shared overlap"], "|---|---|---|---|---|---|---|"]
    for case in result["cases"]:
        wire = f"{case['wire']}, {case['gradients'] or 'float32'}"
        same = "=" if case["same_bits"] else "≠"
        cells = [wire, str(case["batch"]), str(case["shards"]), same]
        for key in ("seconds", "waited"):
            pair = [case[how][key]["median"] * 1e3 for how in ("without", "with")]
            cells.append(" → ".join(f"{ms:.0f}" for ms in pair))
        cells.append(f"{case['with']['bytes']['median'] / 1e6:.1f}")
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def same_bits(words: dict[str, str], result: dict[str, Any] | None) -> str:
    """Return the table of hashes: a row for each backend, MPI, and whether a rank was killed."""
    if result is None or result.get("other"):
        return ""
    rows = [words["shared bits"], "|---|---|---|---|---|---|"]
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in result["rows"]:
        key = row["backend"], row["mpi"], row["pictures"], row.get("killed")
        groups.setdefault(key, []).append(row)
    for (backend, mpi, pictures, killed), found in groups.items():
        pairs = dict.fromkeys(tuple(pair) for row in found for pair in row["hashes"])
        columns = [" ≠ ".join(f"`{pair[k][:DIGITS]}`" for pair in pairs) for k in (0, 1)]
        ranks = ", ".join(str(row["ranks"]) for row in found)
        if killed:
            ranks = words["killed"].format(killed, found[0]["ended"], ranks)
        rows.append(f"| {backend} | {mpi} | {pictures:,} | {ranks} | {' | '.join(columns)} |")
    return "\n".join(rows)
