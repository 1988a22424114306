"""What is neither about memories nor about Nengo."""
