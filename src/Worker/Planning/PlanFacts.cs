using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Tools;

namespace LeadPipeline.Worker.Planning;

/// <summary>What is known about one lead at the moment of planning, by the names that policies use.</summary>
internal sealed class PlanFacts(GroundingResult grounding, EvidenceSnapshot snapshot, DateTimeOffset now, PlanningOptions options)
{
    private readonly DateOnly _today = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(now, options.TimeZone).DateTime);

    // A claim is stale by the grounding rules even where our own clock has not caught up with the time to live.
    private readonly HashSet<string> _stale = [.. grounding.Claims.Where(c => c.Verdict == ClaimVerdict.STALE).Select(c => c.FieldPath)];

    /// <summary>Whether any company fact may be used.</summary>
    public bool HasEnrichment => FactNames.Enrichment.Any(leaf => Enrichment(leaf) is not null);

    /// <summary>The value of a name of <see cref="FactNames"/>, or null when it is not known for this lead.</summary>
    public JsonNode? Value(string name) => name switch
    {
        "score" => grounding.FitScore is { } score ? JsonValue.Create(score) : null,
        "intent" => grounding.Intent is { } intent ? CrmValues.Wording(intent) : null,
        "decision" => grounding.Decision?.ToString(),
        "campaign" => Stated("campaignId"),
        "company" => Enrichment("company") ?? Stated("company"),
        "domain" => Domain(),
        "note" => NoteWriter.Note(grounding, snapshot),
        "summary" => NoteWriter.Summary(grounding),
        "hasEnrichment" => HasEnrichment,
        "enrichmentProvider" => Provider(),
        "enrichedAt" => EnrichedAt(),
        _ when name.StartsWith("lead.", StringComparison.Ordinal) => Stated(name["lead.".Length..]),
        _ when name.StartsWith("enrichment.", StringComparison.Ordinal) => Enrichment(name["enrichment.".Length..]),
        _ when FactNames.IsDay(name) => Day(name).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "The policy was not checked: this name means nothing."),
    };

    /// <summary>The value of a field of a <c>when</c> condition, or null when there is none.</summary>
    public string? Field(string field) => field switch
    {
        "intent" => grounding.Intent?.ToString(),
        "score" => grounding.FitScore?.ToString(CultureInfo.InvariantCulture),
        "decision" => grounding.Decision?.ToString(),
        "hasEnrichment" => HasEnrichment ? "true" : "false",
        "campaign" => Stated("campaignId")?.GetValue<string>(),
        _ when field.StartsWith("crm.", StringComparison.Ordinal) => snapshot.Value(field) is { } value ? EvidenceText.Of(value) : null,
        // What is left belongs to a step that this plan does not have, so there is no value.
        _ => null,
    };

    private JsonNode? Stated(string field) =>
        snapshot.Value("lead." + field) is { } value && EvidenceText.Of(value) is { Length: > 0 } text ? text : null;

    /// <summary>The true value of a company fact; null when it is not known or too old to be written anywhere.</summary>
    private JsonNode? Enrichment(string leaf) =>
        Fresh("enrichment." + leaf) is not { } found ? null
        : found.Value.ValueKind is JsonValueKind.Number ? JsonValue.Create(found.Value)
        : EvidenceText.Of(found.Value) is { Length: > 0 } text ? text : null;

    private EvidenceLeaf? Fresh(string path) =>
        snapshot.Leaves.TryGetValue(path, out var leaf) && !_stale.Contains(path) && now - leaf.FetchedAt <= options.TimeToLive(leaf) ? leaf : null;

    private IEnumerable<EvidenceLeaf> FreshLeaves() => FactNames.Enrichment.Select(leaf => Fresh("enrichment." + leaf)).OfType<EvidenceLeaf>();

    /// <summary>The company's own domain; a free-mail or disposable address says nothing about a company.</summary>
    private JsonNode? Domain()
    {
        var ofMail = snapshot.Text("computed.emailDomain");
        var isCompany = ofMail is not null && !IsTrue("computed.freeEmailProvider") && !IsTrue("computed.disposableEmail");
        var known = Enrichment("domain") is { } domain ? Coercion.Text(domain).ToLowerInvariant() : null;
        return known is not null && (isCompany || known != ofMail) ? known : isCompany ? ofMail : null;
    }

    private bool IsTrue(string path) => snapshot.Value(path) is { ValueKind: JsonValueKind.True };

    private JsonNode? Provider() =>
        FreshLeaves().Select(l => l.Provider).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList() is { Count: > 0 } providers
            ? string.Join(", ", providers)
            : null;

    /// <summary>The oldest of the facts speaks for all: no reader may think a fact newer than it is.</summary>
    private JsonNode? EnrichedAt() =>
        FreshLeaves().Select(l => l.FetchedAt.UtcDateTime).Order().Cast<DateTime?>().FirstOrDefault() is { } oldest
            ? oldest.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)
            : null;

    private DateOnly Day(string name)
    {
        var (start, amount, unit) = FactNames.Parts(name);
        var day = start == "today" ? _today : NextBusinessDay(_today);
        return unit == "mo" ? AddMonths(day, amount) : AddDays(day, unit == "w" ? 7 * amount : amount);
    }

    private static DateOnly NextBusinessDay(DateOnly day)
    {
        do
            day = AddDays(day, 1);
        while (day.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday && day < DateOnly.MaxValue);
        return day;
    }

    // A document may be planned at any time that can be written down; the calendar's last day stands for all that is later.
    private static DateOnly AddDays(DateOnly day, int days) =>
        DateOnly.MaxValue.DayNumber - day.DayNumber < days ? DateOnly.MaxValue : day.AddDays(days);

    private static DateOnly AddMonths(DateOnly day, int months) =>
        12 * (DateOnly.MaxValue.Year - day.Year) + DateOnly.MaxValue.Month - day.Month < months ? DateOnly.MaxValue : day.AddMonths(months);
}
