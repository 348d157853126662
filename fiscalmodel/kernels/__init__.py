"""Kernels that start in milliseconds: one parent with its imports done forks one a notebook."""
