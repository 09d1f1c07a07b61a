using System.Text.Json.Nodes;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators.Gemini;
using LeadPipeline.Worker.Storage.Sql;
using LeadPipeline.Worker.Tests.Http;
using LeadPipeline.Worker.Tests.OpsConsole;
using Microsoft.Extensions.DependencyInjection;

namespace LeadPipeline.Worker.Tests.Ops;

/// <summary>A database that can be read, and refuses the event that says who looked: reading goes on, and shows nothing of a person.</summary>
public sealed class When_a_look_cannot_be_written_down
{
    private static readonly string[] Personal = ["jane.doe@acme.example", "Jane Doe", "Zirconia"];

    private GeminiSimulator model = null!;
    private RunningService service = null!;
    private string lead = "";

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        model = await GeminiSimulator.StartAsync();
        // A claim about the person's own words, and a wrong one: it stands in the review with what was claimed, what is true, and a sentence about both.
        model.Reply = _ => GeminiSays.Json(JsonNode.Parse("""
            {
              "evidence": [{ "source": "LEAD", "fieldPath": "lead.company", "claimType": "FIRMOGRAPHIC", "value": "Zirconia", "central": false }, { "source": "ENRICHMENT", "fieldPath": "enrichment.owner", "claimType": "FIRMOGRAPHIC", "value": "Jane Doe", "central": false }],
              "reasoning": "", "intent": "LOW_FIT", "decision": "IGNORE", "fitScore": 10
            }
            """)!);
        service = await RunningService.StartAsync([
            .. RunningService.Token(0, "both", "user operator"), .. RunningService.Token(1, "admin", "admin", "leads:write leads:enrich"),
            ("Analysis:Analyzer", "Gemini"), ("Gemini:ApiKey", GeminiSimulator.ApiKey), ("Gemini:BaseUrl", model.Address.ToString())]);
        lead = (await service.CallAsync("POST", "/leads", "admin", body: """{"email":"jane.doe@acme.example","firstName":"Jane","lastName":"Doe","company":"Paperclips","enrichment":{"company":"Acme"}}""")).Json["leadId"]!.GetValue<string>();
        await Eventually.ShouldAsync(async () => (await service.CallAsync("GET", $"/leads/{lead}/audit", "admin")).Body.Contains("\"rejected\"", StringComparison.Ordinal), "reject the analysis");
        await using var session = await service.App.Services.GetRequiredService<SqlDatabase>().OpenAsync(CancellationToken.None);
        _ = await session.ExecuteAsync("CREATE TRIGGER no_looks BEFORE INSERT ON audit_events WHEN NEW.kind = 'viewed_pii' BEGIN SELECT RAISE(ABORT, 'not now'); END", CancellationToken.None);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await service.DisposeAsync();
        await model.DisposeAsync();
    }

    [TestCase("/leads/{0}")]
    [TestCase("/reviews/{0}.1")]
    public async Task Should_mask_what_is_personal_for_programs(string path)
    {
        var answer = await service.CallAsync("GET", string.Format(System.Globalization.CultureInfo.InvariantCulture, path, lead), "both");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, answer.Json["status"]!.GetValue<string>(), answer.Json["email"]!.GetValue<string>()), Is.EqualTo((200, "Rejected", "j***@acme.example")));
            Assert.That(answer.Json["claims"]!.AsArray(), Has.Count.EqualTo(2));
            foreach (var word in Personal)
                Assert.That(answer.Body, Does.Not.Contain(word));
        }
    }

    [Test]
    public async Task Should_mask_what_is_personal_for_people_and_say_why()
    {
        using var visitor = await new ConsoleVisitor(service).SignInAsync("both");

        var page = await visitor.PostAsync($"/ops/leads/{lead}/reveal");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((page.Status, page.Body.Contains("j***@acme.example", StringComparison.Ordinal)), Is.EqualTo((200, true)));
            Assert.That(page.Body, Does.Contain("could not be written into the audit chain").And.Contain("Show personal data").And.Not.Contain("Shown in full"));
            foreach (var word in Personal)
                Assert.That(page.Body, Does.Not.Contain(word));
        }
    }
}
