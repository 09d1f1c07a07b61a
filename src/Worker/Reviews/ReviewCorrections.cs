using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Intake;

namespace LeadPipeline.Worker.Reviews;

/// <summary>A claim that a person makes instead of the analyzer's on the same field.</summary>
/// <param name="FieldPath">The field of the evidence.</param>
/// <param name="Value">What it says: string, number, boolean or array of strings.</param>
public sealed record CorrectedClaim(string FieldPath, JsonNode Value);

/// <summary>What a person changes about an analysis before approving it. What comes of it is grounded like any other analysis.</summary>
public sealed record ReviewCorrections
{
    private const int MostClaims = 50;

    /// <summary>Another decision; null: the analyzer's.</summary>
    public LeadDecision? Decision { get; init; }
    /// <summary>Another intent; null: the analyzer's.</summary>
    public LeadIntent? Intent { get; init; }
    /// <summary>Another score, 0–100; null: the analyzer's.</summary>
    public int? FitScore { get; init; }
    /// <summary>Fields whose claims are taken back.</summary>
    public IReadOnlyList<string> Drop { get; init; } = [];
    /// <summary>Claims made instead, or in addition.</summary>
    public IReadOnlyList<CorrectedClaim> Claims { get; init; } = [];

    /// <summary>Whether nothing is changed.</summary>
    public bool IsEmpty => Decision is null && Intent is null && FitScore is null && Drop.Count == 0 && Claims.Count == 0;

    /// <summary>
    /// The corrected analysis, UTF-8 JSON in the form that analyzers use. It begins with the claims that could be read, and holds no prose: none is used.
    /// </summary>
    /// <param name="before">The verdict over the analyzer's own; null when it gave none.</param>
    public byte[] ApplyTo(GroundingResult? before)
    {
        var replaced = Drop.Concat(Claims.Select(c => c.FieldPath)).ToHashSet(StringComparer.Ordinal);
        var evidence = new JsonArray();
        foreach (var claim in (before?.Claims ?? []).Where(c => c is { Source: not null, ClaimType: not null, Claimed: not null } && !replaced.Contains(c.FieldPath)))
            evidence.Add((JsonNode)Item(claim.Source!, claim.FieldPath, claim.ClaimType!, JsonSerializer.SerializeToNode(claim.Claimed), claim.Central));
        foreach (var claim in Claims)
        {
            var (source, type) = Kind(claim.FieldPath);
            evidence.Add((JsonNode)Item(source, claim.FieldPath, type, claim.Value.DeepClone(), central: false));
        }
        return JsonSerializer.SerializeToUtf8Bytes(new JsonObject
        {
            ["evidence"] = evidence,
            ["reasoning"] = "",
            ["intent"] = Intent?.ToString() ?? before?.Model.Intent,
            ["decision"] = Decision?.ToString() ?? before?.Model.Decision,
            ["fitScore"] = FitScore is { } score ? score : before?.Model.FitScore is { } said ? JsonSerializer.SerializeToNode(said) : null,
        });
    }

    /// <summary>What was changed, for the audit: names and verdicts, no value of a claim.</summary>
    public JsonObject Summary() => new()
    {
        ["decision"] = Decision?.ToString(),
        ["intent"] = Intent?.ToString(),
        ["fitScore"] = FitScore,
        ["dropped"] = new JsonArray([.. Drop.Select(p => (JsonNode)p)]),
        ["claimed"] = new JsonArray([.. Claims.Select(c => (JsonNode)c.FieldPath)]),
    };

