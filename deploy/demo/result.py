"""What one checked property came to, and how results are shown."""

from dataclasses import dataclass, field


@dataclass
class Result:
    """One property: how many things it was verified on and every miss, in words."""
    name: str
    verified: int = 0
    problems: list = field(default_factory=list)

    @property
    def ok(self):
        return self.verified > 0 and not self.problems


def report(results, most_problems=12):
    """The table of results and, below it, what was missed."""
    width = max(len(r.name) for r in results)
    lines = [f"{'check':{width}}  verified"]
    for result in results:
        verdict = "ok" if result.ok else f"FAILED ({len(result.problems)} missed)"
        lines.append(f"{result.name:{width}}  {result.verified:8}  {verdict}")
    for result in results:
        if result.ok:
            continue
        lines.append(f"\n{result.name}:")
        lines += [f"  {p}" for p in result.problems[:most_problems]]
        if not result.problems:
            lines.append("  nothing to verify it on: no such flow or no such record")
        if len(result.problems) > most_problems:
            lines.append(f"  … and {len(result.problems) - most_problems} more")
    return "\n".join(lines)
