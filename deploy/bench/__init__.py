"""The benchmarks: the engine beside stock Faust and a bare Kafka loop, in one run."""
