"""How a convolution is cut: plans of where each tap finds its input, and the sums over rows."""
