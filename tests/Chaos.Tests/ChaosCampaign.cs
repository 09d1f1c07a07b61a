using System.Diagnostics;
using LeadPipeline.TestKit.Simulators.Gemini;
using LeadPipeline.TestKit.Simulators.HubSpot;
using Npgsql;

namespace LeadPipeline.Chaos.Tests;

/// <summary>
/// Leads go through workers while everything that they stand on fails. In the end all of it is mended, and the oracle looks at what has come of them.
/// </summary>
internal sealed class ChaosCampaign : IAsyncDisposable
{
    /// <summary>How long the workers may take for what is left once nothing fails any more. A failing campaign waits it out.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    /// <summary>So much is done to it even if that takes half as long again.</summary>
    private const int Least = 12;

    /// <summary>After so long it is told what the workers are still busy with.</summary>
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    private readonly ChaosOptions options;
    private readonly ServedState state;
    private readonly HubSpotSimulator crm;
    private readonly GeminiSimulator model;
    private readonly VendorTrouble trouble;
    private readonly TcpProxy database, broker;
    private readonly List<ChaosWorker> workers;
    private readonly Dictionary<ChaosKind, int> done = [];

    private ChaosCampaign(ChaosOptions options, ServedState state, HubSpotSimulator crm, GeminiSimulator model)
    {
        (this.options, this.state, this.crm, this.model) = (options, state, crm, model);
        trouble = new VendorTrouble(options.Seed);
        crm.Faults.FailBy(trouble.OfCrm);
        model.Faults.FailBy(trouble.OfModel);
        model.Reply = trouble.Answer;
        database = TcpProxy.Start(new NpgsqlConnectionStringBuilder(state.Database.ConnectionString).Port);
        broker = TcpProxy.Start(state.Broker.Uri.Port);
        workers = [.. Enumerable.Range(0, options.Workers).Select(_ => new ChaosWorker(state.Folder.Path, Settings()))];
    }

    public static async Task<ChaosCampaign> PrepareAsync(ChaosOptions options) =>
        new(options, await ServedState.CreateAsync(), await HubSpotSimulator.StartAsync(), await GeminiSimulator.StartAsync());

