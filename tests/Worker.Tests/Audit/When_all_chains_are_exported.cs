using LeadPipeline.Contracts;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Storage.Sql;
using LeadPipeline.Worker.Tests.Http;
using Microsoft.Extensions.DependencyInjection;

namespace LeadPipeline.Worker.Tests.Audit;

public sealed class When_all_chains_are_exported
{
    [Test]
    public async Task Should_tell_each_chain_as_it_is_told_alone_and_those_that_are_left_without_a_lead()
    {
        await using var service = await RunningService.StartAsync();
        var queries = service.App.Services.GetRequiredService<LeadQueries>();
        var leads = new List<Guid>();
        foreach (var person in (string[])["ada", "bob", "eve"])
            leads.Add(Guid.Parse((await service.CallAsync("POST", "/leads", body: $$"""{"email":"{{person}}@acme.example","company":"Acme"}""")).Json["leadId"]!.GetValue<string>()));
        await Eventually.ShouldAsync(async () => (await queries.OpenAsync(leads, CancellationToken.None)).Count == 0, "finish the leads");
        var alone = new List<AuditEvent>();
        foreach (var lead in leads)
            alone.AddRange((await queries.AuditAsync(lead, CancellationToken.None))!);
        await using (var session = await service.App.Services.GetRequiredService<SqlDatabase>().OpenAsync(CancellationToken.None))
            _ = await session.ExecuteAsync("DELETE FROM leads WHERE id = @id", CancellationToken.None, ("id", leads[2]));

        var all = new List<AuditEvent>();
        await foreach (var audit in queries.AuditsAsync(CancellationToken.None))
            all.Add(audit);

        var chains = all.GroupBy(e => e.LeadId).ToDictionary(g => g.Key, g => g.ToList());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(all.Select(e => e.LeadId).Distinct(), Is.EquivalentTo(leads));
            Assert.That(all, Has.Count.EqualTo(alone.Count));
            foreach (var lead in leads)
                Assert.That(chains[lead].Select(e => (e.Seq, e.Hash)), Is.EqualTo(alone.Where(e => e.LeadId == lead).Select(e => (e.Seq, e.Hash))));
            foreach (var lead in leads.Take(2))
                Assert.That(chains[lead].Select(e => e.Payload.ToString()), Is.EqualTo(alone.Where(e => e.LeadId == lead).Select(e => e.Payload.ToString())));
        }
    }
}
