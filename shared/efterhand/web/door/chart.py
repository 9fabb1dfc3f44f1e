"""A curve of values over months: where everything stands in a drawing, worked out from exact numbers."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

WIDTH: Final = 920
HEIGHT: Final = 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 32, 12, 40
_MOST_STEPS: Final = 6
_NICE: Final = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


@dataclass(frozen=True)
class Line:
    """The values of one line, one for each month; None where there is none. `open`: which points are hollow."""

    kind: str
    values: Sequence[Decimal | None]
    open: Sequence[bool] = field(default=())


@dataclass(frozen=True)
class Scale:
    """The numbers on the upright axis: from the lowest to the highest, in equal steps."""

    lowest: Decimal
    highest: Decimal
    step: Decimal

    @property
    def ticks(self) -> list[Decimal]:
        """The numbers that stand at the axis."""
        count = int((self.highest - self.lowest) / self.step)
        return [self.lowest + self.step * number for number in range(count + 1)]

    def height_of(self, value: Decimal) -> float:
        """Return how far down in the drawing a value lies."""
        part = (value - self.lowest) / (self.highest - self.lowest)
        return round(_TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - float(part)), 1)


def scale_of(values: Iterable[Decimal]) -> Scale:
    """Return an axis on which all values lie, with round numbers at it.

    It begins at zero where the values are not far from it, else near the lowest.
    """
    known = list(values) or [Decimal(0)]
    low, high = min(known), max(known)
    if low >= 0 and high - low > high / 2:
        low = Decimal(0)
    span = (high - low) or max(abs(high) / 10, Decimal(1))
    rough = span / (_MOST_STEPS - 1)
    magnitude = Decimal(10) ** math.floor(math.log10(rough))
    step = next(magnitude * nice for nice in _NICE if magnitude * nice >= rough)
    lowest = step * math.floor(low / step)
    highest = step * math.ceil(high / step)
    return Scale(lowest, highest if highest > lowest else lowest + step, step)


def drawing(
    lines: Sequence[Line], months: Sequence[str], spoken: Callable[[Decimal], str], every: int = 3
) -> dict[str, Any]:
    """Return where everything stands: the axes with their words, and each line as stretches and points.

    Args:
        lines: of which the last is drawn on top; the line of kind `target` goes in steps and has no points.
        months: what each month is called at the axis.
        spoken: writes a number at the upright axis.
        every: how many months lie between two that are named; the last one always is.
    """
    scale = scale_of(value for line in lines for value in line.values if value is not None)
    count = len(months)
    width = (WIDTH - _LEFT - _RIGHT) / max(1, count)
    across = [round(_LEFT + width * (number + 0.5), 1) for number in range(count)]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": _LEFT,
        "right": WIDTH - _RIGHT,
        "bottom": HEIGHT - _BOTTOM,
        "from_zero": scale.lowest <= 0,
        "lowest": scale.lowest,
        "rows": [{"y": scale.height_of(tick), "name": spoken(tick)} for tick in scale.ticks],
        "columns": [
            {"x": across[number], "name": months[number]}
            for number in range(count)
            if (count - 1 - number) % every == 0
        ],
        "lines": [_drawn(line, scale, across, width) for line in lines],
    }


def _drawn(line: Line, scale: Scale, across: Sequence[float], width: float) -> dict[str, Any]:
    heights = [None if value is None else scale.height_of(value) for value in line.values]
    known = [(x, y) for x, y in zip(across, heights, strict=True) if y is not None]
    if line.kind == "target":
        return {"kind": line.kind, "paths": _steps(known, width), "points": []}
    hollow = [number < len(line.open) and line.open[number] for number in range(len(heights))]
    points = [
        {"x": x, "y": y, "open": each} for x, y, each in zip(across, heights, hollow, strict=True) if y is not None
    ]
    return {"kind": line.kind, "paths": _stretches(across, heights), "points": points}


def _stretches(across: Sequence[float], heights: Sequence[float | None]) -> list[str]:
    """Return the paths of a line, which is broken where there is no value."""
    stretches: list[list[str]] = [[]]
    for x, y in zip(across, heights, strict=True):
        if y is None:
            stretches.append([])
        else:
            stretches[-1].append(f"{x} {y}")
    return ["M" + "L".join(each) for each in stretches if len(each) > 1]


def _steps(known: Sequence[tuple[float, float]], width: float) -> list[str]:
    """Return the path of each stretch of months with the same target, as wide as its months."""
    paths: list[str] = []
    begun = 0
    for number, (x, y) in enumerate(known):
        ends = number + 1 == len(known) or known[number + 1][1] != y or known[number + 1][0] - x > width * 1.5
        if ends:
            first = known[begun][0]
            paths.append(f"M{round(first - width / 2, 1)} {y}H{round(x + width / 2, 1)}")
            begun = number + 1
    return paths
