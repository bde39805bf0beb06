"""How work reaches the threads: bodies and their calls, memory, compiling, steps played again."""
