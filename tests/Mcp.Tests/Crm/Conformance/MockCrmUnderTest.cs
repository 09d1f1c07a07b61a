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

    public MockCrmUnderTest(SqlDatabase database)
    {
        store = new MockCrmStore(database, Time);
        Crm = Guarded(MockFaults.None);
    }

    public ICrm Crm { get; private set; }

    public FakeTimeProvider Time { get; } = new();

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
        Crm = Guarded(MockFaults.Parse($"{tool}={fault switch
        {
            PlannedFault.RefusedConnection or PlannedFault.ServerError => "transient",
            PlannedFault.AcceptedThenDropped => "drop_after_accept",
            PlannedFault.NoAnswer => "timeout",
            PlannedFault.RateLimited => "rate_limited",
            PlannedFault.Unauthorized => "unauthorized",
            _ => "permanent",
        }}@1"));
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

        public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) => inner.ReadAsync(query, cancellationToken);

        public Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken)
        {
            var answer = inner.WriteAsync(batch, cancellationToken);
            if (under.planned is (PlannedFault.NoAnswer, var tool) && batch.Writes.Any(w => w.Tool == tool))
            {
                under.planned = null;
                under.Time.Advance(callTimeout);
            }
            return answer;
        }
    }
}
