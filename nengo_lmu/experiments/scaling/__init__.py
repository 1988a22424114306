"""How the error of spiking memories scales."""
