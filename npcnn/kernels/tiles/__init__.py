"""The innermost loops, written as LLVM instructions; each has its twin in NumPy beside it."""
