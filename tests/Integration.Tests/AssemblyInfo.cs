// Each worker that a test starts takes a processor for seconds, and some of the servers' connections: more at once would not be done sooner.
[assembly: LevelOfParallelism(2)]
