using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Evidence.Http;

namespace LeadPipeline.Worker.Evidence;

/// <summary>
/// The sources of company facts in their order: the trusted sender, the directory, the service. Each leaf comes from the first that has it, and a source
/// that could add nothing is not asked.
/// </summary>
public sealed class EnrichmentChain(CompanyDirectory directory, HttpEnrichment? service)
{
    /// <summary>What directory and service know, in order of precedence.</summary>
    public async Task<IReadOnlyList<EvidenceContribution>> FindAsync(Lead lead, CancellationToken cancellationToken)
    {
        var found = new List<EvidenceContribution>();
        if (EmailDomains.Of(lead.Email) is { } domain && await directory.FindAsync(domain) is { } company)
            found.Add(new EvidenceContribution("enrichment", company.Facts, CompanyDirectory.Provider, "-", company.LoadedAt));
        if (service is null || !service.Paths.Any(path => IsMissing(path, lead, found)))
            return found;
        if (await service.FindAsync(new EnrichmentQuestion(lead.Email, lead.Company, lead.Country), cancellationToken) is { } known)
            found.Add(new EvidenceContribution("enrichment", known.Facts, HttpEnrichment.Provider, "-", known.LoadedAt));
        return found;
    }

    private static bool IsMissing(string path, Lead lead, List<EvidenceContribution> found)
    {
        var leaf = path["enrichment.".Length..];
        return !(lead.Trusted && Says(lead.Enrichment, leaf)) && !found.Exists(c => Says(c.Values, leaf));
    }

    private static bool Says(JsonObject? values, string leaf) => values is not null && LeafValue.TryTake(values[leaf], out _);
}
