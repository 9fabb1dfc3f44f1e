"""Made-up municipalities: Stockholm's year 2017, and random ones of any size for tests and benchmarks."""
