using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Tests.Http.OpenApi;

namespace LeadPipeline.Worker.Tests.Http;

/// <summary>
/// Who may call what: every route that is mapped has a row here, and every answer is as <c>/openapi/v1.json</c> says. A new route fails this
/// fixture until it has a row and a description.
/// </summary>
public sealed class When_routes_are_called_by_everyone
{
    private static readonly string[] Callers = ["near", "far", "user", "manager", "operator", "admin", "writer"];

    private const string Wish = """{"operation":"delete_lead","arguments":{"recordId":"00Q000000000000AAA"},"reason":"Asked for."}""";

    // "near": this machine, no token. "far": another machine, no token. The others come from another machine with a token of the role of
    // that name and no scope; "writer" has the scope leads:write and the role manager.
    private static readonly Row[] Table =
    [
        //                                     near far  user manager operator admin writer
        new("POST /leads", "/leads",           [202, 401, 403, 403, 403, 403, 202]) { Body = """{"email":"someone@acme.example"}""" },
        new("POST /webhooks/{source}", "/webhooks/standard", [503, 503, 503, 503, 503, 503, 503]) { Body = "{}" },
        new("GET /webhooks/meta", "/webhooks/meta", [503, 503, 503, 503, 503, 503, 503]),
        new("POST /forms/{form}", "/forms/contact", [415, 403, 403, 403, 403, 403, 403]) { Body = "{}" },
        new("GET /leads", "/leads",            [401, 401, 200, 403, 403, 200, 403]),
        new("GET /leads/{id}", "/leads/{lead}", [401, 401, 200, 403, 403, 200, 403]),
        new("GET /leads/{id}/audit", "/leads/{lead}/audit", [401, 401, 200, 403, 403, 200, 403]),
        new("POST /leads/{id}/replay", "/leads/{unknown}/replay", [401, 401, 403, 403, 404, 404, 403]),
        new("POST /leads/{id}/cancel", "/leads/{unknown}/cancel", [401, 401, 403, 403, 404, 404, 403]),
        new("DELETE /leads/{id}", "/leads/{unknown}", [401, 401, 403, 403, 403, 404, 403]),
        new("GET /crm/{kind}", "/crm/leads",   [401, 401, 200, 403, 403, 200, 403]),
        new("GET /crm/{kind}/{id}", "/crm/leads/{record}", [401, 401, 200, 403, 403, 200, 403]),
        new("GET /dead-letters", "/dead-letters", [401, 401, 403, 403, 200, 200, 403]),
        new("POST /dead-letters/replay", "/dead-letters/replay", [401, 401, 403, 403, 202, 202, 403]) { Body = """{"ids":["{unknown}"]}""" },
        new("GET /dead-letters/{id}", "/dead-letters/{unknown}", [401, 401, 403, 403, 404, 404, 403]),
        new("POST /dead-letters/notes", "/dead-letters/notes", [401, 401, 403, 403, 200, 200, 403]) { Body = """{"group":"analysis/crm-unavailable","text":"Known."}""" },
        new("GET /dead-letters/jobs", "/dead-letters/jobs", [401, 401, 403, 403, 200, 200, 403]),
        new("GET /dead-letters/jobs/{id}", "/dead-letters/jobs/{unknown}", [401, 401, 403, 403, 404, 404, 403]),
        new("POST /dead-letters/jobs/{id}/stop", "/dead-letters/jobs/{unknown}/stop", [401, 401, 403, 403, 404, 404, 403]),
        new("POST /dead-letters/{id}/edit", "/dead-letters/{unknown}/edit", [401, 401, 403, 403, 404, 404, 403]) { Body = """{"lead":{"email":"ada@example.com"},"reason":"A test."}""" },
        new("GET /dead-letters/edits", "/dead-letters/edits", [401, 401, 403, 403, 200, 200, 403]),
        new("GET /dead-letters/edits/{id}", "/dead-letters/edits/{unknown}", [401, 401, 403, 403, 404, 404, 403]),
        new("POST /dead-letters/edits/{id}/approve", "/dead-letters/edits/{unknown}/approve", [401, 401, 403, 403, 404, 404, 403]),
        new("POST /dead-letters/edits/{id}/deny", "/dead-letters/edits/{unknown}/deny", [401, 401, 403, 403, 404, 404, 403]) { Body = """{"reason":"A test."}""" },
        new("POST /dead-letters/{id}/discard", "/dead-letters/{unknown}/discard", [401, 401, 403, 403, 404, 404, 403]) { Body = """{"reason":"A test."}""" },
        new("GET /reviews", "/reviews",       [401, 401, 403, 403, 200, 200, 403]),
        new("GET /reviews/{id}", "/reviews/{unknown}.1", [401, 401, 403, 403, 404, 404, 403]),
        new("POST /reviews/{id}/approve", "/reviews/{unknown}.1/approve", [401, 401, 403, 403, 404, 404, 403]) { Body = """{"reason":"Fine."}""" },
        new("POST /reviews/{id}/reject", "/reviews/{unknown}.1/reject", [401, 401, 403, 403, 404, 404, 403]) { Body = """{"reason":"No."}""" },
        new("GET /approvals", "/approvals",   [401, 401, 403, 403, 403, 200, 403]),
        new("POST /approvals", "/approvals",  [401, 401, 403, 403, 403, 201, 403]) { Body = Wish },
        new("POST /approvals/{id}/approve", "/approvals/{approval}/approve", [401, 401, 403, 403, 403, 409, 403]),
        new("POST /approvals/{id}/deny", "/approvals/{unknown}/deny", [401, 401, 403, 403, 403, 404, 403]),
        new("POST /approvals/{id}/use", "/approvals/{approval}/use", [401, 401, 403, 403, 403, 409, 403]) { Body = """{"arguments":{"recordId":"00Q000000000000AAA"}}""" },
        new("GET /admin/circuit-health", "/admin/circuit-health", [401, 401, 403, 403, 403, 200, 403]),
        new("POST /admin/clear-secret-cache", "/admin/clear-secret-cache", [401, 401, 403, 403, 403, 200, 403]),
        new("POST /admin/verify-secret", "/admin/verify-secret", [401, 401, 403, 403, 403, 409, 403]) { Body = """{"provider":"hubspot","stage":"AWSPENDING"}""" },
        new("GET /ops", "/ops",                [401, 401, 200, 200, 200, 200, 200]),
        new("GET /ops/assets/{name}", "/ops/assets/console.css", [200, 200, 200, 200, 200, 200, 200]),
        new("GET /ops/sign-in", "/ops/sign-in", [200, 200, 200, 200, 200, 200, 200]),
        new("POST /ops/sign-in", "/ops/sign-in", [403, 403, 403, 403, 403, 403, 403]) { Body = "{}" },
        // Who may is told that he sent no form; what forms do is told where the console is visited.
        new("POST /ops/sign-out", "/ops/sign-out", [401, 401, 415, 415, 415, 415, 415]) { Body = "{}" },
        new("GET /ops/leads", "/ops/leads",    [401, 401, 200, 403, 403, 200, 403]),
        new("POST /ops/leads/search", "/ops/leads/search", [401, 401, 415, 403, 403, 415, 403]) { Body = "{}" },
        new("GET /ops/leads/{id}", "/ops/leads/{lead}", [401, 401, 200, 403, 403, 200, 403]),
        // Both roles are needed: to read leads, and to see personal data.
        new("POST /ops/leads/{id}/reveal", "/ops/leads/{lead}/reveal", [401, 401, 403, 403, 403, 415, 403]) { Body = "{}" },
        new("POST /ops/leads/{id}/replay", "/ops/leads/{unknown}/replay", [401, 401, 403, 403, 415, 415, 403]) { Body = "{}" },
        new("POST /ops/leads/{id}/cancel", "/ops/leads/{unknown}/cancel", [401, 401, 403, 403, 415, 415, 403]) { Body = "{}" },
        new("POST /ops/leads/{id}/erase", "/ops/leads/{unknown}/erase", [401, 401, 403, 403, 403, 415, 403]) { Body = "{}" },
        new("GET /ops/reviews", "/ops/reviews", [401, 401, 403, 403, 200, 200, 403]),
        new("GET /ops/reviews/{id}", "/ops/reviews/{unknown}.1", [401, 401, 403, 403, 404, 404, 403]),
        new("POST /ops/reviews/{id}/approve", "/ops/reviews/{unknown}.1/approve", [401, 401, 403, 403, 415, 415, 403]) { Body = "{}" },
        new("POST /ops/reviews/{id}/reject", "/ops/reviews/{unknown}.1/reject", [401, 401, 403, 403, 415, 415, 403]) { Body = "{}" },
        new("GET /ops/dead-letters", "/ops/dead-letters", [401, 401, 403, 403, 200, 200, 403]),
        new("GET /ops/dead-letters/preview", "/ops/dead-letters/preview?id={unknown}", [401, 401, 403, 403, 200, 200, 403]),
        new("POST /ops/dead-letters/replay", "/ops/dead-letters/replay", [401, 401, 403, 403, 415, 415, 403]) { Body = "{}" },
        new("POST /ops/dead-letters/{id}/discard", "/ops/dead-letters/{unknown}/discard", [401, 401, 403, 403, 415, 415, 403]) { Body = "{}" },
        new("GET /ops/dead-letters/jobs/{id}", "/ops/dead-letters/jobs/{unknown}", [401, 401, 403, 403, 404, 404, 403]),
        new("POST /ops/dead-letters/jobs/{id}/stop", "/ops/dead-letters/jobs/{unknown}/stop", [401, 401, 403, 403, 415, 415, 403]) { Body = "{}" },
        new("POST /ops/dead-letters/notes", "/ops/dead-letters/notes", [401, 401, 403, 403, 415, 415, 403]) { Body = "{}" },
        new("GET /ops/approvals", "/ops/approvals", [401, 401, 403, 403, 403, 200, 403]),
        new("POST /ops/approvals/{id}/approve", "/ops/approvals/{unknown}/approve", [401, 401, 403, 403, 403, 415, 403]) { Body = "{}" },
        new("POST /ops/approvals/{id}/deny", "/ops/approvals/{unknown}/deny", [401, 401, 403, 403, 403, 415, 403]) { Body = "{}" },
        new("GET /ops/system", "/ops/system",  [401, 401, 403, 403, 403, 200, 403]),
        new("GET /health/live", "/health/live", [200, 200, 200, 200, 200, 200, 200]),
        new("GET /health/ready", "/health/ready", [200, 200, 200, 200, 200, 200, 200]),
        new("GET /ready", "/ready",            [200, 200, 200, 200, 200, 200, 200]),
        new("GET /health", "/health",          [200, 200, 200, 200, 200, 200, 200]),
        new("GET /health/crm", "/health/crm",  [200, 200, 200, 200, 200, 200, 200]),
        new("GET /metrics", "/metrics",        [200, 200, 200, 200, 200, 200, 200]),
        new("GET /openapi/v1.json", "/openapi/v1.json", [200, 200, 200, 200, 200, 200, 200]),
    ];

