"""What takes the place of NengoLoihi's build functions."""
