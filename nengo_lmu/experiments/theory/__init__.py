"""The noise theory against simulations."""
