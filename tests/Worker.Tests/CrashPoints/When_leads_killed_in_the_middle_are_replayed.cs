using LeadPipeline.Worker.Tests.Storage;

namespace LeadPipeline.Worker.Tests.CrashPoints;

/// <summary>On SQLite; the integration tests do the same on PostgreSQL.</summary>
[TestFixture]
[Parallelizable]
public sealed class When_leads_killed_in_the_middle_are_replayed : ReplayOfMany<SqliteStorage>;
