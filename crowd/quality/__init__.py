"""The statistics of quality control: what a gate lets through, who is skilled, who hurries, who only clicks.

Pure functions of numbers and sequences; histories run from the oldest to the newest. Nothing here restricts anybody:
a rule's verdict is a fact with a sentence, and a service decides what follows.
"""
