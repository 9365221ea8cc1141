"""What users feel, measured: `python -m bench`. Nothing here is imported by Lumen itself.

Absolute times belong to one machine. What is promised are ratios of times from one run, sizes, and a few limits.
"""
