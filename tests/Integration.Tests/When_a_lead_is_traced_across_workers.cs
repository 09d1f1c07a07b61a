using System.Diagnostics;
using System.Text;

namespace LeadPipeline.Integration.Tests;

/// <summary>What a collector gets of one lead that goes over the broker at every step, perhaps from worker to worker.</summary>
[Category("Integration")]
[Parallelizable]
public sealed class When_a_lead_is_traced_across_workers
{
    [Test]
    public async Task Should_be_one_trace_from_the_post_to_the_CRM()
    {
        await using var state = await ServedState.CreateAsync();
        await using var collector = await OtlpCollector.StartAsync();
        (string, string)[] settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address), ("OTEL_BSP_SCHEDULE_DELAY", "200"), ("Messaging__HandOver", "0")];
        await using var first = await state.StartAsync(settings);
        await using var second = await state.StartAsync(settings);
        var trace = ActivityTraceId.CreateRandom().ToString();

        using var post = new HttpRequestMessage(HttpMethod.Post, "/leads") { Content = new StringContent(GeneratedLeads.Lead(0).ToJsonString(), Encoding.UTF8, "application/json") };
        post.Headers.Add("traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01");
        using var answer = await first.Admin.SendAsync(post);
        var lead = Guid.Parse((await answer.JsonAsync())["leadId"]!.GetValue<string>());
        _ = await first.UntilDoneAsync(lead);
        string[] expected =
        [
            "send lead-intake", "process lead-intake", "send lead-analysis", "process lead-analysis", "analyze lead", "send lead-execution", "process lead-execution", "execute plan", "read mock", "write mock",
        ];
        List<CollectedSpan> spans = [];
        HashSet<string> ids = [];
        // Each worker exports what it has in its own time: the last span is not the last to come.
        await Eventually.ShouldAsync(() =>
        {
            spans = [.. collector.Spans.Where(s => s.TraceId == trace)];
            ids = [.. spans.Select(s => s.SpanId)];
            return !expected.Except(spans.Select(s => s.Name)).Any() && spans.Count(s => !ids.Contains(s.ParentId)) <= 1;
        }, "export every span");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Parent("process lead-intake"), Is.EqualTo("send lead-intake"));
            Assert.That(Parent("process lead-analysis"), Is.EqualTo("send lead-analysis"));
            Assert.That(Parent("process lead-execution"), Is.EqualTo("send lead-execution"));
            Assert.That(spans.Where(s => !ids.Contains(s.ParentId)).Select(s => s.Name).ToList(), Has.Count.EqualTo(1), "only the server's span has its parent elsewhere, with the sender");
        }

        string? Parent(string name) => spans.Find(s => s.SpanId == spans.First(x => x.Name == name).ParentId)?.Name;
    }
}
