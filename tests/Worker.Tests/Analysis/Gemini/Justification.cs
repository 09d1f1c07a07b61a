using System.Globalization;
using System.Text.Json.Nodes;

namespace LeadPipeline.Worker.Tests.Analysis.Gemini;

/// <summary>
/// Whether a lead's outcome is carried by its evidence: worked out from the facts that were known and the published rules, not by the code that
/// is under test.
/// </summary>
internal static class Justification
{
    private static readonly Dictionary<string, string> CompanyFields = new()
    {
        ["industry"] = "enrichment.industry",
        ["employees"] = "enrichment.employees",
        ["geo"] = "enrichment.geo",
        ["revenue"] = "enrichment.revenue",
        ["techStack"] = "enrichment.techStack",
        ["foundedYear"] = "enrichment.foundedYear",
    };

    /// <summary>What the evidence does not carry.</summary>
    /// <param name="lead">The lead as it is reported.</param>
    /// <param name="evidence">The facts that were known of it.</param>
    /// <param name="crm">What is in the CRM.</param>
    public static IEnumerable<string> Faults(JsonObject lead, JsonObject evidence, CrmContents crm)
    {
        var (status, intent, decision) = (lead["status"]!.ToString(), lead["intent"]?.ToString(), lead["decision"]?.ToString());
        var score = lead["fitScore"]?.GetValue<int>();
        var record = crm.Lead(lead["email"]!.ToString());

        if (status != "Completed")
        {
            // Rejected, or before a person: then nothing may have been done at all.
            if (record is not null)
                yield return $"is {status} and in the CRM";
            if (status is not ("Rejected" or "NeedsReview"))
                yield return $"is {status}";
            yield break;
        }

        var supported = lead["claims"]!.AsArray().Where(c => c!["verdict"]!.ToString() == "SUPPORTED").ToList();
        foreach (var claim in supported.Where(c => !IsTrue(c!, evidence)))
            yield return $"has a supported claim on {claim!["fieldPath"]} that is not true";
        var types = supported.Select(c => c!["claimType"]!.ToString()).ToHashSet();
        var (company, behaviour, computed) = (types.Contains("FIRMOGRAPHIC"), types.Contains("BEHAVIOR"), types.Contains("SCORE"));
        var highest = company && (behaviour || computed) ? "HIGH_FIT" : company || behaviour ? "MEDIUM_FIT" : "LOW_FIT";
        if (Rank(intent) > Rank(highest))
            yield return $"is {intent}, and its evidence carries {highest}";
        if (score > (highest switch { "HIGH_FIT" => 100, "MEDIUM_FIT" => 70, _ => 40 }))
            yield return $"scores {score}, and its evidence carries {highest}";
        if (decision == "ROUTE_TO_SDR" && !(intent == "HIGH_FIT" || (intent == "MEDIUM_FIT" && score >= 60)))
            yield return $"is routed as {intent} with {score}";

        if (record is null)
            yield break;
        if (record["score"] is { } written && written.ToString() != score?.ToString(CultureInfo.InvariantCulture))
            yield return $"has {written} in the CRM and was given {score}";
        foreach (var (field, path) in CompanyFields)
        {
            if (record[field] is { } value && Number(value.ToString()) != Number(evidence[path]?.ToString()))
                yield return $"has {field} in the CRM, which is not what is known";
        }
        if (record["status"]?.ToString() == "Converted")
            yield return "is converted, which no policy orders";
    }

    private static bool IsTrue(JsonNode claim, JsonObject evidence) =>
        evidence[claim["fieldPath"]!.ToString()] is { } known && (JsonNode.DeepEquals(known, claim["claimed"]) || Number(known.ToString()) == Number(claim["claimed"]?.ToString()));

    private static int Rank(string? intent) => intent switch { "HIGH_FIT" => 3, "MEDIUM_FIT" => 2, "LOW_FIT" => 1, _ => 0 };

    /// <summary>Numbers compare as numbers, everything else as it stands.</summary>
    private static string? Number(string? text) => decimal.TryParse(text, NumberStyles.Number, CultureInfo.InvariantCulture, out var number) ? number.ToString("0.####", CultureInfo.InvariantCulture) : text;
}
