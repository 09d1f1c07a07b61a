using System.Diagnostics.Metrics;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.TestKit;

namespace LeadPipeline.Mcp.Tests.Guards;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class GuardedCrmTests
{
    private static readonly CrmGuardSettings Settings = new() { MinimumThroughput = 4, BaseDelay = TimeSpan.FromMilliseconds(1), MaxDelay = TimeSpan.FromMilliseconds(1) };
    private static readonly CrmBatch Batch = new(Guid.Empty, "a@b.example", [Write("a"), Write("b")], new HashSet<string>());
    private readonly FakeTimeProvider time = new();
    private readonly Scripted inner = new();

    [Test]
    public async Task Should_not_know_the_outcome_of_a_write_without_an_answer()
    {
        inner.Write = async token =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return [];
        };

        var answer = Guarded().WriteAsync(Batch, CancellationToken.None);
        await time.UntilTimersAreArmedAsync();
        time.Advance(TimeSpan.FromSeconds(10));

        Assert.That(await answer, Has.Count.EqualTo(2).And.All.TypeOf<CrmOutcome.Unknown>());
    }

    [Test]
    public async Task Should_keep_what_the_crm_says_of_a_call_that_ran_out_of_time()
    {
        inner.Write = async token =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return [new CrmOutcome.Done("1", "1"), new CrmOutcome.Unknown("no answer")];
        };

        var answer = Guarded().WriteAsync(Batch, CancellationToken.None);
        await time.UntilTimersAreArmedAsync();
        time.Advance(TimeSpan.FromSeconds(10));

        Assert.That((await answer)[0], Is.TypeOf<CrmOutcome.Done>());
    }

    [Test]
    public async Task Should_tell_how_many_calls_are_under_way()
    {
        var (underWay, seen) = (0L, new List<long>());
        using var listener = new MeterListener { InstrumentPublished = (i, l) => { if (i.Name == "mcp_active_connections") l.EnableMeasurementEvents(i); } };
        // Counted where the call is made, so that calls of other tests do not get in between.
        var mine = Environment.CurrentManagedThreadId;
        listener.SetMeasurementEventCallback<long>((_, change, _, _) => { if (Environment.CurrentManagedThreadId == mine) seen.Add(underWay += change); });
        listener.Start();
        inner.Read = _ => Task.FromResult(new CrmView());
        inner.Write = _ => throw new InvalidOperationException("A fault of ours.");

        _ = await Guarded().ReadAsync(new CrmQuery(), CancellationToken.None);
        Assert.That(async () => await Guarded().WriteAsync(Batch, CancellationToken.None), Throws.InvalidOperationException);

        Assert.That(seen, Is.EqualTo(new[] { 1L, 0L, 1L, 0L }));
    }

    [Test]
    public void Should_let_the_caller_give_up()
    {
        using var caller = new CancellationTokenSource();
        inner.Write = async token =>
        {
            await caller.CancelAsync();
            token.ThrowIfCancellationRequested();
            return [];
        };

        Assert.That(async () => await Guarded().WriteAsync(Batch, caller.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task Should_open_the_breaker_when_half_of_the_writes_fail_and_try_one_when_it_has_waited()
    {
        var guarded = Guarded();
        inner.Write = _ => Task.FromResult<IReadOnlyList<CrmOutcome>>([new CrmOutcome.NotNow(NotNowKind.Transient, "503"), new CrmOutcome.NotTried()]);
        for (var i = 0; i < 4; i++)
            _ = await guarded.WriteAsync(Batch, CancellationToken.None);

        var refused = await guarded.WriteAsync(Batch, CancellationToken.None);
        var callsWhileOpen = inner.Calls;
        time.Advance(TimeSpan.FromSeconds(31));
        inner.Write = Done;
        var halfOpen = await guarded.WriteAsync(Batch, CancellationToken.None);
        var closed = await guarded.WriteAsync(Batch, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused[0], Is.TypeOf<CrmOutcome.NotNow>().With.Property("Kind").EqualTo(NotNowKind.BreakerOpen).And.Property("RetryAfter").Not.Null);
            Assert.That(refused[1], Is.TypeOf<CrmOutcome.NotTried>());
            Assert.That(callsWhileOpen, Is.EqualTo(4), "an open breaker makes no call");
            Assert.That(halfOpen.Concat(closed), Is.All.TypeOf<CrmOutcome.Done>());
        }
    }

    [Test]
    public async Task Should_open_again_when_the_one_try_fails()
    {
        var guarded = Guarded();
        inner.Write = _ => Task.FromResult<IReadOnlyList<CrmOutcome>>([new CrmOutcome.Unknown("no answer"), new CrmOutcome.NotTried()]);
        for (var i = 0; i < 4; i++)
            _ = await guarded.WriteAsync(Batch, CancellationToken.None);
        time.Advance(TimeSpan.FromSeconds(31));

        _ = await guarded.WriteAsync(Batch, CancellationToken.None);

        Assert.That((await guarded.WriteAsync(Batch, CancellationToken.None))[0], Is.TypeOf<CrmOutcome.NotNow>().With.Property("Kind").EqualTo(NotNowKind.BreakerOpen));
    }

    [TestCase(NotNowKind.RateLimited)]
    [TestCase(NotNowKind.Unauthorized)]
    public async Task Should_not_count_a_limit_or_bad_credentials_as_a_fault(NotNowKind kind)
    {
        var guarded = Guarded();
        inner.Write = _ => Task.FromResult<IReadOnlyList<CrmOutcome>>([new CrmOutcome.NotNow(kind, "no"), new CrmOutcome.NotTried()]);

        for (var i = 0; i < 20; i++)
            _ = await guarded.WriteAsync(Batch, CancellationToken.None);

        Assert.That(inner.Calls, Is.EqualTo(20));
    }

    [Test]
    public async Task Should_never_send_a_write_twice()
    {
        inner.Write = _ => Task.FromResult<IReadOnlyList<CrmOutcome>>([new CrmOutcome.NotNow(NotNowKind.Transient, "503"), new CrmOutcome.NotTried()]);

        _ = await Guarded().WriteAsync(Batch, CancellationToken.None);

        Assert.That(inner.Calls, Is.EqualTo(1));
    }

    [TestCase(NotNowKind.Transient, 3)]
    [TestCase(NotNowKind.RateLimited, 1)]
    public async Task Should_read_again_only_after_a_passing_fault(NotNowKind kind, int calls)
    {
        inner.Read = _ => throw new CrmUnavailableException(kind, "no");

        var answer = Guarded().ReadAsync(new CrmQuery(), CancellationToken.None);
        // The jitter decides whether there is a wait at all, so there is no timer to count on.
        await Eventually.ShouldAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(5));
                return answer.IsCompleted;
            },
            "give up");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(async () => await answer, Throws.TypeOf<CrmUnavailableException>().With.Property("Kind").EqualTo(kind));
            Assert.That(inner.Calls, Is.EqualTo(calls));
        }
    }

    [Test]
    public async Task Should_say_that_a_read_without_an_answer_may_be_tried_later()
    {
        inner.Read = async token =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return new CrmView();
        };

        var answer = new GuardedCrm(inner, Settings with { Attempts = 1 }, time).ReadAsync(new CrmQuery(), CancellationToken.None);
        await time.UntilTimersAreArmedAsync();
        time.Advance(TimeSpan.FromSeconds(10));

        Assert.That(async () => await answer, Throws.TypeOf<CrmUnavailableException>().With.Property("Kind").EqualTo(NotNowKind.Transient));
    }

    [Test]
    public async Task Should_tell_of_its_breakers_from_the_first_look_on()
    {
        var guarded = Guarded();
        var atFirst = Look();
        inner.Write = _ => Task.FromResult<IReadOnlyList<CrmOutcome>>([new CrmOutcome.NotNow(NotNowKind.Transient, "503", null, CrmFault.ServerError), new CrmOutcome.NotTried()]);
        for (var i = 0; i < 5; i++)
            _ = await guarded.WriteAsync(Batch, CancellationToken.None);

        var open = Look();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(atFirst["mcp_circuit_breaker_state scripted:write"], Is.Zero);
            Assert.That(atFirst["mcp_circuit_breaker_failures_total scripted:write dns_failure"], Is.Zero);
            Assert.That(open["mcp_circuit_breaker_state scripted:write"], Is.EqualTo(2));
            Assert.That(open["mcp_circuit_breaker_state scripted:read"], Is.Zero);
            Assert.That(open["mcp_circuit_breaker_requests_total scripted:write"], Is.EqualTo(5));
            Assert.That(open["mcp_circuit_breaker_rejections_total scripted:write"], Is.EqualTo(1));
            Assert.That(open["mcp_circuit_breaker_failures_total scripted:write server_error"], Is.EqualTo(4));
        }
    }

    [Test]
    public async Task Should_count_a_limit_among_failures_without_opening()
    {
        var guarded = Guarded();
        inner.Write = _ => Task.FromResult<IReadOnlyList<CrmOutcome>>([new CrmOutcome.NotNow(NotNowKind.RateLimited, "429"), new CrmOutcome.NotTried()]);

        for (var i = 0; i < 20; i++)
            _ = await guarded.WriteAsync(Batch, CancellationToken.None);

        Assert.That((guarded.Circuits[1].Failures(CrmFault.RateLimited), guarded.Circuits[1].Level), Is.EqualTo((20, 0)));
    }

    private static Dictionary<string, long> Look()
    {
        var seen = new Dictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == CrmMeters.Name && instrument.IsObservable)
                l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => seen[string.Join(' ', [instrument.Name, .. tags.ToArray().Where(t => t.Key != "crm_provider").Select(t => t.Value)])] = value);
        listener.Start();
        listener.RecordObservableInstruments();
        return seen;
    }

    private GuardedCrm Guarded() => new(inner, Settings, time);

    private static CreateRecord Write(string step) => new(step, "create_task", CrmObject.Task, step, null, new Dictionary<string, string>());

    private static Task<IReadOnlyList<CrmOutcome>> Done(CancellationToken token) =>
        Task.FromResult<IReadOnlyList<CrmOutcome>>([new CrmOutcome.Done("1", "1"), new CrmOutcome.Done("2", "1")]);

    private sealed class Scripted : ICrm
    {
        public string Provider => "scripted";

        public int Calls { get; private set; }

        public Func<CancellationToken, Task<CrmView>> Read { get; set; } = _ => throw new InvalidOperationException("no read was expected");

        public Func<CancellationToken, Task<IReadOnlyList<CrmOutcome>>> Write { get; set; } = _ => throw new InvalidOperationException("no write was expected");

        public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken)
        {
            Calls++;
            return Read(cancellationToken);
        }

        public Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken)
        {
            Calls++;
            return Write(cancellationToken);
        }
    }
}
