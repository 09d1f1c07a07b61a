using LeadPipeline.Worker.Tests.Storage;

namespace LeadPipeline.Worker.Tests.CrashPoints;

/// <summary>On SQLite; the integration tests do the same on PostgreSQL.</summary>
[TestFixture]
[Parallelizable]
public sealed class When_a_worker_dies_at_any_await : CrashMatrix<SqliteStorage>;
