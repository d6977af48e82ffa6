"""The explorer's views: what is chosen, and the picture of it. They need no widgets.

A view keeps its choices as plain attributes and makes one part of a page of them. `widgets` puts
controls before a view; where there are none, the picture of the first choices stands alone.
"""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from hbtlib.checks import check_choice, short
from hbtlib.data.benchmark import ALL
from hbtlib.evaluation.retrieval_measures import MEASURES
from hbtlib.explore import batches, cells, cutoffs, pages
from hbtlib.explore.questions import Texts, most_different
from hbtlib.explore.rankings import joint_ranking, ranking_says
from hbtlib.explore.studies import Explored


class Choice:
    """The study and the two arms that all views show.

    Args:
        study: The name of a study.
        benchmark: One of those its runs are evaluated on; "": the first.
        arms: Two of its arms, or one, separated by commas; "": its first and its last own arm.

    Attributes:
        explored: The study.
        arms: The names of the arms, one or two.
    """

    def __init__(self, study: str, benchmark: str = "", arms: str = "") -> None:
        self.change(study, benchmark, [part.strip() for part in arms.split(",") if part.strip()])

    def change(self, study: str, benchmark: str = "", arms: list[str] | None = None) -> None:
        """Chooses another study, benchmark or arms.

        Args:
            study: As above.
            benchmark: As above.
            arms: The names of one or two arms; none: the study's first and its last own arm.

        Raises:
            ValueError: One of them does not exist, or there are more than two arms.
        """
        explored = Explored(study, benchmark)
        own = explored.own_arms
        arms = list(dict.fromkeys(arms or [own[0], own[-1]]))
        if len(arms) > 2:
            raise ValueError(f"arms is {short(', '.join(arms))}; the explorer compares two of them")
        for arm in arms:
            check_choice("an arm", arm, explored.arms)
        self.explored = explored
        self.arms = arms

    def picture(self) -> str:
        """What is chosen, and the numbers of it, as HTML."""
        explored = self.explored
        runs = ", ".join(explored.runs[arm].name for arm in self.arms)
        where = explored.benchmark
        return pages.page(
            pages.paragraph(explored.question),
            pages.paragraph(f"Study {explored.name} on {where}; runs {runs}.", "hbt-note"),
            pages.paragraph(f"Trained on {' '.join(explored.trained)}.", "hbt-note"),
        )

    def ranks(self) -> dict[str, pd.DataFrame]:
        """Arm → the ranks of its run."""
        return {arm: self.explored.ranks(arm) for arm in self.arms}


class RankingsView:
    """The rankings of one question by both arms.

    Args:
        choice: The study and the arms.

    Attributes:
        wanted: The words that are searched for.
        question: The id of the question that is shown.
        language: The language it is asked in.
    """

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.reset()

    def reset(self) -> None:
        """Shows the question on which the arms differ most, after the study or the arms changed."""
        first, *rest = self.choice.ranks().values()
        self.differences = most_different(first, rest[0] if rest else first)
        self.wanted = ""
        self.question = str(self.differences.index[0])
        self.language = self._language("de")

    @property
    def texts(self) -> Texts:
        """The texts of the benchmark."""
        return self.choice.explored.texts

    def found(self, most: int = 100) -> list[tuple[str, str]]:
        """Returns label and id of the questions found: where the arms differ most, first.

        Args:
            most: How many at most.
        """
        found = self.texts.search(self.wanted, self.differences.index)[:most]
        return [(f"{self.texts.labels[one]} ({self.differences[one]:+.2f})", one) for one in found]

    def choose(self, question: str, language: str | None = None) -> None:
        """Chooses a question; its language stays what it is where the question is asked in it.

        Args:
            question: The id of the question.
            language: The language it is asked in.

        Raises:
            ValueError: There is no such question.
        """
        if question not in self.texts.labels:
            raise ValueError(f"no question {question!r} on {self.choice.explored.benchmark}")
        self.question = question
        self.language = self._language(language or self.language)

    def languages(self) -> list[str]:
        """The languages that the question is asked in."""
        return self.texts.languages(self.question)

    def _language(self, wanted: str) -> str:
        """The wanted language, else the first that the question is asked in."""
        known = self.languages()
        return wanted if wanted in known else known[0]

    def picture(self) -> str:
        """The question and both rankings, as HTML."""
        explored, trained = self.choice.explored, self.choice.explored.trained
        return pages.page(
            pages.question_page(self.texts, self.question, self.language, trained),
            rankings_of(self.choice, self.texts.query(self.question, self.language)[0]),
            *(
                pages.paragraph(f"The run of {arm} kept relevant passages alone.", "hbt-note")
                for arm in self.choice.arms
                if explored.top(arm) is None
            ),
        )


def rankings_of(choice: Choice, query_id: str) -> str:
    """The rankings of a query by both arms, as a part of a page.

    Args:
        choice: The study and the arms.
        query_id: The query.
    """
    explored = choice.explored
    tables = {
        arm: joint_ranking(explored.ranks(arm), explored.top(arm), query_id) for arm in choice.arms
    }
    said = [ranking_says(table) for table in tables.values()]
    return pages.rankings_page(tables, explored.texts.passages, explored.trained, said)


