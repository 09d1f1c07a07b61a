using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Grounding;

namespace LeadPipeline.Worker.Tests.Grounding;

/// <summary>A document that grounds as VALID, changed by each test only where it matters.</summary>
internal sealed class GroundingCase
{
    public const string Now = "2026-03-10T12:00:00Z";

    public JsonObject Document { get; } = JsonNode.Parse("""
        {
          "lead": { "email": "jane@acme.com", "firstName": "Jane", "lastName": "Doe", "company": "Acme", "country": "Germany", "message": "Hello" },
          "enrichment": {
            "company": "Acme GmbH", "industry": "Financial Technology", "domain": "acme.com", "employees": "5000-10000", "revenue": "$2M-$5M",
            "techStack": ["AWS", "Snowflake", "Kubernetes"], "geo": "Berlin, Brandenburg, Germany", "foundedYear": 2009
          },
          "marketing": { "emailOpens": 12, "pageViews": 40, "pricingPageViews": 3, "lastActivityAt": "2026-03-09T08:30:00Z", "campaignType": "Webinar" },
          "product": { "activeUsers": 7, "trialStartedAt": "2026-03-01" },
          "crm": { "leadId": "00Q000000000001AAA", "leadStatus": "New", "owner": "Sam", "accountName": "Acme Holding", "openOpportunities": 0, "openOpportunityValue": 1500.50 },
          "computed": { "emailDomain": "acme.com", "employeesBand": "5001-10000", "freeEmailProvider": false, "disposableEmail": false, "engagementScore": 72, "icpScore": 88 },
          "analysis": { "evidence": [], "reasoning": "", "intent": "LOW_FIT", "decision": "NURTURE", "fitScore": 85 },
          "now": "2026-03-10T12:00:00Z"
        }
        """)!.AsObject();

    public JsonObject Analysis => Document["analysis"]!.AsObject();

    public static GroundingCase With(string source, string path, string type, string value, bool? central = null) =>
        new GroundingCase().Claim(source, path, type, value, central);

    /// <summary>A High Fit that every rule is content with.</summary>
    public static GroundingCase HighFit() => new GroundingCase()
        .Claim("ENRICHMENT", "enrichment.industry", "FIRMOGRAPHIC", "\"Fintech\"")
        .Claim("MARKETING", "marketing.pricingPageViews", "BEHAVIOR", "3")
        .Verdict("HIGH_FIT", "ROUTE_TO_SDR", 90);

    public GroundingCase Claim(string source, string path, string type, string value, bool? central = null)
    {
        var claim = new JsonObject { ["source"] = source, ["fieldPath"] = path, ["claimType"] = type, ["value"] = JsonNode.Parse(value) };
        if (central is { } flag)
            claim["central"] = flag;
        Analysis["evidence"]!.AsArray().Add(claim);
        return this;
    }

    public GroundingCase Verdict(string intent, string decision, int score)
    {
        (Analysis["intent"], Analysis["decision"], Analysis["fitScore"]) = (intent, decision, score);
        return this;
    }

    public GroundingCase Saying(string reasoning)
    {
        Analysis["reasoning"] = reasoning;
        return this;
    }

    /// <summary>Sets a value by path, for example <c>enrichment.employees</c>; null takes it out.</summary>
    public GroundingCase Knowing(string path, string? value)
    {
        var dot = path.IndexOf('.', StringComparison.Ordinal);
        Document[path[..dot]]![path[(dot + 1)..]] = value is null ? null : JsonNode.Parse(value);
        return this;
    }

    public GroundingCase Without(string block)
    {
        Document[block] = null;
        return this;
    }

    public GroundingCase Aged(string key, string time)
    {
        (Document["fetchedAt"] ??= new JsonObject())[key] = time;
        return this;
    }

    public GroundingResult Ground() => Ground(Document.ToJsonString());

    public static GroundingResult Ground(string document)
    {
        using var json = JsonDocument.Parse(document);
        return GroundDocument.Answer(json.RootElement);
    }

    /// <summary>Grounds a case whose analysis is given as text, for what no JSON library would write.</summary>
    public GroundingResult GroundAnalysis(string analysis)
    {
        Document["analysis"] = "ANALYSIS";
        return Ground(Document.ToJsonString().Replace("\"ANALYSIS\"", analysis, StringComparison.Ordinal));
    }
}
