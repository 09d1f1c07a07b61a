using System.Diagnostics;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Telemetry;
using LeadPipeline.Worker.Tests.Http;

namespace LeadPipeline.Worker.Tests.Telemetry;

[NonParallelizable]
public sealed class When_a_collector_listens
{
    private static readonly string[] Sources = ["LeadPipeline.Worker", "LeadPipeline.Mcp", "Microsoft.AspNetCore"];

    [TestCase(64, TestName = "Should_follow_a_lead_from_its_post_to_the_CRM, handed over")]
    [TestCase(0, TestName = "Should_follow_a_lead_from_its_post_to_the_CRM, over the queue")]
    public async Task Should_follow_a_lead_from_its_post_to_the_CRM(int handOver)
    {
        using var spans = new RecordedSpans(Sources);
        await using var service = await RunningService.StartAsync([.. RunningService.Token(0, "admin", "admin", "leads:write leads:enrich"), ("Messaging:HandOver", handOver.ToString())]);
        var trace = ActivityTraceId.CreateRandom().ToString();

        var posted = await service.CallAsync("POST", "/leads", "admin", body: """{"email":"jane.doe@acme.example","firstName":"Jane","message":"Call me.","enrichment":{"company":"Acme","employees":"500"}}""",
            headers: ("traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01"));
        var lead = posted.Json["leadId"]!.GetValue<string>();
        await Eventually.ShouldAsync(() => Task.FromResult(spans.Of(trace).Any(s => s.OperationName == "execute plan")), "finish the lead");

        var seen = spans.Of(trace);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(seen.Select(s => s.OperationName), Is.SupersetOf(new[] { "process lead-intake", "process lead-analysis", "analyze lead", "execute plan", "read mock", "write mock" }));
            Assert.That(seen.Where(s => s.Source.Name != "Microsoft.AspNetCore").Where(s => !seen.Select(o => o.SpanId).Contains(s.ParentSpanId)), Is.Empty, "every span hangs on another one of the trace");
            Assert.That(seen.Single(s => s.OperationName == "execute plan").GetTagItem("lead.id"), Is.EqualTo(lead));
            Assert.That(seen.Single(s => s.OperationName == "process lead-intake").GetTagItem("messaging.operation.type"), Is.EqualTo("process"));
            Assert.That(seen.SelectMany(s => s.TagObjects).Select(t => t.Value?.ToString()), Has.None.Contains("jane").And.None.Contains("Call me"));
        }
    }

    [Test]
    public void Should_make_nothing_when_nobody_listens()
    {
        var command = new StageCommand(Guid.NewGuid(), LeadStage.Analysis, 1, 0);
        // A request has a span of the server's own, whoever listens.
        using var request = new Activity("request").Start();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(LeadTraces.Stage(command), Is.Null);
            Assert.That(LeadTraces.Sending("rabbitmq", "lead-analysis", command.LeadId), Is.Null);
            Assert.That(LeadTraces.Processing("rabbitmq", "lead-analysis", command.LeadId, request.Id), Is.Null);
            Assert.That(ModelTraces.Asking("gcp.gemini", "model", 10, 0), Is.Null);
            Assert.That(LeadTraces.Context, Is.Null, "nothing is sent along");
        }
    }

    [TestCase(null)]
    [TestCase("nonsense")]
    [TestCase("00-00000000000000000000000000000000-0000000000000000-01")]
    public void Should_begin_a_trace_where_a_message_brings_none(string? context)
    {
        using var spans = new RecordedSpans(Sources);

        using var span = LeadTraces.Processing("rabbitmq", "lead-intake", null, context);

        Assert.That((span is null, span?.ParentSpanId.ToString()), Is.EqualTo((false, "0000000000000000")));
    }

    [Test]
    public void Should_tell_of_a_model_what_the_conventions_name_and_nothing_that_was_said()
    {
        using var spans = new RecordedSpans(Sources);

        using var span = ModelTraces.Asking("gcp.vertex_ai", "large", 8192, 0.5)!;
        ModelTraces.Answered(span, "large-001", "STOP", 120, 30);

        Assert.That(span.TagObjects.Select(t => t.Key), Is.EquivalentTo(new[]
        {
            "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.request.max_tokens", "gen_ai.request.temperature", "gen_ai.output.type",
            "gen_ai.response.model", "gen_ai.response.finish_reasons", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens",
        }));
    }

    [Test]
    public void Should_tell_a_failure_without_its_words()
    {
        using var spans = new RecordedSpans(Sources);
        using var span = LeadTraces.Stage(new StageCommand(Guid.NewGuid(), LeadStage.Execution, 1, 0))!;

        LeadTraces.Failed(span, new InvalidOperationException("jane.doe@acme.example"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((span.Status, span.StatusDescription), Is.EqualTo((ActivityStatusCode.Error, (string?)null)));
            Assert.That(span.GetTagItem("error.type"), Is.EqualTo("System.InvalidOperationException"));
        }
    }
}
