"""The house: order, memory, and the outside world."""
