"""A built-in municipality whose history is made by a seed, for the demo, the tests and the benchmarks."""
