"""Uploading an encoder to the hub."""

import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hbtlib.checks import short
from hbtlib.encoders.folder import write_folder
from hbtlib.encoders.parts import EncoderParts

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


def upload(
    parts: EncoderParts,
    card: Callable[[Mapping[str, str]], str],
    repository: str,
    pictures: Mapping[str, Any],
    *,
    private: bool | None,
    token: str | None,
    message: str,
) -> str:
    """Writes an encoder to a temporary folder and uploads that; see `Encoder.push_to_hub`.

    Args:
        parts: the encoder.
        card: gives the model card, from caption → file of the pictures.
        repository: ORGANISATION/MODEL.
        pictures: caption → figure.
        private: whether a new repository is private.
        token: the hub's token.
        message: of the commit.

    Returns:
        The address of the commit.
    """
    # Imported here, because only an upload needs it.
    from huggingface_hub import HfApi

    if not isinstance(repository, str) or not _REPOSITORY.fullmatch(repository):
        raise ValueError(
            f"repository is {short(repository)}; it is a name on the hub, as ORGANISATION/MODEL"
        )
    _check_pictures(pictures)
    hub = HfApi(token=token)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_folder(folder, parts)
        files = {}
        for number, (caption, figure) in enumerate(pictures.items(), 1):
            files[caption] = f"picture-{number}.png"
            figure.savefig(folder / files[caption], dpi=150, bbox_inches="tight")
        (folder / "README.md").write_text(card(files), encoding="utf-8")
        hub.create_repo(repository, private=private, exist_ok=True)
        commit = hub.upload_folder(repo_id=repository, folder_path=folder, commit_message=message)
    return str(commit)


def _check_pictures(pictures: object) -> None:
    """Raises ValueError unless these are figures by their captions."""
    if not isinstance(pictures, Mapping):
        raise ValueError(
            f"pictures is {short(pictures)}; it must be a dictionary from caption to figure"
        )
    for caption, figure in pictures.items():
        if not isinstance(caption, str) or not caption.strip() or not hasattr(figure, "savefig"):
            raise ValueError(
                f"pictures has {short(caption)}: {short(figure)}; give a caption and a figure, as "
                "hbt.plots.heatmap(measured) makes one"
            )
