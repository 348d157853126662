"""Clearance of hidden debt: given → problem → program → path → plan, each importing downwards."""
