using LeadPipeline.Contracts;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>A database of one fixture's own. The same fixtures run on both kinds, since the worker promises the same on both.</summary>
public abstract class StorageDatabase : IAsyncDisposable
{
    public SqlDatabase Sql { get; protected set; } = null!;

    /// <summary>Makes it, empty.</summary>
    public abstract Task CreateAsync();

    /// <summary>The tables as EF Core sees them.</summary>
    public abstract LeadDb Open();

    /// <summary>Tables, columns, types, nullability and indexes, a line each.</summary>
    public abstract Task<List<string>> CatalogueAsync();

    public abstract ValueTask DisposeAsync();

    public async Task ExecuteAsync(string sql)
    {
        await using var session = await Sql.OpenAsync(CancellationToken.None);
        _ = await session.ExecuteAsync(sql, CancellationToken.None);
    }

    public async Task<List<string>> TextsAsync(string sql)
    {
        await using var session = await Sql.OpenReaderAsync(CancellationToken.None);
        return await session.QueryAsync(sql, r => r.IsDBNull(0) ? "" : Convert.ToString(r.GetValue(0), System.Globalization.CultureInfo.InvariantCulture)!, CancellationToken.None);
    }
}

/// <summary>Migrates a database for the fixture; each test uses leads of its own.</summary>
public abstract class StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    protected static readonly DateTimeOffset Now = new(2026, 3, 3, 12, 0, 0, TimeSpan.Zero);

    protected TDatabase Database { get; } = new();

    protected LeadCipher Cipher { get; } = new([.. Enumerable.Range(1, 32).Select(i => (byte)i)]);

    [OneTimeSetUp]
    public async Task MigrateAsync()
    {
        await Database.CreateAsync();
        await Migrator.MigrateAsync(Database.Sql, CancellationToken.None);
    }

    [OneTimeTearDown]
    public async Task DropAsync()
    {
        Cipher.Dispose();
        await Database.DisposeAsync();
    }

    protected static Lead ALead(string? email = null)
    {
        var id = Guid.NewGuid();
        return new Lead { LeadId = id, Source = "api", Email = email ?? $"{id:N}@example.com", FirstName = "Ada", ReceivedAt = Now };
    }

    /// <summary>The unit of work that stores a new lead.</summary>
    protected LeadCommit NewLead(Lead lead, params IReadOnlyList<IntakeKeyRow> keys)
    {
        var (key, wrapped) = Cipher.NewKey(lead.LeadId);
        var accepted = ((SagaDecision.Proceed)LeadSagaMachine.Decide(null, new SagaMessage.Accepted(lead.LeadId), Now)).Next;
        var (saga, rows) = AuditChain.Append(accepted, [new AuditFact("intake", "received", [])], "worker", key, Now);
        return new LeadCommit
        {
            Saga = saga,
            New = new NewLead(lead.Source, Cipher.RecordKey(lead.Email), wrapped, SealedJson.Seal(key, lead, lead.LeadId, ContractsJson.Default.Lead)),
            Audit = rows,
            Keys = keys,
            SweepAt = Now,
        };
    }

    protected static LeadCommit Next(LeadCommit before) => new() { Saga = before.Saga with { Version = before.Saga.Version + 1 }, SweepAt = Now };

    protected static IntakeKeyRow Key(string key, Guid leadId) => new() { Key = key, LeadId = leadId, At = Now };
}
