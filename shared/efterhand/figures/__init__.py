"""Figures without a database: the arithmetic of cells, formulas of figures, and the definitions taken literally."""
