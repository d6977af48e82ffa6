"""The explorer's views and widgets, without a browser: what a change shows, and hostile texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small_study import HOSTILE, SmallStudy

from hbtlib.explore import explorer as explorer_module
from hbtlib.explore import pages, views

REPOSITORY = Path(__file__).resolve().parents[2]
widgets = pytest.importorskip("hbtlib.explore.widgets", reason="the extra `explore` is missing")
TWO = f"two {HOSTILE}"


class Shown(HTMLParser):
    """The text of HTML; fails at a tag that only a text of the study could have brought."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.feed(html)
        self.text = "|".join(self.parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "img", "iframe")
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


@pytest.fixture
def choice(monkeypatch: pytest.MonkeyPatch) -> Iterator[views.Choice]:
    monkeypatch.setattr(views, "Explored", SmallStudy)
    monkeypatch.setattr(widgets, "explorable", lambda: ("small", "other"))
    return views.Choice("small")


def controls(widget: Any) -> dict[str, Any]:
    """The controls of a panel by their labels."""
    found, todo = {}, [widget]
    while todo:
        one = todo.pop()
        todo += list(getattr(one, "children", ()))
        if getattr(one, "description", "") and hasattr(one, "value"):
            found[one.description] = one
    return found


def outputs(widget: Any) -> str:
    """All HTML of a panel."""
    children = getattr(widget, "children", ())
    own = widget.value if type(widget).__name__ == "HTML" else ""
    return own + "".join(map(outputs, children))


def test_the_choice_is_checked(choice: views.Choice) -> None:
    assert choice.arms == ["one", TWO]
    assert HOSTILE in Shown(choice.picture()).text
    choice.change("small", arms=["one", "one"])
    assert choice.arms == ["one"]
    with pytest.raises(ValueError, match="did you mean 'one'"):
        choice.change("small", arms=["ome"])
    with pytest.raises(ValueError, match="the explorer compares two of them"):
        choice.change("small", arms=["one", TWO, "alone"])
    assert choice.arms == ["one"], "what was refused changed nothing"


def test_every_picture_is_safe_and_whole(choice: views.Choice) -> None:
    for view in (views.RankingsView, views.HeatmapView, views.BatchesView, views.CutoffsView):
        html = view(choice).picture()
        assert html.count("<div") == html.count("</div>")
        assert html.count("<span") == html.count("</span>")
        Shown(html)
    text = Shown(views.RankingsView(choice).picture()).text
    assert f"{HOSTILE} question" in text
    assert "<b>q" in text, "passages are shown as they are written"
    assert "✓ relevant" in text


def test_a_search_and_a_language_change_the_rankings(choice: views.Choice) -> None:
    listeners: list[Any] = []
    view = views.RankingsView(choice)
    panel = widgets.rankings_widget(view, listeners)
    by = controls(panel)
    assert len(by["question"].options) == 5
    by["search"].value = "q3 in zh"
    assert [one for _, one in by["question"].options] == ["q3"]
    assert "q3| |" in Shown(outputs(panel)).text
    by["asked in"].value = "zh"
    assert f"{HOSTILE} question q3 in zh" in Shown(outputs(panel)).text
    by["search"].value = "no such words"
    assert by["question"].options == (("nothing found", "q3"),)
    by["search"].value = ""
    by["question"].value = "q1"
    assert f"{HOSTILE} question q1 in zh" in Shown(outputs(panel)).text, "the language stays"
    choice.change("small", arms=["one", "alone"])
    listeners[0]()
    assert "The run of alone kept relevant passages alone." in Shown(outputs(panel)).text
    with pytest.raises(ValueError, match="no question 'q9' on small"):
        view.choose("q9")


def buttons(widget: Any) -> dict[str, Any]:
    return {one.tooltip: one for one in widget.children[2].children[0].children if one.tooltip}


def test_a_click_on_a_cell_shows_its_questions(choice: views.Choice) -> None:
    listeners: list[Any] = []
    view = views.HeatmapView(choice)
    panel = widgets.heatmap_widget(view, listeners)
    grid = buttons(panel)
    assert len(grid) == 12
    joint = view.grid()["all"][["de", "en"]]
    assert view.cell == (joint.idxmin(), "all"), "the worst trained language comes first"
    grid["zh questions, pool en"].click()
    assert view.cell == ("zh", "en")
    chosen = [name for name, one in grid.items() if "hbt-chosen" in one._dom_classes]
    assert chosen == ["zh questions, pool en"]
    text = Shown(outputs(panel)).text
    assert f"{TWO}, zh questions in the en passages: mean mAP" in text
    by = controls(panel)
    assert by["look at"].value == view.worst["question_id"][0]
    by["look at"].value = view.worst["question_id"][2]
    assert f"question {view.worst['question_id'][2]} in zh" in Shown(outputs(panel)).text
    by["arm"].value = "one"
    assert "one, zh questions in the en passages" in Shown(outputs(panel)).text
    before = [one.description for one in buttons(panel).values()]
    by["metric"].value = "R@10"
    assert [one.description for one in buttons(panel).values()] != before
    choice.change("small", arms=["alone"])
    listeners[0]()
    assert by["arm"].options == ("alone",)


