using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Evidence.Http;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.MockCrm;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Hosting;

/// <summary>Brings the database into the state that the program needs: tables, seed, the right master key.</summary>
public sealed class DatabaseStart(SqlDatabase database, MockCrmStore crm, LeadCipher cipher, IOptions<DatabaseOptions> options)
{
    /// <summary>Makes or updates the tables, if that is wanted, and checks that this process can read what is in them.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Migrate)
            await MigrateAsync(cancellationToken);
        else if (await PendingAsync(cancellationToken) is { Count: > 0 } pending)
            throw new ConfigurationException($"Database:Migrate is false and the tables are not up to date ({string.Join(", ", pending)} missing); run: leadpipeline db migrate");
        await CheckMasterKeyAsync(cancellationToken);
    }

    /// <summary>Makes or updates the tables.</summary>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        if ((await PendingAsync(cancellationToken)).Count > 0)
            await Migrator.MigrateAsync(database, cancellationToken);
        await crm.SeedAsync(cancellationToken);
    }

    /// <summary>The migrations that have not been applied.</summary>
    public async Task<IReadOnlyList<string>> PendingAsync(CancellationToken cancellationToken) =>
        [.. MigrationHistory.Known.Except(await MigrationHistory.AppliedAsync(database, cancellationToken))];

    /// <summary>Migrations that were applied and that this version does not know: a newer one made the tables. None where there are no tables yet.</summary>
    public async Task<IReadOnlyList<string>> UnknownAsync(CancellationToken cancellationToken) =>
        [.. (await MigrationHistory.AppliedAsync(database, cancellationToken)).Except(MigrationHistory.Known)];

    /// <summary>A worker with another key would seal leads that the others cannot read: it must not start.</summary>
    private async Task CheckMasterKeyAsync(CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.InsertAsync(Meta, [["master-key", cipher.Fingerprint]], cancellationToken);
        var known = await session.QueryAsync("SELECT value FROM meta WHERE name = 'master-key'", r => r.GetString(0), cancellationToken);
        if (known is not [var fingerprint] || (fingerprint != cipher.Fingerprint && !cipher.KnowsOther(fingerprint)))
            throw new ConfigurationException("Encryption:MasterKey: the value is not the key that this database's leads are sealed with; give every worker the same key, or the old one as Encryption:OtherMasterKeys:0 while it is exchanged");
        var stored = await session.QueryAsync("SELECT value FROM meta WHERE name = 'record-key'", r => Convert.FromBase64String(r.GetString(0)), cancellationToken);
        if (stored is [var wrapped])
        {
            _ = cipher.UseRecordSecret(wrapped, fingerprint);
            return;
        }
        // Two workers may be the first at once: both have derived the same, and one stores it.
        await session.InsertAsync(Meta, [["record-key", Convert.ToBase64String(cipher.UseRecordSecret(null, fingerprint))]], cancellationToken);
    }

    private static readonly BulkInsert Meta = new("meta", "name", new("name", ColumnType.Text), new("value", ColumnType.Text));
}

/// <summary>What has to be true before any consumer runs; registered first, so that it starts first.</summary>
public sealed partial class PipelineStart(
    DatabaseStart database, WorkerIdentity worker, CompanyFile companies, EnrichmentCache answers, IOptions<HttpEnrichmentOptions> service, TimeProvider time,
    Planning.PolicyInForce policy, Mcp.Crm.ICrm crm, Analysis.IAnalyzer analyzer, IOptions<Saga.DeferralOptions> deferral, IOptions<RetryOptions> retry,
    ILogger<PipelineStart> logger) : IHostedService
{
    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await database.RunAsync(cancellationToken);
        await worker.StartAsync(cancellationToken);
        if (await companies.CheckAsync(cancellationToken) is CompanyLoad.Missing missing)
            throw new ConfigurationException($"Enrichment:Directory:File: '{missing.File}' does not exist");
        // Twice as old as they may be: until then they are better than nothing when the service is away.
        _ = await answers.RemoveAsync(time.GetUtcNow() - (2 * service.Value.TimeToLive), cancellationToken);
        Log.InForce(logger, worker.Id, analyzer.Name, crm.Provider, policy.Policy.Identity.Name, policy.Policy.Identity.Hash[..12]);
        Log.Patience(logger, retry.Value.Attempts, string.Join(", ", deferral.Value.DelaysInForce), deferral.Value.MaxAge);
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Worker {Worker}: analyzer {Analyzer}, CRM {Crm}, policy {Policy} ({Hash})")]
        public static partial void InForce(ILogger logger, int worker, string analyzer, string crm, string policy, string hash);

        [LoggerMessage(2, LogLevel.Information, "Faults: {Attempts} tries in place, then deferred for {Delays} (the last repeats), dead-lettered after {MaxAge}")]
        public static partial void Patience(ILogger logger, int attempts, string delays, TimeSpan maxAge);
    }
}
