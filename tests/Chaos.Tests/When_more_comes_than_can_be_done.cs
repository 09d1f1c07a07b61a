using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace LeadPipeline.Chaos.Tests;

/// <summary>
/// Posts as fast as they are taken, to one worker with 256 MB of memory. <c>LEADPIPELINE_CHAOS_FLOOD</c> leads instead of a number that suits the tests: 50,000 are the full measure.
/// </summary>
[Category("Integration")]
[NonParallelizable]
public sealed class When_more_comes_than_can_be_done
{
    private const int APost = 100, MaxBacklog = 1000, Prefetch = 256, HandOver = 256, MostFloods = 20;

    /// <summary>
    /// How many leads that came later may be done before one that came first: what is in the hands of three consumers and of the two stages that leads are handed over to, and what two posts
    /// at once and an opened door may mix.
    /// </summary>
    private const int Fair = (3 * Prefetch) + (2 * HandOver) + (4 * APost);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    private static int Flood => int.TryParse(Environment.GetEnvironmentVariable("LEADPIPELINE_CHAOS_FLOOD"), NumberStyles.None, CultureInfo.InvariantCulture, out var leads) ? leads : 3000;

    [Test]
    public async Task Should_shut_the_doors_keep_the_order_and_the_memory_and_lose_nothing()
    {
        await using var state = await ServedState.CreateAsync();
        await using var worker = await state.StartAsync(
            ("DOTNET_GCHeapHardLimit", "0x10000000"), ("Messaging__MaxBacklog", MaxBacklog.ToString(CultureInfo.InvariantCulture)),
            ("Messaging__PrefetchCount", Prefetch.ToString(CultureInfo.InvariantCulture)), ("Messaging__HandOver", HandOver.ToString(CultureInfo.InvariantCulture)),
            // So that there is something to wait for, whatever the machine.
            ("Mock__Latency", "00:00:00.020"));
        var watch = Stopwatch.StartNew();
        var (accepted, shut, backlog) = await FloodAsync(state, worker, Flood, untilShut: true);
        var leads = accepted.Count;
        var posted = watch.Elapsed;
        var early = MemoryOf(worker);
        await Eventually.ShouldAsync(async () => await DoneAsync(state) == leads, "finish every lead", Patience);
        var late = MemoryOf(worker);

        var overtaken = await OvertakenAsync(state, accepted);
        await TestContext.Progress.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"{leads} leads accepted in {posted.TotalSeconds:0.0} s, done after {watch.Elapsed.TotalSeconds:0.0} s; the doors were shut {shut} times, at most {backlog} leads waited; at most {overtaken} later leads were done before one; {early} MB when all were posted, {late} MB at the end"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(worker.Process.HasExited, Is.False);
            Assert.That(shut, Is.Positive, "there was more than could be done");
            // Posts of a second come in before the next look.
            Assert.That(backlog, Is.LessThan(20 * MaxBacklog));
            Assert.That(overtaken, Is.LessThan(Fair), "the order is fair");
            Assert.That(late, Is.LessThan(450), "MB, the heap's limit and the runtime's own");
            Assert.That(await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM (SELECT effect_key FROM crm_activities WHERE effect_key IS NOT NULL GROUP BY 1 HAVING COUNT(*) > 1) AS twice"), Is.Zero);
            Assert.That(await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads WHERE status NOT IN ('Completed', 'Rejected')"), Is.Zero);
        }
    }

    [Test]
    public async Task Should_stop_in_time_and_have_nothing_to_do_again()
    {
        await using var state = await ServedState.CreateAsync();
        await using var worker = await state.StartAsync(("Mock__Latency", "00:00:00.500"));
        _ = await FloodAsync(state, worker, 500);
        await Eventually.ShouldAsync(async () => await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads WHERE status = 'Executing'") > 20, "have many plans under way");

        var watch = Stopwatch.StartNew();
        var code = await worker.Process.StopAsync();
        var took = watch.Elapsed;
        var halfDone = await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads WHERE status = 'Executing'");
        await using var next = await state.StartAsync();
        await Eventually.ShouldAsync(async () => await DoneAsync(state) == 500, "finish every lead", Patience);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.Zero);
            Assert.That(took, Is.LessThan(TimeSpan.FromSeconds(30)));
            Assert.That(halfDone, Is.Zero, "no plan is left in the middle");
            Assert.That(await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads WHERE epoch > 1"), Is.Zero, "no plan was begun twice");
            Assert.That(await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM audit_events WHERE stage = 'tool' AND kind IN ('unknown', 'resolved')"), Is.Zero, "nothing had to be read back");
        }
    }

    /// <summary>1,000 leads; <c>LEADPIPELINE_CHAOS_IN_FLIGHT</c> another number.</summary>
    [Test]
    public async Task Should_go_on_at_once_after_it_was_killed_with_many_leads_under_way()
    {
        var leads = int.TryParse(Environment.GetEnvironmentVariable("LEADPIPELINE_CHAOS_IN_FLIGHT"), NumberStyles.None, CultureInfo.InvariantCulture, out var ordered) ? ordered : 1000;
        await using var state = await ServedState.CreateAsync();
        // Nobody gets far while the CRM takes a minute.
        await using var worker = await state.StartAsync(("Mock__Latency", "00:01:00"), ("MCP_TOOL_TIMEOUT_MS", "120000"));
        _ = await FloodAsync(state, worker, leads);
        await Eventually.ShouldAsync(async () => await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads") + await state.Broker.DepthAsync("lead-intake") >= leads, "hold all leads");
        worker.Process.Kill();
        var before = await DoneAsync(state);

        var watch = Stopwatch.StartNew();
        await using var next = state.Start();
        await Eventually.ShouldAsync(async () => await DoneAsync(state) > before, "finish a lead");
        var first = watch.Elapsed;
        await Eventually.ShouldAsync(async () => await DoneAsync(state) == leads, "finish every lead", Patience);
        var all = watch.Elapsed;

        await TestContext.Progress.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"killed with {leads} leads in flight, {before} done: the first was done {first.TotalSeconds:0.0} s after the restart, all after {all.TotalSeconds:0.0} s"));
        using (Assert.EnterMultipleScope())
        {
            // 5 s on a machine that does nothing else, which is told above; on one that does, the start of the runtime alone takes longer. This much means that it waits for something.
            Assert.That(first, Is.LessThan(TimeSpan.FromMinutes(1)));
            Assert.That(await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads WHERE status NOT IN ('Completed', 'Rejected')"), Is.Zero);
        }
    }

    /// <summary>Posts as fast as it is let, two posts at once; answers when each lead was accepted by its number, how often a post was refused, and how many waited at most.</summary>
    /// <param name="state">Where they are held.</param>
    /// <param name="worker">Who is asked to take them.</param>
    /// <param name="leads">How many.</param>
    /// <param name="untilShut">Whether more are posted, up to a limit, until a post is refused: the worker looks at the backlog now and then only, and how much it is given to do in between is up to the machine.</param>
    private static async Task<(IReadOnlyDictionary<Guid, int> Accepted, int Shut, long Backlog)> FloodAsync(ServedState state, RunningWorker worker, int leads, bool untilShut = false)
    {
        var accepted = new ConcurrentDictionary<Guid, int>();
        var (posts, shut, backlog) = (0, 0, 0L);
        var numbered = Enumerable.Range(0, (untilShut ? MostFloods : 1) * leads / APost).TakeWhile(n => n < leads / APost || Volatile.Read(ref shut) == 0);
        await Parallel.ForEachAsync(numbered, new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (post, cancelled) =>
        {
            _ = Interlocked.Increment(ref posts);
            var numbers = Enumerable.Range(post * APost, APost).ToList();
            var body = "[" + string.Join(',', numbers.Select(n => Alone(n).ToJsonString())) + "]";
            await Eventually.ShouldAsync(async () =>
            {
                using var answer = await worker.PostAsync(body, trusted: true);
                if ((int)answer.StatusCode == 202)
                {
                    var results = (await answer.JsonAsync())["results"]!.AsArray();
                    for (var i = 0; i < APost; i++)
                        _ = accepted.TryAdd(Guid.Parse(results[i]!["leadId"]!.GetValue<string>()), numbers[i]);
                    return true;
                }
                if ((int)answer.StatusCode != 503 || answer.Headers.RetryAfter is null)
                    throw new InvalidOperationException($"{(int)answer.StatusCode} without a word when to come back");
                _ = Interlocked.Increment(ref shut);
                return false;
            }, $"accept post {post}", Patience);
            if (post % 5 == 0)
                backlog = Math.Max(backlog, await state.Broker.DepthAsync("lead-intake"));
        });
        Assert.That(accepted, Has.Count.EqualTo(posts * APost));
        return (accepted, shut, backlog);
    }

    /// <summary>A lead of a person who has no other: those wait for each other, which is not what is asked here.</summary>
    private static JsonObject Alone(int number) => GeneratedLeads.Lead((number / 4 * 5) + (number % 4));

    private static Task<long> DoneAsync(ServedState state) => state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads WHERE pending IS NULL");

    /// <summary>The most leads that were accepted later and done sooner than one.</summary>
    private static async Task<int> OvertakenAsync(ServedState state, IReadOnlyDictionary<Guid, int> accepted)
    {
        await using var connection = await state.Database.ConnectAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT id FROM leads ORDER BY updated_at";
        await using var reader = await command.ExecuteReaderAsync();
        var (rank, most) = (0, 0);
        while (await reader.ReadAsync())
            most = Math.Max(most, rank++ - accepted[reader.GetGuid(0)]);
        return most;
    }

    private static long MemoryOf(RunningWorker worker) =>
        long.Parse(File.ReadLines($"/proc/{worker.Process.Id}/status").Single(l => l.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
}