    /// <summary>Reads <c>{ decision, intent, fitScore, drop: […], claims: [{ fieldPath, value }] }</c>; null and what is wrong when it is not so.</summary>
    public static (ReviewCorrections? Corrections, FieldError? Error) Read(JsonNode? node)
    {
        if (node is null)
            return (new ReviewCorrections(), null);
        if (node is not JsonObject members)
            return Wrong("corrections", "is not an object", "send { \"decision\": …, \"drop\": […], \"claims\": […] }");
        if (members.Select(m => m.Key).FirstOrDefault(k => k is not ("decision" or "intent" or "fitScore" or "drop" or "claims")) is not null)
            return Wrong("corrections", "has an unknown member", "use decision, intent, fitScore, drop, claims");
        if (!TryWord<LeadDecision>(members["decision"], out var decision))
            return Wrong("corrections.decision", "is not allowed", $"use one of {string.Join(", ", Enum.GetNames<LeadDecision>())}");
        if (!TryWord<LeadIntent>(members["intent"], out var intent) || intent == LeadIntent.MANUAL_REVIEW)
            return Wrong("corrections.intent", "is not allowed", "use one of LOW_FIT, MEDIUM_FIT, HIGH_FIT");
        if (!TryScore(members["fitScore"], out var score))
            return Wrong("corrections.fitScore", "is not allowed", "use a whole number from 0 to 100");
        if (!TryPaths(members["drop"], out var drop))
            return Wrong("corrections.drop", "is not a list of fields", "use paths such as enrichment.company");
        return TryClaims(members["claims"], out var claims)
            ? (new ReviewCorrections { Decision = decision, Intent = intent, FitScore = score, Drop = drop, Claims = claims }, null)
            : Wrong("corrections.claims", "is not a list of claims", $"use at most {MostClaims} of {{ \"fieldPath\": \"enrichment.company\", \"value\": … }} with a text, number, boolean or list of texts");
    }

    private static (ReviewCorrections?, FieldError?) Wrong(string field, string problem, string remedy) => (null, new FieldError(field, problem, remedy));

    private static bool TryWord<T>(JsonNode? node, out T? word)
        where T : struct, Enum
    {
        word = null;
        if (node is null)
            return true;
        if (node is not JsonValue value || !value.TryGetValue<string>(out var text) || !Enum.GetNames<T>().Contains(text, StringComparer.Ordinal))
            return false;
        word = Enum.Parse<T>(text);
        return true;
    }

    private static bool TryScore(JsonNode? node, out int? score)
    {
        score = null;
        if (node is null)
            return true;
        if (node is not JsonValue value || !value.TryGetValue<int>(out var number) || number is < 0 or > 100)
            return false;
        score = number;
        return true;
    }

    private static bool TryPaths(JsonNode? node, out IReadOnlyList<string> paths)
    {
        paths = [];
        if (node is null)
            return true;
        if (node is not JsonArray items || items.Any(i => i is not JsonValue value || !value.TryGetValue<string>(out _)))
            return false;
        paths = [.. items.Select(i => i!.GetValue<string>())];
        return true;
    }

    private static bool TryClaims(JsonNode? node, out IReadOnlyList<CorrectedClaim> claims)
    {
        claims = [];
        if (node is null)
            return true;
        if (node is not JsonArray { Count: <= MostClaims } items)
            return false;
        var read = new List<CorrectedClaim>();
        foreach (var item in items)
        {
            if (item is not JsonObject { Count: 2 } members || members["fieldPath"] is not JsonValue path || !path.TryGetValue<string>(out var field) || members["value"] is not (JsonValue or JsonArray))
                return false;
            read.Add(new CorrectedClaim(field, members["value"]!));
        }
        claims = read;
        return true;
    }

    private static JsonObject Item(string source, string fieldPath, string claimType, JsonNode? value, bool central) =>
        new JsonObject { ["source"] = source, ["fieldPath"] = fieldPath, ["claimType"] = claimType, ["value"] = value, ["central"] = central };

    /// <summary>Source and type follow from the field; of a field that there is not, grounding says so.</summary>
    private static (string Source, string ClaimType) Kind(string path)
    {
        if (!EvidenceSchema.TryGet(path, out var field))
            return (path.Split('.')[0].ToUpperInvariant(), nameof(ClaimType.FIRMOGRAPHIC));
        var type = field.Source switch
        {
            EvidenceSource.MARKETING or EvidenceSource.PRODUCT => ClaimType.BEHAVIOR,
            EvidenceSource.CRM => ClaimType.PIPELINE,
            EvidenceSource.COMPUTED => field.Kind == FieldKind.Number ? ClaimType.SCORE : ClaimType.PIPELINE,
            _ => ClaimType.FIRMOGRAPHIC,
        };
        return (field.Source.ToString(), type.ToString());
    }
}
