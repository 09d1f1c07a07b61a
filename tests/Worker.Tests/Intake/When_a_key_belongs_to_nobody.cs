using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Storage.Sql;
using LeadPipeline.Worker.Tests.Http;
using Microsoft.Extensions.DependencyInjection;

namespace LeadPipeline.Worker.Tests.Intake;

/// <summary>A key that is taken, by a lead that there is not: rows that were restored or removed by hand.</summary>
public sealed class When_a_key_belongs_to_nobody
{
    [Test]
    public async Task Should_not_take_the_lead_for_a_copy_and_lose_it()
    {
        await using var service = await RunningService.StartAsync();
        var submitted = new LeadSubmitted { Lead = JsonElement.Parse("""{"email":"jane.doe@acme.example"}"""), Door = "api", IdempotencyKey = "k-1", BodyHash = "h", AcceptedAt = DateTimeOffset.UtcNow };
        var read = (ReadLead.Accepted)LeadReader.Read(submitted.Lead, new LeadOrigin("api", Trusted: false, "k-1", submitted.AcceptedAt), DateTimeOffset.UtcNow);
        await using (var session = await service.App.Services.GetRequiredService<SqlDatabase>().OpenAsync(CancellationToken.None))
            await session.ExecuteAsync("INSERT INTO intake_keys (key, lead_id, at) VALUES (@key, @lead, @at)", CancellationToken.None,
                ("key", read.Keys.Stable[0].Value), ("lead", Guid.NewGuid()), ("at", submitted.AcceptedAt));

        Assert.That(async () => await service.App.Services.GetRequiredService<IntakeHandler>().HandleAsync(submitted), Throws.InvalidOperationException);
    }
}
