using System.Text.Json;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Cli;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Ops;
using Microsoft.Extensions.DependencyInjection;

namespace LeadPipeline.Worker.Tests.Messaging;

/// <summary>A process that is killed takes the embedded queue along. Its leads are in the database, and need not wait until somebody misses them.</summary>
[TestFixture]
public sealed class When_the_queue_in_memory_is_lost
{
    [Test]
    public async Task Should_go_on_with_every_lead_at_the_next_start()
    {
        using var folder = new TempFolder();
        var leads = new List<Guid>();
        await using (var killed = Host(folder))
        {
            // Never started: it takes leads in, and none of them leaves its queue.
            _ = await killed.LeadsAsync(CancellationToken.None);
            var door = killed.Services.GetRequiredService<LeadDoor>();
            foreach (var person in Enumerable.Range(0, 3))
            {
                var answer = await door.TakeAsync(JsonSerializer.SerializeToElement(new { email = $"person{person}@lost.example" }), "file", trusted: true, null, null, CancellationToken.None);
                leads.Add(((DoorAnswer.Accepted)answer).LeadId);
            }
        }

        await using var next = Host(folder);
        var before = await (await next.LeadsAsync(CancellationToken.None)).OpenAsync(leads, CancellationToken.None);
        await next.StartAsync(CancellationToken.None);

        Assert.That(before, Is.EquivalentTo(leads));
        // Far less than what a command may be outstanding for.
        await Eventually.ShouldAsync(
            async () => (await next.Services.GetRequiredService<LeadQueries>().OpenAsync(leads, CancellationToken.None)).Count == 0, "finish them", TimeSpan.FromSeconds(30));
        await next.StopAsync();
    }

    private static CliHost Host(TempFolder folder) => new(WorkerApplication.Pipeline(new Dictionary<string, string?> { ["Data:Directory"] = folder.Path }, quiet: true));
}
