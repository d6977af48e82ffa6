"""The recipe for an encoder with less language bias: texts, vectors, curves, command.

The map itself is `hbtlib.encoders.erasure`, the function for users `hbt.neutralise`.
"""
