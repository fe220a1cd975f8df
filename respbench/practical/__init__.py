"""The practical of docs/practical: which clips its pages use, the checks of its exercises, and how it is built."""
