"""MovieDreamer: hierarchical generation of coherent long visual sequences (Zhao et al., ICLR 2025)."""

__version__ = "0.1.0"
