using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Tests.Grounding;

/// <summary>What must hold for any analysis at all.</summary>
public sealed class GroundingProperties
{
    private static readonly (string Source, string Path, string Type, string[] Values)[] Candidates =
    [
        ("ENRICHMENT", "enrichment.industry", "FIRMOGRAPHIC", ["\"Fintech\"", "\"Financial Technology\"", "\"Retail\"", "null"]),
        ("ENRICHMENT", "enrichment.employees", "FIRMOGRAPHIC", ["7500", "\"5k-10k\"", "\"1000-20000\"", "12", "\"many\""]),
        ("ENRICHMENT", "enrichment.techStack", "FIRMOGRAPHIC", ["\"AWS\"", "[\"AWS\",\"k8s\"]", "[\"Oracle\"]", "[]"]),
        ("ENRICHMENT", "enrichment.geo", "FIRMOGRAPHIC", ["\"DE\"", "\"Berlin\"", "\"Mitte, Berlin, Brandenburg, DE\""]),
        ("ENRICHMENT", "enrichment.ceo", "FIRMOGRAPHIC", ["\"Bob\""]),
        ("MARKETING", "marketing.pageViews", "BEHAVIOR", ["40", "\"40\"", "41"]),
        ("MARKETING", "marketing.webinarsAttended", "BEHAVIOR", ["1"]),
        ("PRODUCT", "product.activeUsers", "BEHAVIOR", ["7", "7.0", "8"]),
        ("PRODUCT", "product.activeUsers", "FIRMOGRAPHIC", ["7"]),
        ("CRM", "crm.owner", "PIPELINE", ["\"sam\"", "\"Pat\""]),
        ("COMPUTED", "computed.icpScore", "SCORE", ["88", "89"]),
        ("COMPUTED", "computed.freeEmailProvider", "PIPELINE", ["false", "\"false\""]),
        ("LEAD", "lead.company", "FIRMOGRAPHIC", ["\"acme\"", "\"Evil\""]),
        ("LEAD", "lead.customFields.x", "BEHAVIOR", ["1"]),
    ];

    private static readonly string[] Scraps =
        ["null", "{}", "[]", "1e999", "-0.0", "\"\\ud800\"", "\"x\"", "true", "{\"a\":1,\"a\":2}", "[[[]]]", "\"\\ufffe\"", "123456789012345678901234567890123456789", "\"9999-12-31\"", "{\"\\udc00\":1}"];

    private static Gen<GroundingCase> Cases { get; } =
        from claims in Gen.ListOf(Claims)
        from intent in Gen.Elements("LOW_FIT", "MEDIUM_FIT", "HIGH_FIT", "MANUAL_REVIEW")
        from decision in Gen.Elements("ROUTE_TO_SDR", "NURTURE", "IGNORE")
        from score in Gen.Choose(0, 100)
        from reasoning in Gen.Elements("", "Fintech with 7500 employees.", "Runs AWS in Berlin.", "Score 40.")
        select Build(claims, intent, decision, score, reasoning);

    private static Gen<Action<GroundingCase>> Claims =>
        from candidate in Gen.Elements(Candidates)
        from value in Gen.Elements(candidate.Values)
        from central in Gen.Elements<bool?>(true, false, null)
        select new Action<GroundingCase>(c => c.Claim(candidate.Source, candidate.Path, candidate.Type, value, central));

    [FsCheck.NUnit.Property(MaxTest = 300)]
    public Property It_only_lowers() => Prop.ForAll(Cases.ToArbitrary(), given =>
    {
        var result = given.Ground();
        if (result.Status == GroundingStatus.REJECTED)
            return;

        Assert.That(result.FitScore, Is.LessThanOrEqualTo(given.Analysis["fitScore"]!.GetValue<int>()));
        Assert.That(Rank(result.Intent), Is.LessThanOrEqualTo(Rank(Enum.Parse<LeadIntent>(result.Model.Intent!))));
        Assert.That(result.Decision, Is.EqualTo(Enum.Parse<LeadDecision>(result.Model.Decision!)).Or.EqualTo(LeadDecision.NURTURE));
        Assert.That(result.Status == GroundingStatus.VALID, Is.EqualTo(result.Lowered.Count == 0));
    });

    [FsCheck.NUnit.Property(MaxTest = 200)]
    public Property Equal_input_gives_an_equal_answer() => Prop.ForAll(Cases.ToArbitrary(), given =>
    {
        var document = given.Document.ToJsonString();

        var answers = Enumerable.Range(0, 2).Select(_ => JsonSerializer.Serialize(GroundingCase.Ground(document), ContractsJson.Default.GroundingResult)).ToList();

        Assert.That(answers[0], Is.EqualTo(answers[1]));
    });

    [FsCheck.NUnit.Property(MaxTest = 300)]
    public Property The_order_of_the_evidence_does_not_matter() => Prop.ForAll(Cases.ToArbitrary(), given =>
    {
        var straight = given.Ground();
        given.Analysis["evidence"] = new JsonArray([.. given.Analysis["evidence"]!.AsArray().Reverse().Select(n => n!.DeepClone())]);

        var reversed = given.Ground();

        Assert.That(reversed.VerdictHash, Is.EqualTo(straight.VerdictHash));
        Assert.That(reversed.Claims.Select(c => c.Verdict).Reverse(), Is.EqualTo(straight.Claims.Select(c => c.Verdict)));
    });

