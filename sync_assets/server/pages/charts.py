"""The geometry of charts, which templates draw as SVG; nothing here knows what they show."""

from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (1, 2, 5)


@dataclass(frozen=True)
class Bar:
    """A bar of a chart.

    Attributes:
        x: Its left edge.
        y: Its upper edge.
        width: Its width.
        height: Its height; zero for nothing.
        value: What it stands for.
    """

    x: float
    y: float
    width: float
    height: float
    value: int


@dataclass(frozen=True)
class GridLine:
    """A horizontal line of a chart.

    Attributes:
        y: Where it is.
        value: What it stands for.
    """

    y: float
    value: int


@dataclass(frozen=True)
class BarChart:
    """Groups of bars beside one another, in the units of the picture's viewBox.

    Attributes:
        width: Of the picture.
        height: Of the picture.
        left: Where the bars begin; the numbers of the lines stand before it.
        bottom: Where the bars stand; the labels are below it.
        groups: The bars of each group.
        lines: The lines behind them.
    """

    width: float
    height: float
    left: float
    bottom: float
    groups: Sequence[Sequence[Bar]]
    lines: Sequence[GridLine]

    def middle(self, index: int) -> float:
        """Return the middle of a group.

        Args:
            index: Which, from 0.
        """
        return self.left + (index + 0.5) * (self.width - self.left) / len(self.groups)


def bar_chart(
    groups: Sequence[Sequence[int]], *, width: float = 720, height: float = 240
) -> BarChart:
    """Lay out a chart.

    Args:
        groups: The values of each group; every group has as many.
        width: Of the picture.
        height: Of the picture.
    """
    left, top, bottom = 32.0, 12.0, height - 28.0
    greatest, step = scale(max((value for group in groups for value in group), default=0))
    group_width = (width - left) / max(1, len(groups))
    bar_width = group_width * 0.7 / max(1, len(groups[0]) if groups else 1)

    def y_of(value: int) -> float:
        return bottom - (bottom - top) * value / greatest

    drawn = [
        [
            Bar(
                x=round(left + group_width * (place + 0.15) + bar_width * index, 2),
                y=round(y_of(value), 2),
                width=round(bar_width * 0.9, 2),
                height=round(bottom - y_of(value), 2),
                value=value,
            )
            for index, value in enumerate(group)
        ]
        for place, group in enumerate(groups)
    ]
    lines = [GridLine(round(y_of(value), 2), value) for value in range(0, greatest + 1, step)]
    return BarChart(width, height, left, bottom, drawn, lines)


def scale(greatest: int) -> tuple[int, int]:
    """Return where an axis ends and the step of its lines: whole, round, and few.

    Args:
        greatest: The greatest value that is shown.
    """
    most_lines = 5
    size = 1
    while True:
        for step in (size * each for each in _STEPS):
            if greatest <= step * most_lines:
                return max(step, -(-greatest // step) * step), step
        size *= 10
