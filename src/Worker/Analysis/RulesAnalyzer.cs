using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Analysis;

/// <summary>
/// The analyzer that needs no network: a fixed table of points. It speaks the model's language and passes the same
/// grounding, and it is fallible in the two ways that a model is, so that grounding has something to do: it judges intent by
/// the score alone, and it takes the person at their word about the company.
/// </summary>
public sealed class RulesAnalyzer : IAnalyzer
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>What is cited, in order; leaves that the snapshot does not have are passed over.</summary>
    private static readonly Cited[] Citations =
    [
        new("computed.icpScore", ClaimType.SCORE, EvidenceSource.COMPUTED, Central: true),
        new("computed.engagementScore", ClaimType.SCORE, EvidenceSource.COMPUTED, Central: true),
        new("enrichment.company", ClaimType.FIRMOGRAPHIC, EvidenceSource.ENRICHMENT, Central: true),
        new("enrichment.industry", ClaimType.FIRMOGRAPHIC, EvidenceSource.ENRICHMENT, Central: false),
        new("enrichment.employees", ClaimType.FIRMOGRAPHIC, EvidenceSource.ENRICHMENT, Central: false),
        new("enrichment.geo", ClaimType.FIRMOGRAPHIC, EvidenceSource.ENRICHMENT, Central: false),
        new("enrichment.techStack", ClaimType.FIRMOGRAPHIC, EvidenceSource.ENRICHMENT, Central: false),
        new("marketing.pricingPageViews", ClaimType.BEHAVIOR, EvidenceSource.MARKETING, Central: false),
        new("marketing.webinarsAttended", ClaimType.BEHAVIOR, EvidenceSource.MARKETING, Central: false),
        new("marketing.pageViews", ClaimType.BEHAVIOR, EvidenceSource.MARKETING, Central: false),
        new("marketing.emailClicks", ClaimType.BEHAVIOR, EvidenceSource.MARKETING, Central: false),
        new("product.trialStartedAt", ClaimType.BEHAVIOR, EvidenceSource.PRODUCT, Central: false),
        new("product.activeUsers", ClaimType.BEHAVIOR, EvidenceSource.PRODUCT, Central: false),
        new("product.keyFeatureUses", ClaimType.BEHAVIOR, EvidenceSource.PRODUCT, Central: false),
        new("crm.leadStatus", ClaimType.PIPELINE, EvidenceSource.CRM, Central: false),
        new("crm.openOpportunities", ClaimType.PIPELINE, EvidenceSource.CRM, Central: false),
        new("computed.freeEmailProvider", ClaimType.PIPELINE, EvidenceSource.COMPUTED, Central: false),
        new("computed.disposableEmail", ClaimType.PIPELINE, EvidenceSource.COMPUTED, Central: false),
    ];

    /// <inheritdoc />
    public string Name => "rules/1";

    /// <inheritdoc />
    public bool IsRemote => false;

    /// <inheritdoc />
    public Task<AnalysisOutcome> AnalyzeAsync(AnalysisRequest request, CancellationToken cancellationToken) =>
        Task.FromResult<AnalysisOutcome>(new AnalysisOutcome.Answered(Analyze(request.Snapshot)));

    /// <summary>The same, for callers that are not asynchronous: it only computes.</summary>
    public AnalyzerAnswer Analyze(EvidenceSnapshot snapshot)
    {
        var score = FitScore.Of(snapshot);
        var company = CompanyClaim(snapshot);
        var buffer = new ArrayBufferWriter<byte>(2048);
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            WriteEvidence(writer, snapshot, company);
            writer.WriteString("reasoning"u8, Reasoning(snapshot, score, company));
            var (intent, decision) = Judge(score);
            writer.WriteString("intent"u8, intent);
            writer.WriteString("decision"u8, decision);
            writer.WriteNumber("fitScore"u8, score ?? 0);
            writer.WriteEndObject();
        }
        return new AnalyzerAnswer(Name, buffer.WrittenMemory);
    }

    private static (string Intent, string Decision) Judge(int? score) => score switch
    {
        >= FitScore.High => (nameof(LeadIntent.HIGH_FIT), nameof(LeadDecision.ROUTE_TO_SDR)),
        >= FitScore.Route => (nameof(LeadIntent.MEDIUM_FIT), nameof(LeadDecision.ROUTE_TO_SDR)),
        >= FitScore.Medium => (nameof(LeadIntent.MEDIUM_FIT), nameof(LeadDecision.NURTURE)),
        _ => (nameof(LeadIntent.LOW_FIT), nameof(LeadDecision.IGNORE)),
    };

    /// <summary>The company to claim: the directory's name, or the person's where that is clearly another one.</summary>
    private static string? CompanyClaim(EvidenceSnapshot snapshot)
    {
        if (snapshot.Text("enrichment.company") is not { } known)
            return null;
        var domain = snapshot.Text("enrichment.domain") ?? snapshot.Text("computed.emailDomain");
        return snapshot.Text("lead.company") is { } stated && StatedCompany.ClearlyDiffer(stated, known, domain) ? stated : known;
    }

    private static void WriteEvidence(Utf8JsonWriter writer, EvidenceSnapshot snapshot, string? company)
    {
        writer.WriteStartArray("evidence"u8);
        foreach (var cited in Citations)
        {
            if (snapshot.Value(cited.Path) is not { } value || !Says(value))
                continue;
            writer.WriteStartObject();
            writer.WriteString("source"u8, cited.Source);
            writer.WriteString("fieldPath"u8, cited.Path);
            writer.WriteString("claimType"u8, cited.ClaimType);
            writer.WritePropertyName("value"u8);
            if (cited.Path == "enrichment.company" && company is not null)
                writer.WriteStringValue(company);
            else
                value.WriteTo(writer);
            writer.WriteBoolean("central"u8, cited.Central);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    /// <summary>Whether citing the value would say anything: a count of none and a plain "no" do not.</summary>
    private static bool Says(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.False or JsonValueKind.Null or JsonValueKind.Undefined or JsonValueKind.Object => false,
        JsonValueKind.Array => value.GetArrayLength() > 0,
        JsonValueKind.String => !value.ValueEquals(""u8),
        JsonValueKind.Number => true,
        _ => true,
    };

    /// <summary>Prose from cited values only: grounding holds every number and every name in it against the claims.</summary>
    private static string Reasoning(EvidenceSnapshot snapshot, int? score, string? company)
    {
        if (snapshot.Value("computed.disposableEmail") is { ValueKind: JsonValueKind.True })
            return "The address is a throw-away one.";
        if (score is not { } points)
            return "Nothing is known that a judgement could rest on.";

        var text = new StringBuilder(160);
        if (company is not null)
            text.Append("The person is at ").Append(company).Append(". ");
        Sentence("enrichment.industry", "Its industry is {0}. ");
        Sentence("enrichment.employees", "Its head count is {0}. ");
        Sentence("computed.icpScore", "The profile score is {0}. ");
        Sentence("computed.engagementScore", "The engagement score is {0}. ");
        Sentence("marketing.pricingPageViews", "Views of the price list: {0}. ");
        Sentence("product.activeUsers", "Users of the trial: {0}. ");
        return text.Append(CultureInfo.InvariantCulture, $"Together that makes {points}.").ToString();

        void Sentence(string path, string words)
        {
            if (snapshot.Value(path) is { ValueKind: JsonValueKind.String or JsonValueKind.Number } value && Says(value))
                text.AppendFormat(CultureInfo.InvariantCulture, words, value.ToString());
        }
    }

    private readonly record struct Cited(string Path, string ClaimType, string Source, bool Central)
    {
        public Cited(string path, ClaimType type, EvidenceSource source, bool Central)
            : this(path, type.ToString(), source.ToString(), Central)
        {
        }
    }
}
