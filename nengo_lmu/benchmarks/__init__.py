"""What is measured in turns against peers."""
