"""Series: of a file, and real ones beside what simpler methods make of them."""
