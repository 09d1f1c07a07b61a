using System.Globalization;
using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Grounding;

namespace LeadPipeline.Worker.Tests.Grounding;

/// <summary>
/// Analyses that people have labelled by the written rules, without asking the code: what is claimed, whether it may count, and which verdicts the rules
/// allow. One a line in <c>Data/golden.jsonl</c>, each around one claim.
/// </summary>
public sealed class GoldenSetTests
{
    private static readonly string[] Kinds = ["true", "false", "contradicted", "invented", "stale", "imprecise", "untrusted"];

    private static readonly IReadOnlyList<Labelled> Set = [.. File.ReadLines(Path.Combine(Repository.Root, "tests", "Worker.Tests", "Grounding", "Data", "golden.jsonl")).Select(Read)];

    [Test]
    public void Should_hold_enough_of_every_kind()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Set, Has.Count.GreaterThanOrEqualTo(300));
            Assert.That(Set.Select(l => l.Id), Is.Unique);
            Assert.That(Set.Select(l => l.Kind).Distinct(), Is.EquivalentTo(Kinds));
            foreach (var kind in Kinds)
                Assert.That(Set.Count(l => l.Kind == kind), Is.GreaterThanOrEqualTo(9), kind);
        }
    }

    [Test]
    public void Should_accept_no_false_claim_and_refuse_hardly_a_true_one()
    {
        var judged = Set.Select(l => (Label: l, Result: l.Ground())).ToList();
        TestContext.Out.WriteLine(Matrix(judged));

        var accepted = judged.Where(j => !j.Label.Accept && j.Result.Claims[0].Verdict == ClaimVerdict.SUPPORTED).Select(j => j.Label.ToString()).ToList();
        var refused = judged.Where(j => j.Label.Accept && j.Result.Claims[0].Verdict != ClaimVerdict.SUPPORTED).Select(j => $"{j.Label}: {j.Result.Claims[0].Verdict} by {j.Result.Claims[0].Rule}").ToList();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(accepted, Is.Empty, "false claims that were accepted");
            Assert.That(refused, Has.Count.LessThanOrEqualTo(Set.Count(l => l.Accept) / 50), "true claims that were refused:\n" + string.Join('\n', refused));
        }
    }

    [Test]
    public void Should_give_a_verdict_that_the_rules_allow()
    {
        var others = Set.Select(l => (Label: l, Result: l.Ground()))
            .Where(j => !j.Label.Verdicts.Contains(j.Result.Claims[0].Verdict.ToString()) || (j.Label.Status is { } status && j.Result.Status.ToString() != status))
            .Select(j => $"{j.Label}: {j.Result.Claims[0].Verdict} by {j.Result.Claims[0].Rule}, {j.Result.Status}");

        Assert.That(others, Is.Empty);
    }

    /// <summary>Whatever may not count carries no High Fit either, however sure the analyzer is of it.</summary>
    [Test]
    public void Should_let_nothing_that_does_not_count_carry_a_high_fit()
    {
        var carried = new List<string>();
        foreach (var label in Set.Where(l => !l.Accept))
        {
            var result = label.Ground(sure: true);
            if (result.Status != GroundingStatus.REJECTED && (result.Intent == LeadIntent.HIGH_FIT || result.Decision == LeadDecision.ROUTE_TO_SDR))
                carried.Add(label.ToString());
        }

        Assert.That(carried, Is.Empty);
    }

    private static string Matrix(IReadOnlyList<(Labelled Label, GroundingResult Result)> judged)
    {
        var verdicts = Enum.GetNames<ClaimVerdict>();
        var lines = new List<string> { string.Concat($"{"label",-14}", string.Concat(verdicts.Select(v => $"{v,19}"))) };
        foreach (var kind in Kinds)
        {
            var of = judged.Where(j => j.Label.Kind == kind).ToList();
            lines.Add(string.Concat($"{kind,-14}", string.Concat(verdicts.Select(v => $"{of.Count(j => j.Result.Claims[0].Verdict.ToString() == v),19}"))));
        }
        var (right, wrong) = (judged.Where(j => j.Label.Accept).ToList(), judged.Where(j => !j.Label.Accept).ToList());
        lines.Add(string.Create(CultureInfo.InvariantCulture, $"{judged.Count} analyses; accepted: {right.Count(IsAccepted)} of {right.Count} true, {wrong.Count(IsAccepted)} of {wrong.Count} others"));
        return string.Join('\n', lines);
    }

    private static bool IsAccepted((Labelled Label, GroundingResult Result) judged) => judged.Result.Claims[0].Verdict == ClaimVerdict.SUPPORTED;

    private static Labelled Read(string line)
    {
        var document = JsonDocument.Parse(line).RootElement;
        var expected = document.GetProperty("expected");
        return new Labelled(
            document, document.GetProperty("id").GetString()!, expected.GetProperty("kind").GetString()!, expected.GetProperty("why").GetString()!, expected.GetProperty("accept").GetBoolean(),
            [.. expected.GetProperty("verdicts").EnumerateArray().Select(v => v.GetString()!)], expected.TryGetProperty("status", out var status) ? status.GetString() : null);
    }

    private sealed record Labelled(JsonElement Document, string Id, string Kind, string Why, bool Accept, IReadOnlyList<string> Verdicts, string? Status)
    {
        public GroundingResult Ground(bool sure = false)
        {
            if (!sure)
                return GroundDocument.Answer(Document);
            var text = Document.GetRawText().Replace("\"intent\": \"LOW_FIT\", \"decision\": \"NURTURE\", \"fitScore\": 30", "\"intent\": \"HIGH_FIT\", \"decision\": \"ROUTE_TO_SDR\", \"fitScore\": 100", StringComparison.Ordinal);
            using var document = JsonDocument.Parse(text);
            var result = GroundDocument.Answer(document.RootElement);
            Assert.That(result.Model.Intent, Is.EqualTo("HIGH_FIT"));
            return result;
        }

        public override string ToString() => $"{Id} ({Why}) {Document.GetProperty("analysis").GetProperty("evidence").GetRawText()}";
    }
}