    private RunningService service = null!;
    private DescribedAnswers described = null!;
    private JsonNode document = null!;
    private string lead = "", record = "", approval = "";

    private static IEnumerable<TestCaseData> Cells => Table.SelectMany(row => Callers.Select((caller, i) => new TestCaseData(row, caller, row.Expected[i]).SetArgDisplayNames(row.Route, caller, row.Expected[i].ToString())));

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        service = await RunningService.StartAsync([
            .. RunningService.Token(0, "user", "user"), .. RunningService.Token(1, "manager", "manager"), .. RunningService.Token(2, "operator", "operator"),
            .. RunningService.Token(3, "admin", "admin"), .. RunningService.Token(4, "writer", "manager", "leads:write"), .. RunningService.Token(5, "believed", "user", "leads:write leads:enrich"),
            .. RunningService.Token(6, "second", "admin"), .. RunningService.Token(7, "third", "admin")]);
        document = (await service.CallAsync("GET", "/openapi/v1.json")).Json;
        described = new DescribedAnswers(document);

        var posted = await service.CallAsync("POST", "/leads", "believed", body: """
            {"email":"jane.doe@acme.example","firstName":"Jane","lastName":"Doe","company":"Acme Inc.","message":"We are 500 people.","campaignId":"spring","customFields":{"plan":"team"},
             "enrichment":{"company":"Acme Inc.","employees":"500","industry":"Software"},"marketing":{"pageViews":7},"product":{"activeUsers":3}}
            """);
        lead = posted.Json["leadId"]!.GetValue<string>();
        await Eventually.ShouldAsync(async () => (await ShownAsync())["status"]?.GetValue<string>() == "Completed", "finish the lead");
        record = (await ShownAsync())["effects"]!.AsArray().First(e => e!["step"]!.GetValue<string>() == "upsert_lead")!["recordId"]!.GetValue<string>();
        approval = (await service.CallAsync("POST", "/approvals", "admin", body: Wish)).Json["id"]!.GetValue<string>();
    }

    private string Filled(string path) => path
        .Replace("{lead}", lead, StringComparison.Ordinal).Replace("{record}", record, StringComparison.Ordinal)
        .Replace("{approval}", approval, StringComparison.Ordinal).Replace("{unknown}", "6f1c1a3e-8f0e-4a55-9a55-000000000000", StringComparison.Ordinal);

    [OneTimeTearDown]
    public async Task StopAsync() => await service.DisposeAsync();

    [Test]
    public void Should_list_every_route_here_and_in_the_document()
    {
        var mapped = service.Routes.SelectMany(r => OpenApiDocument.Methods(r).Select(m => $"{m} {OpenApiDocument.Path(r.RoutePattern)}")).ToList();
        var documented = document["paths"]!.AsObject().SelectMany(p => p.Value!.AsObject().Select(o => $"{o.Key.ToUpperInvariant()} {p.Key}"));
        var ids = document["paths"]!.AsObject().SelectMany(p => p.Value!.AsObject().Select(o => o.Value!["operationId"]!.GetValue<string>()));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Table.Select(r => r.Route), Is.EquivalentTo(mapped));
            Assert.That(documented, Is.EquivalentTo(mapped));
            Assert.That(service.Routes.Where(r => OpenApiDocument.Methods(r).Count == 0), Is.Empty, "a route for every method is in no document");
            Assert.That(ids, Is.Unique);
        }
    }

    [TestCaseSource(nameof(Cells))]
    public async Task Should_answer(Row row, string caller, int expected)
    {
        var answer = await service.CallAsync(row.Route.Split(' ')[0], Filled(row.Path),
            caller is "near" or "far" ? null : caller, far: caller != "near", body: row.Body is null ? null : Filled(row.Body));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(expected), answer.Body);
            Assert.That(described.Faults(row.Route, answer), Is.Empty);
        }
    }

    [TestCase("POST /leads", "/leads", """[{"email":"a@acme.example"},{"email":"nobody"}]""", "application/json", 202)]
    [TestCase("POST /leads", "/leads", "{\"email\":\"b@acme.example\"}\nnonsense\n", "application/x-ndjson", 202)]
    [TestCase("POST /leads", "/leads", """[{"email":"nobody"},{}]""", "application/json", 400)]
    [TestCase("POST /leads", "/leads", """{"email":"nobody"}""", "application/json", 400)]
    [TestCase("POST /leads", "/leads", "{", "application/json", 400)]
    [TestCase("POST /leads", "/leads", "a,b", "text/csv", 415)]
    [TestCase("POST /leads", "/leads", """{"email":"c@acme.example"}""", "application/json; charset=utf-16", 415)]
    [TestCase("POST /leads", "/leads", """{"leadId":"{lead}","email":"someone.else@acme.example"}""", "application/json", 409)]
    public async Task Should_answer_posts_as_described(string route, string path, string body, string type, int expected)
    {
        var answer = await service.CallAsync("POST", path, "writer", far: true, body.Replace("{lead}", lead, StringComparison.Ordinal), type);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(expected), answer.Body);
            Assert.That(described.Faults(route, answer), Is.Empty);
        }
    }

    [TestCase(999_999, 400)]
    [TestCase(1_000_001, 413)]
    [TestCase(3_000_000, 413)]
    public async Task Should_take_a_megabyte_and_no_more(int bytes, int expected)
    {
        var answer = await service.CallAsync("POST", "/leads", body: new string('x', bytes));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(expected));
            Assert.That(described.Faults("POST /leads", answer), Is.Empty);
        }
    }

    [TestCase("POST /leads/{id}/replay", "/leads/{lead}/replay", """{"again":false,"again":true}""")]
    [TestCase("POST /leads/{id}/replay", "/leads/{lead}/replay", """[]""")]
    [TestCase("POST /approvals", "/approvals", """{"operation":"delete_lead","arguments":{"recordId":"1","recordId":"2"},"reason":"It is asked for."}""")]
    [TestCase("POST /approvals", "/approvals", """{"operation":"delete_lead","arguments":{},"reason":"half a character: \ud83d"}""")]
    [TestCase("POST /dead-letters/replay", "/dead-letters/replay", """{"group":"nothing\u0000"}""")]
    [TestCase("POST /dead-letters/{id}/discard", "/dead-letters/{unknown}/discard", """{"reason":"A","reason":"B"}""")]
    public async Task Should_refuse_orders_that_cannot_be_read_in_one_way(string route, string path, string body)
    {
        var answer = await service.CallAsync("POST", Filled(path), "admin", far: true, body);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, answer.Code), Is.EqualTo((400, "invalid")));
            Assert.That(described.Faults(route, answer), Is.Empty);
        }
    }

    [TestCase("GET /leads", "/leads?limit=0", 400)]
    [TestCase("GET /leads", "/leads?status=completed&source=api&since=2020-01-01T00:00:00Z&limit=1", 200)]
    [TestCase("GET /leads/{id}", "/leads/6f1c1a3e-8f0e-4a55-9a55-000000000000", 404)]
    [TestCase("GET /leads/{id}/audit", "/leads/6f1c1a3e-8f0e-4a55-9a55-000000000000/audit", 404)]
    [TestCase("GET /crm/{kind}", "/crm/spaceships", 404)]
    [TestCase("GET /crm/{kind}", "/crm/users", 200)]
    [TestCase("GET /crm/{kind}", "/crm/tasks", 200)]
    [TestCase("GET /crm/{kind}/{id}", "/crm/leads/00Q000000000000AAA", 404)]
    public async Task Should_answer_questions_as_described(string route, string path, int expected)
    {
        var answer = await service.CallAsync("GET", path, "user");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(expected), answer.Body);
            Assert.That(described.Faults(route, answer), Is.Empty);
        }
    }

    [Test]
    public async Task Should_show_a_whole_lead_to_whom_may_see_it_and_a_masked_one_to_others()
    {
        var (admin, user) = (await service.CallAsync("GET", $"/leads/{lead}", "admin"), await service.CallAsync("GET", $"/leads/{lead}", "user"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(admin.Json["lead"]!["email"]!.GetValue<string>(), Is.EqualTo("jane.doe@acme.example"));
            Assert.That(user.Body, Does.Not.Contain("jane.doe"));
            // Nothing here shows that a description is right unless there is something to describe.
            Assert.That(new[] { "plan", "effects", "claims", "timeline" }.Select(m => admin.Json[m]!.AsArray().Count), Has.All.GreaterThan(0));
        }
    }

    [Test]
    public async Task Should_write_down_once_a_minute_who_saw_a_whole_lead_and_not_who_saw_a_masked_one()
    {
        for (var i = 0; i < 3; i++)
        {
            foreach (var who in (string[])["admin", "user"])
                _ = await service.CallAsync("GET", $"/leads/{lead}", who);
        }

        var seen = (await service.CallAsync("GET", $"/leads/{lead}/audit", "admin")).Json["items"]!.AsArray().Where(e => e!["kind"]!.GetValue<string>() == "viewed_pii").ToList();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(seen.Select(e => e!["actor"]!.GetValue<string>()), Has.Member("admin").And.No.Member("user"));
            var times = seen.Where(e => e!["actor"]!.GetValue<string>() == "admin").Select(e => DateTimeOffset.Parse(e!["at"]!.GetValue<string>(), CultureInfo.InvariantCulture)).ToList();
            Assert.That(times.Zip(times.Skip(1), (a, b) => b - a), Has.All.GreaterThan(TimeSpan.FromSeconds(59)));
        }
    }

    [Test]
    public async Task Should_answer_people_who_approve_as_described()
    {
        var id = (await service.CallAsync("POST", "/approvals", "admin", body: Wish)).Json["id"]!.GetValue<string>();

        var approved = await service.CallAsync("POST", $"/approvals/{id}/approve", "second");
        var denied = await service.CallAsync("POST", $"/approvals/{id}/deny", "third", body: """{"reason":"Not needed."}""");
        var listed = await service.CallAsync("GET", "/approvals?state=denied", "admin");
        var unclear = await service.CallAsync("POST", "/approvals", "admin", body: "{}");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { approved.Status, denied.Status, listed.Status, unclear.Status }, Is.EqualTo(new[] { 200, 200, 200, 400 }));
            Assert.That(denied.Json["acts"]!.AsArray().Select(a => a!["by"]!.GetValue<string>()), Is.EqualTo(new[] { "second", "third" }));
            Assert.That(described.Faults("POST /approvals/{id}/approve", approved), Is.Empty);
            Assert.That(described.Faults("POST /approvals/{id}/deny", denied), Is.Empty);
            Assert.That(described.Faults("GET /approvals", listed), Is.Empty);
            Assert.That(described.Faults("POST /approvals", unclear), Is.Empty);
        }
    }

    [TestCase("/leads", "guessed")]
    [TestCase("/leads/6f1c1a3e-8f0e-4a55-9a55-000000000000", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIiwicm9sZSI6ImFkbWluIn0.")]
    public async Task Should_say_that_a_token_does_not_hold(string path, string token)
    {
        var (wrong, none) = (await service.CallAsync("GET", path, token), await service.CallAsync("GET", path));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((wrong.Status, wrong.Code, wrong.Headers["WWW-Authenticate"]), Is.EqualTo((401, "unauthorized", "Bearer error=\"invalid_token\"")));
            Assert.That((none.Status, none.Code, none.Headers["WWW-Authenticate"]), Is.EqualTo((401, "unauthorized", "Bearer")));
        }
    }

    [Test]
    public async Task Should_not_take_a_wrong_token_for_none_even_from_this_machine()
    {
        var answer = await service.CallAsync("POST", "/leads", "expired", body: """{"email":"d@acme.example"}""");

        Assert.That(answer.Status, Is.EqualTo(401));
    }

    private async Task<JsonNode> ShownAsync() => (await service.CallAsync("GET", $"/leads/{lead}", "admin")).Json;

    public sealed record Row(string Route, string Path, int[] Expected)
    {
        public string? Body { get; init; }
    }
}
