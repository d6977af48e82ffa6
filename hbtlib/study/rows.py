"""Folders of rows: the small tables that a study keeps of each encoder it measured.

`results/STUDY/NAME/` has a CSV file for each table, `about.json`, and the manifest by which damage
is noticed. The studies `encoders` and `compression` keep their rows so.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hbtlib.checks import check_name, short
from hbtlib.files import DamagedFile, read_json, write_json
from hbtlib.study import manifest
from hbtlib.study.folders import finish
from hbtlib.study.project import project_folder
from hbtlib.study.provenance import environment


@dataclass(frozen=True)
class RowFolders:
    """The folders of one study.

    Attributes:
        study: its name, which is that of its command of `make` too.
        tables: the names of the tables that every folder has.
        same: what must be as before in `about.json`, or the rows of other benchmarks go.
        asked: what of `about.json` stands in `parameters.json` too.
    """

    study: str
    tables: tuple[str, ...]
    same: tuple[str, ...]
    asked: tuple[str, ...]

    @property
    def home(self) -> Path:
        """The folder that has one folder for each encoder."""
        return project_folder() / "results" / self.study

    def names(self) -> list[str]:
        """The encoders that have rows, in the order of their names."""
        found = sorted(self.home.glob(f"*/{manifest.FILE}"))
        return [file.parent.name for file in found if (file.parent / "about.json").exists()]

    def read(self, name: str) -> dict[str, Any]:
        """The tables of one encoder, after a comparison with its manifest.

        Args:
            name: one of `names()`.

        Returns:
            `about`, and a table for each of `tables`.

        Raises:
            ValueError: if there are no rows of this encoder.
            DamagedFile: if a file is missing or not what was written.
        """
        folder = self.home / check_name("the encoder", name)
        if name not in self.names():
            raise ValueError(
                f"no rows of the encoder {name!r}: run `make {self.study} ENCODER={name}`; there "
                f"are {', '.join(self.names()) or 'none'}"
            )
        written = manifest.read_manifest(folder)
        files = [f"{table}.csv" for table in self.tables]
        manifest.check_files(folder, written, ["about.json", *files])
        tables = {table: pd.read_csv(folder / f"{table}.csv") for table in self.tables}
        return {"about": read_json(folder / "about.json"), **tables}

    def collect(self, what: str) -> pd.DataFrame:
        """One table of all encoders, one below the other.

        Args:
            what: one of `tables`.

        Returns:
            The table, with the column encoder before the others.

        Raises:
            ValueError: if no encoder has rows, or there is no such table.
        """
        if what not in self.tables:
            raise ValueError(f"no table {short(what)}; there are {', '.join(self.tables)}")
        found = self.names()
        if not found:
            raise ValueError(f"{self.home} has no rows: run `make {self.study} ENCODER=small`")
        parts = []
        for name in found:
            table: pd.DataFrame = self.read(name)[what]
            table.insert(0, "encoder", name)
            parts.append(table)
        # A table may have no rows (a ranking has no map), and no rows have no types either.
        return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)

    def abouts(self) -> pd.DataFrame:
        """What is known of each encoder: a row each, indexed by its name."""
        known = pd.DataFrame([self.read(name)["about"] for name in self.names()])
        return known.set_index("name").astype({"dimension": "Int64"})  # a ranking has none

    def check_free(self, folder: Path, encoder: str) -> None:
        """Refuses a folder that holds the rows of another encoder."""
        if not (folder / "about.json").exists():
            return
        other = read_json(folder / "about.json").get("encoder")
        if other != encoder:
            raise ValueError(
                f"{folder} holds the rows of the encoder {other!r}: give this one another name "
                "(ROW=…), or remove that folder"
            )

    def write(self, folder: Path, about: dict[str, Any], tables: dict[str, pd.DataFrame]) -> None:
        """Writes the rows beside their place, and moves them there whole.

        Rows of benchmarks that were not measured now stay, if they were made by the same.

        Args:
            folder: their place.
            about: what is known of the encoder.
            tables: a table for each of `tables`, with a column benchmark.
        """
        before = self._before(folder, about)
        part = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        now = set(tables["benchmarks"]["benchmark"])
        for name, table in tables.items():
            if before is not None:
                kept = before[name][~before[name]["benchmark"].isin(now)]
                table = pd.concat([kept, table], ignore_index=True) if len(kept) else table
            table.to_csv(part / f"{name}.csv", index=False, float_format="%.6g")
        write_json(part / "about.json", about)
        asked = {key: about[key] for key in self.asked}
        write_json(part / "parameters.json", {**asked, "benchmarks": sorted(now)})
        write_json(part / "environment.json", environment())
        finish(part, folder)

    def _before(self, folder: Path, about: dict[str, Any]) -> dict[str, Any] | None:
        """The rows that are there, if they were made by the same."""
        if not folder.is_dir():
            return None
        try:
            before = self.read(folder.name)
        except (DamagedFile, ValueError) as error:
            print(f"{error}: its rows are made again", flush=True)
            return None
        other = [key for key in self.same if before["about"].get(key) != about[key]]
        if other:
            print(f"{folder.name} had rows with another {', '.join(other)}: they go", flush=True)
            return None
        return before
