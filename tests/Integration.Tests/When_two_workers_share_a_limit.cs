using Npgsql;

namespace LeadPipeline.Integration.Tests;

/// <summary>Two processes that have nothing in common but their servers, and one limit for all plans.</summary>
[Category("Integration")]
public sealed class When_two_workers_share_a_limit
{
    private const int Limit = 60, Leads = 90;

    [Test]
    public async Task Should_begin_so_many_plans_a_minute_together_and_put_the_others_off()
    {
        await using var state = await ServedState.CreateAsync();
        (string, string)[] settings = [("RateLimits__Global", $"{Limit}")];
        await using var first = await state.StartAsync(settings);
        await using var second = await state.StartAsync(settings);

        var began = DateTimeOffset.UtcNow;
        // The half each, and none that would end before it meets the limit.
        using var one = await first.PostAsync(Routed(0), trusted: true);
        using var two = await second.PostAsync(Routed(Leads / 2), trusted: true);
        var ids = (await one.JsonAsync())["results"]!.AsArray().Concat((await two.JsonAsync())["results"]!.AsArray()).Select(r => Guid.Parse(r!["leadId"]!.GetValue<string>())).ToList();
        await Eventually.ShouldAsync(
            async () => await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads WHERE pending IS NULL OR status = 'Deferred'") == Leads, "finish or put off every lead");
        var (finished, deferred) = await LookAsync(state.Database);
        var elapsed = DateTimeOffset.UtcNow - began;
        TestContext.Out.WriteLine($"{finished} of {Leads} after {elapsed.TotalSeconds:0.0} s, {deferred.Count} put off until {string.Join(", ", deferred.Take(3).Select(d => $"{(d.Due - began).TotalSeconds:0.0}"))} … {(deferred[^1].Due - began).TotalSeconds:0.0} s");

        // Only while the first of them are within the last minute can they be counted so simply.
        Assume.That(elapsed, Is.LessThan(TimeSpan.FromSeconds(50)));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(ids.Distinct().Count(), Is.EqualTo(Leads));
            Assert.That(finished, Is.EqualTo(Limit).Within(Limit * 0.05), "so many in a minute, by both together");
            Assert.That(finished, Is.LessThanOrEqualTo(Limit), "and never more");
            Assert.That(deferred.Select(d => d.Reason), Is.All.EqualTo("rate-limited-global"));
            Assert.That(deferred.Select(d => d.Due), Is.Unique, "everybody has a time of his own");
            Assert.That(deferred[0].Due - began, Is.GreaterThan(TimeSpan.FromSeconds(57)), "not before there is room again");
            Assert.That((deferred[^1].Due - deferred[0].Due).TotalSeconds, Is.EqualTo((deferred.Count - 1) * 60.0 / Limit).Within(5).Percent, "at the limit's pace");
            Assert.That(finished + deferred.Count, Is.EqualTo(Leads), "and none is lost");
        }
    }

    private static string Routed(int from) => "[" + string.Join(',', Enumerable.Range(from, Leads / 2).Select(n => GeneratedLeads.Lead(n * 5).ToJsonString())) + "]";

    private static async Task<(int Finished, List<(string? Reason, DateTimeOffset Due)> Deferred)> LookAsync(TestDatabase database)
    {
        await using var connection = await database.ConnectAsync();
        await using var command = new NpgsqlCommand("SELECT pending IS NULL, reason, due_at FROM leads ORDER BY due_at", connection);
        await using var rows = await command.ExecuteReaderAsync();
        var (finished, deferred) = (0, new List<(string?, DateTimeOffset)>());
        while (await rows.ReadAsync())
        {
            if (rows.GetBoolean(0))
                finished++;
            else
                deferred.Add((rows.IsDBNull(1) ? null : rows.GetString(1), rows.GetFieldValue<DateTimeOffset>(2)));
        }
        return (finished, deferred);
    }
}
