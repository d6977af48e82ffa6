"""A study: its YAML → its runs, the folders they leave, the tables that notebooks show."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    ["paper", "published", "report"],
    {
        "study": [
            "ROOT",
            "Run",
            "Study",
            "Workplace",
            "check",
            "collect",
            "environment",
            "figures",
            "load",
            "lock",
            "move",
            "notebook_file",
            "notebook_parameters",
            "run_name",
            "summary",
            "unlike",
            "whole",
            "write_json",
        ]
    },
)
