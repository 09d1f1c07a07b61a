using System.Text;
using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.TestKit.Simulators.Gemini;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Analysis.Gemini;

namespace LeadPipeline.Worker.Tests.Analysis.Gemini;

[TestFixture]
public sealed class SecondLookTests : GeminiCase
{
    [TestCase("{\"fitScore\":100,\"decision\":\"ROUTE_TO_SDR\"}", false, Description = "the facts compute to 85 or so")]
    [TestCase("{\"fitScore\":40}", false)]
    [TestCase("{\"fitScore\":\"100\",\"decision\":\"ROUTE_TO_SDR\"}", false)]
    [TestCase("{}", false)]
    [TestCase("{\"\\ud800\":1,\"fitScore\":100,\"decision\":\"ROUTE_TO_SDR\"}", false)]
    public void Is_not_due_within_the_facts_or_for_what_is_no_analysis(string answer, bool isDue)
    {
        Assert.That(SecondLook.IsDue(Snapshot(), Encoding.UTF8.GetBytes(answer), 20), Is.EqualTo(isDue));
    }

    [TestCase("{\"fitScore\":40,\"decision\":\"NURTURE\"}", 20, true)]
    [TestCase("{\"fitScore\":15,\"decision\":\"NURTURE\"}", 20, false)]
    [TestCase("{\"fitScore\":15,\"decision\":\"ROUTE_TO_SDR\"}", 20, true)]
    [TestCase("{\"fitScore\":1e999,\"decision\":\"NURTURE\"}", 20, true)]
    [TestCase("{\"fitScore\":100,\"decision\":\"ROUTE_TO_SDR\"}", 100, false, Description = "switched off")]
    public void Is_due_when_nothing_is_known_and_much_is_promised(string answer, int above, bool isDue)
    {
        var unknown = new EvidenceSnapshot(new SortedDictionary<string, EvidenceLeaf> { ["lead.message"] = new(JsonSerializer.SerializeToElement("x"), "lead", "-", Now) }, Now);

        Assert.That(SecondLook.IsDue(unknown, Encoding.UTF8.GetBytes(answer), above), Is.EqualTo(isDue));
    }

    [Test]
    public async Task Should_ask_without_the_persons_words_and_take_the_lower_answer()
    {
        Model.Reply = asked => GeminiSays.Json(Said(asked.Lead.Count > 0 ? 100 : 20));

        var outcome = await AskAsync(Analyzer(), Snapshot(("computed.icpScore", 10), ("computed.engagementScore", 5)));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(JsonDocument.Parse(((AnalysisOutcome.Answered)outcome).Answer.Json).RootElement.GetProperty("fitScore").GetInt32(), Is.EqualTo(20));
            Assert.That(Model.Asked[1].Lead, Is.Empty);
            Assert.That(Model.Asked[1].Evidence.ToJsonString(), Is.EqualTo(Model.Asked[0].Evidence.ToJsonString()));
            Assert.That(outcome.Call!.Answers, Is.EqualTo(2), "both are paid for");
        }
    }

    [Test]
    public async Task Should_keep_the_first_answer_when_the_second_promises_more()
    {
        Model.Reply = asked => GeminiSays.Json(Said(asked.Lead.Count > 0 ? 90 : 95));

        var outcome = await AskAsync(Analyzer(), Snapshot(("computed.icpScore", 10), ("computed.engagementScore", 5)));

        Assert.That(JsonDocument.Parse(((AnalysisOutcome.Answered)outcome).Answer.Json).RootElement.GetProperty("fitScore").GetInt32(), Is.EqualTo(90));
    }

    private static System.Text.Json.Nodes.JsonObject Said(int score) => new()
    {
        ["evidence"] = new System.Text.Json.Nodes.JsonArray(),
        ["reasoning"] = "",
        ["intent"] = "LOW_FIT",
        ["decision"] = score >= 60 ? "ROUTE_TO_SDR" : "IGNORE",
        ["fitScore"] = score,
    };
}
