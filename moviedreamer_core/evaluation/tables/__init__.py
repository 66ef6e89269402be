"""The paper's comparisons, repeated on the miniature: one module per table, each with a page in docs/results/."""
