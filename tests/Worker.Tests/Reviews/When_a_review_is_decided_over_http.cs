using System.Text.Json.Nodes;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Tests.Http;

namespace LeadPipeline.Worker.Tests.Reviews;

/// <summary>The review queue as another system's screen sees it.</summary>
[TestFixture]
public sealed class When_a_review_is_decided_over_http
{
    private const string Post = """
        {
          "email": "jane@loud.example", "company": "Universal Paperclips Holding",
          "enrichment": { "company": "Loud", "domain": "loud.example", "industry": "Software", "employees": 3000, "geo": "Munich, Bavaria, Germany", "techStack": ["AWS", "Kubernetes"] },
          "marketing": { "emailOpens": 14, "emailClicks": 6, "pageViews": 22, "pricingPageViews": 4, "webinarsAttended": 2 }, "product": { "activeUsers": 20, "keyFeatureUses": 40 }
        }
        """;

    private RunningService service = null!;
    private string review = "", lead = "";

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        service = await RunningService.StartAsync([.. RunningService.Token(0, "otto", "operator"), .. RunningService.Token(1, "wanda", "manager", "leads:write leads:enrich"), .. RunningService.Token(2, "ursula", "user"), ("Messaging:SweepInterval", "00:00:00.050")]);
        lead = (await service.CallAsync("POST", "/leads", "wanda", body: Post)).Json["leadId"]!.ToString();
        await Eventually.ShouldAsync(async () => (await ReviewsAsync()).Count == 1, "have a review");
        review = (await ReviewsAsync())[0]!["id"]!.ToString();
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await service.DisposeAsync();

    [Test, Order(1)]
    public async Task Should_show_an_operator_the_evidence_beside_the_claims()
    {
        var answer = await service.CallAsync("GET", $"/reviews/{review}", "otto");

        var company = answer.Json["evidence"]!.AsArray().Single(e => e!["path"]!.ToString() == "enrichment.company")!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, answer.Json["status"]!.ToString(), answer.Json["approvable"]!.GetValue<bool>()), Is.EqualTo((200, "Rejected", false)));
            Assert.That((company["value"]!.ToString(), company["claims"]![0]!["claimed"]!.ToString()), Is.EqualTo(("Loud", "Universal Paperclips Holding")));
            Assert.That(answer.Json["claims"]!.AsArray().Select(c => c!["explanation"]!.ToString()), Has.Some.EndsWith("That is wrong."));
            Assert.That((await service.CallAsync("GET", $"/reviews/{review}", "ursula")).Status, Is.EqualTo(403));
        }
    }

    [TestCase("""{"corrections":{"drop":["enrichment.company"]}}""", 400, "invalid"), Order(2)]
    [TestCase("""{"reason":"Why.","corrections":{"decision":"CALL"}}""", 400, "invalid")]
    [TestCase("""{"reason":"Why."}""", 409, "needs-correction")]
    [TestCase("""{"reason":"Why.","corrections":{"drop":["enrichment.company"],"claims":[{"fieldPath":"enrichment.employees","value":9000}]}}""", 409, "correction-not-grounded")]
    public async Task Should_refuse_what_does_not_hold(string body, int status, string code)
    {
        var answer = await service.CallAsync("POST", $"/reviews/{review}/approve", "otto", body: body);

        Assert.That((answer.Status, answer.Code), Is.EqualTo((status, code)));
    }

    [Test, Order(3)]
    public async Task Should_let_the_lead_go_on_as_it_was_corrected()
    {
        var answer = await service.CallAsync("POST", $"/reviews/{review}/approve", "otto", body: """{"reason":"They were bought.","corrections":{"decision":"NURTURE","drop":["enrichment.company"]}}""");
        JsonNode? ended = null;
        await Eventually.ShouldAsync(async () => (ended = (await service.CallAsync("GET", $"/leads/{lead}", "ursula")).Json)["status"]!.ToString() == "Completed", "complete the lead");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, answer.Json["run"]!.GetValue<int>()), Is.EqualTo((202, 2)));
            Assert.That((ended!["decision"]!.ToString(), ended["analyzer"]!.ToString(), ended["run"]!.GetValue<int>()), Is.EqualTo(("NURTURE", "person", 2)));
            Assert.That((await service.CallAsync("POST", $"/reviews/{review}/approve", "otto", body: """{"reason":"Once more."}""")).Code, Is.EqualTo("not-in-review"));
            Assert.That((await service.CallAsync("GET", $"/reviews/{review}", "otto")).Status, Is.EqualTo(404));
        }
    }

    private async Task<JsonArray> ReviewsAsync() => (await service.CallAsync("GET", "/reviews", "otto")).Json["items"]!.AsArray();
}
