"""Videos whose every frame carries a number, and the count of wrong frames that a reader gives for them."""
