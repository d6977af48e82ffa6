"""The explorer's controls: ipywidgets before each view. The views themselves work without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ipywidgets
import pandas as pd

from hbtlib.explore import batches, cells, cutoffs, pages
from hbtlib.explore.studies import explorable
from hbtlib.explore.views import BatchesView, Choice, CutoffsView, HeatmapView, RankingsView
from hbtlib.plots.tables import star
from hbtlib.sampling.strategies import STRATEGIES

Refresh = Callable[[], None]
"""Shows a view again, after the study or the arms changed."""

_STYLE = """<style>
.hbt-controls{display:flex;flex-flow:row wrap;gap:2px 12px}
.hbt-controls .widget-label,.hbt-look .widget-label{min-width:5.5em;width:auto}
.hbt-controls>*{max-width:calc(100% - 4px)}
.widget-html,.widget-html-content{min-width:0}
.hbt-grid{overflow-x:auto;padding:2px}
.hbt-grid .jupyter-button{padding:0;margin:0;width:auto;height:26px;line-height:26px;
 font-size:12px;min-width:0;overflow:visible}
.hbt-grid .widget-label{margin:0;padding:0;height:26px;line-height:26px;font-size:12px;
 font-weight:600;min-width:0;width:auto;justify-self:center}
.hbt-look{max-width:calc(100% - 12px);margin-left:8px}
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

    def show() -> None:
        with changes.by_program():
            benchmark.options = choice.explored.benchmarks
            benchmark.value = choice.explored.benchmark
            for control, arm in zip(arms, (choice.arms[0], choice.arms[-1]), strict=True):
                control.options = choice.explored.arms
                control.value = arm
        output.value = choice.picture()

    def changed(control: Any) -> None:
        other_study = control is study
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

    changes = _Changes([study, benchmark, *arms], changed)
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

    def show() -> None:
        with changes.by_program():
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

    def changed(control: Any) -> None:
        view.wanted = wanted.value
        if control is not wanted:
            view.choose(question.value, language.value)
        show()

    def refresh() -> None:
        view.reset()
        show()

    changes = _Changes([wanted, question, language], changed)
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
    note = ipywidgets.HTML()
    behind, show_cell = _cell_widget(view)

    def show() -> None:
        with changes.by_program():
            arm.options = view.choice.arms
            arm.value = view.arm
        grid.children = [_button_grid(view, show_cell)]
        note.value = pages.page(pages.heatmap_note(view.grid(), view.choice.explored.trained))
        show_cell()

    def changed(_: Any) -> None:
        view.metric, view.arm = metric.value, arm.value
        view.choose(*view.cell)
        show()

    def refresh() -> None:
        view.reset()
        show()

    changes = _Changes([metric, arm], changed)
    listeners.append(refresh)
    show()
    return _stacked([metric, arm], grid, note, *behind)


def _cell_widget(view: HeatmapView) -> tuple[list[Any], Refresh]:
    """The questions behind the chosen cell and one of them, and what shows them again."""
    listed, looked_at = ipywidgets.HTML(), ipywidgets.HTML()
    question = ipywidgets.Dropdown(description="look at", layout=_WIDE)
    question.add_class("hbt-look")

    def show() -> None:
        with changes.by_program():
            question.options = view.questions()
            question.value = view.question
        listed.value = view.cell_picture()
        looked_at.value = view.question_picture()

    def changed(_: Any) -> None:
        view.question = question.value
        looked_at.value = view.question_picture()

    changes = _Changes([question], changed)
    return [listed, question, looked_at], show


