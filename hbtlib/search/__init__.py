"""Search: embeds every distinct text once and ranks every relevant passage.

`ranking` holds the public functions. `exact` scores every passage, tile by tile (`tiles`,
`kernels`); `indexes` searches with faiss instead. `store` keeps vectors on disk, and `removal`
takes language out of them before they are ranked.
"""