class HeatmapView:
    """The heatmap of one arm, and the questions behind one of its cells.

    Args:
        choice: The study and the arms.

    Attributes:
        metric: What the heatmap shows.
        arm: The arm it is of.
        cell: The query language and the pool that are chosen.
        question: The question of the cell that is looked at.
    """

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.metric = cells.METRICS[0]
        self.reset()

    def reset(self) -> None:
        """Shows the last arm, and of its trained languages the one that goes worst among all."""
        self.arm = self.choice.arms[-1]
        joint = self.grid()[ALL].dropna()
        trained = [code for code in self.choice.explored.trained if code in joint.index]
        self.choose(str((joint[trained] if trained else joint).idxmin()), ALL)

    def grid(self) -> pd.DataFrame:
        """The heatmap of the arm."""
        explored = self.choice.explored
        return cells.heatmap(explored.ranks(self.arm), self.metric, explored.trained)

    def highest(self) -> float:
        """The end of the scale: the highest value of the arms, so that colours are comparable."""
        explored = self.choice.explored
        grids = [
            cells.heatmap(explored.ranks(arm), self.metric, explored.trained)
            for arm in self.choice.arms
        ]
        return float(max(grid.max().max() for grid in grids))

    def choose(self, query_language: str, pool: str) -> None:
        """Chooses a cell, and the worst question behind it.

        Args:
            query_language: Its row.
            pool: Its column.

        Raises:
            ValueError: There is nothing behind this cell.
        """
        ranks = self.choice.explored.ranks(self.arm)
        self.worst = cells.cell_questions(ranks, self.metric, query_language, pool)
        self.cell = (query_language, pool)
        self.question = str(self.worst["question_id"].iloc[0])

    def heatmap_picture(self) -> str:
        """The heatmap alone, as HTML."""
        trained = self.choice.explored.trained
        title = f"{self.metric} of {self.arm}"
        return pages.page(pages.heatmap_page(self.grid(), trained, self.highest(), title))

    def questions(self, most: int = 50) -> list[tuple[str, str]]:
        """Returns label and id of the questions behind the cell, the worst first."""
        labels = self.choice.explored.texts.labels
        rows = self.worst.head(most)
        return [
            (f"{value:.3f} · {labels.get(question, question)}", question)
            for question, value in zip(rows["question_id"], rows["value"], strict=True)
        ]

    def cell_picture(self) -> str:
        """The questions behind the cell, as HTML."""
        said = cells.cell_says(self.worst, self.arm, self.metric, *self.cell)
        others = [arm for arm in self.choice.arms if arm != self.arm]
        table = self.worst
        for arm in others:
            other = cells.cell_questions(self.choice.explored.ranks(arm), self.metric, *self.cell)
            table = cells.compared(table, other)
        texts = self.choice.explored.texts
        shown = pages.worst_page(table, texts, [self.arm, *others], self.metric)
        return pages.page(pages.paragraph(said), shown)

    def question_picture(self) -> str:
        """The rankings of the question that is looked at, as HTML."""
        explored = self.choice.explored
        query_id, _ = explored.texts.query(self.question, self.cell[0])
        asked = pages.question_page(explored.texts, self.question, self.cell[0], explored.trained)
        return pages.page(asked, rankings_of(self.choice, query_id))

    def picture(self) -> str:
        """The heatmap and the questions behind the cell, as HTML."""
        return self.heatmap_picture() + self.cell_picture()


class BatchesView:
    """The batches of a strategy.

    Args:
        choice: The study, whose training pairs and languages are used.

    Attributes:
        strategy: The strategy.
        alpha: For hybrid: the share of x-x-mono.
        mix: For hybrid: `batch` or `pair`.
        first: The first batch that is shown.
    """

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.strategy = "hybrid"
        self.alpha = 0.5
        self.mix = "batch"
        self.first = 0

    def picture(self) -> str:
        """The batches, as HTML; where pairs are not at hand, what they need."""
        pairs, missing = self.choice.explored.pairs
        if pairs is None:
            return pages.page(pages.paragraph(missing))
        try:
            plan = batches.plan_of(
                pairs,
                self.choice.explored.trained,
                strategy=self.strategy,
                alpha=self.alpha,
                mix=self.mix,
            )
        except ValueError as error:  # such as a strategy that these pairs have no languages for
            return pages.page(pages.paragraph(str(error)))
        counted = batches.shares(plan)
        table = batches.batch_table(plan, first=self.first)
        return pages.page(
            pages.paragraph(batches.shares_says(counted)), pages.batches_page(table, counted)
        )


class CutoffsView:
    """A measure of both arms at every cut-off.

    Args:
        choice: The study and the arms.

    Attributes:
        measure: The measure.
        cutoff: The cut-off that is marked.
    """

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.measure = "mAP"
        self.cutoff = "10"

    @cached_property
    def measures(self) -> tuple[str, ...]:
        """The measures that can be chosen."""
        return tuple(MEASURES)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Arm → the measure at every cut-off."""
        trained = self.choice.explored.trained
        return {
            arm: cutoffs.by_cutoff(ranks, self.measure, trained)
            for arm, ranks in self.choice.ranks().items()
        }

    def picture(self) -> str:
        """The measure at every cut-off, as HTML."""
        if self.cutoff not in cutoffs.names(self.measure):
            self.cutoff = str(cutoffs.CUTOFFS[-1])
        by_arm = self.tables()
        said = cutoffs.cutoff_says(by_arm, self.measure, self.cutoff)
        shown = pages.cutoffs_page(by_arm, self.measure, self.cutoff, cutoffs.GROUPS)
        return pages.page(pages.paragraph(said), shown)
