"""The explorer's controls: ipywidgets before each view. The views themselves work without them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import pandas as pd

from hbtlib.explore import batches, cells, cutoffs, pages
from hbtlib.explore.studies import explorable
from hbtlib.explore.views import BatchesView, Choice, CutoffsView, HeatmapView, RankingsView
from hbtlib.plots.style import short
from hbtlib.plots.tables import star

Refresh = Callable[[], None]
"""Shows a view again, after the study or the arms changed."""

_STYLE = """<style>
.hbt-controls{display:flex;flex-flow:row wrap;gap:2px 12px}
.hbt-controls .widget-label,.hbt-look .widget-label{min-width:5.5em;width:auto}
.hbt-controls>*{max-width:100%}
.hbt-grid{overflow-x:auto;padding:2px}
.hbt-grid .jupyter-button{padding:0;margin:0;width:auto;height:26px;line-height:26px;
 font-size:12px;min-width:0;overflow:visible}
.hbt-grid .widget-label{margin:0;padding:0;height:26px;line-height:26px;font-size:12px;
 font-weight:600;min-width:0;width:auto;justify-self:center}
.hbt-look{max-width:100%;margin-left:8px}
.hbt-grid .hbt-chosen{outline:3px solid #D24B00;outline-offset:-3px;font-weight:700}
</style>"""
_WIDE = {"width": "560px"}
_NARROW = {"width": "auto", "min_width": "180px", "max_width": "330px"}


def choice_widget(choice: Choice, refresh_all: Refresh) -> Any:
    """Controls for the study, the benchmark and the two arms.

    Args:
        choice: What is chosen.
        refresh_all: Shows all views again.

    Returns:
        The widget.
    """
    study = _dropdown("study", explorable(), choice.explored.name)
    benchmark = _dropdown("benchmark", choice.explored.benchmarks, choice.explored.benchmark)
    arms = [_dropdown(f"arm {i + 1}", [""], "") for i in range(2)]
    output = ipywidgets.HTML()
    quiet = _Quiet()

    def show() -> None:
        with quiet:
            benchmark.options = choice.explored.benchmarks
            benchmark.value = choice.explored.benchmark
            for control, arm in zip(arms, (choice.arms[0], choice.arms[-1]), strict=True):
                control.options = choice.explored.arms
                control.value = arm
        output.value = choice.picture()

    def changed(change: dict[str, Any]) -> None:
        if quiet.now:
            return
        chosen = change["owner"]
        other_study = chosen is study
        try:
            choice.change(
                study.value,
                "" if other_study else benchmark.value,
                None if other_study else [control.value for control in arms],
            )
        except ValueError as error:
            output.value = pages.page(pages.paragraph(str(error)))
            return
        show()
        refresh_all()

    for control in (study, benchmark, *arms):
        control.observe(changed, "value")
    show()
    return _stacked([study, benchmark, *arms], output)


def rankings_widget(view: RankingsView, listeners: list[Refresh]) -> Any:
    """Controls for the question and its language, before both rankings.

    Args:
        view: The view.
        listeners: Gets what shows it again.

    Returns:
        The widget.
    """
    wanted = _search()
    question = ipywidgets.Dropdown(description="question", layout=_WIDE)
    language = _dropdown("asked in", [""], "")
    output = ipywidgets.HTML()
    quiet = _Quiet()

    def show() -> None:
        with quiet:
            found = view.found()
            known = [one for _, one in found]
            if view.question not in known and known:
                view.choose(known[0])
            question.options = found or [("nothing found", view.question)]
            question.value = view.question
            language.options = view.languages()
            language.value = view.language
            wanted.value = view.wanted
        output.value = view.picture()

    def changed(change: dict[str, Any]) -> None:
        if quiet.now:
            return
        view.wanted = wanted.value
        if change["owner"] is not wanted:
            view.choose(question.value, language.value)
        show()

    def refresh() -> None:
        view.reset()
        show()

    for control in (wanted, question, language):
        control.observe(changed, "value")
    listeners.append(refresh)
    show()
    return _stacked([wanted, question, language], output)


def _search() -> Any:
    """A line for the words that are searched for."""
    return ipywidgets.Text(
        description="search",
        placeholder="words in any language",
        continuous_update=False,
        layout=_NARROW,
    )


def heatmap_widget(view: HeatmapView, listeners: list[Refresh]) -> Any:
    """A heatmap of buttons: a click on a cell shows the questions behind it.

    Args:
        view: The view.
        listeners: Gets what shows it again.

    Returns:
        The widget.
    """
    metric = _dropdown("metric", cells.METRICS, view.metric)
    arm = _dropdown("arm", view.choice.arms, view.arm)
    grid = ipywidgets.VBox()
    quiet = _Quiet()
    behind, show_cell = _cell_widget(view)

    def show() -> None:
        with quiet:
            arm.options = view.choice.arms
            arm.value = view.arm
        grid.children = [_button_grid(view, show_cell)]
        show_cell()

    def changed(_: Any) -> None:
        if quiet.now:
            return
        view.metric, view.arm = metric.value, arm.value
        view.choose(*view.cell)
        show()

    def refresh() -> None:
        view.reset()
        show()

    for control in (metric, arm):
        control.observe(changed, "value")
    listeners.append(refresh)
    show()
    return _stacked([metric, arm], grid, *behind)


def _cell_widget(view: HeatmapView) -> tuple[list[Any], Refresh]:
    """The questions behind the chosen cell and one of them, and what shows them again."""
    listed, looked_at = ipywidgets.HTML(), ipywidgets.HTML()
    question = ipywidgets.Dropdown(description="look at", layout=_WIDE)
    question.add_class("hbt-look")
    quiet = _Quiet()

    def show() -> None:
        with quiet:
            question.options = view.questions()
            question.value = view.question
        listed.value = view.cell_picture()
        looked_at.value = view.question_picture()

    def changed(_: Any) -> None:
        if not quiet.now:
            view.question = question.value
            looked_at.value = view.question_picture()

    question.observe(changed, "value")
    return [listed, question, looked_at], show


def _button_grid(view: HeatmapView, show_cell: Refresh) -> Any:
    """The heatmap as buttons; those of one colour share their style."""
    table, trained, highest = view.grid(), view.choice.explored.trained, view.highest()
    styles: dict[tuple[str, str], Any] = {}
    buttons: dict[tuple[str, str], Any] = {}

    def mark() -> None:
        for cell, button in buttons.items():
            button._dom_classes = ("hbt-chosen",) if cell == view.cell else ()

    def button_of(language: str, pool: str, value: float) -> Any:
        colours = pages.shade(value, highest)
        if colours not in styles:
            styles[colours] = ipywidgets.ButtonStyle(button_color=colours[0], text_color=colours[1])
        is_empty = pd.isna(value)
        button = ipywidgets.Button(
            description="–" if is_empty else short(value),
            tooltip=f"{language} questions, pool {pool}",
            disabled=is_empty,
            style=styles[colours],
        )

        def on_click(_: Any) -> None:
            view.choose(language, pool)
            show_cell()
            mark()

        button.on_click(on_click)
        buttons[language, pool] = button
        return button

    children = [ipywidgets.Label("")]
    children += [ipywidgets.Label(star(str(pool), trained)) for pool in table.columns]
    for language, row in table.iterrows():
        children.append(ipywidgets.Label(star(str(language), trained)))
        children += [button_of(str(language), str(pool), value) for pool, value in row.items()]
    mark()
    columns = f"2.2em repeat({len(table.columns)}, minmax(25px, 52px))"
    box = ipywidgets.GridBox(children, layout={"grid_template_columns": columns, "grid_gap": "1px"})
    box.add_class("hbt-grid")
    return box


def batches_widget(view: BatchesView, listeners: list[Refresh]) -> Any:
    """Controls for the strategy, α and the level it mixes at, before the batches.

    Args:
        view: The view.
        listeners: Gets what shows it again.

    Returns:
        The widget.
    """
    strategy = _dropdown("strategy", batches.STRATEGIES, view.strategy)
    alpha = ipywidgets.FloatSlider(
        description="α", min=0, max=1, step=0.05, value=view.alpha, continuous_update=False
    )
    mix = _dropdown("mix by", ("batch", "pair"), view.mix)
    first = ipywidgets.IntSlider(
        description="from batch", min=0, max=94, step=1, value=view.first, continuous_update=False
    )
    output = ipywidgets.HTML()

    def show() -> None:
        is_hybrid = view.strategy == "hybrid"
        alpha.disabled = mix.disabled = not is_hybrid
        output.value = view.picture()

    def changed(_: Any) -> None:
        view.strategy, view.alpha = strategy.value, round(alpha.value, 2)
        view.mix, view.first = mix.value, first.value
        show()

    for control in (strategy, alpha, mix, first):
        control.observe(changed, "value")
    listeners.append(show)
    show()
    return _stacked([strategy, alpha, mix, first], output)


def cutoffs_widget(view: CutoffsView, listeners: list[Refresh]) -> Any:
    """Controls for the measure and the cut-off, before the table.

    Args:
        view: The view.
        listeners: Gets what shows it again.

    Returns:
        The widget.
    """
    measure = _dropdown("measure", view.measures, view.measure)
    cutoff = ipywidgets.SelectionSlider(
        description="cut-off",
        options=list(cutoffs.names(view.measure)),
        value=view.cutoff,
        continuous_update=False,
    )
    output = ipywidgets.HTML()
    quiet = _Quiet()

    def show() -> None:
        output.value = view.picture()
        with quiet:
            cutoff.options = list(cutoffs.names(view.measure))
            cutoff.value = view.cutoff

    def changed(_: Any) -> None:
        if quiet.now:
            return
        view.measure, view.cutoff = measure.value, cutoff.value
        show()

    for control in (measure, cutoff):
        control.observe(changed, "value")
    listeners.append(show)
    show()
    return _stacked([measure, cutoff], output)


class _Quiet:
    """While it is entered, changes of controls are the program's own, not a person's."""

    def __init__(self) -> None:
        self.now = False

    def __enter__(self) -> None:
        self.now = True

    def __exit__(self, *error: object) -> None:
        self.now = False


def _dropdown(description: str, options: Sequence[str], value: str) -> Any:
    """A list of words to choose from."""
    return ipywidgets.Dropdown(
        description=description, options=list(options), value=value, layout=_NARROW
    )


def _stacked(controls: list[Any], *outputs: Any) -> Any:
    """Controls beside each other where there is room, and what they change under them."""
    row = ipywidgets.Box(controls)
    row.add_class("hbt-controls")
    return ipywidgets.VBox([ipywidgets.HTML(_STYLE), row, *outputs], layout={"width": "100%"})
