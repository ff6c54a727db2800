"""The help centre: the FAQ answered for this product, its training tools, and the answer to each screen."""
