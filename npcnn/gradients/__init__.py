"""How a gradient is checked: derivatives to hold it against, the verdict, the table that prints."""
