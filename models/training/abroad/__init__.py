"""The yardstick: what networks answer to images of sources that none of their training images came from.

Leave-one-source-out (Zech et al., PLoS Medicine 2018): for each fold of a task's recipe one short network learns
without the fold's sources and is asked about them. The test split takes no part, neither in learning nor in being
asked.
"""