def _button_grid(view: HeatmapView, show_cell: Refresh) -> Any:
    """The heatmap as buttons, which show the questions behind their cell."""
    table, trained = view.grid(), view.choice.explored.trained
    buttons = _cell_buttons(table, view.highest())

    def mark() -> None:
        for cell, button in buttons.items():
            change_class = button.add_class if cell == view.cell else button.remove_class
            change_class("hbt-chosen")

    def show_when_clicked(cell: tuple[str, str]) -> None:
        def on_click(_: Any) -> None:
            view.choose(*cell)
            show_cell()
            mark()

        buttons[cell].on_click(on_click)

    for cell in buttons:
        show_when_clicked(cell)
    mark()
    children = [ipywidgets.Label("")]
    children += [ipywidgets.Label(star(str(pool), trained)) for pool in table.columns]
    for language in table.index:
        children.append(ipywidgets.Label(star(str(language), trained)))
        children += [buttons[str(language), str(pool)] for pool in table.columns]
    columns = f"2.2em repeat({len(table.columns)}, minmax(25px, 52px))"
    box = ipywidgets.GridBox(children, layout={"grid_template_columns": columns, "grid_gap": "1px"})
    box.add_class("hbt-grid")
    return box


def _cell_buttons(table: pd.DataFrame, highest: float) -> dict[tuple[str, str], Any]:
    """A button for each query language and pool; those of one colour share their style."""
    styles: dict[tuple[str, str], Any] = {}
    buttons = {}
    for language, row in table.iterrows():
        for pool, value in row.items():
            colours = pages.shade(value, highest)
            if colours not in styles:
                ground, text = colours
                styles[colours] = ipywidgets.ButtonStyle(button_color=ground, text_color=text)
            buttons[str(language), str(pool)] = ipywidgets.Button(
                description=pages.number(value),
                tooltip=f"{language} questions, pool {pool}",
                disabled=bool(pd.isna(value)),
                style=styles[colours],
            )
    return buttons


def batches_widget(view: BatchesView, listeners: list[Refresh]) -> Any:
    """Controls for the strategy, α and the level it mixes at, before the batches.

    Args:
        view: The view.
        listeners: Gets what shows it again.

    Returns:
        The widget.
    """
    strategy = _dropdown("strategy", tuple(STRATEGIES), view.strategy)
    alpha = ipywidgets.FloatSlider(
        description="α", min=0, max=1, step=0.05, value=view.alpha, continuous_update=False
    )
    mix = _dropdown("mix by", ("batch", "pair"), view.mix)
    first = ipywidgets.IntSlider(
        description="from batch",
        max=batches.COUNTED - batches.SHOWN,
        value=view.first,
        continuous_update=False,
    )
    output = ipywidgets.HTML()

    def show() -> None:
        alpha.disabled = mix.disabled = not batches.mixes(view.strategy)
        output.value = view.picture()

    def changed(_: Any) -> None:
        view.strategy, view.alpha = strategy.value, round(alpha.value, 2)
        view.mix, view.first = mix.value, first.value
        show()

    _Changes([strategy, alpha, mix, first], changed)
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
        options=list(cutoffs.metric_names(view.measure)),
        value=view.cutoff,
        continuous_update=False,
    )
    output = ipywidgets.HTML()

    def show() -> None:
        output.value = view.picture()
        with changes.by_program():
            cutoff.options = list(cutoffs.metric_names(view.measure))
            cutoff.value = view.cutoff

    def changed(_: Any) -> None:
        view.measure, view.cutoff = measure.value, cutoff.value
        show()

    changes = _Changes([measure, cutoff], changed)
    listeners.append(show)
    show()
    return _stacked([measure, cutoff], output)


class _Changes:
    """Calls a function when a person changes one of some controls, not when the program does.

    Args:
        controls: The controls.
        act: Gets the control that was changed.
    """

    def __init__(self, controls: Sequence[Any], act: Callable[[Any], None]) -> None:
        self._act = act
        self._are_of_program = False
        for control in controls:
            control.observe(self._changed, "value")

    def _changed(self, change: dict[str, Any]) -> None:
        if not self._are_of_program:
            self._act(change["owner"])

    @contextmanager
    def by_program(self) -> Iterator[None]:
        """Within it the controls are set by the program."""
        self._are_of_program = True
        try:
            yield
        finally:
            self._are_of_program = False


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
