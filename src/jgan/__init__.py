"""JGAN: a functional GAN framework on JAX."""
