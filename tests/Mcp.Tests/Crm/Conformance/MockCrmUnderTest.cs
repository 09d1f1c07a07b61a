using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Storage.MockCrm;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Mcp.Tests.Crm;

/// <summary>The mock CRM in a database, its faults set off by the suite.</summary>
public sealed class MockCrmUnderTest : ICrmUnderTest
{
    private readonly MockCrmStore store;
    private (PlannedFault Fault, string Tool)? planned;
    private (PlannedFault Lands, CrmBatch Batch)? late;

    public MockCrmUnderTest(SqlDatabase database)
    {
        store = new MockCrmStore(database, Time);
        Crm = Guarded(MockFaults.None);
    }

    public ICrm Crm { get; private set; }

    public FakeTimeProvider Time { get; } = new();

    public CrashPoints Crashes { get; } = new();

    public async Task<IReadOnlyDictionary<string, int>> CountEffectsAsync()
    {
        var keys = new List<string>();
        foreach (var kind in Enum.GetValues<CrmObject>())
            keys.AddRange((await ListAsync(kind)).Select(r => r.EffectKey).OfType<string>());
        return keys.CountBy(k => k).ToDictionary();
    }

    public IReadOnlySet<CrmCapability> Lacks { get; } = new HashSet<CrmCapability>();

    public async Task<string> CreateAsync(CrmObject kind, params (string Field, string Value)[] fields)
    {
        // The store makes ids of keys; this one is nobody's step.
        var key = $"person/{Guid.NewGuid():N}";
        return (await WriteAsync(new CreateRecord("person", "person", kind, key, null, fields.ToDictionary(f => f.Field, f => f.Value)))).RecordId;
    }

    public Task EditAsync(CrmObject kind, string id, string field, string? value) =>
        WriteAsync(new UpdateRecord("person", "person", kind, new RecordRef(id, null), new Dictionary<string, string?> { [field] = value }, null));

    public Task DeleteAsync(CrmObject kind, string id) => WriteAsync(new RemoveRecord("person", "person", kind, id, null));

    public Task<IReadOnlyList<CrmRecord>> ListAsync(CrmObject kind) => store.ListAsync(kind, 100_000, CancellationToken.None);

    public void FailNext(PlannedFault fault, string tool, CrmObject kind)
    {
        planned = (fault, tool);
        // The mock logs in to nothing, and what comes late is not a fault of the mock's.
        Crm = Guarded(fault is PlannedFault.TokenExpired or PlannedFault.LateBeforeRetry or PlannedFault.LateAfterRetry ? MockFaults.None : MockFaults.Parse($"{tool}={fault switch
        {
            PlannedFault.RefusedConnection or PlannedFault.ServerError => "transient",
            PlannedFault.AcceptedThenDropped => "drop_after_accept",
            PlannedFault.NoAnswer => "timeout",
            PlannedFault.RateLimited => "rate_limited",
            PlannedFault.Unauthorized => "unauthorized",
            _ => "permanent",
        }}@{(fault == PlannedFault.PartRefused ? "*" : "1")}"));
    }

    public bool HasFailed => planned is null;

    public async Task SettleAsync()
    {
        if (late is not { } work)
            return;
        late = null;
        _ = await store.WriteAsync(work.Batch, CancellationToken.None);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private GuardedCrm Guarded(MockFaults faults)
    {
        var settings = new CrmGuardSettings();
        return new GuardedCrm(new Watched(this, new MockCrm(store, faults, () => TimeSpan.Zero, Time), settings.CallTimeout), settings, Time);
    }

    private async Task<CrmOutcome.Done> WriteAsync(CrmWrite write)
    {
        var batch = new CrmBatch(Guid.Empty, Guid.NewGuid().ToString(), [write], new HashSet<string>());
        return (CrmOutcome.Done)(await store.WriteAsync(batch, CancellationToken.None))[0];
    }

    /// <summary>A call that is never answered would wait for ever on a clock that stands still.</summary>
    private sealed class Watched(MockCrmUnderTest under, ICrm inner, TimeSpan callTimeout) : ICrm
    {
        public string Provider => inner.Provider;

        public async Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken)
        {
            under.Crashes.Pass();
            var view = await inner.ReadAsync(query, cancellationToken);
            under.Crashes.Pass();
            return view;
        }

        public async Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken)
        {
            under.Crashes.Pass();
            if (under.late is { Lands: PlannedFault.LateBeforeRetry })
                await under.SettleAsync();
            var overdue = under.late;
            var outcomes = await SendAsync(batch, cancellationToken);
            if (overdue is not null)
                await under.SettleAsync();
            under.Crashes.Pass();
            return outcomes;
        }

        private async Task<IReadOnlyList<CrmOutcome>> SendAsync(CrmBatch batch, CancellationToken cancellationToken)
        {
            var struck = under.planned is var (fault, tool) && batch.Writes.Any(w => w.Tool == tool) ? under.planned?.Fault : null;
            if (struck is not null)
                under.planned = null;
            if (struck is PlannedFault.LateBeforeRetry or PlannedFault.LateAfterRetry)
            {
                under.late = (struck.Value, batch);
                return [.. batch.Writes.Select(_ => new CrmOutcome.Unknown("the answer is late", CrmFault.Timeout))];
            }
            var answer = inner.WriteAsync(batch, cancellationToken);
            if (struck == PlannedFault.NoAnswer)
                under.Time.Advance(callTimeout);
            return await answer;
        }
    }
}
