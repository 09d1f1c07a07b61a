namespace LeadPipeline.Integration.Tests;

/// <summary>SIGKILL at moments that nobody chose, on real servers. The seed is printed: with it the schedule is the same again.</summary>
[Category("Integration")]
public sealed class When_workers_are_killed
{
    private const int Leads = 500;

    [Test]
    public async Task Should_lose_no_lead_and_do_nothing_twice()
    {
        var random = Seeded(20261);
        await using var state = await ServedState.CreateAsync();
        var worker = await state.StartAsync();
        var sender = new LeadSender(() => worker);

        try
        {
            var sending = sender.SendAsync(0, Leads);
            foreach (var moment in Moments(random, kills: 4, Leads))
            {
                await Eventually.ShouldAsync(() => sender.Answered >= moment, $"have answered {moment} posts");
                // The count alone would always find the worker at the same place of its work.
                await Task.Delay(random.Next(0, 150));
                await KillAndStartAsync();
            }
            await sending;
            // And once more with all of them taken in and many under way.
            await KillAndStartAsync();
            await UntilDoneAsync(state, leads: Leads);
            await AssertPromisesAsync(state, sender, Leads);
            var outcomes = await Promises.OutcomesAsync(state.Database);
            Assert.That(outcomes.Keys, Is.SupersetOf(new[] { "ROUTE_TO_SDR", "NURTURE", "IGNORE", "Rejected" }), "the leads were of all kinds");
        }
        finally
        {
            await worker.DisposeAsync();
        }

        async Task KillAndStartAsync()
        {
            worker.Process.Kill();
            var killed = worker;
            worker = await state.StartAsync();
            await killed.DisposeAsync();
        }
    }

    [Test]
    public async Task Should_go_on_with_the_other_when_one_of_two_is_killed()
    {
        var random = Seeded(20262);
        await using var state = await ServedState.CreateAsync();
        await using var first = await state.StartAsync();
        await using var second = await state.StartAsync();
        var turn = 0;
        // Both doors are used, and the dead one's until nobody answers there.
        var sender = new LeadSender(() => !first.Process.HasExited && Interlocked.Increment(ref turn) % 2 == 0 ? first : second);

        var sending = sender.SendAsync(0, Leads);
        var moment = random.Next(Leads / 4, Leads / 2);
        await Eventually.ShouldAsync(() => sender.Answered >= moment, $"have answered {moment} posts");
        first.Process.Kill();
        await sending;

        await UntilDoneAsync(state, leads: Leads);
        await AssertPromisesAsync(state, sender, Leads);
    }

    [Test]
    public async Task Should_finish_what_is_under_way_when_it_is_only_asked_to_stop()
    {
        await using var state = await ServedState.CreateAsync();
        // Each lead takes longer than any default that would cut it short.
        await using var worker = await state.StartAsync(("Mock__Latency", "00:00:02"));
        using var posted = await worker.PostAsync("[" + string.Join(',', Enumerable.Range(0, 10).Select(GeneratedLeads.Lead)) + "]", trusted: true);
        await Eventually.ShouldAsync(async () => await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads WHERE status = 'Executing'") > 0, "begin with a plan");

        var code = await worker.Process.StopAsync();
        var halfDone = await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads WHERE status = 'Executing'");
        await using var next = await state.StartAsync();
        await UntilDoneAsync(state, next);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.Zero);
            Assert.That(halfDone, Is.Zero, "no plan is left in the middle");
            Assert.That(await Promises.BrokenAsync(state.Database, []), Is.Empty);
        }
    }

    private static Random Seeded(int seed)
    {
        TestContext.Out.WriteLine($"seed {seed}");
        return new Random(seed);
    }

    private static List<int> Moments(Random random, int kills, int leads) => [.. Enumerable.Range(0, kills).Select(_ => random.Next(10, leads - 10)).Order()];

    internal static async Task UntilDoneAsync(ServedState state, RunningWorker? worker = null, int leads = 0)
    {
        string? open = null;
        IReadOnlyList<string> left = [];
        long stored = 0;
        try
        {
            await Eventually.ShouldAsync(
                async () =>
                {
                    open = await state.Database.QueryAsync<string>("SELECT string_agg(id || ' ' || status || ' owner ' || COALESCE(owner, 0) || ' sweep ' || COALESCE(sweep_at::text, '-') || ' updated ' || updated_at, '; ') FROM (SELECT * FROM leads WHERE pending IS NOT NULL LIMIT 5) AS few");
                    left = await state.LeftOverAsync();
                    // The broker's figures are late, and after a restart they are none at all: that nothing is left is not to be believed alone.
                    stored = await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads");
                    return open is null && left.Count == 0 && stored >= leads;
                },
                "finish every lead and empty every queue");
        }
        catch (TimeoutException exception)
        {
            var consumed = (await state.Broker.QueuesAsync()).Select(q => $"{q.Name} by {q.Consumers}");
            var said = worker?.Process.Errors.Where(l => !l.Contains(" info: ", StringComparison.Ordinal)).TakeLast(20) ?? [];
            throw new TimeoutException($"{exception.Message} Stored: {stored} of {leads}. Open: {open ?? "none"}. In queues: {string.Join(", ", left)}. Consumed: {string.Join(", ", consumed)}.\n{string.Join('\n', said)}", exception);
        }
    }

    internal static async Task AssertPromisesAsync(ServedState state, LeadSender sender, int leads)
    {
        // The broker's figures are late: nothing may have meant nothing yet.
        await Eventually.ShouldAsync(async () => (await state.LeftOverAsync()).Count == 0, "leave no message behind, nor any for errors");
        var broken = await Promises.BrokenAsync(state.Database, sender.Accepted);
        var (code, verified) = await Cli.JsonAsync(["audit", "verify", "--json"], state.Folder.Path, state.Settings());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(sender.Accepted.Count(), Is.EqualTo(leads));
            Assert.That(broken, Is.Empty);
            Assert.That(code, Is.Zero);
            Assert.That(verified!["leads"]!.GetValue<int>(), Is.EqualTo(leads));
            Assert.That(verified["problems"]!.AsArray(), Is.Empty);
        }
    }
}
