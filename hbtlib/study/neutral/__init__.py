"""The recipe for an encoder with less language bias: its texts, its vectors, its curves, its command.

The map itself is `hbtlib.encoders.erasure`, the function for users `hbt.neutralise`.
"""
