"""Pictures: each function takes one of the library's tables and returns a matplotlib Figure.

Scores are drawn in cividis from 0, differences in a diverging palette centred on 0. Languages stand
by their ISO codes, those of one script beside each other, trained before unseen; with `trained`,
the unseen ones bear a star. A language and a strategy have the same colour in every picture.
"""

import lazy_loader

# A module must not be called as a function is: imported, it would stand in the function's place.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    ["style"],
    {
        "arrows": ["bias_arrows"],
        "batches": ["batch_picture"],
        "bias": ["bias_by_language"],
        "data_sets": ["count_grid", "script_shares", "set_lengths"],
        "compression": ["compression_curves"],
        "curves": ["alpha_curves", "progress_curves", "size_curves"],
        "distances": ["gains_by_distance"],
        "grids": ["differences", "heatmap", "heatmaps"],
        "intervals": ["effects"],
        "labels": ["apart"],
        "language_groups": ["groups"],
        "neutral": ["map_curves"],
        "maps": ["embedding_map"],
        "run_points": ["trade_off", "training_paths"],
        "rankings": ["rank_ecdf", "top_shares"],
        "saving": ["Figure", "save"],
        "scaling": ["mixing_curves", "scaling_curves"],
        "sources": ["source_shares"],
        "style": ["COLOURS", "language_colours"],
        "tables": ["ordered"],
        "texts": ["lengths"],
        "training": ["loss_curves"],
    },
)
