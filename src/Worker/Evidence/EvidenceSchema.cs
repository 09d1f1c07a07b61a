using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Evidence;

/// <summary>
/// The closed list of what can be known. A path that is not here is an invented field: it enters no snapshot, and a claim
/// on it rejects the analysis. Objects, list elements and wildcards are not paths.
/// </summary>
public static class EvidenceSchema
{
    private const string CustomFields = "lead.customFields.";
    private const string Claimed = "lead.claimed.";

    private static readonly FrozenDictionary<string, EvidenceField> ByPath = All().ToFrozenDictionary(f => f.Path, StringComparer.Ordinal);

    /// <summary>The namespaces, each with a source of its own, in the order of a snapshot document.</summary>
    public static IReadOnlyList<string> Namespaces { get; } = ["enrichment", "marketing", "product", "crm", "computed", "lead"];

    /// <summary>Every fixed path in ordinal order; <c>lead.customFields.*</c> come on top of these.</summary>
    public static IReadOnlyList<EvidenceField> Fields { get; } = [.. ByPath.Values.OrderBy(f => f.Path, StringComparer.Ordinal)];

    /// <summary>The fields whose values are words that the model's reasoning may use only with support (G15).</summary>
    public static IReadOnlyList<EvidenceField> Vocabulary { get; } = [.. Fields.Where(f => f.Vocabulary)];

    /// <summary>Finds the field of a path; false when no such field exists.</summary>
    public static bool TryGet(string path, [NotNullWhen(true)] out EvidenceField? field)
    {
        if (ByPath.TryGetValue(path, out field))
            return true;
        // The names of custom fields are the sender's own, so they cannot be listed.
        if (path.Length > CustomFields.Length && path.StartsWith(CustomFields, StringComparison.Ordinal))
            field = new EvidenceField(path, EvidenceSource.LEAD, FieldKind.Text);
        return field is not null;
    }

    private static IEnumerable<EvidenceField> All()
    {
        var trusted = Trusted().ToList();
        // What an untrusted sender claims keeps its place and its type under lead.claimed, so that it can be shown and compared.
        var claimed = trusted
            .Where(f => f.Source is EvidenceSource.ENRICHMENT or EvidenceSource.MARKETING or EvidenceSource.PRODUCT)
            .Select(f => new EvidenceField(Claimed + f.Path, EvidenceSource.LEAD, f.Kind));
        return [.. trusted, .. claimed, .. Stated()];
    }

    private static IEnumerable<EvidenceField> Trusted() =>
    [
        new("enrichment.company", EvidenceSource.ENRICHMENT, FieldKind.Text, Vocabulary: true),
        new("enrichment.industry", EvidenceSource.ENRICHMENT, FieldKind.Text, Vocabulary: true),
        new("enrichment.domain", EvidenceSource.ENRICHMENT, FieldKind.LowerText),
        new("enrichment.employees", EvidenceSource.ENRICHMENT, FieldKind.Range),
        new("enrichment.revenue", EvidenceSource.ENRICHMENT, FieldKind.Range),
        new("enrichment.techStack", EvidenceSource.ENRICHMENT, FieldKind.List, Vocabulary: true),
        new("enrichment.geo", EvidenceSource.ENRICHMENT, FieldKind.Geo, Vocabulary: true),
        new("enrichment.foundedYear", EvidenceSource.ENRICHMENT, FieldKind.Number),
        new("marketing.emailOpens", EvidenceSource.MARKETING, FieldKind.Number),
        new("marketing.emailClicks", EvidenceSource.MARKETING, FieldKind.Number),
        new("marketing.pageViews", EvidenceSource.MARKETING, FieldKind.Number),
        new("marketing.pricingPageViews", EvidenceSource.MARKETING, FieldKind.Number),
        new("marketing.webinarsAttended", EvidenceSource.MARKETING, FieldKind.Number),
        new("marketing.lastActivityAt", EvidenceSource.MARKETING, FieldKind.Time),
        new("marketing.campaignType", EvidenceSource.MARKETING, FieldKind.Text),
        new("product.trialStartedAt", EvidenceSource.PRODUCT, FieldKind.Time),
        new("product.lastActiveAt", EvidenceSource.PRODUCT, FieldKind.Time),
        new("product.activeUsers", EvidenceSource.PRODUCT, FieldKind.Number),
        new("product.keyFeatureUses", EvidenceSource.PRODUCT, FieldKind.Number),
        new("crm.leadId", EvidenceSource.CRM, FieldKind.Id),
        new("crm.accountId", EvidenceSource.CRM, FieldKind.Id),
        new("crm.leadStatus", EvidenceSource.CRM, FieldKind.Text),
        new("crm.owner", EvidenceSource.CRM, FieldKind.Text),
        new("crm.accountName", EvidenceSource.CRM, FieldKind.Text, Vocabulary: true),
        new("crm.lastTouchAt", EvidenceSource.CRM, FieldKind.Time),
        new("crm.openOpportunities", EvidenceSource.CRM, FieldKind.Number),
        new("crm.openOpportunityValue", EvidenceSource.CRM, FieldKind.Number),
        new("computed.emailDomain", EvidenceSource.COMPUTED, FieldKind.Text),
        new("computed.employeesBand", EvidenceSource.COMPUTED, FieldKind.Text),
        new("computed.freeEmailProvider", EvidenceSource.COMPUTED, FieldKind.Boolean),
        new("computed.disposableEmail", EvidenceSource.COMPUTED, FieldKind.Boolean),
        new("computed.engagementScore", EvidenceSource.COMPUTED, FieldKind.Number),
        new("computed.icpScore", EvidenceSource.COMPUTED, FieldKind.Number),
    ];

    private static IEnumerable<EvidenceField> Stated() =>
    [
        new("lead.leadId", EvidenceSource.LEAD, FieldKind.Id),
        new("lead.externalId", EvidenceSource.LEAD, FieldKind.Id),
        new("lead.source", EvidenceSource.LEAD, FieldKind.Text),
        new("lead.email", EvidenceSource.LEAD, FieldKind.Text),
        new("lead.firstName", EvidenceSource.LEAD, FieldKind.Text),
        new("lead.lastName", EvidenceSource.LEAD, FieldKind.Text),
        new("lead.name", EvidenceSource.LEAD, FieldKind.Text),
        new("lead.company", EvidenceSource.LEAD, FieldKind.Text),
        new("lead.title", EvidenceSource.LEAD, FieldKind.Text),
        new("lead.phone", EvidenceSource.LEAD, FieldKind.Text),
        new("lead.website", EvidenceSource.LEAD, FieldKind.Text),
        new("lead.country", EvidenceSource.LEAD, FieldKind.Country),
        new("lead.message", EvidenceSource.LEAD, FieldKind.Text),
        new("lead.campaignId", EvidenceSource.LEAD, FieldKind.Text),
        new("lead.receivedAt", EvidenceSource.LEAD, FieldKind.Time),
    ];
}
