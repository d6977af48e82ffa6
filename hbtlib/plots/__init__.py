"""Pictures: each function takes one of the library's tables and returns a matplotlib Figure."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    ["style"],
    {
        "pictures": [
            "apart",
            "batch_picture",
            "bias_by_language",
            "differences",
            "embedding_map",
            "heatmap",
            "heatmaps",
            "lengths",
            "loss_curves",
            "rank_ecdf",
            "top_shares",
        ],
        "curves": ["alpha_curves", "effects", "groups", "size_curves"],
        "style": ["COLOURS", "Figure", "language_colours", "ordered", "save"],
    },
)
