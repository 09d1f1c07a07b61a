using System.Text.Json;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Cli;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LeadPipeline.Worker.Tests.Messaging;

/// <summary>A process that is killed takes the embedded queue along. Its leads are in the database, and need not wait until somebody misses them.</summary>
[TestFixture]
public sealed class When_the_queue_in_memory_is_lost
{
    [Test]
    public async Task Should_go_on_with_every_lead_at_the_next_start()
    {
        using var folder = new TempFolder();
        var leads = await TakeInAndLoseAsync(folder);

        await using var next = Host(folder);
        var before = await (await next.LeadsAsync(CancellationToken.None)).OpenAsync(leads, CancellationToken.None);
        await next.StartAsync(CancellationToken.None);

        Assert.That(before, Is.EquivalentTo(leads));
        await UntilDoneAsync(next, leads);
    }

    /// <summary>What the sweeper has sent is in the queue again, and lost again.</summary>
    [Test]
    public async Task Should_go_on_with_every_lead_when_it_is_lost_a_second_time()
    {
        using var folder = new TempFolder();
        var leads = await TakeInAndLoseAsync(folder);
        await using (var again = Host(folder))
        {
            // Of the whole worker the sweeper only: nobody takes what it sends. The last lead has ended, and is done with when the round is.
            _ = await again.LeadsAsync(CancellationToken.None);
            await ChangeAsync(again, "UPDATE leads SET sweep_at = updated_at");
            await ChangeAsync(again, "UPDATE leads SET status = 'Completed', pending = NULL WHERE id = @lead", ("lead", leads[^1]));
            var sweeper = again.Services.GetServices<IHostedService>().OfType<LeadSweeper>().Single();
            await sweeper.StartAsync(CancellationToken.None);
            await Eventually.ShouldAsync(async () => await CountAsync(again, "pending IS NULL AND sweep_at IS NULL") == 1, "have swept them", TimeSpan.FromSeconds(30));
            await sweeper.StopAsync(CancellationToken.None);
        }

        await using var next = Host(folder);
        _ = await next.LeadsAsync(CancellationToken.None);
        Assert.That(await CountAsync(next, "pending IS NOT NULL AND sweep_at IS NOT NULL"), Is.EqualTo(leads.Count - 1), "each has a moment at which somebody looks at it");
        await next.StartAsync(CancellationToken.None);
        await UntilDoneAsync(next, leads);
    }

    /// <summary>A lead that was due, and had been sent, has no more time to wait for than one that never was deferred.</summary>
    [Test]
    public async Task Should_go_on_with_a_deferred_lead_whose_time_had_come()
    {
        using var folder = new TempFolder();
        var leads = await TakeInAndLoseAsync(folder);
        await using (var before = Host(folder))
        {
            _ = await before.LeadsAsync(CancellationToken.None);
            await ChangeAsync(before, "UPDATE leads SET status = 'Deferred', due_at = @due", ("due", DateTimeOffset.UtcNow - TimeSpan.FromSeconds(1)));
        }

        await using var next = Host(folder);
        await next.StartAsync(CancellationToken.None);
        await UntilDoneAsync(next, leads);
    }

    /// <summary>Never started, a host takes leads in, and none of them leaves its queue.</summary>
    private static async Task<List<Guid>> TakeInAndLoseAsync(TempFolder folder)
    {
        var leads = new List<Guid>();
        await using var killed = Host(folder);
        _ = await killed.LeadsAsync(CancellationToken.None);
        var door = killed.Services.GetRequiredService<LeadDoor>();
        foreach (var person in Enumerable.Range(0, 3))
        {
            var answer = await door.TakeAsync(JsonSerializer.SerializeToElement(new { email = $"person{person}@lost.example" }), "file", trusted: true, null, null, CancellationToken.None);
            leads.Add(((DoorAnswer.Accepted)answer).LeadId);
        }
        return leads;
    }

    private static async Task ChangeAsync(CliHost host, string sql, params (string, object?)[] parameters)
    {
        await using var session = await host.Services.GetRequiredService<SqlDatabase>().OpenAsync(CancellationToken.None);
        _ = await session.ExecuteAsync(sql, CancellationToken.None, parameters);
    }

    private static async Task<int> CountAsync(CliHost host, string which)
    {
        await using var session = await host.Services.GetRequiredService<SqlDatabase>().OpenReaderAsync(CancellationToken.None);
        return (await session.QueryAsync($"SELECT COUNT(*) FROM leads WHERE {which}", r => r.GetInt32(0), CancellationToken.None))[0];
    }

    private static async Task UntilDoneAsync(CliHost host, List<Guid> leads)
    {
        // Far less than what a command may be outstanding for.
        await Eventually.ShouldAsync(
            async () => (await host.Services.GetRequiredService<LeadQueries>().OpenAsync(leads, CancellationToken.None)).Count == 0, "finish them", TimeSpan.FromSeconds(30));
        await host.StopAsync();
    }

    private static CliHost Host(TempFolder folder) => new(WorkerApplication.Pipeline(new Dictionary<string, string?> { ["Data:Directory"] = folder.Path }, quiet: true));
}
