using System.Text.Json.Nodes;
using LeadPipeline.TestKit.Simulators.Gemini;
using LeadPipeline.Worker.Analysis;

namespace LeadPipeline.Worker.Tests.Analysis.Gemini;

/// <summary>Answers that came: only a finished one that is exactly one JSON object is taken.</summary>
[TestFixture]
public sealed class When_gemini_answers_badly : GeminiCase
{
    private static readonly Dictionary<string, (GeminiSays Says, string Why)> Unusable = new()
    {
        ["empty text"] = (GeminiSays.Text(""), "empty"),
        ["blank text"] = (GeminiSays.Text(" \n "), "empty"),
        ["prose"] = (GeminiSays.Text("I would rate this lead 85."), "not-json"),
        ["a fence"] = (GeminiSays.Text("```json\n{\"fitScore\":85}\n```"), "not-json"),
        ["cut off"] = (GeminiSays.Text("{\"evidence\":[{\"source\":\"ENRI"), "not-json"),
        ["two objects"] = (GeminiSays.Text("{\"fitScore\":1}{\"fitScore\":100}"), "not-json"),
        ["an object and more"] = (GeminiSays.Text("{\"fitScore\":1} That is all."), "not-json"),
        ["a list"] = (GeminiSays.Text("[{\"fitScore\":85}]"), "not-an-object"),
        ["a string"] = (GeminiSays.Text("\"{}\""), "not-an-object"),
        ["NaN"] = (GeminiSays.Text("{\"fitScore\":NaN}"), "not-json"),
        ["no candidate"] = (GeminiSays.Nothing(), "no-candidate"),
        ["no content"] = (GeminiSays.Stopped("STOP"), "empty"),
        ["a function call"] = (GeminiSays.Parts(new JsonObject { ["functionCall"] = new JsonObject { ["name"] = "delete_contact", ["args"] = new JsonObject() } }), "not-text"),
        ["only thoughts"] = (GeminiSays.Parts(new JsonObject { ["text"] = "{\"fitScore\":85}", ["thought"] = true }), "empty"),
        ["MAX_TOKENS"] = (GeminiSays.Text("{\"fitScore\":85}", "MAX_TOKENS"), "finish-MAX_TOKENS"),
        ["RECITATION"] = (GeminiSays.Text("{\"fitScore\":85}", "RECITATION"), "finish-RECITATION"),
        ["OTHER"] = (GeminiSays.Text("{\"fitScore\":85}", "OTHER"), "finish-OTHER"),
        ["MALFORMED_FUNCTION_CALL"] = (GeminiSays.Stopped("MALFORMED_FUNCTION_CALL"), "finish-MALFORMED_FUNCTION_CALL"),
        ["a reason of later days"] = (GeminiSays.Stopped("BORED", isOfTheApi: false), "finish-BORED"),
        ["a reason with markup"] = (GeminiSays.Stopped("<script>", isOfTheApi: false), "finish-?script?"),
        ["no reason"] = (new GeminiSays(JsonNode.Parse("""{"candidates":[{"content":{"parts":[{"text":"{}"}]}}]}""")!, IsOfTheApi: false), "finish-missing"),
        ["parts that are numbers"] = (new GeminiSays(JsonNode.Parse("""{"candidates":[{"finishReason":"STOP","content":{"parts":[7]}}]}""")!, IsOfTheApi: false), "unreadable"),
        ["a list of everything"] = (new GeminiSays(JsonNode.Parse("[1]")!, IsOfTheApi: false), "no-json"),
    };

    private static IEnumerable<string> UnusableAnswers => Unusable.Keys;

    [TestCaseSource(nameof(UnusableAnswers))]
    public async Task Should_ask_once_more_and_then_leave_it_to_a_person(string answer)
    {
        var (says, why) = Unusable[answer];
        Model.Reply = _ => says;

        var outcome = await AskAsync(Analyzer());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.InstanceOf<AnalysisOutcome.Unusable>().With.Property("Why").EqualTo(why));
            Assert.That(Model.Asked.Select(a => a.IsAgain), Is.EqualTo(new[] { false, true }));
            Assert.That(outcome.Call!.Answers, Is.EqualTo(2), "both are paid for");
        }
    }

    [TestCaseSource(nameof(UnusableAnswers))]
    public async Task Should_take_the_second_answer_when_it_is_good(string answer)
    {
        Model.Reply = asked => asked.IsAgain ? HonestModel.Answer(asked) : Unusable[answer].Says;

        Assert.That(await AskAsync(Analyzer()), Is.InstanceOf<AnalysisOutcome.Answered>());
    }

    [Test]
    public async Task Should_repeat_nothing_of_a_bad_answer_when_it_asks_again()
    {
        Model.Reply = _ => GeminiSays.Text("the lead told me to say XYZZY");

        _ = await AskAsync(Analyzer());

        Assert.That(Model.Exchanges[1].Request.Body, Does.Not.Contain("XYZZY"));
    }

    [TestCase("SAFETY")]
    [TestCase("PROHIBITED_CONTENT")]
    [TestCase("BLOCKLIST")]
    [TestCase("SPII")]
    public async Task Should_leave_it_to_a_person_at_once_when_the_content_is_refused(string finish)
    {
        Model.Reply = _ => GeminiSays.Stopped(finish);

        Assert.That(await AskAsync(Analyzer()), Is.InstanceOf<AnalysisOutcome.Blocked>().With.Property("Why").EqualTo(finish));
        Assert.That(Model.Calls("generate"), Is.EqualTo(1));
    }

    [TestCase("SAFETY")]
    [TestCase("PROHIBITED_CONTENT")]
    [TestCase("OTHER")]
    public async Task Should_leave_it_to_a_person_at_once_when_the_prompt_is_blocked(string reason)
    {
        Model.Reply = _ => GeminiSays.Blocked(reason);

        var outcome = await AskAsync(Analyzer());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.InstanceOf<AnalysisOutcome.Blocked>().With.Property("Why").EqualTo(reason));
            Assert.That(outcome.Call!.Usage.PromptTokens, Is.EqualTo(GeminiSays.PromptTokens), "a blocked prompt is paid for");
            Assert.That(Model.Calls("generate"), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_put_together_an_answer_in_parts_and_leave_thoughts_out()
    {
        Model.Reply = _ => GeminiSays.Parts(
            new JsonObject { ["text"] = "Let me think.", ["thought"] = true }, new JsonObject { ["text"] = "{\"fitScore\"" }, new JsonObject { ["text"] = ":85}" });

        var outcome = await AskAsync(Analyzer());

        Assert.That(System.Text.Encoding.UTF8.GetString(((AnalysisOutcome.Answered)outcome).Answer.Json.Span), Is.EqualTo("{\"fitScore\":85}"));
    }

    [TestCase("{\"fitScore\":100,\"fitScore\":0}")]
    [TestCase("{}")]
    [TestCase("{\"a\":1e999}")]
    public async Task Should_leave_every_fault_inside_the_object_to_grounding(string json)
    {
        Model.Reply = _ => GeminiSays.Text(json);

        Assert.That(System.Text.Encoding.UTF8.GetString(((AnalysisOutcome.Answered)await AskAsync(Analyzer())).Answer.Json.Span), Is.EqualTo(json));
    }
}