def test_batches_move_with_alpha(choice: views.Choice) -> None:
    view = views.BatchesView(choice)
    panel = widgets.batches_widget(view, [])
    by = controls(panel)
    by["α"].value = 1.0
    assert "Of the first 100 batches 100% are x-x-mono" in Shown(outputs(panel)).text
    by["strategy"].value = "x-y"
    assert "100% are x-y;" in Shown(outputs(panel)).text
    assert by["α"].disabled
    assert by["mix by"].disabled
    by["from batch"].value = 7
    assert "batch 7: x-y" in Shown(outputs(panel)).text
    choice.explored.pairs = (None, f"set HBT_DATA {HOSTILE}")
    assert Shown(view.picture()).text.endswith(f"set HBT_DATA {HOSTILE}")


def test_measures_move_with_the_cutoff(choice: views.Choice) -> None:
    view = views.CutoffsView(choice)
    panel = widgets.cutoffs_widget(view, [])
    by = controls(panel)
    by["cut-off"].value = "3"
    assert f"mAP@3 in the languages trained on, {TWO} minus one: " in Shown(outputs(panel)).text
    by["cut-off"].value = "none"
    by["measure"].value = "R"
    assert by["cut-off"].value == "100", "recall needs a cut-off"
    assert "R@100 in the languages trained on" in Shown(outputs(panel)).text


def test_another_arm_changes_every_panel(
    choice: views.Choice, monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed = []
    panel = widgets.choice_widget(choice, lambda: refreshed.append(choice.arms))
    by = controls(panel)
    by["arm 2"].value = "alone"
    assert refreshed == [["one", "alone"]]
    by["study"].value = "other"
    assert choice.explored.name == "other"
    assert refreshed[1:] == [["one", TWO]]
    assert by["arm 2"].value == TWO
    monkeypatch.setattr(choice, "change", lambda *_: (_ for _ in ()).throw(ValueError("no <b>")))
    by["arm 2"].value = "one"
    assert "no <b>" in Shown(outputs(panel)).text


def test_pictures_stand_in_the_place_of_widgets(
    choice: views.Choice, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = explorer_module.Explorer("small")
    still = explorer_module.Explorer("small", live=False)
    for name in ("choose", "rankings", "heatmap", "batches", "cutoffs"):
        with_widget = getattr(live, name)()._repr_mimebundle_()
        alone = getattr(still, name)()._repr_mimebundle_(include=None, exclude=None)
        assert with_widget["text/html"] == alone["text/html"]
        assert "application/vnd.jupyter.widget-view+json" in with_widget
        assert set(alone) == {"text/plain", "text/html"}
    assert (live.says(), "make explore" in still.says()) == ("", True)
    assert f"{TWO} is ahead on " in still.answer()
    monkeypatch.setattr(explorer_module, "find_spec", lambda _: None)
    assert explorer_module.Explorer("small").live is False


def test_shades_are_those_of_the_scale() -> None:
    assert pages.shade(float("nan"), 1) == ("#eeeeee", "#777777")
    assert pages.shade(0, 0)[1] == "#ffffff"
    assert pages.shade(1, 1)[1] == "#000000"
    grid = pd.DataFrame({"en": [0.5, float("nan")]}, index=["en", "zh"])
    assert "–" in Shown(pages.heatmap_page(grid, ["en"], 1, "x")).text


def test_the_executed_copy_is_of_this_notebook() -> None:
    """results/explore has the notebook as it stands, with pictures and without widgets."""
    source = json.loads((REPOSITORY / "notebooks" / "explore.ipynb").read_text())["cells"]
    copy = REPOSITORY / "results" / "explore" / "notebooks" / "explore.ipynb"
    executed = [
        cell
        for cell in json.loads(copy.read_text())["cells"]
        if "injected-parameters" not in cell["metadata"].get("tags", [])
    ]
    assert [cell["source"] for cell in executed] == [cell["source"] for cell in source]
    shown = [out["data"] for cell in executed for out in cell.get("outputs", [])]
    assert sum("text/html" in data for data in shown) == 5
    assert not any("application/vnd.jupyter.widget-view+json" in data for data in shown)
