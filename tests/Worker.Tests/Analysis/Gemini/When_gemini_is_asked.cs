using System.Diagnostics.Metrics;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators;
using LeadPipeline.TestKit.Simulators.Gemini;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Analysis.Gemini;

namespace LeadPipeline.Worker.Tests.Analysis.Gemini;

[TestFixture]
public sealed class When_gemini_is_asked : GeminiCase
{
    [Test]
    public async Task Should_answer_with_what_the_model_said_and_what_it_cost()
    {
        var outcome = await AskAsync(Analyzer());

        var answer = ((AnalysisOutcome.Answered)outcome).Answer;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(JsonNode.Parse(answer.Json.Span)!["fitScore"]!.GetValue<int>(), Is.EqualTo(85));
            Assert.That(answer.Analyzer, Is.EqualTo("gemini/1"));
            Assert.That(answer.Call!.ModelVersion, Is.EqualTo(GeminiSays.Version));
            Assert.That(answer.Call.FinishReason, Is.EqualTo("STOP"));
            Assert.That(answer.Call.PromptHash, Is.EqualTo(GeminiPrompt.Load(null).Hash));
            // 1000 at 0.5 a million, 200 and 50 at 3.
            Assert.That(answer.Call.Usage, Is.EqualTo(new ModelUsage(1000, 200, 50, 400, 0.00125m)));
        }
    }

    [Test]
    public async Task Should_send_the_key_in_a_header_and_nowhere_else()
    {
        _ = await AskAsync(Analyzer());

        var request = Model.Exchanges.Single().Request;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(request.Headers["x-goog-api-key"], Is.EqualTo(GeminiSimulator.ApiKey));
            Assert.That(request.RawTarget, Is.EqualTo("/v1beta/models/gemini-3.5-flash:generateContent"));
            Assert.That(request.Body, Does.Not.Contain(GeminiSimulator.ApiKey));
        }
    }

    [TestCase("global")]
    [TestCase("europe-west4")]
    public async Task Should_ask_vertex_with_a_token_for_the_service_account(string location)
    {
        var analyzer = Analyzer(Vertex(location), credentials: Identity());

        var outcomes = new[] { await AskAsync(analyzer), await AskAsync(analyzer) };

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes, Is.All.InstanceOf<AnalysisOutcome.Answered>());
            Assert.That(Model.Exchanges[^1].Request.Path, Is.EqualTo($"/v1/projects/leadpipeline-test/locations/{location}/publishers/google/models/gemini-3.5-flash:generateContent"));
            Assert.That(Model.Calls("token"), Is.EqualTo(1), "a token serves many requests");
        }
    }

    [Test]
    public async Task Should_take_a_new_token_when_the_old_one_is_refused()
    {
        var analyzer = Analyzer(Vertex(), credentials: Identity());
        _ = await AskAsync(analyzer);
        Model.Faults.FailNext("generate", new SimulatorFault.RotateToken());

        var outcome = await AskAsync(analyzer);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.InstanceOf<AnalysisOutcome.Answered>());
            Assert.That((Model.Calls("token"), Model.Calls("generate")), Is.EqualTo((2, 3)));
        }
    }

    [Test]
    public async Task Should_put_the_static_part_first_and_the_lead_last()
    {
        _ = await AskAsync(Analyzer(), Snapshot(("lead.message", "one")));
        _ = await AskAsync(Analyzer(), Snapshot(("lead.message", "two")));

        var bodies = Model.Exchanges.Select(e => e.Request.Body).ToList();
        var common = bodies[0].Zip(bodies[1]).TakeWhile(p => p.First == p.Second).Count();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(bodies[0][common..], Does.StartWith("one"));
            Assert.That(Model.Asked[0].Instructions, Is.EqualTo(GeminiPrompt.Load(null).Text));
        }
    }

    [Test]
    public async Task Should_show_the_model_what_it_needs_and_nothing_that_only_says_who_it_is()
    {
        _ = await AskAsync(Analyzer(), Snapshot(("lead.message", "I am Jane Doe, call +49 30 7654321 or mail jane@home.example about 20 seats.")));

        var (asked, body) = (Model.Asked.Single(), Model.Exchanges.Single().Request.Body);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(asked.Evidence.Select(e => e.Key), Is.EqualTo(new[] { "computed.engagementScore", "computed.icpScore", "enrichment.company", "enrichment.employees", "marketing.pricingPageViews" }));
            Assert.That(asked.Lead.Select(e => e.Key), Is.EqualTo(new[] { "lead.company", "lead.message" }));
            Assert.That(asked.Lead["lead.message"]!.GetValue<string>(), Does.EndWith("about 20 seats.").And.StartWith("I am [name] [name], call ***"));
            foreach (var secret in (string[])["jane.doe@", "jane@", "Jane", "1234567", "765432", "Olga"])
                Assert.That(body, Does.Not.Contain(secret), secret);
        }
    }

    [Test]
    public async Task Should_count_time_tokens_and_dollars_by_model()
    {
        var measured = new List<string>();
        using var listener = new MeterListener { InstrumentPublished = (i, l) => { if (i.Name.StartsWith("ai_", StringComparison.Ordinal)) l.EnableMeasurementEvents(i); } };
        listener.SetMeasurementEventCallback<long>((i, v, tags, _) => Keep(i, v, tags));
        listener.SetMeasurementEventCallback<double>((i, v, tags, _) => Keep(i, i.Name.EndsWith("seconds", StringComparison.Ordinal) ? 0 : v, tags));
        listener.Start();

        _ = await AskAsync(Analyzer());

        Assert.That(measured, Is.SupersetOf(new[]
        {
            "ai_analysis_duration_seconds[model=gemini-3.5-flash] 0",
            "ai_tokens_total[model=gemini-3.5-flash,kind=prompt] 1000", "ai_tokens_total[model=gemini-3.5-flash,kind=output] 200",
            "ai_tokens_total[model=gemini-3.5-flash,kind=thoughts] 50", "ai_tokens_total[model=gemini-3.5-flash,kind=cached] 400",
            "ai_cost_dollars_total[model=gemini-3.5-flash] 0.00125",
        }));

        void Keep(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            lock (measured)
                measured.Add($"{instrument.Name}[{string.Join(',', tags.ToArray().Select(t => $"{t.Key}={t.Value}"))}] {value.ToString(System.Globalization.CultureInfo.InvariantCulture)}");
        }
    }

    [Test]
    public async Task Should_say_that_it_works_when_it_is_probed()
    {
        var (well, says) = await Analyzer().ProbeAsync(CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(well, Is.True, says);
            Assert.That(says, Does.StartWith("gemini-3.5-flash on the Gemini Developer API answers"));
            Assert.That((Model.Calls("count"), Model.Calls("generate")), Is.EqualTo((1, 0)), "nothing is paid for");
        }
    }

    private static GeminiOptions Vertex(string location = "global") => new() { Project = GeminiSimulator.Project, Location = location };

    private GoogleIdentity Identity() => GoogleIdentity.Load(Folder.Write("account.json", Model.CredentialsFile()));
}