    /// <summary>Runs it to its end and answers what came of it.</summary>
    public async Task<ChaosReport> RunAsync(CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        foreach (var worker in workers)
            worker.Start();
        foreach (var worker in workers)
            await worker.Running!.Process.UntilReadyAsync(worker.Running.Address);
        await TestBroker.LetQueuesSettleAsync();

        var sender = new ChaosSender(workers);
        var sending = sender.SendAsync(options.Leads, options.Trouble * 0.8, cancellationToken);
        await DisturbAsync(cancellationToken);
        await MendAsync();
        using (var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        {
            limit.CancelAfter(Patience);
            await sending.WaitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        var mended = Stopwatch.StartNew();
        var oracle = new ChaosOracle(state, crm);
        var outstanding = await SettleAsync(oracle, sender.Answered);
        var settled = mended.Elapsed;
        return new ChaosReport
        {
            Options = options,
            Accepted = sender.Answered,
            Broken = sender.Answered == options.Leads ? await oracle.BrokenAsync(sender.Accepted) : [$"{options.Leads - sender.Answered} leads were not accepted by anybody", .. await oracle.BrokenAsync(sender.Accepted)],
            Outcomes = await oracle.OutcomesAsync(),
            Effects = await oracle.EffectsAsync(),
            Acts = done.OrderBy(d => d.Key).ToDictionary(d => d.Key.ToString(), d => d.Value),
            Faults = trouble.Struck.OrderBy(s => s.Key, StringComparer.Ordinal).ToDictionary(s => s.Key, s => s.Value),
            Refusals = sender.Otherwise.OrderBy(o => o.Key, StringComparer.Ordinal).ToDictionary(o => o.Key, o => o.Value),
            LongestAnswer = sender.Longest,
            LongestStop = workers.Max(w => w.LongestStop),
            Died = [.. workers.SelectMany(w => w.Died)],
            Settled = settled,
            Outstanding = outstanding,
            Took = watch.Elapsed,
            CrmCalls = crm.Calls(),
            ModelCalls = model.Calls(),
            Said = [.. workers.SelectMany(w => w.Running!.Process.Errors.Where(l => !l.Contains(" info: ", StringComparison.Ordinal)).TakeLast(30))],
        };
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in workers)
            await worker.DisposeAsync();
        await MendServersAsync();
        await database.DisposeAsync();
        await broker.DisposeAsync();
        await crm.DisposeAsync();
        await model.DisposeAsync();
        await state.DisposeAsync();
    }

    private async Task DisturbAsync(CancellationToken cancellationToken)
    {
        var begun = Stopwatch.StartNew();
        foreach (var act in ChaosSchedule.Of(options.Seed, options.Workers))
        {
            // By the clock, and on a slow machine by what was done.
            if ((begun.Elapsed + act.Wait >= options.Trouble && done.Values.Sum() >= Least) || begun.Elapsed >= options.Trouble * 1.5)
                return;
            await ProgressAsync();
            await Task.Delay(act.Wait, cancellationToken);
            await DoAsync(act, cancellationToken);
            done[act.Kind] = done.GetValueOrDefault(act.Kind) + 1;
        }
    }

    /// <summary>Waits until a worker is there to be hurt, but not for ever: what was done before may keep them all from it.</summary>
    private async Task ProgressAsync()
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromSeconds(4);)
        {
            foreach (var worker in workers)
                await worker.SeeAsync();
            if ((await Task.WhenAll(workers.Select(w => w.IsReadyAsync()))).Contains(true))
                return;
            await Task.Delay(100);
        }
    }

    private async Task DoAsync(ChaosAct act, CancellationToken cancellationToken)
    {
        switch (act.Kind)
        {
            case ChaosKind.KillWorker:
                await workers[act.Worker].KillAsync();
                break;
            case ChaosKind.StopWorker:
                await workers[act.Worker].StopAsync();
                break;
            case ChaosKind.FreezeWorker:
                await workers[act.Worker].FreezeAsync(act.For);
                break;
            case ChaosKind.KillDatabase:
                await ServerControl.KillAsync(TestServer.Database);
                await ServerControl.StartAsync(TestServer.Database);
                break;
            case ChaosKind.RestartBroker:
                // Stopped, not killed: this broker, killed, may bring a young queue back without a leader, which no worker can help.
                await ServerControl.StopAsync(TestServer.Broker);
                await ServerControl.StartAsync(TestServer.Broker);
                break;
            case ChaosKind.PauseDatabase:
                await ForAWhileAsync(() => ServerControl.PauseAsync(TestServer.Database), () => ServerControl.ResumeAsync(TestServer.Database));
                break;
            case ChaosKind.PauseBroker:
                await ForAWhileAsync(() => ServerControl.PauseAsync(TestServer.Broker), () => ServerControl.ResumeAsync(TestServer.Broker));
                break;
            case ChaosKind.CutDatabase:
                database.Cut();
                break;
            case ChaosKind.CutBroker:
                broker.Cut();
                break;
            case ChaosKind.HoldDatabase:
                await ForAWhileAsync(() => Now(database.Hold), () => Now(database.Release));
                break;
            case ChaosKind.HoldBroker:
                await ForAWhileAsync(() => Now(broker.Hold), () => Now(broker.Release));
                break;
            case ChaosKind.LoseDatabaseAnswers:
                await ForAWhileAsync(() => Now(database.LoseAnswers), () => Now(database.FindAnswers));
                break;
            case ChaosKind.LoseBrokerAnswers:
                await ForAWhileAsync(() => Now(broker.LoseAnswers), () => Now(broker.FindAnswers));
                break;
            case ChaosKind.SlowDatabase:
                await ForAWhileAsync(() => Now(() => database.Delay = TimeSpan.FromMilliseconds(100)), () => Now(database.Heal));
                break;
            case ChaosKind.SlowBroker:
                await ForAWhileAsync(() => Now(() => broker.Delay = TimeSpan.FromMilliseconds(100)), () => Now(broker.Heal));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(act), act.Kind, "Nobody knows how.");
        }

        async Task ForAWhileAsync(Func<Task> begin, Func<Task> end)
        {
            await begin();
            await Task.Delay(act.For, cancellationToken);
            await end();
        }
    }

    private static Task Now(Action act)
    {
        act();
        return Task.CompletedTask;
    }

    private async Task MendAsync()
    {
        trouble.End();
        database.Heal();
        broker.Heal();
        await MendServersAsync();
    }

    private static async Task MendServersAsync()
    {
        await ServerControl.StartAsync(TestServer.Database);
        await ServerControl.StartAsync(TestServer.Broker);
    }

    /// <summary>Waits until nothing is outstanding, and answers what was so for longer than it should. That it comes to an end is for the oracle to say.</summary>
    private async Task<string?> SettleAsync(ChaosOracle oracle, int accepted)
    {
        string? outstanding = null;
        var watch = Stopwatch.StartNew();
        try
        {
            await Eventually.ShouldAsync(async () =>
            {
                foreach (var worker in workers)
                    await worker.SeeAsync();
                if (await oracle.IsQuietAsync(accepted))
                    return true;
                if (watch.Elapsed > Long && outstanding is null)
                    outstanding = await oracle.OutstandingAsync();
                return false;
            }, "finish every lead", Patience);
        }
        catch (TimeoutException)
        {
        }
        return outstanding;
    }

    private Dictionary<string, string> Settings()
    {
        var throughProxy = new NpgsqlConnectionStringBuilder(state.Database.ConnectionString) { Port = database.Port, Host = "127.0.0.1" };
        return state.Settings(
            ("ConnectionStrings__Database", throughProxy.ConnectionString),
            ("ConnectionStrings__Broker", new UriBuilder(state.Broker.Uri) { Host = "127.0.0.1", Port = broker.Port }.Uri.ToString()),
            ("CRM_PROVIDER", "HUBSPOT"), ("HubSpot__BaseUrl", crm.Address.ToString()), ("HUBSPOT_ACCESS_TOKEN", crm.Token), ("HubSpot__CallsPerTenSeconds", "0"),
            ("Analysis__Analyzer", "Gemini"), ("Gemini__BaseUrl", model.Address.ToString()), ("GEMINI_API_KEY", GeminiSimulator.ApiKey),
            ("Analysis__Timeout", "00:00:02"), ("Analysis__RequestsPerMinute", "0"), ("Analysis__TokensPerMinute", "0"),
            ("RateLimits__PerLead", "0"), ("RateLimits__PerAccount", "0"), ("RateLimits__Global", "0"),
            ("MCP_TOOL_TIMEOUT_MS", "2000"), ("Crm__SettleTime", "00:00:06"), ("Retry__BaseDelay", "00:00:00.100"), ("Retry__MaxDelay", "00:00:01"),
            ("Breaker__MinimumThroughput", "20"), ("Breaker__Window", "00:00:05"), ("Breaker__BreakDuration", "00:00:02"),
            ("Deferral__Delays__0", "00:00:01"), ("Deferral__Delays__1", "00:00:02"), ("Deferral__Delays__2", "00:00:04"),
            ("Messaging__PublishTimeout", "00:00:02"), ("Messaging__ResendAfter", "00:00:08"), ("Messaging__SweepInterval", "00:00:00.500"),
            ("Messaging__CollectInterval", "00:00:01"), ("Messaging__WatchdogPatience", "00:00:10"));
    }
}
