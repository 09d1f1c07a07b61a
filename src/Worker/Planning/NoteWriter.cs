using System.Globalization;
using System.Text;
using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Tools;

namespace LeadPipeline.Worker.Planning;

/// <summary>
/// Writes what salespeople read about a decision, from supported claims and their true values only. An analyzer's own prose never gets
/// here, however good it sounds.
/// </summary>
internal static class NoteWriter
{
    // The order is that of the note: the company first, then what was done, then the pipeline and the scores.
    private static readonly (string Path, string Label)[] Labels =
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

    /// <summary>One sentence.</summary>
    public static string Summary(GroundingResult grounding)
    {
        var text = new StringBuilder();
        if (grounding.Intent is { } intent)
            text.Append(CrmValues.Wording(intent));
        if (grounding.FitScore is { } score)
            text.Append(CultureInfo.InvariantCulture, $", score {score} of 100");
        return text.Append(": ").Append(Wording(grounding.Decision)).Append('.').ToString();
    }

    /// <summary>The summary and the facts it rests on, each with the place where the evidence stands.</summary>
    public static string Note(GroundingResult grounding, EvidenceSnapshot snapshot)
    {
        var text = new StringBuilder(Summary(grounding));
        if (grounding.Lowered.Any(l => l.What is "intent" or "decision" or "fitScore"))
            text.Append(" The first assessment was higher; it was lowered because the evidence did not carry it.");

        var supported = grounding.Claims.Where(c => c.Verdict == ClaimVerdict.SUPPORTED).Select(c => c.FieldPath).ToHashSet(StringComparer.Ordinal);
        var facts = Labels.Where(l => supported.Contains(l.Path) && snapshot.Leaves.ContainsKey(l.Path)).ToList();
        if (facts.Count == 0)
            return text.Append(" No fact about this lead is supported by evidence.").ToString();

        text.Append("\n\nThis rests on:");
        foreach (var (path, label) in facts)
        {
            var leaf = snapshot.Leaves[path];
            text.Append(CultureInfo.InvariantCulture, $"\n- {label}: {Value(leaf.Value)} [{path}, from {leaf.Provider}]");
        }
        return text.ToString();
    }

    private static string Value(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => "yes",
        JsonValueKind.False => "no",
        JsonValueKind.Array => string.Join(", ", value.EnumerateArray().Select(EvidenceText.Of)),
        _ => EvidenceText.Of(value),
    };

    private static string Wording(LeadDecision? decision) => decision switch
    {
        LeadDecision.ROUTE_TO_SDR => "handed to sales",
        LeadDecision.NURTURE => "kept warm for later",
        LeadDecision.IGNORE => "not pursued",
        _ => "not decided",
    };
}
