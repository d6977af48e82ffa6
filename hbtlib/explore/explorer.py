"""The explorer as the notebook has it: panels that are widgets where these are, else pictures."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from hbtlib.explore import cutoffs
from hbtlib.explore.views import BatchesView, Choice, CutoffsView, HeatmapView, RankingsView
from hbtlib.study.report.words import Markdown

NEEDED = "To change what is shown, `pip install 'hbtlib[explore]'` and run `make explore`."
"""What stands before pictures without controls."""


class Panel:
    """What a cell of the notebook shows: a picture, and in its place a widget where there is one.

    Args:
        picture: The picture, as HTML.
        widget: The widget, or None.
    """

    def __init__(self, picture: str, widget: Any = None) -> None:
        self.picture = picture
        self.widget = widget

    def _repr_mimebundle_(self, **wanted: Any) -> dict[str, Any]:
        """What Jupyter takes the best form from that it can show."""
        bundle: dict[str, Any] = {"text/plain": "a picture in HTML", "text/html": self.picture}
        if self.widget is not None:
            bundle |= {
                kind: content
                for kind, content in self.widget._repr_mimebundle_().items()
                if kind not in bundle
            }
        return bundle


class Explorer:
    """Everything that the notebook `explore` shows of one study.

    Args:
        study: The name of a study of notebooks/studies/.
        benchmark: One of those its runs are evaluated on; "": the first.
        arms: Two of its arms, separated by a comma; "": its first and its last own arm.
        live: Whether there are widgets; without ipywidgets there are none.

    Raises:
        ValueError: There is no such study, benchmark or arm, or no run that kept its ranks.

    Example:
        >>> import hbtlib as hbt
        >>> explorer = hbt.explore.Explorer("worldfacts", live=False)  # doctest: +SKIP
        >>> explorer.rankings()  # doctest: +SKIP
    """

    def __init__(
        self, study: str = "worldfacts", benchmark: str = "", arms: str = "", live: bool = True
    ) -> None:
        self.choice = Choice(study, benchmark, arms)
        self.live = live and find_spec("ipywidgets") is not None
        self._listeners: list[Callable[[], None]] = []

    def choose(self) -> Panel:
        """The study and the two arms that all panels show."""
        if not self.live:
            return Panel(self.choice.picture())
        from hbtlib.explore import widgets

        return Panel(self.choice.picture(), widgets.choice_widget(self.choice, self._refresh))

    def rankings(self) -> Panel:
        """A question and its rankings by both arms."""
        return self._panel(RankingsView(self.choice), "rankings_widget")

    def heatmap(self) -> Panel:
        """The heatmap, and the questions behind a cell."""
        return self._panel(HeatmapView(self.choice), "heatmap_widget")

    def batches(self) -> Panel:
        """The batches of a strategy."""
        return self._panel(BatchesView(self.choice), "batches_widget")

    def cutoffs(self) -> Panel:
        """A measure at every cut-off."""
        return self._panel(CutoffsView(self.choice), "cutoffs_widget")

    def _panel(self, view: Any, widget: str) -> Panel:
        """A view, with its controls where there are widgets."""
        if not self.live:
            return Panel(view.picture())
        from hbtlib.explore import widgets

        return Panel(view.picture(), getattr(widgets, widget)(view, self._listeners))

    def _refresh(self) -> None:
        """Shows every panel again, after the study or the arms changed."""
        for refresh in self._listeners:
            refresh()

    def says(self) -> Markdown:
        """Says whether the panels can be changed, and if not, how they could."""
        return Markdown("" if self.live else NEEDED)

    def answer(self) -> Markdown:
        """Says what the two arms, as chosen when the cell ran, do to most questions.

        Returns:
            Sentences: who is ahead in each setting, and on how many questions in the pool of all
            languages.
        """
        view = CutoffsView(self.choice)
        view.cutoff = cutoffs.NONE
        said = [cutoffs.cutoff_says(view.tables(), view.measure, view.cutoff)]
        if len(self.choice.arms) == 2:
            first, second = self.choice.arms
            by = RankingsView(self.choice).differences
            said.append(
                f"In the pool of all languages {second} is ahead on {(by > 0).mean():.0%} of the "
                f"{len(by):,} questions, and {first} on {(by < 0).mean():.0%}."
            )
        return Markdown(" ".join(said))
