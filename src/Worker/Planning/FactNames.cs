using System.Text.RegularExpressions;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Worker.Planning;

/// <summary>The names that a policy may use for what is known when a plan is made.</summary>
public static partial class FactNames
{
    /// <summary>The leaves of the evidence schema under <c>enrichment</c>.</summary>
    public static IReadOnlyList<string> Enrichment { get; } = ["company", "industry", "domain", "employees", "revenue", "techStack", "geo", "foundedYear"];

    /// <summary>The leaves of the evidence schema under <c>crm</c>.</summary>
    public static IReadOnlyList<string> Crm { get; } =
        ["leadId", "leadStatus", "owner", "accountId", "accountName", "openOpportunities", "openOpportunityValue", "lastTouchAt"];

    private static readonly string[] Lead =
        ["email", "firstName", "lastName", "name", "company", "title", "phone", "website", "country", "message", "campaignId", "source", "externalId", "receivedAt"];

    /// <summary>Every name except the days, which have an arithmetic of their own.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "score", "intent", "decision", "campaign", "company", "domain", "note", "summary", "hasEnrichment", "enrichmentProvider", "enrichedAt",
        .. Lead.Select(f => "lead." + f), .. Enrichment.Select(f => "enrichment." + f),
    ];

    /// <summary>Whether a name means something.</summary>
    public static bool IsKnown(string name) => All.Contains(name) || IsDay(name);

    /// <summary>Whether a name is a day counted from the day of planning.</summary>
    public static bool IsDay(string name) => Day().IsMatch(name);

    /// <summary>Whether a value follows from the time of planning, and so stays out of the plan's hash.</summary>
    public static bool FollowsFromNow(string name) => IsDay(name) || name == "enrichedAt";

    /// <summary>The name itself; throws <see cref="FormatException"/> with the nearest right one when it means nothing.</summary>
    public static string Check(string name) => IsKnown(name)
        ? name
        : throw new FormatException($"'{name}' is not something that is known when a plan is made; did you mean '{Nearest.To(name, [.. All, "today", "nextBusinessDay"])}'?");

    /// <summary>Whether what a name stands for can be given to a parameter of a type.</summary>
    public static bool Fits(string name, ParameterType type) => type switch
    {
        ParameterType.Text => true,
        ParameterType.Date => IsDay(name),
        ParameterType.Boolean => name == "hasEnrichment",
        ParameterType.Integer or ParameterType.Number => name == "score" || name.StartsWith("enrichment.", StringComparison.Ordinal),
        _ => false,
    };

    /// <summary>Takes a day's name apart: base, amount and unit (<c>d</c>, <c>w</c>, <c>mo</c>; empty when there is none).</summary>
    internal static (string Base, int Amount, string Unit) Parts(string day)
    {
        var match = Day().Match(day);
        return (match.Groups["base"].Value, match.Groups["n"].Success ? int.Parse(match.Groups["n"].Value, System.Globalization.CultureInfo.InvariantCulture) : 0, match.Groups["unit"].Value);
    }

    [GeneratedRegex(@"\A(?<base>today|nextBusinessDay)(?:\+(?<n>[0-9]{1,4})(?<unit>d|w|mo))?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Day();
}