    [FsCheck.NUnit.Property(MaxTest = 200)]
    public Property A_false_claim_never_helps() => Prop.ForAll(Cases.ToArbitrary(), given =>
    {
        var before = given.Ground();

        var after = given.Claim("ENRICHMENT", "enrichment.foundedYear", "FIRMOGRAPHIC", "1901", central: false).Ground();

        Assert.That(after.Status, Is.EqualTo(GroundingStatus.REJECTED));
        Assert.That(Standing(after), Is.LessThanOrEqualTo(Standing(before)));
    });

    [FsCheck.NUnit.Property(MaxTest = 200)]
    public Property Taking_the_enrichment_away_never_helps() => Prop.ForAll(Cases.ToArbitrary(), given =>
    {
        // The reasoning is left out: what is not known is not in the vocabulary that it is held to.
        var before = given.Saying("").Ground();

        var after = given.Without("enrichment").Ground();

        Assert.That(Standing(after), Is.LessThanOrEqualTo(Standing(before)));
    });

    [FsCheck.NUnit.Property(MaxTest = 200)]
    public Property Grounding_what_was_grounded_changes_nothing_more() => Prop.ForAll(Cases.ToArbitrary(), given =>
    {
        var once = given.Saying("").Ground();
        if (once.Status == GroundingStatus.REJECTED)
            return;

        var twice = given.Verdict(once.Intent.ToString()!, once.Decision.ToString()!, once.FitScore!.Value).Ground();

        Assert.That((twice.Intent, twice.Decision, twice.FitScore), Is.EqualTo((once.Intent, once.Decision, once.FitScore)));
    });

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property Any_json_gets_an_answer_and_a_broken_analysis_is_never_valid()
    {
        var gen =
            from parts in Gen.ArrayOf(Gen.Elements(Scraps), 9)
            from keep in Gen.Choose(0, 8)
            select Broken(parts, keep);
        return Prop.ForAll(gen.ToArbitrary(), analysis =>
        {
            var result = new GroundingCase().GroundAnalysis(analysis);

            Assert.That(result.Status, Is.EqualTo(GroundingStatus.REJECTED));
            Assert.That(JsonSerializer.Serialize(result, ContractsJson.Default.GroundingResult), Is.Not.Empty);
        });
    }

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public void Any_text_may_stand_anywhere(string? lead, string? truth, string? claim, string? reasoning)
    {
        var given = GroundingCase.With("ENRICHMENT", "enrichment.company", "FIRMOGRAPHIC", JsonSerializer.Serialize(claim))
            .Claim("ENRICHMENT", "enrichment.employees", "FIRMOGRAPHIC", JsonSerializer.Serialize(claim))
            .Claim("ENRICHMENT", "enrichment.geo", "FIRMOGRAPHIC", JsonSerializer.Serialize(claim))
            .Claim("MARKETING", "marketing.lastActivityAt", "BEHAVIOR", JsonSerializer.Serialize(claim))
            .Saying(reasoning ?? "");
        foreach (var path in new[] { "enrichment.company", "enrichment.employees", "enrichment.geo", "marketing.lastActivityAt" })
            given.Knowing(path, JsonSerializer.Serialize(truth));
        given.Document["lead"]!["message"] = lead;
        given.Document["lead"]!["email"] = lead;
        given.Document["lead"]!["website"] = truth;

        Assert.That(given.Ground().VerdictHash, Has.Length.EqualTo(64));
    }

    private static string Broken(string[] p, int keep)
    {
        // One member at least is none of the values that its place allows.
        string At(int i, string good) => keep == i ? p[i] : good;
        var score = keep >= 4 ? "\"high\"" : "50";
        return keep == 8
            ? p[8]
            : $$"""{"evidence":[{"source":{{At(5, "\"LEAD\"")}},"fieldPath":{{At(6, "\"lead.company\"")}},"claimType":{{At(7, "\"SCORE\"")}},"value":{{p[4]}}}],"reasoning":{{At(0, "1")}},"intent":{{At(1, "{}")}},"decision":{{At(2, "\"x\"")}},"fitScore":{{At(3, score)}}}""";
    }

    private static GroundingCase Build(IEnumerable<Action<GroundingCase>> claims, string intent, string decision, int score, string reasoning)
    {
        var given = new GroundingCase().Verdict(intent, decision, score).Saying(reasoning);
        foreach (var claim in claims.Take(12))
            claim(given);
        return given;
    }

    private static int Rank(LeadIntent? intent) => intent switch { LeadIntent.HIGH_FIT => 3, LeadIntent.MEDIUM_FIT => 2, LeadIntent.LOW_FIT => 1, _ => 0 };

    private static int Standing(GroundingResult result) => (3 - (int)result.Status) * 1000 + Rank(result.Intent) * 200 + (result.FitScore ?? 0);
}
