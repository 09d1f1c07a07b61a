using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators;

namespace LeadPipeline.Mcp.Tests.Crm;

/// <summary>A provider that speaks HTTP to the simulator of its vendor. A planned fault strikes at the very call that carries the write.</summary>
internal abstract class VendorUnderTest : ICrmUnderTest
{
    private readonly VendorSimulator simulator;
    private readonly TimeSpan callTime;
    private (PlannedFault Fault, string Tool, CrmObject Kind)? planned;
    private Strike? strike;
    private LateWork? late;

    /// <param name="simulator">The vendor.</param>
    /// <param name="callTime">How long the provider waits for an answer.</param>
    protected VendorUnderTest(VendorSimulator simulator, TimeSpan callTime)
    {
        (this.simulator, this.callTime) = (simulator, callTime);
        Client = new HttpClient(new Wire(this)) { Timeout = Timeout.InfiniteTimeSpan };
        simulator.Faults.FailBy(Decide);
    }

    public ICrm Crm { get; private set; } = null!;

    public FakeTimeProvider Time { get; } = new();

    public CrashPoints Crashes { get; } = new();

    public abstract IReadOnlySet<CrmCapability> Lacks { get; }

    /// <summary>The way to the vendor.</summary>
    protected HttpClient Client { get; }

    public Task<IReadOnlyDictionary<string, int>> CountEffectsAsync() =>
        Task.FromResult<IReadOnlyDictionary<string, int>>(simulator.Effects.ToDictionary(e => OurKey(e.Key), e => e.Value));

    public abstract Task<string> CreateAsync(CrmObject kind, params (string Field, string Value)[] fields);

    public abstract Task EditAsync(CrmObject kind, string id, string field, string? value);

    public abstract Task DeleteAsync(CrmObject kind, string id);

    public abstract Task<IReadOnlyList<CrmRecord>> ListAsync(CrmObject kind);

    public void FailNext(PlannedFault fault, string tool, CrmObject kind)
    {
        // What was refused for good stays refused only for those who asked then.
        strike = null;
        planned = (fault, tool, kind);
    }

    public bool HasFailed => strike is { HasStruck: true };

    public async Task SettleAsync()
    {
        if (Interlocked.Exchange(ref late, null) is not { } work)
            return;
        work.Release.SetResult();
        await work.Fault.Worked.WaitAsync(Eventually.Patience);
    }

    public virtual async ValueTask DisposeAsync()
    {
        await SettleAsync();
        await simulator.DisposeAsync();
        Client.Dispose();
    }

    /// <summary>Puts the guards around the provider, as the worker does.</summary>
    // A read that failed would wait for a clock that stands still.
    protected void Guard(ICrm provider) => Crm = new GuardedCrm(new Watched(this, provider), new CrmGuardSettings { CallTimeout = TimeSpan.FromMinutes(1), Attempts = 1 }, Time);

    /// <summary>Which part of a call carries a write out; null: none.</summary>
    protected abstract int? PartOf(CrmWrite write, string operation, string path, JsonNode? body);

    /// <summary>How the vendor says that there were too many calls.</summary>
    protected abstract SimulatorFault TooMany { get; }

    /// <summary>How the vendor refuses a part for good.</summary>
    protected abstract SimulatorFault Refused(string operation, int part);

    /// <summary>The operation that a request is of.</summary>
    protected abstract string OperationOf(HttpRequestMessage request);

    /// <summary>An effect key as the vendor keeps it, as we know it.</summary>
    protected virtual string OurKey(string theirs) => theirs;

    private SimulatorFault? Decide(string operation, SimulatedRequest request)
    {
        if (strike is not { Left: > 0, Fault: not PlannedFault.RefusedConnection } now || PartOf(now.Write, operation, request.Path, request.Json()) is not { } part)
            return null;
        now.Hit();
        switch (now.Fault)
        {
            case PlannedFault.ServerError:
                return new SimulatorFault.Refuse(503);
            case PlannedFault.AcceptedThenDropped:
                return new SimulatorFault.AcceptAndDrop();
            case PlannedFault.RateLimited:
                return TooMany;
            case PlannedFault.Unauthorized:
                return new SimulatorFault.Refuse(401);
            case PlannedFault.TokenExpired:
                return new SimulatorFault.RotateToken();
            case PlannedFault.PartRefused:
                return Refused(operation, part);
            case PlannedFault.NoAnswer:
                GiveUp();
                return new SimulatorFault.Silence();
            default:
                var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                var work = new SimulatorFault.WorkLate(release.Task);
                late = new LateWork(now.Fault, release, work);
                GiveUp();
                return work;
        }
    }

    // On a thread of its own: whoever waits for the answer goes on on it.
    private void GiveUp() => _ = Task.Run(() => Time.Advance(callTime));

    private void Arm(CrmBatch batch)
    {
        if (planned is not var (fault, tool, kind))
            return;
        if ((batch.Writes.FirstOrDefault(w => w.Tool == tool && w.Object == kind) ?? batch.Writes.FirstOrDefault(w => w.Tool == tool)) is { } write)
            (planned, strike) = (null, new Strike(fault, write));
    }

    /// <summary>A fault that is due, and at which write.</summary>
    private sealed class Strike(PlannedFault fault, CrmWrite write)
    {
        public PlannedFault Fault => fault;

        public CrmWrite Write => write;

        // A refusal for good is given again to whoever asks again; credentials are refused together with the refreshed ones.
        public int Left { get; private set; } = fault switch { PlannedFault.PartRefused => int.MaxValue, PlannedFault.Unauthorized => 2, _ => 1 };

        public bool HasStruck { get; private set; }

        public void Hit() => (Left, HasStruck) = (Left - 1, true);
    }

    private sealed record LateWork(PlannedFault Lands, TaskCompletionSource Release, SimulatorFault.WorkLate Fault);

    private sealed class Watched(VendorUnderTest under, ICrm inner) : ICrm
    {
        public string Provider => inner.Provider;

        public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) => inner.ReadAsync(query, cancellationToken);

        public async Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken)
        {
            var overdue = under.late;
            under.Arm(batch);
            if (overdue is { Lands: PlannedFault.LateBeforeRetry })
                await under.SettleAsync();
            var outcomes = await inner.WriteAsync(batch, cancellationToken);
            if (overdue is { Lands: PlannedFault.LateAfterRetry })
                await under.SettleAsync();
            return outcomes;
        }
    }

    /// <summary>The wire: it can lead to where nobody listens, and the process can end before and after each exchange.</summary>
    private sealed class Wire(VendorUnderTest under) : DelegatingHandler(VendorHttp.NewHandler())
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            under.Crashes.Pass();
            if (under.strike is { Left: > 0, Fault: PlannedFault.RefusedConnection } now && await CarriesAsync(now.Write, request, cancellationToken))
            {
                now.Hit();
                request.RequestUri = new Uri("http://127.0.0.1:1/");
            }
            var response = await base.SendAsync(request, cancellationToken);
            under.Crashes.Pass();
            return response;
        }

        private async Task<bool> CarriesAsync(CrmWrite write, HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var text = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
            var body = text.StartsWith('{') ? JsonNode.Parse(text) : null;
            return under.PartOf(write, under.OperationOf(request), request.RequestUri!.AbsolutePath, body) is not null;
        }
    }
}
