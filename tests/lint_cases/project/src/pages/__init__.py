"""Pages, their text, and the tables in them."""
