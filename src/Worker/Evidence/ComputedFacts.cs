using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Grounding.Values;

namespace LeadPipeline.Worker.Evidence;

/// <summary>
/// The facts that follow from other facts: mail domain, size band, and two scores. The formulas are published in
/// docs/GROUNDING.md. What a person merely states (title, message) never enters a score.
/// </summary>
public static class ComputedFacts
{
    private static readonly (decimal UpTo, string Band, int Points)[] Bands =
    [
        (10, "1-10", 5), (50, "11-50", 15), (200, "51-200", 25), (500, "201-500", 35), (1000, "501-1000", 35),
        (5000, "1001-5000", 40), (10000, "5001-10000", 35), (decimal.MaxValue, "10001+", 30),
    ];

    private static readonly (string Path, decimal Points, decimal Most)[] Signals =
    [
        ("marketing.emailOpens", 1, 10), ("marketing.emailClicks", 3, 15), ("marketing.pageViews", 1, 15),
        ("marketing.pricingPageViews", 6, 24), ("marketing.webinarsAttended", 10, 20),
        ("product.activeUsers", 3, 15), ("product.keyFeatureUses", 1, 15),
    ];

    // Where we sell first; other industries and countries count for less, not for nothing.
    private static readonly HashSet<string> CoreIndustries = Keys(
        "Software", "Computer Software", "Software Development", "SaaS", "Fintech", "Financial Services", "Information Technology",
        "IT Services", "Internet", "E-Commerce", "Healthtech", "Martech", "Insurtech", "Edtech", "Cybersecurity", "Artificial Intelligence",
        "Telecommunications", "Professional Services", "Manufacturing", "Logistics and Supply Chain");

    private static readonly HashSet<string> CoreCountries =
        ["US", "CA", "GB", "IE", "DE", "AT", "CH", "FR", "NL", "BE", "LU", "SE", "NO", "DK", "FI", "ES", "IT", "PT", "PL", "AU", "NZ", "SG", "JP"];

    private static readonly HashSet<string> CoreTech = Keys(
        "Salesforce", "HubSpot", "Marketo", "Pardot", "Microsoft Dynamics 365", "Segment", "Snowflake", "AWS", "Azure", "GCP",
        "Kubernetes", "Slack", "Zendesk", "Intercom", "Outreach", "Salesloft");

    /// <summary>The computed leaves that the known facts allow; a fact without its inputs is left out.</summary>
    /// <param name="known">The snapshot so far.</param>
    /// <param name="now">The time that recency is measured against.</param>
    public static IReadOnlyList<(string Path, JsonElement Value)> Of(EvidenceSnapshot known, DateTimeOffset now)
    {
        var facts = new List<(string, object)>();
        if (EmailDomains.Of(known.Text("lead.email")) is { } domain)
        {
            facts.Add(("computed.emailDomain", domain));
            facts.Add(("computed.freeEmailProvider", EmailDomains.IsFree(domain)));
            facts.Add(("computed.disposableEmail", EmailDomains.IsDisposable(domain)));
        }
        if (EmployeesBand(known) is { } band)
            facts.Add(("computed.employeesBand", band));
        if (EngagementScore(known, now) is { } engagement)
            facts.Add(("computed.engagementScore", engagement));
        if (IcpScore(known) is { } icp)
            facts.Add(("computed.icpScore", icp));
        return [.. facts.Select(f => (f.Item1, JsonSerializer.SerializeToElement(f.Item2, f.Item2.GetType())))];
    }

    /// <summary>The size band, for example <c>51-200</c>: where the middle of the range lies, or the lower end of an open one. Null when unknown.</summary>
    public static string? EmployeesBand(EvidenceSnapshot known) => BandOf(known)?.Band;

    /// <summary>How engaged, 0–100: points per signal, times how recent the last activity is. Null without any marketing or product evidence.</summary>
    public static int? EngagementScore(EvidenceSnapshot known, DateTimeOffset now)
    {
        if (!known.Has("marketing") && !known.Has("product"))
            return null;
        var points = Signals.Sum(s => Math.Clamp((Number(known, s.Path) ?? 0) * s.Points, 0, s.Most));
        if (known.Value("product.trialStartedAt") is not null)
            points += 15;
        return (int)Math.Clamp(Math.Round(points * Recency(known, now), MidpointRounding.AwayFromZero), 0, 100);
    }

    /// <summary>How close to the ideal customer, 0–100: size, industry, country, technology, revenue. Null without any enrichment.</summary>
    public static int? IcpScore(EvidenceSnapshot known)
    {
        if (!known.Has("enrichment"))
            return null;
        var points = BandOf(known)?.Points ?? 0;
        if (known.Text("enrichment.industry") is { } industry)
            points += CoreIndustries.Contains(Synonyms.Canonical(TextFold.Fold(industry))) ? 25 : 10;
        if (known.Text("enrichment.geo") is { } geo)
            points += CoreCountries.Contains(Countries.Canonical(TextFold.Fold(geo.Split(',')[^1])).ToUpperInvariant()) ? 15 : 5;
        if (known.Value("enrichment.techStack") is { } tech && ListValue.Read(tech) is { } stack)
            points += Math.Min(12, 4 * stack.Members.Count(CoreTech.Contains));
        if (known.Value("enrichment.revenue") is { } revenue && RangeValue.Read(revenue) is { Low: >= 1_000_000 })
            points += 8;
        return Math.Min(points, 100);
    }

    private static (decimal UpTo, string Band, int Points)? BandOf(EvidenceSnapshot known)
    {
        if (known.Value("enrichment.employees") is not { } value || RangeValue.Read(value) is not { Low: >= 0 } range)
            return null;
        var size = range.High is { } high ? range.Low / 2 + high / 2 : range.Low;
        return size < 1 ? null : Bands.First(b => Math.Floor(size) <= b.UpTo);
    }

    private static decimal Recency(EvidenceSnapshot known, DateTimeOffset now)
    {
        string[] paths = ["marketing.lastActivityAt", "product.lastActiveAt"];
        var last = paths.Select(p => known.Value(p) is { } v ? TimeValue.Read(v)?.From : null).Max();
        return (now - last)?.TotalDays switch
        {
            // Signals without a date are worth something, but less than fresh ones.
            null => 0.7m,
            <= 7 => 1m,
            <= 30 => 0.8m,
            <= 90 => 0.5m,
            _ => 0.25m,
        };
    }

    private static decimal? Number(EvidenceSnapshot known, string path) => known.Value(path) is { } value ? NumberValue.Read(value)?.Number : null;

    private static HashSet<string> Keys(params string[] terms) => [.. terms.Select(t => Synonyms.Canonical(TextFold.Fold(t)))];
}
