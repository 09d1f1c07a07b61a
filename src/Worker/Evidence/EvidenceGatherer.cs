using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Evidence;

/// <summary>Collects what is known about a lead — its sender's blocks, the company directory, an enrichment service, the CRM — and freezes it.</summary>
public sealed class EvidenceGatherer(EnrichmentChain enrichment, ICrm crm, TimeProvider time)
{
    /// <summary>Takes the snapshot.</summary>
    /// <exception cref="CrmUnavailableException">The CRM did not answer, or not now.</exception>
    public async Task<EvidenceSnapshot> GatherAsync(LeadWork work, CancellationToken cancellationToken)
    {
        var lead = work.Lead;
        var now = time.GetUtcNow();
        // Asked together: neither needs the other's answer.
        var company = enrichment.FindAsync(lead, cancellationToken);
        var view = await crm.ReadAsync(new CrmQuery { RecordKey = work.RecordKey, Email = lead.Email }, cancellationToken);
        var contributions = new List<EvidenceContribution>(await company);
        if ((view.Leads.FirstOrDefault(l => l.RecordKey == work.RecordKey) ?? (view.Leads.Count == 1 ? view.Leads[0] : null)) is { } record && !IsEcho(record, work))
            contributions.Add(new EvidenceContribution("crm", await FactsAsync(record, cancellationToken), crm.Provider, "-", now));
        // The sender's blocks are as old as their arrival here; when the lead itself happened says nothing about them.
        return EvidenceBuilder.Build(lead, contributions, now, inlineFetchedAt: work.Saga.ReceivedAt);
    }

    /// <summary>
    /// A record that an earlier run of this very lead made says nothing that was not known before. Taken for evidence, a second run would judge by what the
    /// first one did.
    /// </summary>
    private static bool IsEcho(CrmRecord record, LeadWork work) =>
        record.EffectKey?.StartsWith(PlanRun.KeyPrefix(work.Saga.LeadId), StringComparison.Ordinal) == true;

    private async Task<JsonObject> FactsAsync(CrmRecord lead, CancellationToken cancellationToken)
    {
        var facts = new JsonObject { ["leadId"] = lead.Id, ["leadStatus"] = lead[CrmFields.Status], ["owner"] = lead[CrmFields.Owner] };
        if (lead[CrmFields.Account] is not { } accountId)
            return facts;
        facts["accountId"] = accountId;
        var view = await crm.ReadAsync(new CrmQuery { Records = [(CrmObject.Account, accountId)] }, cancellationToken);
        if (!view.Records.TryGetValue(accountId, out var account))
            return facts;
        facts["accountName"] = account[CrmFields.Name];
        if (account[CrmFields.Domain] is not { } domain)
            return facts;
        // Open opportunities come with the account that they belong to.
        var pipeline = await crm.ReadAsync(new CrmQuery { AccountDomain = domain }, cancellationToken);
        var open = pipeline.OpenOpportunities.Where(o => o[CrmFields.Account] == accountId).ToList();
        facts["openOpportunities"] = open.Count;
        facts["openOpportunityValue"] = open.Sum(o => decimal.TryParse(o[CrmFields.Amount], NumberStyles.Float, CultureInfo.InvariantCulture, out var amount) ? amount : 0);
        return facts;
    }
}
