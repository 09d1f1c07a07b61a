using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Reviews;

namespace LeadPipeline.Worker.Tests.Reviews;

public sealed class ReviewCorrectionsTests
{
    [TestCase("[]", "corrections")]
    [TestCase("""{"verdict":"VALID"}""", "corrections")]
    [TestCase("""{"decision":"CALL"}""", "corrections.decision")]
    [TestCase("""{"decision":"0"}""", "corrections.decision")]
    [TestCase("""{"intent":"MANUAL_REVIEW"}""", "corrections.intent")]
    [TestCase("""{"fitScore":101}""", "corrections.fitScore")]
    [TestCase("""{"fitScore":"50"}""", "corrections.fitScore")]
    [TestCase("""{"fitScore":50.5}""", "corrections.fitScore")]
    [TestCase("""{"drop":"enrichment.company"}""", "corrections.drop")]
    [TestCase("""{"drop":[1]}""", "corrections.drop")]
    [TestCase("""{"claims":[{"fieldPath":"enrichment.company"}]}""", "corrections.claims")]
    [TestCase("""{"claims":[{"fieldPath":"enrichment.company","value":{}}]}""", "corrections.claims")]
    [TestCase("""{"claims":[{"fieldPath":"enrichment.company","value":null}]}""", "corrections.claims")]
    [TestCase("""{"claims":[{"fieldPath":"enrichment.company","value":"A","source":"CRM"}]}""", "corrections.claims")]
    public void Should_name_what_is_not_allowed(string json, string field)
    {
        var (corrections, error) = ReviewCorrections.Read(JsonNode.Parse(json));

        Assert.That((corrections, error?.Field), Is.EqualTo(((ReviewCorrections?)null, field)));
    }

    [Test]
    public void Should_be_an_analysis_even_where_there_was_none()
    {
        var corrections = new ReviewCorrections { Decision = LeadDecision.NURTURE, Intent = LeadIntent.LOW_FIT, FitScore = 30, Claims = [new("computed.icpScore", 40), new("marketing.pageViews", 3)] };

        var analysis = JsonNode.Parse(corrections.ApplyTo(null))!;

        Assert.That(analysis.ToJsonString(), Is.EqualTo(
            """{"evidence":[{"source":"COMPUTED","fieldPath":"computed.icpScore","claimType":"SCORE","value":40,"central":false},{"source":"MARKETING","fieldPath":"marketing.pageViews","claimType":"BEHAVIOR","value":3,"central":false}],"reasoning":"","intent":"LOW_FIT","decision":"NURTURE","fitScore":30}"""));
    }
}
