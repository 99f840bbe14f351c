"""The geometry of charts."""

import pytest

from sync_assets.server.pages.charts import bar_chart, scale


@pytest.mark.parametrize(
    ("greatest", "end", "step"),
    [
        (0, 1, 1),
        (3, 3, 1),
        (5, 5, 1),
        (6, 6, 2),
        (7, 8, 2),
        (11, 15, 5),
        (51, 60, 20),
        (999, 1_000, 200),
    ],
)
def test_an_axis_ends_at_a_round_number_with_few_lines(greatest, end, step):
    assert scale(greatest) == (end, step)


def test_bars_stand_on_the_ground_within_the_picture_and_keep_their_proportions():
    chart = bar_chart([[4, 2], [0, 8]], width=400, height=200)
    bars = [bar for group in chart.groups for bar in group]
    assert all(bar.y + bar.height == pytest.approx(chart.bottom) for bar in bars)
    assert all(chart.left <= bar.x and bar.x + bar.width <= chart.width for bar in bars)
    heights = [bar.height for bar in bars]
    assert heights == pytest.approx([heights[3] / 2, heights[3] / 4, 0, heights[3]], abs=0.02)
    assert chart.left < chart.middle(0) < chart.middle(1) < chart.width


def test_nothing_to_show_is_a_chart_as_well():
    assert bar_chart([]).groups == []
