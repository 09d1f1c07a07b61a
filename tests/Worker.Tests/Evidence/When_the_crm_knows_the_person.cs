using System.Text.Json.Nodes;
using LeadPipeline.Worker.Tests.WhatIf;
using LeadPipeline.Worker.WhatIf;

namespace LeadPipeline.Worker.Tests.Evidence;

/// <summary>Through the whole pipeline: what the CRM holds of a person is evidence for the next lead of theirs.</summary>
[TestFixture]
public sealed class When_the_crm_knows_the_person
{
    [Test]
    public async Task Should_know_the_record_its_account_and_what_is_open()
    {
        await using var leads = await RecordedLeads.StartAsync();
        var post = leads.Hot();
        var first = await leads.EndedAsync(await leads.WorkOnAsync(post), 1);
        post["externalId"] = "second";

        var second = await leads.WorkOnAsync(post);
        var (run, _) = await leads.Get<RecordedRuns>().FindAsync(second, CancellationToken.None);

        var crm = run!.Snapshot.Leaves.Where(l => l.Key.StartsWith("crm.", StringComparison.Ordinal)).ToDictionary(l => l.Key, l => l.Value);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(crm["crm.leadId"].Value.GetString(), Is.EqualTo(Record(first, "upsert_lead")));
            Assert.That(crm["crm.accountId"].Value.GetString(), Is.EqualTo(Record(first, "match_account")));
            Assert.That(crm["crm.accountName"].Value.GetString(), Does.StartWith("Loud"));
            Assert.That(crm["crm.leadStatus"].Value.GetString(), Is.EqualTo("New"));
            Assert.That(crm["crm.openOpportunities"].Value.GetInt32(), Is.EqualTo(1));
            Assert.That(crm["crm.openOpportunityValue"].Value.GetDecimal(), Is.Zero);
            Assert.That(crm.Values.Select(l => (l.Provider, l.Door)).Distinct(), Is.EqualTo(new[] { ("mock", "-") }));
        }
    }

    [Test]
    public async Task Should_take_nothing_for_evidence_that_the_lead_itself_has_made()
    {
        await using var leads = await RecordedLeads.StartAsync();
        var lead = await leads.WorkOnAsync(leads.Hot());

        _ = await leads.Get<LeadPipeline.Worker.Ops.LeadOperations>().ReplayAsync(lead, again: false, "ada", CancellationToken.None);
        _ = await leads.EndedAsync(lead, 2);
        var (run, _) = await leads.Get<RecordedRuns>().FindAsync(lead, CancellationToken.None);

        Assert.That((run!.Run, run.Snapshot.Has("crm")), Is.EqualTo((2, false)));
    }

    private static string? Record(JsonObject lead, string step) => lead["effects"]!.AsArray().Single(e => e!["step"]!.ToString() == step)!["recordId"]?.ToString();
}
