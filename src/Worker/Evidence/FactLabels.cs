using System.Globalization;
using System.Text.Json;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Evidence;

/// <summary>What people call the facts of a snapshot, and how they read their values.</summary>
internal static class FactLabels
{
    /// <summary>Labels by path, in the order in which a person wants to know: the company first, then what was done, then the pipeline and the scores.</summary>
    public static IReadOnlyList<(string Path, string Label)> InOrder { get; } =
    [
        ("enrichment.company", "Company"), ("enrichment.industry", "Industry"), ("enrichment.employees", "Employees"),
        ("enrichment.revenue", "Yearly revenue"), ("enrichment.techStack", "Technologies"), ("enrichment.geo", "Location"),
        ("enrichment.foundedYear", "Founded"), ("enrichment.domain", "Web domain"),
        ("marketing.emailOpens", "E-mails opened"), ("marketing.emailClicks", "E-mail links clicked"), ("marketing.pageViews", "Pages viewed"),
        ("marketing.pricingPageViews", "Pricing pages viewed"), ("marketing.webinarsAttended", "Webinars attended"),
        ("marketing.campaignType", "Kind of campaign"), ("marketing.lastActivityAt", "Last marketing activity"),
        ("product.trialStartedAt", "Trial started"), ("product.activeUsers", "Active users"), ("product.keyFeatureUses", "Uses of key features"),
        ("product.lastActiveAt", "Last active in the product"),
        ("crm.accountName", "Account"), ("crm.accountId", "Account record"), ("crm.leadId", "Lead record"), ("crm.leadStatus", "Lead status before"),
        ("crm.owner", "Owner"), ("crm.openOpportunities", "Open opportunities"), ("crm.openOpportunityValue", "Value of open opportunities"),
        ("crm.lastTouchAt", "Last touch"),
        ("computed.icpScore", "Customer profile score (0 to 100)"), ("computed.engagementScore", "Engagement score (0 to 100)"),
        ("computed.employeesBand", "Company size"), ("computed.emailDomain", "E-mail domain"),
        ("computed.freeEmailProvider", "Free e-mail address"), ("computed.disposableEmail", "Throw-away e-mail address"),
    ];

    private static readonly Dictionary<string, string> ByPath = InOrder.ToDictionary(l => l.Path, l => l.Label, StringComparer.Ordinal);

    /// <summary>What people call a field; a field of the person's own is named as such, one that does not exist by its path.</summary>
    public static string Of(string path) => ByPath.TryGetValue(path, out var label) ? label
        : path.StartsWith("lead.", StringComparison.Ordinal) ? $"The person's own {path["lead.".Length..]}"
        : path;

    /// <summary>Where a fact comes from.</summary>
    public static string Origin(EvidenceLeaf leaf) => leaf.Provider switch
    {
        "inline" => "came with the lead",
        "directory" => "company directory",
        "http" => "enrichment service",
        "computed" => "worked out from the other facts",
        "lead" => "the person's own words",
        "file" => "file",
        "mock" or "salesforce" or "hubspot" => "CRM",
        var other => other,
    };

    /// <summary>A value as a person reads it: yes and no, commas in large numbers, the day of a time.</summary>
    public static string Value(string path, JsonElement? value) => value switch
    {
        null or { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } => "nothing",
        { ValueKind: JsonValueKind.True } => "yes",
        { ValueKind: JsonValueKind.False } => "no",
        { ValueKind: JsonValueKind.Array } list => string.Join(", ", list.EnumerateArray().Select(i => Value(path, i))),
        { ValueKind: JsonValueKind.Number } number => Number(path, number),
        { ValueKind: JsonValueKind.String } text => Text(path, text),
        { } other => other.GetRawText(),
    };

    private static string Number(string path, JsonElement value) =>
        // A year is a name and not an amount.
        path != "enrichment.foundedYear" && value.TryGetDecimal(out var number) ? number.ToString("#,0.############", CultureInfo.InvariantCulture) : value.GetRawText();

    private static string Text(string path, JsonElement value)
    {
        if (!LeafValue.TryGetText(value, out var text))
            return "something unreadable";
        return EvidenceSchema.TryGet(path, out var field) && field.Kind == FieldKind.Time && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)
            // A value is one line, whatever its source put into it.
            : string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }
}
