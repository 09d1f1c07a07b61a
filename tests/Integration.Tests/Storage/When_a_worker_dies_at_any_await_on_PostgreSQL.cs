using LeadPipeline.Worker.Tests.CrashPoints;

namespace LeadPipeline.Integration.Tests.Storage;

[Category("Integration")]
[Parallelizable]
public sealed class When_a_worker_dies_at_any_await_on_PostgreSQL : CrashMatrix<PostgresStorage>;

[Category("Integration")]
[Parallelizable]
public sealed class When_leads_killed_in_the_middle_are_replayed_on_PostgreSQL : ReplayOfMany<PostgresStorage>;
