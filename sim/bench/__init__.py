"""One test bench for every kernel: streams in, streams out, every beat compared with golden."""
