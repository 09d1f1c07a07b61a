using System.Globalization;

namespace LeadPipeline.Integration.Tests;

/// <summary>
/// What a lead costs in things that can be counted, which are the same on every machine: statements, write transactions, bytes asked of the runtime.
/// The bounds leave a fifth to chance, those on groups more; who exceeds one has made every lead dearer.
/// </summary>
[Category("Integration")]
public sealed class When_the_cost_of_a_lead_is_counted
{
    private const double MostStatementsAlone = 12.7;

    [Test]
    public async Task Should_stay_within_its_bounds_for_a_lead_alone()
    {
        const int Warm = 5, Leads = 20;
        await using var state = await ServedState.CreateAsync();
        await using var worker = await state.StartAsync();

        await OneByOneAsync(state, worker, 0, Warm);
        var before = await CountAsync(state, worker);
        await OneByOneAsync(state, worker, Warm, Leads);
        var after = await CountAsync(state, worker);

        Report("alone", before, after, Leads);
        using (Assert.EnterMultipleScope())
        {
            // Intake, beginning of the execution with the analysis, its end, the CRM's own, the mark of what was published.
            Assert.That((after.Transactions - before.Transactions) / (double)Leads, Is.LessThanOrEqualTo(5.5), "write transactions a lead");
            Assert.That((after.Statements - before.Statements) / Leads, Is.LessThanOrEqualTo(MostStatementsAlone), "SQL statements a lead");
        }
    }

    [Test]
    public async Task Should_share_what_it_costs_with_others_under_load()
    {
        const int Warm = 400, Leads = 600;
        await using var state = await ServedState.CreateAsync();
        await using var worker = await state.StartAsync();
        var sender = new LeadSender(() => worker);

        await AllAtOnceAsync(0, Warm);
        var before = await CountAsync(state, worker);
        await AllAtOnceAsync(Warm, Leads);
        var after = await CountAsync(state, worker);

        Report("under load", before, after, Leads);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((after.Transactions - before.Transactions) / (double)Leads, Is.LessThanOrEqualTo(1), "write transactions a lead");
            Assert.That((after.Statements - before.Statements) / Leads, Is.LessThanOrEqualTo(2), "SQL statements a lead");
            Assert.That((after.Allocated - before.Allocated) / Leads / 1000, Is.LessThanOrEqualTo(340), "kB allocated a lead");
        }

        async Task AllAtOnceAsync(int from, int count)
        {
            await sender.SendAsync(from, count, together: 64);
            await Eventually.ShouldAsync(async () => await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads WHERE pending IS NULL AND status <> 'Accepted'") >= from + count, $"finish {from + count} leads");
        }
    }

    private static async Task OneByOneAsync(ServedState state, RunningWorker worker, int from, int count)
    {
        for (var i = from; i < from + count; i++)
        {
            using var posted = await worker.PostAsync(GeneratedLeads.Lead(i).ToJsonString(), trusted: true);
            var lead = Guid.Parse((await posted.JsonAsync())["leadId"]!.GetValue<string>());
            // Looked up past the worker: each look at its door costs statements too, and how many there are is up to the machine.
            await Eventually.ShouldAsync(async () => await state.Database.QueryAsync<long>($"SELECT COUNT(*) FROM leads WHERE id = '{lead}' AND pending IS NULL AND audit_published = audit_seq") == 1, $"finish lead {lead}");
        }
    }

    private static async Task<Counts> CountAsync(ServedState state, RunningWorker worker)
    {
        var metrics = await worker.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        return new Counts(
            await state.Database.QueryAsync<long>("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"),
            Sum(metrics, "db_client_operation_duration_count"),
            Sum(metrics, "dotnet_gc_heap_total_allocated"));
    }

    private static double Sum(string metrics, string name)
    {
        var found = metrics.Split('\n').Where(l => l.StartsWith(name, StringComparison.Ordinal)).Select(l => double.Parse(l.AsSpan(l.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture)).ToList();
        Assert.That(found, Is.Not.Empty, $"{name} is measured");
        return found.Sum();
    }

    private static void Report(string how, Counts before, Counts after, double leads) => TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"A lead {how}: {(after.Transactions - before.Transactions) / leads:0.0} write transactions, {(after.Statements - before.Statements) / leads:0.0} statements, {(after.Allocated - before.Allocated) / leads / 1000:0} kB"));

    private sealed record Counts(long Transactions, double Statements, double Allocated);
}
